"""Models, with Keras' names: Sequential, load_model, save_model, model_from_json, clone_model.

>>> from fastnn.models import Sequential, load_model
>>> model = Sequential([Dense(3, input_shape=(2,))])
>>> model.save("model.safetensors")
>>> load_model("model.safetensors") == model
True
"""

from typing import TYPE_CHECKING

from fastnn.models.from_json import clone_model, model_from_json
from fastnn.models.sequential import Sequential
from fastnn.names import missing
from fastnn.saving.api import load_model, save_model

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__
