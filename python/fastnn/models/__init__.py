"""Models, with Keras' names: Sequential, load_model, save_model.

>>> from fastnn.models import Sequential, load_model
>>> model = Sequential([Dense(3, input_shape=(2,))])
>>> model.save("model.safetensors")
>>> load_model("model.safetensors") == model
True
"""

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model, save_model

__all__ = ["Sequential", "load_model", "save_model"]
