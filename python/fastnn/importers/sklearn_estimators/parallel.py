"""Steps side by side become steps in a row: branches of a ColumnTransformer, scores of a OneVsRestClassifier.

Each branch is a row of stages, an affine map and then bounds. Stages of one place are put side by side: coefficients
become blocks of one kernel, and a branch that is done waits as the identity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers import bounds
from fastnn.importers.steps import Bounds, Columns, Function, Nothing, Product, Scale, Step, clip


@dataclass
class _Stage:
    """``x[:, index] * scale + shift``, then ``@ kernel + bias`` if there is a kernel, then between low and high."""

    index: Array
    scale: Array
    shift: Array
    kernel: Array | None = None
    bias: Array = field(default_factory=lambda: np.zeros(()))
    low: Array = field(default_factory=lambda: np.array(-np.inf))
    high: Array = field(default_factory=lambda: np.array(np.inf))

    @property
    def units(self) -> int:
        return len(self.index) if self.kernel is None else self.kernel.shape[1]

    def add(self, step: Step) -> None:
        match step:
            case Columns() if self.kernel is None:
                self.index, self.scale, self.shift = (each[step.index] for each in (self.index, self.scale, self.shift))
            case Columns():
                self.kernel, self.bias = np.asarray(self.kernel)[:, step.index], self.bias[step.index]
            case Scale() if self.kernel is None:
                self.scale, self.shift = self.scale * step.scale, self.shift * step.scale + step.shift
            case Scale():
                self.kernel, self.bias = self.kernel * step.scale, self.bias * step.scale + step.shift
            case Product():
                kernel = step.kernel.astype(np.float64)
                bias = np.zeros(kernel.shape[1]) if step.bias is None else step.bias
                self.bias = bias if self.kernel is None else self.bias @ kernel + bias
                self.kernel = kernel if self.kernel is None else self.kernel @ kernel

    def as_product(self) -> tuple[Array, Array]:
        """Return the kernel and the bias of all that is before the bounds."""
        if self.kernel is None:
            return np.diag(self.scale), self.shift
        return self.scale[:, None] * self.kernel, self.shift @ self.kernel + self.bias


def side_by_side(source: str, branches: Sequence[Sequence[Step]], width: int) -> list[Step]:
    """Return the steps whose outputs are those of all branches, one branch after the other.

    source: of the steps. width: the number of inputs, which every branch takes all of.
    Raises UnsupportedModelError for a branch with steps other than affine ones and bounds.
    """
    rows = [_stages(branch, width) for branch in branches]
    steps: list[Step] = []
    widths = [width]  # of what each branch takes; all take the inputs themselves
    for place in range(max(map(len, rows))):
        stages = [row[place] if place < len(row) else _identity(row[-1].units) for row in rows]
        steps += _joined(source, stages, widths)
        widths = [stage.units for stage in stages]
    products = {step.kernel.dtype for branch in branches for step in branch if isinstance(step, Product)}
    if products == {np.dtype("f4")}:
        return [replace(step, kernel=step.kernel.astype("f4")) if isinstance(step, Product) else step for step in steps]
    return steps


def _identity(units: int) -> _Stage:
    return _Stage(np.arange(units), np.ones(units), np.zeros(units))


def _stages(branch: Sequence[Step], width: int) -> list[_Stage]:
    stages = [_identity(width)]
    for step in branch:
        last = stages[-1]
        if step.inputs not in (None, last.units):
            raise ModelFormatError(
                f"{step.source} has {step.inputs} inputs; expected {last.units}, the outputs of the step before"
            )
        limits = bounds.of_step(step)
        if limits is not None:
            last.low, last.high = limits
            stages.append(_identity(last.units))
        elif isinstance(step, (Columns, Scale, Product)):
            last.add(step)
        elif not isinstance(step, Nothing) and not (isinstance(step, Function) and step.activation == "linear"):
            raise UnsupportedModelError(
                f"{step.source} stands beside other estimators, where fastnn takes linear ones and scalers alone; "
                "convert it by itself"
            )
    return stages


def _joined(source: str, stages: list[_Stage], widths: list[int]) -> list[Step]:
    """Return the steps of stages side by side. widths: the inputs of each, or one number if they share all inputs."""
    starts = [0] * len(stages) if len(widths) == 1 else np.cumsum([0, *widths[:-1]]).tolist()
    index = np.concatenate([start + stage.index for start, stage in zip(starts, stages, strict=True)])
    if len(np.unique(index)) < len(index):  # no scale of a column, since branches may scale it differently
        steps = [_blocks(source, [stage.as_product() for stage in stages], index, sum(widths))]
    else:
        steps = [] if np.array_equal(index, np.arange(sum(widths))) else [Columns(source, index, sum(widths))]
        scale, shift = (np.concatenate([getattr(stage, name) for stage in stages]) for name in ("scale", "shift"))
        if (scale != 1).any() or shift.any():
            steps.append(Scale(source, scale, shift))
        if any(stage.kernel is not None for stage in stages):
            parts = [
                (np.eye(stage.units), np.zeros(stage.units)) if stage.kernel is None else (stage.kernel, stage.bias)
                for stage in stages
            ]
            steps.append(_blocks(source, parts, np.arange(len(index)), len(index)))
    low, high = (
        np.concatenate([np.broadcast_to(getattr(stage, end), stage.units) for stage in stages])
        for end in ("low", "high")
    )
    if np.isfinite(low).any() or np.isfinite(high).any():
        is_one = (low == low[0]).all() and (high == high[0]).all()
        steps.append(clip(source, float(low[0]), float(high[0])) if is_one else Bounds(source, low, high))
    return steps or [Nothing(source)]


def _blocks(source: str, parts: list[tuple[Array, Array]], index: Array, width: int) -> Step:
    """Return the product with kernels as blocks. index: the input of each row of the blocks, maybe one for several."""
    kernel = np.zeros((width, sum(block.shape[1] for block, _ in parts)))
    row = unit = 0
    for block, _ in parts:
        rows, units = block.shape
        np.add.at(kernel, (index[row : row + rows, None], np.arange(unit, unit + units)), block)
        row, unit = row + rows, unit + units
    return Product(source, kernel, np.concatenate([bias for _, bias in parts]), is_preparation=True)
