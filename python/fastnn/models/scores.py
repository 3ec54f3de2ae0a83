"""The running loss and metrics of an epoch, as fit(), evaluate() and their progress show them.

All sums run over batches or rows in order, one addition each, so that no cut into chunks shows in them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.arithmetic import ordered_sum
from fastnn.arrays import Array
from fastnn.losses.by_shape import of_shape
from fastnn.metrics import lookup as metrics_by_name


def _by_rows(losses: npt.NDArray[np.float64], rows: int, batch_size: int) -> npt.NDArray[np.float64]:
    """Return the losses of an epoch's batches, along the last axis, times the rows of each; the last may have fewer."""
    terms = losses * float(batch_size)
    terms[..., -1] = losses[..., -1] * (rows - batch_size * (losses.shape[-1] - 1))
    return terms


class LossMean:
    """The mean of the batches' losses, weighted by their rows: the metric "loss" of a compiled model."""

    name = "loss"

    def __init__(self) -> None:
        self.total, self.rows, self.penalty = 0.0, 0, 0.0

    def add(self, losses: npt.NDArray[np.float64], rows: int, batch_size: int) -> None:
        """Add the losses of batches with `rows` rows in all; all but the last have batch_size rows."""
        self.rows += rows
        if len(losses) == 1:
            self.total += float(losses[0]) * rows
            return
        if len(losses):
            self.total = float(ordered_sum(self.total, _by_rows(losses, rows, batch_size)))

    def of_epochs(self, losses: npt.NDArray[np.float64], rows: int, batch_size: int) -> list[float]:
        """Return the result of each epoch, whose losses are a row; the object is left as after the last one alone."""
        totals = ordered_sum(np.zeros(len(losses)), _by_rows(losses, rows, batch_size).T).tolist()
        self.total, self.rows, self.penalty = totals[-1], rows, 0.0
        return [total / rows for total in totals]

    def add_rows(self, losses: npt.NDArray[np.float64], penalty: float) -> None:
        """Add the losses of rows, which hold no regularization; the penalty of the weights is the same for all."""
        self.total, self.penalty = float(ordered_sum(self.total, losses)), penalty
        self.rows += len(losses)

    def result(self) -> float:
        """Return the mean, plus the penalty of the weights for losses of rows; 0 of nothing, as Keras does."""
        return self.total / self.rows + self.penalty if self.rows else 0.0

    def reset_state(self) -> None:
        """Forget all batches."""
        self.total, self.rows, self.penalty = 0.0, 0, 0.0


class Scores:
    """The loss and the metrics that compile() was given, by the names of their logs."""

    def __init__(self, metrics: Sequence[Any], weighted_metrics: Sequence[Any]) -> None:
        self._given = [(each, False) for each in metrics] + [(each, True) for each in weighted_metrics]
        for metric in self.of_shape(1, 1):
            if metric.name in ("loss", "learning_rate") or metric.name.startswith("val_"):
                raise ValueError(
                    f"expected metrics with names that no other log has; received one named {metric.name!r}"
                )
        self.loss = LossMean()
        self.named: dict[str, tuple[Any, bool]] | None = None
        if not any(of_shape(given, 1, 1) is not given for given, _ in self._given):
            self.resolve(1, 1)

    @property
    def has_metrics(self) -> bool:
        """Whether there is anything but the loss."""
        return bool(self._given)

    def resolve(self, columns: int, units: int) -> None:
        """Make the metrics; "accuracy" and "crossentropy" become those for targets of `columns`, outputs of `units`."""
        named: dict[str, tuple[Any, bool]] = {}
        for given, weighted in self._given:
            metric = metrics_by_name.named(given, columns, units)
            name = metric.name
            if name in named and weighted:
                name = f"weighted_{name}"
            first, number = name, 1
            while name in named:
                name, number = f"{first}_{number}", number + 1
            named[name] = metric, weighted
        self.named = named

    def of_shape(self, columns: int, units: int) -> list[Any]:
        """Return the metrics that resolve() would make."""
        return [metrics_by_name.named(given, columns, units) for given, _ in self._given]

    def metrics(self) -> list[Any]:
        """Return the loss and the metrics."""
        return [self.loss, *(metric for metric, _ in (self.named or {}).values())]

    def names(self) -> list[str]:
        """Return the names of the logs: the loss, then the metrics as they were given."""
        return ["loss", *(self.named or {})]

    def add_outputs(self, y: Array, outputs: Array, weights: Array | None) -> None:
        """Update the metrics by rows in order."""
        if self.named is None:
            self.resolve(y.shape[1], outputs.shape[1])
        for metric, weighted in (self.named or {}).values():
            try:
                metric.update_state(y, outputs, sample_weight=weights if weighted else None)
            except ValueError as error:
                raise ValueError(f"metric {metric.name!r}: {error}") from error

    def reset(self) -> None:
        """Forget all batches."""
        for metric in self.metrics():
            metric.reset_state()

    def logs(self) -> dict[str, float]:
        """Return the results by name, sorted by name as Keras sorts them."""
        logs = {"loss": self.loss.result()}
        for name, (metric, _) in (self.named or {}).items():
            result = metric.result()
            if np.ndim(result) == 0:
                try:
                    result = float(result)
                except (TypeError, ValueError):
                    raise ValueError(f"expected {name}.result() to be a number; received {result!r:.100}") from None
            logs[name] = result
        return dict(sorted(logs.items()))

    def values(self) -> list[float] | float:
        """Return the results in the order of names(); the loss alone if there are no metrics."""
        if not self.has_metrics:
            return self.loss.result()
        logs = self.logs()
        return [logs[name] for name in self.names()]

    def state(self) -> dict[str, Any]:
        """Return the running sums."""
        named = self.named or {}
        return {"loss": vars(self.loss).copy()} | {
            f"metrics/{name}": metric._state() for name, (metric, _) in named.items()
        }

    def set_state(self, state: dict[str, Any], columns: int, units: int) -> None:
        """Go on from the running sums of state()."""
        if self.named is None and len(state) > 1:
            self.resolve(columns, units)
        vars(self.loss).update(state["loss"])
        for name, (metric, _) in (self.named or {}).items():
            if (sums := state.get(f"metrics/{name}")) is not None:
                metric._set_state(sums)

    def fresh(self) -> Scores:
        """Return scores of the same metrics that have seen nothing; for validation."""
        other = copy.deepcopy(self)
        other.reset()
        return other
