"""Compare a model's outputs with the true values, for --target of predict, for evaluate and for train."""

import math
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.cli import features
from fastnn.cli.arrow_files import Column
from fastnn.cli.csv_rows import is_number, number_of
from fastnn.models.classes import are_classes, chosen
from fastnn.models.sequential import Sequential


def _is_finite(value: Any) -> bool:
    """Return whether a class is a finite number, or the text of one."""
    return not isinstance(value, str) or (is_number(value) and math.isfinite(float(value)))


class Target:
    """What the target column of a model holds: classes, or numbers.

    A model with several outputs is a classifier: its largest output is the class. So is a model with a single
    probability: above 0.5 it is the second class. The target column holds the names of the classes if these are
    different numbers, also as text, and else numbers from 0. In .csv it may hold the names if none is a number.
    """

    def __init__(self, model: Sequential, path: str) -> None:
        self._path = path
        self.is_text = False  # whether the column holds names, which may be numbers too
        units, last = model.output_shape[1], model.layers[-1].activation
        if units > 1 and last == "sigmoid":
            raise ValueError(
                "expected a model with one class or one number per row for --target; "
                f"received one with {units} outputs of sigmoid, which are independent labels"
            )
        self.is_class = are_classes(units, last)
        self.classes = 0 if not self.is_class else max(2, units)
        self._numbers: Array = np.empty(0)
        self._by_name: dict[str, float] = {}
        self._advice = self._known = ""
        if self.is_class:
            has_text = any(isinstance(each, str) for each in model.classes or ())
            self.is_text = has_text and features.columns_of(model) is not None
            self._name_classes(model.classes or range(self.classes), bool(model.classes))

    def _name_classes(self, given: Any, has_names: bool) -> None:
        """Find out which text or number stands for which class."""
        numbers = [float(each) if isinstance(each, str) else each for each in given if _is_finite(each)]
        self._numbers = np.array(numbers if len(set(numbers)) == len(given) else range(self.classes))
        names = [str(each) for each in given]
        if (self.is_text or not any(map(is_number, names))) and len(set(names)) == len(names):
            self._by_name = dict(zip(names, map(float, self._numbers), strict=True))
        has = f"the classes {', '.join(names):.200}" if has_names else "no classes"
        self._advice, self._known = f"; the model has {has}", has
        if not self._by_name:
            listed = ", ".join(f"{each:.15g}" for each in self._numbers[:3])
            self._advice += f", so the target column holds the numbers {listed}{', …' * (len(self._numbers) > 3)}"

    def number(self, field: str) -> float:
        """Return the number that a field of the target column stands for; ValueError if it is none."""
        name = field.strip()
        if name in self._by_name:
            return self._by_name[name]
        try:
            return number_of(field)
        except ValueError as error:
            if self._by_name:
                advice = "; leave rows without a class out" * (not name)
                raise ValueError(f"expected one of {self._known}; received {field!r:.60}{advice}") from None
            raise ValueError(f"{error}{self._advice}") from None

    def numbers(self, column: Column, first_row: int) -> Array:
        """Return the numbers that a column of a raw table stands for. Raises ValueError, with the row, for others."""
        if not isinstance(column, list):
            return column
        numbers = np.empty(len(column))
        for row, value in enumerate(column):
            try:
                numbers[row] = self.number(value or "")
            except ValueError as error:
                raise ValueError(f"{self._path}, row {first_row + row}: {error}") from None
        return numbers

    def truth(self, numbers: Array, first_row: int) -> Array:
        """Return the index of each row's class, or the numbers themselves if they are no classes."""
        if not self.is_class:
            return numbers.astype(np.float64)
        classes = self._numbers.astype(numbers.dtype) if numbers.dtype.kind == "f" else self._numbers  # float32's 0.1
        wrong = ~np.isin(numbers, classes)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{self._path}: expected the target column to hold classes from {classes.min():.15g} to "
                f"{classes.max():.15g}; received {numbers[row]:g} in row {first_row + row}"
            )
        order = np.argsort(classes, kind="stable")
        places: Array = order[np.searchsorted(classes, numbers, sorter=order)]
        return places


class Score:
    """The scores of a model over chunks of rows, each row with its weight.

    Those of a classifier: accuracy and balanced accuracy; the log loss if the outputs are probabilities; the area under
    the ROC curve of two classes. Of other models: mean squared and mean absolute error, root of the former, R².
    """

    def __init__(self, model: Sequential, target: Target) -> None:
        self._target = target
        last = model.layers[-1].activation
        self._has_probabilities = last == ("softmax" if model.output_shape[1] > 1 else "sigmoid")
        self._smallest = float(
            np.finfo(model.dtype).eps
        )  # a log loss of 0 and 1 is none of infinity, as scikit-learn's
        self.rows = self._right = 0
        self._is_weighted = False
        self._weight = self._log_loss = self._squares = self._absolute = 0.0
        self._mean = self._spread = 0.0  # of the true numbers: their mean, and the sum of squares around it
        self._of_class, self._right_of_class = np.zeros(target.classes), np.zeros(target.classes)
        self._for_curve: list[tuple[Array, Array, Array]] = []  # scores, whether it is the second class, weights

    def add(self, y: Array, truth: Array, weights: Array | None = None) -> None:
        """Add the outputs y of some rows and what Target.truth() says of them."""
        if not len(y):
            return
        w = np.ones(len(y)) if weights is None else weights.astype(np.float64)
        self._is_weighted = self._is_weighted or weights is not None
        self.rows += len(y)
        (self._add_classes if self._target.is_class else self._add_numbers)(y.astype(np.float64), truth, w)
        self._weight += float(w.sum())

    def _add_classes(self, y: Array, truth: Array, w: Array) -> None:
        right = chosen(y) == truth
        self._right += int(right.sum())
        self._of_class += np.bincount(truth, w, self._target.classes)
        self._right_of_class += np.bincount(truth, w * right, self._target.classes)
        if self._has_probabilities:
            p = y[np.arange(len(y)), truth] if y.shape[1] > 1 else np.where(truth == 1, y[:, 0], 1 - y[:, 0])
            self._log_loss -= float((w * np.log(np.clip(p, self._smallest, 1 - self._smallest))).sum())
        if self._target.classes == 2:
            score = y[:, -1] if self._has_probabilities or y.shape[1] == 1 else y[:, 1] - y[:, 0]
            self._for_curve.append((score, truth == 1, w))

    def _add_numbers(self, y: Array, truth: Array, w: Array) -> None:
        error = y[:, 0] - truth
        self._squares += float((w * error**2).sum())
        self._absolute += float((w * np.abs(error)).sum())
        weight = float(w.sum())
        if weight:  # means of chunks are joined, so that no large sums of squares are subtracted
            mean = float((w * truth).sum()) / weight
            both = self._weight + weight
            self._spread += float((w * (truth - mean) ** 2).sum())
            self._spread += (mean - self._mean) ** 2 * self._weight * weight / both
            self._mean += (mean - self._mean) * weight / both

    def text(self) -> str:
        """Return the accuracy or the mean absolute error as one line."""
        if not self.rows:
            return "no rows to compare with the target"
        name = "accuracy" if self._target.is_class else "mean absolute error"
        return f"{name} {self.shown()[name]}"

    def shown(self) -> dict[str, str]:
        """Return the text of each score, the loss first."""
        texts = {name: f"{value:.6g}" for name, value in self.values().items()}
        if self._target.is_class and not self._is_weighted:
            texts["accuracy"] = f"{self._right / self.rows:.4f} ({self._right} of {self.rows})"
        return texts

    def values(self) -> dict[str, float]:
        """Return the scores by name, the loss first. Raises ValueError if there are no rows, or their weights are 0."""
        if not self._weight > 0:
            raise ValueError(f"expected rows to compare, with weights above 0; received {self.rows} rows")
        if not self._target.is_class:
            return self._values_of_numbers()
        values = {"log loss": self._log_loss / self._weight} if self._has_probabilities else {}
        values["accuracy"] = float(self._right_of_class.sum()) / self._weight
        found = self._of_class > 0
        values["balanced accuracy"] = float((self._right_of_class[found] / self._of_class[found]).mean())
        if self._target.classes == 2 and found.all():
            values["ROC AUC"] = roc_auc(*(np.concatenate(parts) for parts in zip(*self._for_curve, strict=True)))
        return values

    def _values_of_numbers(self) -> dict[str, float]:
        square = self._squares / self._weight
        values = {"mean squared error": square, "root mean squared error": math.sqrt(square)}
        values["mean absolute error"] = self._absolute / self._weight
        if self._spread > 0:  # of equal numbers there is no R²
            values["R²"] = 1 - self._squares / self._spread
        return values


def roc_auc(scores: Array, is_positive: Array, weights: Array) -> float:
    """Return the area under the ROC curve: how often a positive row has the larger score; half for equal scores.

    >>> roc_auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]), np.ones(4))
    0.75
    """
    order = np.argsort(scores, kind="stable")
    scores, positive, negative = scores[order], (weights * is_positive)[order], (weights * ~is_positive)[order]
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # the last row of each group of equal scores
    positives, negatives = np.cumsum(positive)[ends], np.cumsum(negative)[ends]
    before = np.concatenate([[0.0], negatives[:-1]])
    wins = np.diff(positives, prepend=0.0) * (before + negatives) / 2
    return float(wins.sum() / (positives[-1] * negatives[-1]))
