"""Optimizers as settings: Keras' names and defaults, what the core gets, what is refused."""

import copy
import json
import os
import pickle

import numpy as np
import pytest

from fastnn import _core, optimizers
from fastnn.optimizers import (
    LBFGS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    deserialize,
    get,
    serialize,
)
from fastnn.schedules import InverseTimeDecay, LearningRateSchedule
from training import model_of, rows

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras with PyTorch 2.13

WITH_RATE = [SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Lion]
EVERY = [*WITH_RATE, LBFGS]
COMMON = {
    "weight_decay": 0.0, "clipnorm": 0.0, "clipvalue": 0.0, "global_clipnorm": 0.0,
    "ema_momentum": 0.0, "ema_overwrite_frequency": 0.0, "accumulation_steps": 1.0,
}  # fmt: skip


def named(kind):
    return kind.__name__


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch")
    return pytest.importorskip("keras", reason="Keras is not installed: pip install keras")


@pytest.mark.parametrize("kind", WITH_RATE, ids=named)
def test_configs_have_the_keys_and_defaults_of_keras(kind, keras):
    ours, theirs = kind().get_config(), getattr(keras.optimizers, kind.__name__)().get_config()
    assert list(ours) == list(theirs)
    for config in (ours, theirs):
        config.pop("name")  # Keras counts: adam_1
        config["learning_rate"] = np.float32(config["learning_rate"])  # Keras' type
    assert ours == theirs


@pytest.mark.parametrize("kind", WITH_RATE, ids=named)
def test_a_config_of_keras_makes_the_optimizer(kind, keras):
    theirs = getattr(keras.optimizers, kind.__name__)(0.25, clipnorm=1.5)
    ours = deserialize(keras.optimizers.serialize(theirs))
    assert type(ours) is kind
    assert (ours.learning_rate, ours.clipnorm) == (0.25, 1.5)


@pytest.mark.parametrize("kind", EVERY, ids=named)
def test_an_optimizer_comes_back_from_its_data(kind):
    for made in (kind(), kind(name="mine")):
        data = json.loads(json.dumps(serialize(made)))
        for again in (get(data), deserialize(data), kind.from_config(made.get_config()), copy.deepcopy(made)):
            assert type(again) is kind
            assert again.get_config() == made.get_config()
            assert again._core_settings() == made._core_settings()
        assert pickle.loads(pickle.dumps(made)).get_config() == made.get_config()


@pytest.mark.parametrize("kind", EVERY, ids=named)
def test_names_are_those_of_classes_in_any_case(kind):
    for name in (kind.__name__, kind.__name__.lower(), kind.__name__.upper()):
        assert type(get(name)) is kind
    made = kind()
    assert get(made) is made
    assert isinstance(made, Optimizer)


@pytest.mark.parametrize("kind", WITH_RATE, ids=named)
def test_the_core_knows_the_settings_and_has_the_same_defaults(kind):
    table = getattr(_core, "optimizers", None)
    if table is None:
        pytest.skip("this build has no table of optimizers")
    name, settings = kind()._core_settings()
    defaults, _ = table[name]
    own = {each: value for each, value in settings.items() if each not in COMMON}
    assert own == defaults
    assert all(type(value) is float for value in settings.values())


def test_the_core_gets_common_settings_as_numbers_where_0_means_off():
    assert Adam()._core_settings()[1].items() >= COMMON.items()
    assert AdamW()._core_settings()[1]["weight_decay"] == 0.004
    given = SGD(
        weight_decay=0.1, clipvalue=2, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=7,
        gradient_accumulation_steps=4, nesterov=True,
    )  # fmt: skip
    assert given._core_settings() == (
        "sgd",
        COMMON
        | {"momentum": 0.0, "nesterov": 1.0, "weight_decay": 0.1, "clipvalue": 2.0, "accumulation_steps": 4.0}
        | {"ema_momentum": 0.5, "ema_overwrite_frequency": 7.0},
    )
    assert SGD(ema_momentum=0.5, ema_overwrite_frequency=7)._core_settings()[1].items() >= COMMON.items()


def test_a_learning_rate_is_a_number_that_can_be_set():
    optimizer = Adam(1)  # an integer, which Keras refuses
    assert optimizer.learning_rate == 1.0
    optimizer.learning_rate = 0.5
    assert optimizer._rates(3, 2).tolist() == [0.5, 0.5]
    assert optimizer.get_config()["learning_rate"] == 0.5
    with pytest.raises(AttributeError, match="beta_1 of .* cannot be changed; make a new one with beta_1=0.5"):
        optimizer.beta_1 = 0.5


def test_a_schedule_decides_the_rates_and_cannot_be_replaced_by_a_number():
    optimizer = SGD(InverseTimeDecay(1.0, 1, 1.0))
    assert optimizer.learning_rate == 1.0
    assert optimizer._rates(1, 3).tolist() == [1 / 2, 1 / 3, 1 / 4]
    optimizer._iterations = 3
    assert (optimizer.learning_rate, optimizer.iterations) == (0.25, 3)
    with pytest.raises(TypeError, match="^expected an optimizer whose learning rate is a number; sgd has the schedule"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = InverseTimeDecay(2.0, 1, 1.0)
    assert optimizer._rates(0, 1).tolist() == [2.0]
    again = get(json.loads(json.dumps(serialize(optimizer))))
    assert again._rates(0, 5).tolist() == optimizer._rates(0, 5).tolist()


def test_a_number_can_be_replaced_by_a_schedule():
    optimizer = SGD(0.1)
    optimizer.learning_rate = InverseTimeDecay(1.0, 1, 1.0)
    assert optimizer._rates(1, 1).tolist() == [0.5]


def test_a_users_schedule_with_a_rate_that_is_none_is_refused():
    class Mine(LearningRateSchedule):
        def __call__(self, step):
            return 0.5 - step

    with pytest.raises(ValueError, match=r"expected learning rates that are finite .* has -0.5 at step 1$"):
        SGD(Mine())._rates(0, 3)


def test_updates_are_counted_not_batches():
    optimizer = SGD(gradient_accumulation_steps=4)
    optimizer._iterations = 11
    assert optimizer.iterations == 2


def test_weights_are_excluded_from_decay_by_a_part_of_their_names():
    optimizer = AdamW()
    assert optimizer._decays("bias")
    optimizer.exclude_from_weight_decay(var_names=["bias", "gam"])
    assert [optimizer._decays(name) for name in ("kernel", "bias", "gamma", "beta")] == [True, False, False, True]
    optimizer.exclude_from_weight_decay()  # as in Keras: the last call counts
    assert optimizer._decays("bias")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Adam("0.1"), "expected learning_rate to be a number"),
        (lambda: Adam(-0.1), "expected learning_rate to be at least 0"),
        (lambda: Adam(np.nan), "expected learning_rate to be a finite number"),
        (lambda: Adam(lambda: 0.1), "expected learning_rate to be a number or a schedule .* make a subclass"),
        (lambda: Adam(True), "expected learning_rate to be a number"),
        (lambda: Adam(beta_1=1.0), "expected beta_1 to be at least 0 and below 1; received beta_1=1.0"),
        (lambda: Adam(epsilon=-1), "expected epsilon to be at least 0"),
        (lambda: Adam(amsgrad=1), "expected amsgrad to be True or False"),
        (lambda: SGD(momentum=1.5), "expected momentum to be from 0 to 1"),
        (lambda: RMSprop(rho=1), "expected rho to be at least 0 and below 1"),
        (lambda: Lion(beta_1=0), "expected beta_1 to be more than 0"),
        (lambda: Adagrad(initial_accumulator_value=-1), "expected initial_accumulator_value to be at least 0"),
        (lambda: SGD(clipnorm=0), "expected clipnorm to be more than 0"),
        (lambda: SGD(clipnorm=1, clipvalue=1), "expected at most one of clipnorm, clipvalue and global_clipnorm"),
        (lambda: SGD(weight_decay=-1), "expected weight_decay to be at least 0"),
        (lambda: SGD(use_ema=True, ema_momentum=2), "expected ema_momentum to be from 0 to 1"),
        (lambda: SGD(ema_overwrite_frequency=0), "expected ema_overwrite_frequency to be an integer of at least 1"),
        (lambda: SGD(gradient_accumulation_steps=1), "expected gradient_accumulation_steps to be an integer of at"),
        (lambda: SGD(loss_scale_factor=2.0), "expected loss_scale_factor=None"),
        (lambda: SGD(name=3), "expected name to be a string"),
        (lambda: SGD().exclude_from_weight_decay(var_names="bias"), "expected var_names to be a list of names"),
        (lambda: AdamW().exclude_from_weight_decay([np.zeros(1)]), "expected var_names, .* and no var_list"),
        (lambda: LBFGS(max_iter=0), "Received an invalid value for `max_iter`"),
        (lambda: LBFGS(tolerance=-1), "expected tolerance to be at least 0"),
        (lambda: get("adm"), "expected an optimizer from fastnn.optimizers.*; did you mean 'adam'"),
        (lambda: get(Adam), r"expected an optimizer; received the class Adam; call it: Adam\(\)"),
        (lambda: get(None), "expected an optimizer"),
        (lambda: get({"class_name": "Adam", "config": {"beta": 1}}), "Adam.. got an unexpected keyword argument"),
        (lambda: serialize(3), "expected an optimizer from fastnn.optimizers, no subclass of one; received 3"),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        make()


def test_a_misspelt_argument_is_answered_with_the_right_one():
    with pytest.raises(TypeError, match=r"Adam\(\) got an unexpected keyword argument 'lr'"):
        Adam(lr=0.1)
    with pytest.raises(TypeError, match=r"'clip_norm'; did you mean 'clipnorm'\?$"):
        Adam(clip_norm=0.1)


def test_all_is_what_the_module_offers():
    assert {named(kind) for kind in EVERY} <= set(optimizers.__all__)


def test_the_average_of_a_layer_that_trains_from_now_on_begins_with_its_weights():
    x, y = rows()
    model = model_of(x, optimizer=Adam(0.0, use_ema=True))
    model.layers[0].trainable = False
    model.fit(x, y, epochs=2, verbose=0)
    before = model.get_weights()
    model.layers[0].trainable = True
    model.fit(x, y, epochs=2, verbose=0)
    for weights, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(weights, expected, rtol=1e-12)
