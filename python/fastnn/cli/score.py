"""Compare a model's outputs with the true values, for ``fastnn predict --target``."""

import math
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.cli.csv_rows import is_number, number_of
from fastnn.models.classes import are_classes, chosen
from fastnn.models.sequential import Sequential


def _is_finite(value: Any) -> bool:
    """Return whether a class is a finite number, or the text of one."""
    return not isinstance(value, str) or (is_number(value) and math.isfinite(float(value)))


class Score:
    """The accuracy of a classifier, or the mean absolute error of other models, over chunks of rows.

    A model with several outputs is a classifier: its largest output is the class. So is a model with a single
    probability: above 0.5 it is the second class. The target column holds the names of the classes if these are
    different numbers, also as text, and else numbers from 0. In .csv it may hold the names if none is a number.
    """

    def __init__(self, model: Sequential, units: int, path: str) -> None:
        self._path = path
        last = model.layers[-1].activation
        if units > 1 and last == "sigmoid":
            raise ValueError(
                "expected a model with one class or one number per row for --target; "
                f"received one with {units} outputs of sigmoid, which are independent labels"
            )
        self._classes = None
        self._by_name: dict[str, float] = {}
        self._advice = ""
        self.is_accuracy = are_classes(units, last)
        if self.is_accuracy:
            counted = range(units if units > 1 else 2)
            given = model.classes or counted
            numbers = [float(each) if isinstance(each, str) else each for each in given if _is_finite(each)]
            self._classes = np.array(numbers if len(set(numbers)) == len(given) else counted)
            names = [str(each) for each in given]
            if not any(map(is_number, names)) and len(set(names)) == len(names):
                self._by_name = dict(zip(names, map(float, self._classes), strict=True))
            has = f"the classes {', '.join(names):.200}" if model.classes else "no classes"
            self._advice = f"; the model has {has}"
            if not self._by_name:
                listed = ", ".join(f"{each:.15g}" for each in self._classes[:3])
                self._advice += f", so the target column holds the numbers {listed}{', …' * (len(self._classes) > 3)}"
        self._rows, self._sum = 0, 0.0

    def number(self, field: str) -> float:
        """Return the number that a field of the target column stands for; ValueError if it is none."""
        name = field.strip()
        if name in self._by_name:
            return self._by_name[name]
        try:
            return number_of(field)
        except ValueError as error:
            raise ValueError(f"{error}{self._advice}") from None

    def add(self, y: Array, truth: Array, first_row: int) -> None:
        """Add the outputs y of some rows and their true values. first_row is the number of the first one."""
        if self._classes is None:
            self._sum += float(np.abs(y[:, 0].astype(np.float64) - truth).sum())
        else:
            classes = self._classes.astype(truth.dtype) if truth.dtype.kind == "f" else self._classes  # float32's 0.1
            wrong = ~np.isin(truth, classes)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise ValueError(
                    f"{self._path}: expected the target column to hold classes from {self._classes.min():.15g} to "
                    f"{self._classes.max():.15g}; received {truth[row]:g} in row {first_row + row}"
                )
            self._sum += int((classes[chosen(y)] == truth).sum())
        self._rows += len(y)

    def text(self) -> str:
        """Return the result as one line."""
        if not self._rows:
            return "no rows to compare with the target"
        if self._classes is None:
            return f"mean absolute error {self._sum / self._rows:.6g}"
        return f"accuracy {self._sum / self._rows:.4f} ({self._sum:.0f} of {self._rows})"
