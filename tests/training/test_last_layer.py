"""Losses and metrics of probabilities after a last layer of sums, and the other way round: told in one sentence."""

import warnings

import pytest

from fastnn import losses, metrics
from fastnn.layers import Activation, Dense, Dropout, Rescaling
from fastnn.models import Sequential
from training import rows

BINARY, CLASSES = losses.BinaryCrossentropy(from_logits=True), losses.SparseCategoricalCrossentropy(from_logits=True)


def warned(*layers, loss, names=()):
    """The warnings of compile()."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Sequential(layers).compile("sgd", loss, metrics=list(names))
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("units", "activation", "loss", "message"),
    [
        (1, "linear", "binary_crossentropy", "the activation 'sigmoid', or BinaryCrossentropy(from_logits=True)"),
        (1, "tanh", "binary_focal_crossentropy", "the activation 'sigmoid', or BinaryFocalCrossentropy(from_logits"),
        (3, "linear", "crossentropy", "the activation 'softmax', or SparseCategoricalCrossentropy(from_logits=True)"),
        (3, "log_softmax", "categorical_crossentropy", "'softmax', or CategoricalCrossentropy(from_logits=True)"),
        (3, "relu", "crossentropy", "the activation 'softmax', or SparseCategoricalCrossentropy"),  # all may be 0
        (3, "relu", "kl_divergence", "the last layer 'last' has the activation 'relu'; training may not get anywhere"),
        (
            1,
            "sigmoid",
            BINARY,
            "takes sums, before the sigmoid, but the last layer 'last' has the activation 'sigmoid'",
        ),
        (3, "softmax", CLASSES, "Use from_logits=False, or the activation 'linear'."),
    ],
)
def test_last_activation_that_does_not_suit_the_loss_is_told(units, activation, loss, message):
    layers = Dense(units, activation, name="last"), Dropout(0.5)
    (found,) = warned(*layers, loss=loss)
    assert message in found


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([Dense(1, "sigmoid")], "bce"),
        ([Dense(1), Activation({"name": "clip", "minimum": 0.0, "maximum": 1.0})], "bce"),
        ([Dense(1, "tanh"), Rescaling(0.5, 0.5)], "bce"),
        ([Dense(1)], BINARY),
        ([Dense(3, "softplus")], "sparse_categorical_crossentropy"),  # divided by their sum
        ([Dense(3, "log_softmax")], CLASSES),
        ([Dense(1)], "mse"),
        ([Dense(1)], None),
        ([], "bce"),
    ],
)
def test_last_activations_that_suit_are_not_warned_of(layers, loss):
    assert warned(*layers, loss=loss) == []


@pytest.mark.parametrize(
    ("metric", "advice"),
    [
        ("accuracy", "BinaryAccuracy(threshold=0.0)"),
        ("auc", "AUC(from_logits=True)"),
        ("precision", "Precision(thresholds=0.0)"),
        ("bce", "BinaryCrossentropy(from_logits=True)"),
    ],
)
def test_metric_of_probabilities_after_a_loss_of_sums_is_told(metric, advice):
    (found,) = warned(Dense(1), loss=BINARY, names=[metric])
    assert found.startswith(
        f"the metric {metric} takes probabilities, but the loss says from_logits=True: use {advice}"
    )
    better = metrics.BinaryAccuracy(threshold=0.0), metrics.AUC(from_logits=True), metrics.Precision(thresholds=0.0)
    assert warned(Dense(1), loss=BINARY, names=better) == []


def test_layers_added_after_compile_are_told_of_once():
    x, y = rows(8)
    model = Sequential()
    model.compile("sgd", "bce")
    model.add(Dense(1))
    with pytest.warns(UserWarning, match="binary_crossentropy takes probabilities"):
        model.train_on_batch(x, y > 2)
    model.train_on_batch(x, y > 2)
