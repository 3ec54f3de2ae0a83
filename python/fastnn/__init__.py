"""Dense neural networks on CPUs: exact to the last bit, fast, small.

Examples in docstrings see numpy as np and the names of fastnn.layers and fastnn.models.

>>> import numpy as np
>>> from fastnn.layers import Dense
>>> from fastnn.models import Sequential
>>> model = Sequential([Dense(3, activation="relu", input_shape=(2,)), Dense(1)])
>>> model.predict(np.zeros((5, 2))).shape
(5, 1)
"""

from typing import TYPE_CHECKING

from fastnn import (
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    schedules,
    utils,
)
from fastnn._core import (
    LimitError,
    ModelFormatError,
    UnsupportedModelError,
    __version__,
    numerics_version,
)
from fastnn.configuration import show_config
from fastnn.instruction_sets import isa, isas, set_isa
from fastnn.layers import Input
from fastnn.models import Sequential, load_model, save_model
from fastnn.models.conversion import Conversion, Difference, Verification
from fastnn.models.trainer import NonFiniteLossError
from fastnn.names import missing
from fastnn.tables.feature_space import FeatureSpace
from fastnn.threads import get_num_threads, set_num_threads

__all__ = [
    "Conversion",
    "Difference",
    "FeatureSpace",
    "Input",
    "LimitError",
    "ModelFormatError",
    "NonFiniteLossError",
    "Sequential",
    "UnsupportedModelError",
    "Verification",
    "__version__",
    "callbacks",
    "constraints",
    "from_keras",
    "from_sklearn",
    "from_torch",
    "from_torch_state_dict",
    "get_num_threads",
    "initializers",
    "isa",
    "isas",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "numerics_version",
    "optimizers",
    "regularizers",
    "save_model",
    "schedules",
    "set_isa",
    "set_num_threads",
    "show_config",
    "utils",
]


if TYPE_CHECKING:
    from fastnn.importers.keras.live import from_keras
    from fastnn.importers.sklearn_estimators.api import from_sklearn
    from fastnn.importers.torch.module import from_torch
    from fastnn.importers.torch.state_dict import from_torch_state_dict
else:  # type checkers would take it for leave to use any name
    # The importers would be half of what `import fastnn` takes; many programs use none.
    __getattr__ = missing(
        __name__,
        {
            "from_keras": "fastnn.importers.keras.live",
            "from_sklearn": "fastnn.importers.sklearn_estimators.api",
            "from_torch": "fastnn.importers.torch.module",
            "from_torch_state_dict": "fastnn.importers.torch.state_dict",
        },
    )


def __dir__() -> list[str]:
    return __all__
