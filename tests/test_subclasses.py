"""Classes that users may not derive from say what to do instead, as soon as somebody tries."""

import pytest

import fastnn
from fastnn import constraints, initializers, layers, losses, optimizers, regularizers

INSTEAD = {
    losses.Loss: r"\(y, y_pred\) -> \(losses of the rows, gradient by y_pred\)",
    optimizers.Optimizer: "use one of fastnn.optimizers",
    regularizers.Regularizer: "use L1, L2 or L1L2",
    constraints.Constraint: "use one of fastnn.constraints",
    layers.Layer: "use the layers of fastnn.layers",
    initializers.Initializer: r"layer.set_weights\(\)",
}


@pytest.mark.parametrize("base", INSTEAD, ids=lambda base: base.__name__)
def test_a_class_that_the_core_would_not_know_is_refused_when_it_is_made(base):
    words = f"expected no subclass of {base.__name__}, .*; received Own; .*{INSTEAD[base]}"
    with pytest.raises(TypeError, match=words):
        type("Own", (base,), {"__module__": __name__})


@pytest.mark.parametrize(
    ("base", "method", "instead"),
    [
        (layers.Dense, "call", "use the layers of fastnn.layers"),
        (layers.Dropout, "__call__", "use the layers of fastnn.layers"),
        (fastnn.models.Sequential, "train_step", r"or train by train_on_batch\(\)"),
    ],
)
def test_a_method_that_nothing_would_call_is_refused_when_its_class_is_made(base, method, instead):
    words = rf"^expected no method {method}\(\) in Own, .* does not call it; received one; .*{instead}$"
    with pytest.raises(TypeError, match=words):
        type("Own", (base,), {"__module__": __name__, method: lambda self, x: x})
    own = type("Own", (base,), {"__module__": __name__, "rows": lambda self: 3})
    assert own.rows(None) == 3


def test_metrics_callbacks_and_models_may_have_subclasses():
    for base in (fastnn.metrics.Metric, fastnn.callbacks.Callback, fastnn.models.Sequential):
        type("Own", (base,), {"__module__": __name__})


def test_the_names_of_losses_and_metrics_are_those_of_their_modules():
    for module, base in ((losses, losses.Loss), (fastnn.metrics, fastnn.metrics.Metric)):
        classes = [each for name in module.__all__ if isinstance(each := getattr(module, name), type)]
        bases = {base, getattr(module, "FunctionLoss", base), getattr(module, "MeanMetricWrapper", base)}
        known = {type(module.get(each.__name__)) for each in classes if issubclass(each, base) and each not in bases}
        assert known == {each for each in classes if issubclass(each, base)} - bases


def test_an_optimizer_of_a_class_of_ones_own_is_refused_for_being_that():
    own = type("MyAdam", (optimizers.Adam,), {"__module__": __name__})
    with pytest.raises(
        ValueError, match=r"^expected an optimizer from fastnn.optimizers, no subclass of one; received MyAdam"
    ):
        fastnn.Sequential([layers.Dense(1)]).compile(own(), "mse")


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (
            lambda: layers.Dense(3, dtype="float32"),
            r"the layers have the model's dtype: Sequential\(layers, dtype='float64'\)$",
        ),
        (lambda: layers.Activation("relu", dtype="float32"), "the layers have the model's dtype"),
        (lambda: fastnn.Input(batch_shape=(None, 4)), r"'batch_shape'; write shape=\(inputs,\)$"),
    ],
)
def test_an_argument_of_keras_alone_is_answered_with_what_to_write(make, advice):
    with pytest.raises(TypeError, match=f"got an unexpected keyword argument .*{advice}"):
        make()
