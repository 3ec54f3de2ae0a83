"""LBFGS, which changes the weights by the gradient of all rows at once."""

from __future__ import annotations

from fastnn.arguments import finite, name_or, positive_integer
from fastnn.optimizers.base import Optimizer


class LBFGS(Optimizer):
    """The quasi-Newton method of limited memory, for data of up to some thousand rows. It has no learning rate.

    Every step takes all rows, so fit() has no batches and needs few epochs. It is not in Keras; scikit-learn's
    ``solver="lbfgs"`` has the same defaults.

    max_iter: the most steps. tolerance: it stops when no number of the gradient is larger.
    history: the number of last steps that the curvature is estimated from. max_function_evaluations: the most
    evaluations of the loss. name: default "lbfgs". Raises ValueError for an invalid argument.
    D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    >>> from fastnn.optimizers import LBFGS
    >>> LBFGS(max_iter=500).history
    10
    """

    _kind = "lbfgs"
    _settings = ("max_iter", "tolerance", "history", "max_function_evaluations")

    def __init__(
        self,
        max_iter: int = 200,
        tolerance: float = 1e-4,
        history: int = 10,
        max_function_evaluations: int = 15000,
        name: str | None = None,
    ) -> None:
        self.max_iter, self.tolerance = positive_integer("max_iter", max_iter), finite("tolerance", tolerance, least=0)
        self.history = positive_integer("history", history)
        self.max_function_evaluations = positive_integer("max_function_evaluations", max_function_evaluations)
        self.name = name_or(self._kind, name)
