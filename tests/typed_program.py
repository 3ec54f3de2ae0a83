"""A program as a user writes it, whose types mypy checks with the package's own (pyproject.toml); it also runs."""

from typing import TYPE_CHECKING, Any, assert_type

import numpy as np
import numpy.typing as npt

import fastnn
from fastnn.initializers import HeNormal
from fastnn.layers import BatchNormalization, Dense, Dropout, Layer, LeakyReLU
from fastnn.models import Sequential, model_from_json

first = Dense(3, "relu", kernel_initializer=HeNormal(seed=1), input_shape=(2,), name="first")
model = Sequential([first, BatchNormalization(momentum=0.9), Dropout(0.5), Dense(1, LeakyReLU(0.1))])
assert_type(model.layers, list[Layer])
assert_type(model.get_layer("first"), Layer)
assert_type(first.units, int | None)

units = model.layers[0].kernel.shape[1] + model.layers[0].bias.size
kernel: npt.NDArray[Any] = model.layers[0].kernel

answers = model.predict(np.ones((4, 2)), verbose=0)
assert_type(answers, npt.NDArray[Any])
assert_type(model.weights, list[npt.NDArray[Any]])
assert_type(model_from_json(model.to_json()), Sequential)

assert_type(model.conversion, fastnn.Conversion | None)
weights = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3)}
converted = fastnn.from_torch_state_dict(weights, ["relu"], check=([[1, 2]], [[3, 3, 3]]))
if converted.conversion is not None:
    assert_type(converted.conversion.steps, list[tuple[str, str]])
    if converted.conversion.difference is not None:
        assert_type(converted.conversion.difference.ulps, float)

if TYPE_CHECKING:  # mistakes that are told before the program runs
    Dense(3, activaton="relu")  # type: ignore[call-arg]
    Dense("3")  # type: ignore[arg-type]
    model.fitt(answers, answers)  # type: ignore[attr-defined]
    print(model.clases)  # type: ignore[attr-defined]
    model.clases = ["a", "b"]  # type: ignore[attr-defined]
    first.trainabel = False  # type: ignore[attr-defined]
