"""Models, with Keras' names: Sequential, load_model, save_model, model_from_json.

>>> from fastnn.models import Sequential, load_model
>>> model = Sequential([Dense(3, input_shape=(2,))])
>>> model.save("model.safetensors")
>>> load_model("model.safetensors") == model
True
"""

from fastnn.models.sequential import Sequential, model_from_json
from fastnn.saving.api import load_model, save_model

__all__ = ["Sequential", "load_model", "model_from_json", "save_model"]


def __dir__() -> list[str]:
    return __all__
