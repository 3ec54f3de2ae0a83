"""What a public module does with a name that it does not have: import it, or tell where it lives or what is like it."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from opcode import opmap
from types import FrameType, MappingProxyType, ModuleType
from typing import Any

from fastnn.locks import changes
from fastnn.text import nearest

_LAYERS = "fastnn has layers of dense networks alone; dir(fastnn.layers) lists them"
_FROM_OTHERS = {  # what programs look for that is no name here
    "from_onnx": "load_model(path) reads .onnx files",
    "Model": "Sequential is the only kind of model; model.representations(x) returns the outputs of its layers",
    "activations": "name an activation by a string, as in Dense(8, 'relu')",
    "duckdb": "import fastnn.duckdb, which needs DuckDB and pyarrow",
    "polars": "import fastnn.polars, which needs Polars",
    "ray": "import fastnn.ray, which needs Ray Data",
    "spark": "import fastnn.spark, which needs PySpark, pandas and pyarrow",
    "backend": "use NumPy's functions, and utils.clear_session()",
    "datasets": "load data with another package, such as sklearn.datasets",
    "legacy": "use the optimizers of fastnn.optimizers",
    "ops": "use NumPy's functions, also in losses and metrics of your own",
    "plot_model": "model.summary() prints the layers",
    "preprocessing": "use layers.Normalization, or scikit-learn's preprocessing",
    "TensorBoard": "CSVLogger writes losses and metrics to a file",
    "sklearn": "import fastnn.sklearn, which needs scikit-learn",
    "InputLayer": "use layers.Input",
    "split_dataset": "split arrays by their rows, or with sklearn.model_selection.train_test_split",
    **dict.fromkeys(
        ("StringLookup", "IntegerLookup", "CategoryEncoding", "Discretization", "Hashing", "TextVectorization"),
        "a fastnn.FeatureSpace in front of the layers takes tables with text",
    ),
    "config": "a model has its dtype: Sequential(layers, dtype='float64')",
    "version": "fastnn.__version__ is its version",
    "MeanIoU": "it is for images; dir(fastnn.metrics) lists the metrics",
    "Variable": "weights are NumPy arrays here; set_weights() changes them",
    **dict.fromkeys(("UnitNormalization", "GroupNormalization", "RMSNormalization", "SpectralNormalization"), _LAYERS),
    **dict.fromkeys(("Concatenate", "Add", "Embedding", "Lambda", "Masking", "Reshape"), _LAYERS),
    **dict.fromkeys(("Conv1D", "Conv2D", "MaxPooling2D", "LSTM", "GRU", "SimpleRNN", "MultiHeadAttention"), _LAYERS),
}


def missing(module: str, later: Mapping[str, str] = MappingProxyType({})) -> Callable[[str], Any]:
    """Return the `__getattr__` of a public module.

    later: {name: module} for names that are imported when they are first used.

    >>> fastnn.Dense
    Traceback (most recent call last):
    AttributeError: module 'fastnn' has no attribute 'Dense'; use fastnn.layers.Dense
    >>> from fastnn.layers import Dence
    Traceback (most recent call last):
    ImportError: cannot import name 'Dence' from 'fastnn.layers'; did you mean 'Dense'?
    """

    def get(name: str) -> Any:
        if name in later:
            with changes:  # a fork waits for it: the child of half an import would wait for the other half for ever
                found = getattr(import_module(later[name]), name)
            setattr(sys.modules[module], name, found)
            return found
        advice = "" if name.startswith("__") else _advice(module, name)
        if _is_import(sys._getframe(1)):
            raise ImportError(f"cannot import name {name!r} from {module!r}{advice}", name=name)
        # obj=None: with the module, Python would show a second suggestion.
        raise AttributeError(f"module {module!r} has no attribute {name!r}{advice}", name=name, obj=None)

    return get


def _is_import(caller: FrameType) -> bool:
    """Return whether the caller runs `from module import name`, which would drop the text of an AttributeError."""
    return caller.f_lasti >= 0 and caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]


def _advice(module: str, name: str) -> str:
    if name in _FROM_OTHERS:
        return f"; {_FROM_OTHERS[name]}"
    places = _places("fastnn") | {each: each for each in sys.modules[module].__dict__.get("__all__", ())}
    if name in places:
        return f"; use {places[name]}"
    # A name of another module must be more like it: 'to_categorical' does not mean 'fastnn.metrics.CategoricalHinge'.
    own = [each for each, place in places.items() if place == each]
    found = nearest(name, own) or nearest(name, places, cutoff=0.8)
    return f"; did you mean {places[found]!r}?" if found else f"; dir({module}) lists its names"


def _places(module: str) -> dict[str, str]:
    """Return where each name is that users see, in this module or in public ones of it."""
    found: dict[str, str] = {}
    inner: dict[str, str] = {}
    for name in sys.modules[module].__dict__.get("__all__", ()):
        if isinstance(sys.modules[module].__dict__.get(name), ModuleType):
            inner |= _places(f"{module}.{name}")
        found[name] = f"{module}.{name}"
    return inner | found
