"""Every imported model is compared with its source on some rows before it is handed out.

A source that can answer rows gives a Reference: the program that it is, or its formulas in NumPy. Neither uses the
steps that it checks. Most references compute in float64, so that only the model's own rounding counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.refusals import one_sentence
from fastnn.importers.roundings import FLOAT32, FLOAT64, changes_of, distance, is_small
from fastnn.importers.steps import Step
from fastnn.models.conversion import Verification
from fastnn.models.sequential import NETWORKS, Sequential

ACCELERATORS = 2.0**-10  # the precision of float32 on other devices than CPUs, which may round factors to TF32

_BATCHES = (1, 2, 17, 17)
_ORDINARY = 20  # the rows before those of zeros, of negative and of large numbers
_MOST_NUMBERS = 2**21  # that a reference computes for all rows: 16 MiB, some 0.1 s of erf in Python
_MOST_OPERATIONS = 2**14  # that a reference runs, whatever the number of rows: 0.2 s
# An importer takes constants for one another that are some roundings to float32 apart.
_CONSTANTS = 4e-6
# The sum of n products is exact for products that are off by sqrt(n) roundings, with 8 times that as good as never.
_ROUNDINGS = 8.0
_SCALES = (1.0, 2.0**-7, 2.0**-14)  # of the rows: smaller ones where most over- or underflow
_SQUARED_IN_RANGE = 2.0**55  # float32 has room for many squares of it, which layer normalization sums


class NotVerifiedError(Exception):
    """A reference cannot answer; the text says why."""


class DifferentAnswersError(UnsupportedModelError):
    """A model does not give its source's answers."""


@dataclass(frozen=True)
class Reference:
    """Who answers rows for a source.

    name: for reports. answers: takes rows (rows, inputs), float64 or of `precision`, and either None or the source of
        a step, whose outputs it then returns; raises NotVerifiedError.
    fault: says in a refusal who is to blame. batch: the only number of rows that it takes.
    precision: of its answers, the largest relative error of one operation.
    largest: of the integers from 0 that it takes; None if it takes real numbers.
    valid: makes rows that it takes of drawn ones; None if it takes all.
    most: its largest finite number.
    operations: how many it runs for a call, at most.
    has_steps: whether it knows the outputs of each step.
    """

    name: str
    answers: Callable[[Array, str | None], Array]
    fault: str = "fastnn converts this wrongly, please report it"
    has_steps: bool = False
    batch: int | None = None
    precision: float = FLOAT64
    largest: int | None = None
    valid: Callable[[Array], Array] | None = None
    most: float = np.inf
    operations: int = 1


def verify(
    model: Sequential, reference: Reference, steps: Sequence[Step], build: Callable[[Sequence[Step]], Sequential]
) -> Verification:
    """Compare a model with its source; UnsupportedModelError, naming the first step that differs, if they do not agree.

    build: returns the model of some of the steps.
    """
    try:
        with np.errstate(all="ignore"):
            for scale in _SCALES:
                batches = _batches(model, reference, scale)
                checked = _Comparison(reference, batches, None)
                if (row := checked.first_difference(model)) is not None:
                    _refuse(model, checked, row, _first_step(reference, batches, steps, build))
                if 2 * checked.compared >= len(checked.rows):
                    break
    except NotVerifiedError as error:
        return Verification(reference.name, reason=str(error))
    if not checked.compared:
        said = f"{reference.name} over- or underflows for all rows, or roundings decide its answers"
        return Verification(reference.name, reason=said)
    return Verification(reference.name, checked.compared)


def _refuse(model: Sequential, checked: "_Comparison", row: int, source: str | None) -> NoReturn:
    own, wanted = model.predict(checked.rows[row]), checked.wanted[row]
    said = [f"{len(own)} numbers", f"{len(wanted)}"]
    if len(own) == len(wanted):
        unit = int(np.argmax(np.nan_to_num(distance(own, wanted), nan=np.inf)))
        said = [f"{own[unit]:.9g}", f"{wanted[unit]:.9g}"]
    raise DifferentAnswersError(
        f"{'' if source is None else f'{source}: '}the converted model would answer a row with {said[0]} where "
        f"{checked.reference.name} says {said[1]}; {checked.reference.fault}"
    )


def _batches(model: Sequential, reference: Reference, scale: float) -> list[Array]:
    """Return ordinary rows, one of zeros, negative and large ones, in batches of several sizes."""
    widths = _widths(model)
    most = _MOST_NUMBERS // (max(widths) * reference.operations)
    if most < (reference.batch or 1):
        raise NotVerifiedError(f"{reference.name} would make more than {_MOST_NUMBERS} numbers of a batch")
    sizes = list(_BATCHES)
    if reference.batch is not None:
        sizes = [reference.batch] * max(sum(_BATCHES) // reference.batch, 1)
    del sizes[max(_MOST_OPERATIONS // reference.operations, 1) :]
    while sum(sizes) > most:
        sizes.pop()
    # Few digits, which every float type has.
    fractions, exponents = np.frexp(np.random.default_rng(0).standard_normal((sum(sizes), widths[0])))
    rows = scale * np.ldexp(np.rint(fractions * 128) / 128, exponents)
    rows[_ORDINARY : _ORDINARY + 1] = 0.0
    rows[_ORDINARY + 1 : _ORDINARY + 5] = -np.abs(rows[_ORDINARY + 1 : _ORDINARY + 5])
    for i in range(3):
        rows[_ORDINARY + 5 + i :: 3] *= 10.0 ** (i + 1)
    if reference.largest is not None:
        rows = np.rint(np.abs(rows) * 50.0) % (reference.largest + 1)
    if reference.valid is not None:
        rows = reference.valid(rows)
    return np.split(rows, np.cumsum(sizes)[:-1])


class _Comparison:
    """The answers of a reference to all batches, with which models are compared."""

    def __init__(self, reference: Reference, batches: list[Array], source: str | None) -> None:
        self.reference, self._source = reference, source
        self.rows = np.concatenate(batches)
        self.wanted = np.concatenate([self._answers(batch) for batch in batches])
        self._left_out: set[int] = set()

    @property
    def compared(self) -> int:
        return len(self.rows) - len(self._left_out)

    def _answers(self, rows: Array) -> Array:
        is_double = self.reference.precision < FLOAT32
        try:
            found = np.asarray(self.reference.answers(rows if is_double else rows.astype("f4"), self._source))
        except (NotVerifiedError, FloatingPointError, MemoryError):
            raise
        except Exception as error:  # other packages raise many kinds
            said = one_sentence(f"{type(error).__name__}: {error!s:.200}")
            raise NotVerifiedError(f"{self.reference.name} cannot answer {len(rows)} rows: {said}") from None
        if found.ndim == 0 or found.size % len(rows) or found.dtype.kind not in "biuf":
            raise NotVerifiedError(f"{self.reference.name} answers {len(rows)} rows with the shape {found.shape}")
        return found.reshape(len(rows), -1).astype(np.float64)

    def first_difference(self, model: Sequential) -> int | None:
        """Return the first row whose answers differ by more than roundings explain."""
        is_exact = self.reference.precision < FLOAT32
        if is_exact and model.dtype == "float32" and is_small(model.count_params()) and _is_finite(model):
            row = self._first_difference(model, _in_float64(model), "float64")
            if row is not None:
                return row
        return self._first_difference(model, model, model.dtype)

    def _first_difference(self, model: Sequential, network: Any, dtype: str) -> int | None:
        # Sums of floats narrower than float32 are those of float32, rounded once.
        precision = max(float(np.finfo(dtype).eps), min(self.reference.precision, FLOAT32))
        unit = _ROUNDINGS * max(_widths(model)) ** 0.5 * precision + self.reference.precision / 2
        own = network.representations(self.rows)[-1].astype(np.float64)
        if own.shape != self.wanted.shape:
            return 0
        # A source may round numbers of size 1 on its way to tiny answers, as in 1 + erf(x).
        floor = _ROUNDINGS * self.reference.precision
        allowed = _CONSTANTS * self._sizes(axis=0) + unit * self._sizes(axis=1) + floor
        off = distance(own, self.wanted)
        differing = np.flatnonzero(~(off <= allowed).all(axis=1))
        if not differing.size:
            return None
        changes = changes_of(model, dtype, self.rows[differing], own[differing], _CONSTANTS + unit, floor)
        unexplained = ~(off[differing] <= allowed[differing] + 8 * changes)
        if dtype == "float32" or self.reference.precision >= FLOAT32:  # one range ends earlier than the other
            for outputs in network.representations(self.rows[differing]):
                unexplained &= (np.abs(outputs) < _SQUARED_IN_RANGE).all(axis=1, keepdims=True)
        if self.reference.most < _SQUARED_IN_RANGE:  # where others than these overflow, the model does not
            unexplained &= np.isfinite(self.wanted[differing])
            for outputs in network.representations(self.rows[differing]):
                unexplained &= (np.abs(outputs) < self.reference.most / 16).all(axis=1, keepdims=True)
        # Of a row that roundings move by much, such as equal numbers that are normalized, answers tell nothing.
        largest = np.maximum(np.abs(own[differing]).max(axis=1, keepdims=True), self._sizes(axis=1)[differing])
        is_unstable = (changes > largest / 16).any(axis=1)
        for row in differing[unexplained.any(axis=1)].tolist():
            if row in differing[is_unstable] or self._is_out_of_range(row):
                self._left_out.add(row)
            else:
                return int(row)
        return None

    def _sizes(self, axis: int) -> Array:
        """Return the sizes of answers: of each, or the middle one of its unit (axis 0); the largest of its row (1)."""
        sizes = np.where(np.isfinite(self.wanted), np.abs(self.wanted), 0.0)
        if axis == 0:
            return np.asarray(np.maximum(sizes, np.median(sizes[:_ORDINARY], axis=0)))
        return np.asarray(sizes.max(axis=1, keepdims=True))

    def _is_out_of_range(self, row: int) -> bool:
        """Return whether the reference over- or underflows, or divides by zero, on its way to the answer to a row."""
        try:
            with np.errstate(all="raise"):
                self._answers(np.repeat(self.rows[row : row + 1], self.reference.batch or 1, axis=0))
        except FloatingPointError:
            return True
        return False


def _is_finite(model: Sequential) -> bool:
    """Return whether all weights are finite. Those that float32 could not hold stay infinite in float64."""
    return all(np.isfinite(weight).all() for weight in model.get_weights())


def _in_float64(model: Sequential) -> Any:
    """Return the network of a model, in float64."""
    described = model._describe()
    weights = [{name: array.astype(np.float64) for name, array in each.weights.items()} for each in described.layers]
    layers = [layer._replace(weights=own) for layer, own in zip(described.layers, weights, strict=True)]
    return NETWORKS["float64"](described.inputs, layers, np.asarray)


def _widths(model: Sequential) -> list[int]:
    described = model._describe()
    return [described.inputs, *(layer.units for layer in described.layers)]


def _first_step(
    reference: Reference, batches: list[Array], steps: Sequence[Step], build: Callable[[Sequence[Step]], Sequential]
) -> str | None:
    """Return the source of the first step whose outputs differ, found by halving; None if that cannot be told."""
    ends = [i + 1 for i, step in enumerate(steps) if step.source not in {each.source for each in steps[i + 1 : i + 2]}]
    agreeing, differing = -1, len(ends) - 1
    if not reference.has_steps or differing < 0:
        return None
    try:
        while differing - agreeing > 1:
            middle = (agreeing + differing) // 2
            some = steps[: ends[middle]]
            checked = _Comparison(reference, batches, some[-1].source)
            if checked.first_difference(build(some)) is None:
                agreeing = middle
            else:
                differing = middle
    except (NotVerifiedError, ModelFormatError):
        return None
    return steps[ends[differing] - 1].source
