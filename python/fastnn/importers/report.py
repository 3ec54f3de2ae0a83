"""A model from an importer's steps, with the report of what was done and how far its answers are from the source's."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.importers.fold import to_model
from fastnn.importers.steps import Array, Step
from fastnn.importers.verification import Reference, Verification, verify
from fastnn.models.sequential import Sequential
from fastnn.text import printable


@dataclass(frozen=True)
class Difference:
    """How far the answers of a model are from the answers of its source: ``model.conversion.difference``.

    rows: the number of rows that were compared.
    ulps: the largest difference, in units in the last place of the largest answer in its row.
    absolute: the largest absolute difference.

    >>> print(Difference(rows=300, ulps=1.5, absolute=2e-7))
    largest difference over 300 rows: 1.5 ulp, 2e-07 absolute
    """

    rows: int
    ulps: float
    absolute: float

    def __str__(self) -> str:
        return f"largest difference over {self.rows} rows: {self.ulps:.3g} ulp, {self.absolute:.3g} absolute"


@dataclass(frozen=True)
class Conversion:
    """The report of a conversion, ``model.conversion``: what became of each layer, node or module of the source.

    source: the kind and name of the source. steps: pairs of a part of the source and what became of it.
    difference: a Difference, or None without ``check=``. verification: a Verification, or None with ``verify=False``.

    >>> weights = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(3)}
    >>> model = fastnn.from_torch_state_dict(weights, ["relu"], check=([[1, 2]], [[3, 3, 3]]))
    >>> print(model.conversion)
    state dict
      module '0' -> layer 0: Dense
      module '0' -> activation relu of layer 0
    verified on 37 rows by PyTorch's formulas in NumPy
    largest difference over 1 rows: 0 ulp, 0 absolute
    """

    source: str
    steps: list[tuple[str, str]]
    difference: Difference | None = None
    verification: Verification | None = None

    def __str__(self) -> str:
        width = max((len(source) for source, _ in self.steps), default=0)
        lines = [self.source, *(f"  {source:<{width}} -> {what}" for source, what in self.steps)]
        return "\n".join([*lines, *(str(each) for each in (self.verification, self.difference) if each is not None)])


def convert(
    source: str,
    steps: Iterable[Step],
    *,
    inputs: int | None = None,
    fold: bool = True,
    name: str | None = None,
    classes: Iterable[Any] | None = None,
    check: Any = None,
    answers: Callable[[Array], Array] | None = None,
    dtype: str = "float32",
    reference: Reference | None = None,
) -> Sequential:
    """Return the model of the steps; its `conversion` tells what was done.

    source: for the report, "Keras model 'digits'". inputs: of the first step, where the source says it.
    dtype: of a model without kernels.
    check: (x, y), rows and the source's answers; or x alone where `answers`, the source's own predictions, are at hand.
        Arrays of `inputs` numbers each, such as images, are flattened as fastnn takes them.
    reference: answers rows for the source, to verify the model with; UnsupportedModelError if they do not agree.
    """
    steps = list(steps)
    model, report = to_model(steps, inputs=inputs, fold=fold, name=name, dtype=dtype)
    verification = None
    if reference is not None:

        def build(some: Sequence[Step]) -> Sequential:
            return to_model(some, inputs=model.input_shape[1], fold=fold, dtype=dtype)[0]

        verification = verify(model, reference, steps, build)
    model.classes = classes
    difference = None
    if check is not None:
        x, y = _rows_and_answers(check, answers)
        if inputs is not None and x.ndim > 2 and x.size == len(x) * inputs:
            x = x.reshape(len(x), inputs)
        difference = _difference(model, x, y)
    model.conversion = Conversion(source, report, difference, verification)
    return model


def of_own_file(model: Sequential, path: str, check: Any) -> Conversion:
    """Return the report of a file that needed no conversion."""
    return Conversion(f"fastnn model {printable(path)}", [], _difference(model, *_rows_and_answers(check, None)))


def _rows_and_answers(check: Any, answers: Callable[[Array], Array] | None) -> tuple[Array, Array]:
    if isinstance(check, tuple) and len(check) == 2:
        return np.asarray(check[0]), np.asarray(check[1])
    if answers is None or isinstance(check, tuple):
        raise ValueError("expected check=(x, y), rows and the answers of the model's source to them")
    x = np.asarray(check)
    return x, np.asarray(answers(x))


def _difference(model: Sequential, x: Array, y: Array) -> Difference:
    if y.dtype.kind not in "biuf" and y.dtype.name != "bfloat16":  # which Keras answers in
        raise TypeError(f"expected answers to be an array of real numbers; received ndarray of dtype {y.dtype}")
    own = model.predict(x)
    if own.size != y.size or own.shape[0] != len(y):
        raise ValueError(f"expected answers of shape {own.shape} to check with; received {y.shape}")
    if not own.size:
        return Difference(0, 0.0, 0.0)
    with np.errstate(all="ignore"):  # answers beyond the model's dtype, and differences beyond float64, are infinite
        wide, y = own.astype(np.float64), y.reshape(own.shape).astype(np.float64)
        same = (wide == y) | (np.isnan(wide) & np.isnan(y))
        absolute = np.abs(np.subtract(wide, y, out=np.zeros_like(wide), where=~same))
        # The largest numbers have the same unit as those a little below, of which spacing() tells it.
        most = np.nextafter(np.finfo(own.dtype).max, own.dtype.type(0))
        largest = np.minimum(np.abs(y).max(axis=-1, keepdims=True), most).astype(own.dtype)
        ulps = np.divide(absolute, np.spacing(largest).astype(np.float64), out=np.zeros_like(absolute), where=~same)
    return Difference(len(own), float(ulps.max()), float(absolute.max()))
