"""What compile() was told: optimizer, loss and metrics, as objects and as they were given."""

from __future__ import annotations

from typing import Any

from fastnn.arguments import positive_integer
from fastnn.losses import lookup as losses
from fastnn.losses.by_shape import of_shape
from fastnn.models.scores import Scores
from fastnn.optimizers import lookup as optimizers


class Compiled:
    """The settings of training. Its objects are shared with the program that made them."""

    def __init__(self, optimizer: Any, loss: Any, metrics: Any, weighted_metrics: Any) -> None:
        self.optimizer = optimizers.get(optimizer)
        self.given_loss, self.given_metrics, self.given_weighted_metrics = loss, metrics, weighted_metrics
        meant = of_shape(loss, 1, 1)
        is_metric = meant is not loss and meant == "binary_accuracy"  # losses.get() raises an error
        self.loss = losses.get(loss) if meant is loss or is_metric else None
        self.scores = Scores(_listed("metrics", metrics), _listed("weighted_metrics", weighted_metrics))
        self.is_scale_checked = self.are_outputs_checked = False

    def loss_for(self, columns: int, units: int) -> Any:
        """Return the loss; "crossentropy" is the one that suits targets of `columns` and outputs of `units`."""
        if self.loss is None:
            if self.given_loss is None:
                raise ValueError("expected a loss to train and evaluate with: give compile() one, as in loss='mse'")
            self.loss = losses.get(of_shape(self.given_loss, columns, units))
        return self.loss


def check_unused(loss_weights: Any, steps_per_execution: Any) -> None:
    """Raise ValueError for arguments of Keras' compile() that would change results, which fastnn does not offer.

    >>> check_unused(None, 32)
    """
    positive_integer("steps_per_execution", steps_per_execution)
    if loss_weights is not None and loss_weights not in (1, [1], (1,)):
        raise ValueError(
            "expected loss_weights=None, since a Sequential has one output; a smaller learning rate, or sample_weight, "
            f"does the same; received loss_weights={loss_weights!r}{_advice_on_metrics(loss_weights)}"
        )


def _advice_on_metrics(given: Any) -> str:
    names = given if isinstance(given, (list, tuple)) else [given]
    is_name = bool(names) and all(isinstance(each, str) for each in names)
    return f": metrics are given by name, metrics={list(names)!r}" if is_name else ""


def _listed(name: str, metrics: Any) -> list[Any]:
    if metrics is None:
        return []
    if not isinstance(metrics, (list, tuple)):
        raise ValueError(
            f"expected {name} to be a list, as in {name}=['accuracy']; received {name}={metrics!r} of type "
            f"{type(metrics)}"
        )
    flat: list[Any] = []
    for each in metrics:
        flat.extend(each if isinstance(each, (list, tuple)) else [each])
    return flat
