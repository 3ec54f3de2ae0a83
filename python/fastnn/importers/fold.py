"""Steps become a Sequential: affine steps and activations fold into the Dense beside them.

Affine steps fold in float64:
``(x * scale + shift) @ kernel + bias = x @ (scale[:, None] * kernel) + (shift @ kernel + bias)``.

Columns are taken of the Dense before them, through all that works on each unit alone. Where there is none, the Dense
after them gets rows of zeros.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from fastnn import _core
from fastnn._core import ModelFormatError
from fastnn.arrays import Array
from fastnn.importers import bounds
from fastnn.importers.names import named
from fastnn.importers.pending import PendingDense, is_finite
from fastnn.importers.steps import (
    Bounds,
    Centre,
    Columns,
    Function,
    Normalize,
    Nothing,
    Product,
    Scale,
    Slopes,
    Step,
)  # fmt: skip
from fastnn.layers.activation import Activation, interpreted, serialized
from fastnn.layers.description import Weights
from fastnn.layers.layer import Layer
from fastnn.layers.normalization import Affine, LayerNormalization, PReLU
from fastnn.models.sequential import Sequential

# Answers have size 1, and x * scale + shift rounds to ulps of the shift: a larger shift would cost digits of them.
_FAR = 4.0
_THE_REST = "with weights of 0 for the rest: a row that is NaN or infinite there answers NaN"


def to_model(
    steps: Iterable[Step],
    *,
    inputs: int | None = None,
    fold: bool = True,
    name: str | None = None,
    dtype: str = "float32",
    names: Mapping[str, str] | None = None,
) -> tuple[Sequential, list[tuple[str, str]]]:
    """Return the model of the steps, and what became of each: (source, what).

    inputs: of the first step, if the source says it. fold: whether affine steps fold into a Dense beside them; none
    does where a product of their numbers would overflow the dtype.
    dtype: of a model without kernels. If all kernels are float64, the model computes in float64, else in float32.
    names: of layers, by the source of the step that a layer is; by that of the product if others fold into it.
    Raises ModelFormatError if a step does not fit the one before it.
    """
    steps = list(steps)
    dtypes = {step.kernel.dtype for step in steps if isinstance(step, Product)}
    if dtypes:
        dtype = "float64" if dtypes == {np.dtype("f8")} else "float32"
    layers = _Layers(inputs, fold, dtype)
    with np.errstate(all="ignore"):  # weights may be infinite
        for step in steps:
            try:
                layers.add(step)
            except ModelFormatError:
                raise
            except ValueError as error:  # of a layer, which knows no source
                raise ModelFormatError(f"{step.source}: {error}") from None
        if layers.has_overflowed and all(is_finite(array, dtype) for step in steps for array in step.arrays):
            return to_model(steps, inputs=inputs, fold=False, name=name, dtype=dtype, names=names)
    return layers.model(name, names or {}), layers.report


class _Layers:
    """The layers so far, and what became of each step."""

    def __init__(self, inputs: int | None, fold: bool, dtype: str) -> None:
        self.inputs = self.width = inputs
        self.fold, self.dtype = fold, dtype
        self.layers: list[PendingDense | tuple[Layer, Weights]] = []
        self.sources: list[str] = []  # of the layers
        self.waiting: list[Scale] = []  # they fold into a Dense if one follows, else become layers
        self.columns: Columns | None = None  # taken behind what waits; no Dense before has them
        self.report: list[tuple[str, str]] = []

    def add(self, step: Step) -> None:
        if step.inputs is not None and self.width not in (None, step.inputs):
            raise ModelFormatError(
                f"{step.source} has {step.inputs} inputs; expected {self.width}, the outputs of the step before"
            )
        if self.width is None:
            self.inputs = self.width = step.inputs
        match step:
            case Nothing():
                self._tell(step, f"nothing, since it changes no prediction in {self.dtype}")
            case Function(activation="linear"):
                self._tell(step, "nothing, since it is linear")
            case Product():
                self._product(step)
            case Scale():
                self._scale(step)
            case Function():
                self._function(step)
            case Bounds():
                self._tell(step, bounds.REPORT)
                for part in bounds.parts(step):
                    self.add(part)
            case Columns():
                self._columns(step)
            case Slopes():
                self._append(step, PReLU(), {"alpha": self._full(step, step.alpha)})
            case Normalize():
                weights = {"gamma": self._full(step, step.gamma), "beta": self._full(step, step.beta)}
                self._append(step, LayerNormalization(step.epsilon), weights)

    def _tell(self, step: Step, what: str) -> None:
        self.report.append((step.source, what))

    def _append(self, step: Step, layer: Layer, weights: Weights) -> None:
        self._settle()
        self.layers.append((layer, weights))
        self.sources.append(step.source)
        self._tell(step, f"layer {len(self.layers) - 1}: {type(layer).__name__}")

    def _settle(self) -> None:
        """Make layers of the affine steps and columns that fold into no Dense."""
        waiting, self.waiting = self.waiting, []
        columns = self._take_back()
        for step in waiting:
            self._append(step, Affine(), {"scale": self._full(step, step.scale), "shift": self._full(step, step.shift)})
        if columns is not None:
            self._product(Product(columns.source, np.eye(len(columns.index), dtype=self.dtype)), columns)

    def _take_back(self) -> Columns | None:
        """Return the columns that wait, and go back to where all units are."""
        columns, self.columns = self.columns, None
        if columns is not None:
            self.width = columns.width
        return columns

    def _open_dense(self) -> PendingDense | None:
        """Return the last layer if it is a Dense without an activation, and nothing waits behind it."""
        last = self.layers[-1] if self.layers and not self.waiting else None
        return last if isinstance(last, PendingDense) and last.activation is None else None

    def _product(self, step: Product, columns: Columns | None = None) -> None:
        columns = columns or self._take_back()
        centres = [i for i, scale in enumerate(self.waiting) if isinstance(scale, Centre)]
        first = centres[-1] + 1 if centres else 0
        self.waiting, folded = self.waiting[:first], self.waiting[first:]
        if self.fold and columns is None and not folded and self._multiply(step):
            return
        self._settle()
        dense = PendingDense(step.kernel, step.bias, is_preparation=step.is_preparation)
        if columns is not None:
            dense.spread(columns)
            self._tell(columns, f"columns of what layer {len(self.layers)} takes, {_THE_REST}")
        for scale in reversed(folded):
            dense.fold_before(scale)
            self._tell(scale, f"folded into layer {len(self.layers)}")
        self.layers.append(dense)
        self.sources.append(step.source)
        self.width = step.kernel.shape[1]
        self._tell(step, f"layer {len(self.layers) - 1}: Dense")

    def _multiply(self, step: Product) -> bool:
        """Make one kernel of a product and the preparation before it, if that is less work; return whether it is."""
        last = self._open_dense()
        if last is None or not last.is_preparation or not last.costs_less_with(step.kernel):
            return False
        last.multiply(step)
        self.sources[-1], self.width = step.source, step.kernel.shape[1]
        self._tell(step, f"layer {len(self.layers) - 1}: Dense, one kernel with the step before")
        return True

    def _columns(self, step: Columns) -> None:
        if np.array_equal(step.index, np.arange(step.width)):
            self._tell(step, "nothing, since it keeps all units where they are")
        elif self.columns is None and (dense := self._dense_before()) is not None:
            self.waiting = [_taken(scale, step.index) for scale in self.waiting]
            for i, layer in enumerate(self.layers[dense:], dense):
                if isinstance(layer, PendingDense):
                    layer.take(step.index)
                else:
                    self.layers[i] = layer[0], {name: array[step.index] for name, array in layer[1].items()}
            self._tell(step, f"columns of layer {dense}")
        else:
            if (earlier := self.columns) is not None:
                step = Columns(f"{earlier.source}, {step.source}", earlier.index[step.index], earlier.width)
            self.columns = step
            # A scale of units that are left out may be infinite, and 0 times that is NaN.
            self.waiting = [_spread(_taken(scale, step.index), step) for scale in self.waiting]
            if len(np.unique(step.index)) < len(step.index):
                self._settle()  # a scale of each column could not stand before one that is there twice
        self.width = len(step.index)

    def _dense_before(self) -> int | None:
        """Return the number of the last Dense, if all behind it works on each unit alone."""
        for i in reversed(range(len(self.layers))):
            layer = self.layers[i]
            activation = layer.activation if isinstance(layer, PendingDense) else layer[0].activation
            name = activation["name"] if isinstance(activation, dict) else activation
            if name in _core.whole_row_activations:
                return None
            if isinstance(layer, PendingDense):
                return i
            if isinstance(layer[0], LayerNormalization):
                return None
        return None

    def _scale(self, step: Scale) -> None:
        if self.columns is not None:
            step = _spread(step, self.columns)
        if self.fold and (last := self._open_dense()) is not None:
            last.fold_after(step)
            self._tell(step, f"folded into layer {len(self.layers) - 1}")
            return
        is_whole = self.dtype == "float64" or (step.is_literal and not self.fold)
        self.waiting += [step] if is_whole else _parts(step)
        if not self.fold:
            columns = self._take_back()
            self._settle()
            if columns is not None:
                self.columns, self.width = columns, len(columns.index)

    def _function(self, step: Function) -> None:
        if self.columns is not None:
            self._settle()
        activation = serialized(*interpreted({"name": step.activation, **step.parameters}))
        if (last := self._open_dense()) is not None:
            last.activation = activation
            self._tell(step, f"activation {step.activation} of layer {len(self.layers) - 1}")
        else:
            self._append(step, Activation(activation), {})

    def _full(self, step: Step, numbers: Array) -> Array:
        if self.width is None:
            raise ModelFormatError(f"{step.source} does not say its number of inputs, nor does any step before it")
        return np.broadcast_to(numbers, self.width)

    @property
    def has_overflowed(self) -> bool:
        """Whether folding made weights that the dtype cannot hold, among those so far."""
        dense = [each for each in self.layers if isinstance(each, PendingDense)]
        return self.fold and not all(is_finite(array, self.dtype) for each in dense for array in each.weights.values())

    def model(self, name: str | None, names: Mapping[str, str]) -> Sequential:
        self._settle()
        if self.inputs is None:
            raise ModelFormatError("expected at least one layer with weights; found none")
        made = [each.made() if isinstance(each, PendingDense) else each for each in self.layers]
        layers = named([layer for layer, _ in made], self.sources, names) or [Activation("linear")]
        model = Sequential(layers, dtype=self.dtype, name=name)
        # The weights are given, as those of a file: drawing others first would also change what other models draw.
        model._adopt(model._states(self.inputs, [weights for _, weights in made] or [{}]))
        return model


def _taken(step: Scale, index: Array) -> Scale:
    scale, shift = (each[index] if each.ndim else each for each in (step.scale, step.shift))
    return replace(step, scale=scale, shift=shift)


def _spread(step: Scale, columns: Columns) -> Scale:
    """Return the step for all units, which leaves those that are not among the columns as they are."""
    scale, shift = np.ones(columns.width), np.zeros(columns.width)
    scale[columns.index], shift[columns.index] = step.scale, step.shift
    return replace(step, scale=scale, shift=shift)


def _parts(step: Scale) -> list[Scale]:
    """Return the step in two if its shift is large: subtract the mean first, as the source does, then scale."""
    with np.errstate(all="ignore"):
        zero = np.asarray(-step.shift / step.scale, np.float32).astype(np.float64)
        centre = np.asarray(np.where((np.abs(step.shift) > _FAR) & np.isfinite(zero), zero, 0.0))
        rest = step.shift + centre * step.scale
    if not centre.any():
        return [step]
    centred = Centre(step.source, np.ones_like(centre), np.asarray(-centre))
    if (step.scale == 1).all() and not rest.any():
        return [centred]
    return [centred, Scale(step.source, step.scale, rest)]
