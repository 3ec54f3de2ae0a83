"""RealMLP: the published recipe, tables with text and gaps, members side by side, answers in the targets' own units."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_wine, make_friedman1
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score, train_test_split

import fastnn
from fastnn.sklearn import RealMLPClassifier, RealMLPRegressor, Representations

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}
TABLE = {"age": np.array([20, 30, np.nan, 50] * 10), "city": np.array(["Rome", "Oslo", "Rome", None] * 10, object)}
ANSWERS = np.array(["no", "yes", "no", "no"] * 10)


def frame():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(TABLE)


def test_unscaled_wines_are_told_apart_without_tuning():
    x, y = load_wine(return_X_y=True)
    scores = cross_val_score(RealMLPClassifier(max_iter=64, random_state=0), x, y, cv=3)
    assert scores.mean() > 0.94


def test_a_curved_function_is_learned_better_than_by_a_linear_model():
    x, y = make_friedman1(500, noise=1, random_state=0)
    x, x_test, y, y_test = train_test_split(x, 1000 * y + 5000, random_state=0)
    regressor = RealMLPRegressor(random_state=0).fit(x, y)
    assert r2_score(y_test, regressor.predict(x_test)) > 0.88 > RidgeCV().fit(x, y).score(x_test, y_test)
    assert np.array_equal(regressor.model_.predict(columns(x_test))[:, 0], regressor.predict(x_test))


def columns(x):
    return {f"x{number}": column for number, column in enumerate(x.T)}


def test_the_recipe_is_the_published_one():
    classifier = RealMLPClassifier(max_iter=3, random_state=0).fit(np.eye(4), [0, 1, 1, 0])
    model = classifier.model_
    assert list(model.feature_space.features.values()) == ["float_robust"] * 4
    assert [layer.activation for layer in model.layers if hasattr(layer, "units")] == ["selu"] * 3 + ["softmax"]
    scale, first, *_, last = model.layers
    assert scale.learning_rate_multipliers == {"scale": 6.0, "shift": 0.0}
    assert first.learning_rate_multipliers == {"kernel": 0.5, "bias": 0.1}
    assert last.learning_rate_multipliers == {"kernel": 1 / 16, "bias": 0.1}
    assert model.optimizer.get_config()["beta_2"] == 0.95
    assert model.loss.label_smoothing == 0.1


def test_the_first_kernels_have_variance_1_over_inputs_and_the_last_is_0():
    regressor = RealMLPRegressor(max_iter=1, learning_rate_init=1e-30, random_state=0).fit(np.eye(9), np.arange(9.0))
    kernels = [layer.kernel for layer in regressor.model_.layers if hasattr(layer, "kernel")]
    assert [kernel.std() * np.sqrt(len(kernel)) for kernel in kernels[:-1]] == pytest.approx([1, 1, 1], abs=0.05)
    assert not kernels[-1].any()
    assert np.unique(regressor.predict(np.eye(9))) == pytest.approx(np.arange(9).mean(), rel=0.5)


@pytest.mark.parametrize("kind", [RealMLPClassifier, RealMLPRegressor])
def test_losses_of_all_epochs_are_those_of_the_recipe_in_torch(kind):
    """The recipe as its authors write it: y = x W / sqrt(inputs) + b with W of variance 1, autograd, torch's Adam.

    All rows are one batch, so that no order is drawn; a rate of 1e-30 leaves the first weights as they are.
    """
    torch = pytest.importorskip("torch")
    is_classifier = kind is RealMLPClassifier
    x = np.random.RandomState(0).normal(size=(100, 5))
    y = (x[:, 0] * x[:, 1] > 0).astype(int) if is_classifier else x[:, 0] * x[:, 1]
    settings = {"hidden_layer_sizes": (32, 32, 32), "max_iter": 20, "validation_fraction": 1e-9, "random_state": 0}
    trained = kind(**settings).fit(x, y)
    first = kind(**settings, learning_rate_init=1e-30).fit(x, y).model_
    layers = [layer.get_weights() for layer in first.layers if hasattr(layer, "units")]

    inputs = torch.tensor(trained.model_.feature_space(columns(x)))
    targets = torch.tensor(y if is_classifier else ((y - y.mean()) / y.std()).astype("float32")[:, np.newaxis])
    scale = torch.ones(5, requires_grad=True)
    kernels = [torch.tensor(kernel * len(kernel) ** 0.5, requires_grad=True) for kernel, _ in layers]
    biases = [torch.tensor(bias, requires_grad=True) for _, bias in layers]
    activation = torch.nn.functional.selu if is_classifier else torch.nn.functional.mish
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1) if is_classifier else torch.nn.MSELoss()
    adam = torch.optim.Adam([{"params": each} for each in ([scale], kernels, biases)], betas=(0.9, 0.95))
    losses = []
    for epoch in range(20):
        rate = (0.04 if is_classifier else 0.07) * (0.5 - 0.5 * np.cos(2 * np.pi * np.log2(1 + 15 * epoch / 20)))
        for group, factor in zip(adam.param_groups, (6, 1, 0.1), strict=True):
            group["lr"] = factor * rate
        outputs = inputs * scale
        for kernel, bias in zip(kernels, biases, strict=True):
            outputs = outputs @ kernel / len(kernel) ** 0.5 + bias
            outputs = outputs if kernel is kernels[-1] else activation(outputs)
        loss = loss_of(outputs, targets)
        losses.append(loss.item())
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert trained.loss_curve_ == pytest.approx(losses, rel=0.02)  # epsilons of Adam differ
    assert losses[-1] < 0.8 * losses[0]


def test_text_and_gaps_are_taken_as_they_are():
    classifier = RealMLPClassifier(max_iter=40, random_state=0).fit(frame(), ANSWERS)
    assert classifier.feature_names_in_.tolist() == ["age", "city"]
    assert (classifier.predict(frame()) == ANSWERS).all()
    assert classifier.model_.predict_classes(frame()).tolist() == ANSWERS.tolist()


def test_after_fit_on_a_frame_an_array_is_taken_in_order_and_the_other_way_round():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": np.arange(40.0), "city": ["Rome", "Oslo"] * 20})
    array, y = frame.to_numpy(), np.arange(40) // 20
    for given in (frame, array):
        model = RealMLPClassifier(max_iter=3, random_state=0).fit(given, y)
        expected = model.predict_proba(given)
        for other, warning in ((frame, "has feature names"), (array, "not have valid feature names")):
            if other is not given:
                with pytest.warns(UserWarning, match=warning):
                    np.testing.assert_array_equal(model.predict_proba(other), expected)


def test_an_ensemble_answers_with_the_mean_of_its_members_and_each_has_its_own_seed():
    three = RealMLPClassifier(**SMALL, n_members=3).fit(frame(), ANSWERS)
    outputs = [model.predict(frame()) for model in three.models_]
    assert np.array_equal(three.predict_proba(frame()), np.mean(outputs, axis=0))
    assert len({output.tobytes() for output in outputs}) == 3


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_a_bit(threads):
    before = fastnn.get_num_threads()
    try:
        fastnn.set_num_threads(threads)
        made = RealMLPRegressor(**SMALL, n_members=2).fit(frame(), np.arange(40.0))
    finally:
        fastnn.set_num_threads(before)
    assert np.array_equal(made.predict(frame()), first_answers())


def first_answers():
    return RealMLPRegressor(**SMALL, n_members=2).fit(frame(), np.arange(40.0)).predict(frame())


def test_pickles_answer_the_same_bits_and_clones_are_not_fitted():
    made = RealMLPClassifier(**SMALL).fit(frame(), ANSWERS)
    again = pickle.loads(pickle.dumps(made))
    assert np.array_equal(again.predict_proba(frame()), made.predict_proba(frame()))
    assert not hasattr(clone(made), "model_")


def test_the_saved_model_takes_the_raw_table(tmp_path):
    made = RealMLPRegressor(**SMALL).fit(frame(), np.arange(40.0))
    made.model_.save(tmp_path / "model.safetensors")
    again = fastnn.load_model(tmp_path / "model.safetensors")
    assert np.array_equal(again.predict(frame())[:, 0], made.predict(frame()))


def test_several_targets_are_learned_in_their_own_units():
    x = np.linspace(-1, 1, 200)[:, np.newaxis]
    y = np.hstack([1000 * x, 5 - x])
    made = RealMLPRegressor((32,), max_iter=64, random_state=0).fit(x, y)
    assert r2_score(y, made.predict(x), multioutput="raw_values").min() > 0.98


def test_weights_decide_between_rows_that_contradict_each_other():
    x, y = np.zeros((40, 1)), np.tile([0, 1], 20)
    made = RealMLPClassifier(**SMALL | {"max_iter": 40}).fit(x, y, sample_weight=np.where(y == 1, 9.0, 1.0))
    assert made.predict([[0.0]])[0] == 1


def test_the_best_epoch_of_the_held_out_rows_is_kept():
    made = RealMLPClassifier((64,), max_iter=60, random_state=3).fit(*load_wine(return_X_y=True))
    assert len(made.loss_curve_) == len(made.validation_scores_) == made.n_iter_ == 60


MISTAKES = {
    "no units": ({"hidden_layer_sizes": ()}, "expected hidden_layer_sizes to be a tuple of integers"),
    "a fraction of units": ({"hidden_layer_sizes": (2.5,)}, "expected hidden_layer_sizes to be an integer"),
    "no epochs": ({"max_iter": 0}, "expected max_iter to be an integer of at least 1"),
    "no members": ({"n_members": 0}, "expected n_members to be an integer of at least 1"),
    "no rows held out": ({"validation_fraction": 0}, "expected validation_fraction to be more than 0"),
    "a negative rate": ({"learning_rate_init": -1.0}, "expected learning_rate_init to be more than 0"),
    "smoothing beyond 1": ({"label_smoothing": 1.5}, "expected label_smoothing to be at least 0 and below 1"),
}


@pytest.mark.parametrize(("parameters", "said"), MISTAKES.values(), ids=MISTAKES)
def test_parameters_that_cannot_be_used_are_refused_by_fit(parameters, said):
    with pytest.raises(ValueError, match=said):
        RealMLPClassifier(**parameters).fit(np.eye(4), [0, 1, 1, 0])


def test_one_class_and_infinity_are_refused():
    with pytest.raises(ValueError, match="expected at least 2 classes in y; received 1 class"):
        RealMLPClassifier().fit(np.eye(4), [1, 1, 1, 1])
    with pytest.raises(ValueError, match="infinity"):
        RealMLPRegressor().fit([[np.inf], [1.0]], [1.0, 2.0])


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([1e40, 2e40], "within the range of float32, up to 3.4e\\+38; .*: divide them by a constant$"),
        ([1.7e9, 1.7e9 + 99], "differ by more than 1/65536 of their mean, .*: subtract a constant from them$"),
    ],
)
def test_targets_that_answers_of_float32_cannot_give_are_refused(y, said):
    with pytest.raises(ValueError, match=f"^expected targets (that )?{said}"):
        RealMLPRegressor(max_iter=1).fit([[0.0], [1.0]], y)
    for value in (1.7e9, 0.1):  # np.std([0.1] * 3) is 1.4e-17
        constant = RealMLPRegressor(max_iter=1).fit([[0.0], [1.0], [2.0]], [value] * 3)
        assert constant.predict([[0.0]]) == np.float32(value)


def test_a_column_of_dates_is_told_in_one_sentence():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"d": pd.to_datetime(["2020-01-01", "2020-01-02"] * 2), "x": [1, 2, 3, 4]})
    said = "since a fixed date, or drop the column of X, or encode it in a step before$"
    with pytest.raises(ValueError, match=said):
        RealMLPClassifier().fit(table, [0, 1, 0, 1])


def test_a_column_that_needs_a_decision_is_told_with_what_an_estimator_can_do():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"id": ["a", "b", "c", "d"], "x": [1, 2, 3, 4]})
    with pytest.raises(
        ValueError, match="column 'id' .* such as 'a': drop the column of X, or encode it in a step before$"
    ):
        RealMLPClassifier().fit(table, [0, 1, 0, 1])


@pytest.mark.parametrize("frozen", [False, True])
def test_representations_of_a_raw_frame_are_those_of_the_first_member(frozen):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"city": ["Rome", "Oslo", None, "Rome"] * 5, "age": [20, np.nan, 40, 31] * 5})
    estimator = RealMLPClassifier((8, 4), max_iter=2, random_state=0)
    fitted = clone(estimator).fit(table, [0, 1, 1, 0] * 5)
    step = Representations(FrozenEstimator(fitted) if frozen else estimator).fit(table, [0, 1, 1, 0] * 5)
    np.testing.assert_array_equal(step.transform(table), fitted.model_.representations(table)[-2])
    assert len(step.get_feature_names_out()) == step.transform(table).shape[1]
    np.testing.assert_array_equal(
        Representations(fitted.model_).fit(table).transform(table), fitted.model_.representations(table)[-2]
    )


def test_representations_of_an_array_with_text():
    x = np.array([[20, "Rome"], [30, "Oslo"], [40, "Rome"], [50, None]] * 5, object)
    step = Representations(RealMLPClassifier((8,), max_iter=2, random_state=0)).fit(x, [0, 1, 0, 1] * 5)
    assert step.transform(x).shape[0] == 20
