"""Callbacks: what fit() and evaluate() call between epochs and batches, with Keras' names and behaviour.

>>> from fastnn.callbacks import EarlyStopping, ModelCheckpoint
>>> callbacks = [EarlyStopping(patience=5), ModelCheckpoint("best.safetensors", save_best_only=True)]
"""

from typing import TYPE_CHECKING

from fastnn.callbacks.backup import BackupAndRestore
from fastnn.callbacks.callback import Callback
from fastnn.callbacks.callback_list import CallbackList, ProgbarLogger
from fastnn.callbacks.checkpoint import ModelCheckpoint
from fastnn.callbacks.csv_logger import CSVLogger
from fastnn.callbacks.history import History
from fastnn.callbacks.lambda_callback import LambdaCallback
from fastnn.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from fastnn.callbacks.monitor import EarlyStopping, MonitorCallback
from fastnn.callbacks.swap_ema_weights import SwapEMAWeights
from fastnn.callbacks.terminate_on_nan import TerminateOnNaN
from fastnn.names import missing

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__
