"""A model from an importer's steps, with the report of what was done and how far its answers are from the source's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn.arrays import Array, is_real, to_array
from fastnn.importers.fold import to_model
from fastnn.importers.refusals import refusing
from fastnn.importers.roundings import distance
from fastnn.importers.steps import Step
from fastnn.importers.verification import Reference, verify
from fastnn.models.conversion import Conversion, Difference
from fastnn.models.frames import as_numbers
from fastnn.models.sequential import Sequential
from fastnn.tables.columns import listed
from fastnn.tables.feature_space import FeatureSpace
from fastnn.text import printable


def convert(
    source: str,
    steps: Iterable[Step],
    *,
    inputs: int | None = None,
    fold: bool = True,
    name: str | None = None,
    names: Mapping[str, str] | None = None,
    classes: Iterable[Any] | None = None,
    feature_names: Iterable[str] | None = None,
    space: FeatureSpace | None = None,
    check: Any = None,
    answers: Callable[[Array], Array] | None = None,
    dtype: str = "float32",
    reference: Reference | None = None,
) -> Sequential:
    """Return the model of the steps; its `conversion` tells what was done.

    names: of layers, by the source of the step that each is, see to_model().
    source: for the report, "Keras model 'digits'". inputs: of the first step, where the source says it.
    dtype: of a model without kernels.
    space: stands in front of the layers and makes the inputs of the first step.
    check: (x, y), rows and the source's answers; or x alone where `answers`, the source's own predictions, are at hand.
        Arrays of `inputs` numbers each, such as images, are flattened as fastnn takes them.
    reference: answers rows for the source, to verify the model with; UnsupportedModelError if they do not agree.
    """
    steps = list(steps)
    model, report = to_model(steps, inputs=inputs, fold=fold, name=name, dtype=dtype, names=names)
    if space is not None:
        model._take_space(space)
        report.insert(0, ("the columns of the frame", f"a FeatureSpace of {listed(list(space.features))}"))
    verification = None
    if reference is not None:

        def build(some: Sequence[Step]) -> Sequential:
            return to_model(some, inputs=model.input_shape[1], fold=fold, dtype=dtype)[0]

        verification = verify(model, reference, steps, build)
    model.classes = classes
    with refusing("feature names do not fit the model", ValueError):
        model.feature_names = feature_names
    difference = None
    if check is not None:
        x, y = _rows_and_answers(model, check, answers)
        if inputs is not None and x.ndim > 2 and x.size == len(x) * inputs:
            x = x.reshape(len(x), inputs)
        difference = _difference(model, x, y)
    model.conversion = Conversion(source, report, difference, verification)
    return model


def of_own_file(model: Sequential, path: str, check: Any) -> Conversion:
    """Return the report of a file that needed no conversion."""
    return Conversion(f"fastnn model {printable(path)}", [], _difference(model, *_rows_and_answers(model, check, None)))


def _rows_and_answers(model: Sequential, check: Any, answers: Callable[[Array], Array] | None) -> tuple[Array, Array]:
    if isinstance(check, tuple) and len(check) == 2:
        return as_numbers(check[0], model._columns), to_array(check[1])
    if answers is None or isinstance(check, tuple):
        raise ValueError("expected check=(x, y), rows and the answers of the model's source to them")
    x = as_numbers(check, model._columns)
    return x, to_array(answers(x))


def _difference(model: Sequential, x: Array, y: Array) -> Difference:
    if not is_real(y):
        raise TypeError(f"expected answers to be an array of real numbers; received ndarray of dtype {y.dtype}")
    own = model.predict(x)
    if own.size != y.size or own.shape[0] != len(y):
        raise ValueError(f"expected answers of shape {own.shape} to check with; received {y.shape}")
    dtype = np.dtype(np.float32) if y.dtype.kind == "f" and y.dtype.itemsize <= 4 else own.dtype
    if not own.size:
        return Difference(0, 0.0, 0.0, dtype.name)
    with np.errstate(all="ignore"):  # answers beyond the model's dtype, and differences beyond float64, are infinite
        wide, y = own.astype(np.float64), y.reshape(own.shape).astype(np.float64)
        absolute = distance(wide, y)
        # The largest numbers have the same unit as those a little below, of which spacing() tells it.
        most = np.nextafter(np.finfo(dtype).max, dtype.type(0))
        size = np.where(np.isfinite(y), np.abs(y), 0).reshape(-1, own.shape[-1])
        size = np.maximum(size.max(axis=1, keepdims=True), size.mean(axis=0)).reshape(y.shape)
        ulp = np.spacing(np.minimum(size, most).astype(dtype)).astype(np.float64)
        ulps = absolute / ulp
    return Difference(len(own), float(ulps.max()), float(absolute.max()), dtype.name)
