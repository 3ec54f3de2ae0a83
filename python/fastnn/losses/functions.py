"""Losses as functions of targets and predictions, which return the loss of each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.arithmetic import Numbers
from fastnn.losses.base import Loss


class RowLosses:
    """The function of a loss: it returns the loss of each row. compile() takes it as the loss itself.

    >>> fastnn.losses.mean_squared_error([[1.0], [3.0]], [[1.0], [1.0]])
    array([0., 4.])
    """

    def __init__(self, kind: type[Loss]) -> None:
        self.kind, self.__name__ = kind, kind._kind

    def __call__(self, y_true: npt.ArrayLike, y_pred: npt.ArrayLike, **settings: Any) -> Numbers:
        """Return the loss of each row. settings: arguments of the loss, such as from_logits."""
        loss = self.kind(**settings)
        with np.errstate(all="ignore"):
            return loss._row_losses(*loss._paired(y_true, y_pred))

    def __repr__(self) -> str:
        return f"<function {self.__name__} of fastnn.losses>"
