"""Whether the outputs of the last layer are what the loss and the metrics take: probabilities, or sums before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn.layers.layer import Layer
from fastnn.losses import lookup as losses
from fastnn.losses.by_shape import of_shape
from fastnn.models.compiled import Compiled
from fastnn.warning import warn

# Activations whose outputs are probabilities, and the others whose outputs are above 0, which a cross-entropy over
# classes divides by their sum. Those of relu may all be 0.
_PROBABILITIES = frozenset(("sigmoid", "hard_sigmoid", "softmax", "step"))
_POSITIVE = _PROBABILITIES | {"softplus", "exponential"}


def warn_of_outputs(layers: Sequence[Layer], compiled: Compiled) -> None:
    """Warn of a last layer that gives sums to a loss of probabilities, or the other way round.

    Keras trains on such losses without a word. They are numbers, but not those that the user means: a probability of -3
    counts as 1e-7, and its gradient is 0.
    """
    units = 1
    for layer in layers:
        units = layer.output_units(units)
    loss = compiled.loss or losses.get(of_shape(compiled.given_loss, 1, units))
    last = _last(layers)
    if last is None or loss is None:
        return
    over_classes, is_share = "categorical" in loss._kind, _is_within(last, 0, 1)
    said = f"the last layer '{last.name}' has the activation '{last.activation}'; training may not get anywhere"
    if getattr(loss, "from_logits", False):
        if is_share:
            function = "softmax" if over_classes else "sigmoid"
            warn(
                f"{loss.name} with from_logits=True takes sums, before the {function}, but {said}. Use "
                "from_logits=False, or the activation 'linear'."
            )
        else:
            _warn_of_thresholds(compiled.scores.of_shape(1, units))
    elif _takes_probabilities(loss) and not (is_share or (over_classes and _is_within(last, 0, None))):
        function = "sigmoid" if "binary" in loss._kind else "softmax"
        advice = f", or {type(loss).__name__}(from_logits=True)" if hasattr(loss, "from_logits") else ""
        warn(f"{loss.name} takes probabilities, but {said}. Use the activation '{function}'{advice}.")


def _takes_probabilities(loss: Any) -> bool:
    return "crossentropy" in loss._kind or loss._kind == "kl_divergence"


def _warn_of_thresholds(metrics: Sequence[Any]) -> None:
    """Warn of the first metric that takes the sums of a binary cross-entropy for probabilities."""
    for metric in metrics:
        if hasattr(metric, "from_logits"):
            if metric.from_logits:
                continue
            advice = f"{type(metric).__name__}(from_logits=True)"
        elif metric._kind == "binary_accuracy" and metric.threshold == 0.5:
            advice = f"{type(metric).__name__}(threshold=0.0)"
        elif getattr(metric, "thresholds", 0) is None:
            advice = f"{type(metric).__name__}(thresholds=0.0)"
        else:
            continue
        warn(
            f"the metric {metric.name} takes probabilities, but the loss says from_logits=True: use {advice}, which "
            "takes the sums"
        )
        return


def _last(layers: Sequence[Layer]) -> Layer | None:
    """Return the layer that decides the range of the outputs; None if its weights do."""
    for layer in reversed(layers):
        if layer.weight_shapes(1) and layer._prefix != "dense":
            return None
        if layer.weight_shapes(1) or layer.activation != "linear":
            return layer
    return None


def _is_within(layer: Layer, least: float, most: float | None) -> bool:
    if layer.activation == "clip":
        low, high = layer.parameters.get("minimum"), layer.parameters.get("maximum")
        return low is not None and low >= least and (most is None or (high is not None and high <= most))
    return layer.activation in (_POSITIVE if most is None else _PROBABILITIES)
