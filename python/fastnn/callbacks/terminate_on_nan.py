"""A quiet end of training whose loss is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Ends fit() quietly if the loss is NaN or infinite; without it, fit() raises an error then.

    The model keeps the weights of the step before, in either case.
    raise_error: whether to raise RuntimeError instead.

    >>> from fastnn.callbacks import TerminateOnNaN
    >>> TerminateOnNaN().raise_error
    False
    """

    _runs_by_batch = False  # fit() looks at all losses itself

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss; fit() calls this for one that is not finite."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self._model.stop_training = True
