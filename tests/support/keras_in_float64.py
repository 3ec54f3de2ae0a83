"""Keras with float64 in the midst of losses and metrics too."""

import importlib
import os
from contextlib import contextmanager

import pytest


@contextmanager
def keras_in_float64():
    """Yield Keras. It says that float64 and a Python number make float32; here they make float64."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed: pip install keras")
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    dtypes = importlib.import_module("keras.src.backend.common.dtypes")
    result_type = dtypes._lattice_result_type
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            dtypes,
            "_lattice_result_type",
            lambda *of: "float64" if any("float64" in str(each) for each in of) else result_type(*of),
        )
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")  # Keras keeps the first one that it has used
        try:
            yield keras
        finally:
            keras.config.set_floatx(before)
            keras.config.set_dtype_policy(policy)
