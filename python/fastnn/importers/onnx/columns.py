"""The operations of ONNX that take columns, some of a row's units: Split, Slice, Gather and their kin."""

from dataclasses import replace

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.onnx import advice
from fastnn.importers.onnx.constants import ROWS, UNKNOWN
from fastnn.importers.onnx.graph import Given, Node
from fastnn.importers.onnx.shapes import Rows
from fastnn.importers.steps import Columns, Nothing, Step

_WHOLE = 2**31 - 1  # from this end on, a Slice takes all there is: exporters write the largest int32 or int64


def split(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns of the only output that is used, `part` of `parts`, which the walk has added."""
    width = _width(node, rows, node.attributes["axis"])
    part, count = node.attributes["part"], node.attributes["parts"]
    sizes = node.attributes.get("split")
    if len(given) > 1 and node.inputs[1]:
        sizes = _numbers(node, given[1])
    elif sizes is None:
        # Only num_outputs allows that the last part is smaller.
        if node.attributes.get("num_outputs", 0 if width % count else count) != count:
            raise ModelFormatError(f"{node} splits {width} units into {count} outputs; expected parts of one size")
        size = -(-width // count)
        sizes = [min(size, width - i * size) for i in range(count)]
    if len(sizes) != count:
        raise ModelFormatError(f"{node} has {len(sizes)} sizes of {count} outputs")
    return _part(node, rows, sizes, part)


def of_sequence(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns of a SplitToSequence that the SequenceAt behind it takes, whose position is input 2."""
    if len(given) < 3:
        raise UnsupportedModelError(f"{node} has more than one part that is used; {advice.BRANCHES}")
    width = _width(node, rows, node.attributes["axis"])
    if not node.inputs[1] and not node.attributes["keepdims"]:
        return _picked(node, rows, given[2], width)
    (part,) = _numbers(node, None if given[2] is None else given[2].reshape(1))
    split = np.ones((), np.int64) if not node.inputs[1] else given[1]
    if split is None or split.ndim:
        return _part(node, rows, _numbers(node, split), part)
    (size,) = _numbers(node, split.reshape(1))
    if size < 1 or not -width <= part * size < width:
        raise ModelFormatError(f"{node} takes part {part} of parts of {size}, of {width} units")
    first = size * (part if part >= 0 else -(-width // size) + part)
    return _taken(node, rows, range(first, min(first + size, width)))


def slice_of(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns of a Slice that leaves all other axes whole."""
    starts, ends, axes, strides = _ranges(node, given)
    index = None
    for start, end, axis, stride in zip(starts, ends, axes, strides, strict=True):
        if (start, stride) == (0, 1) and end >= min(_WHOLE, rows.size_of(axis) or _WHOLE):
            continue
        width = _width(node, rows, axis)
        if stride == 0 or index is not None:
            raise ModelFormatError(
                f"{node} takes the axes {axes!r:.60} by steps of {strides!r:.60}; expected each axis once, no step of 0"
            )
        start, end = (each + width if each < 0 else each for each in (start, end))
        if start < 0 and stride < 0:  # where ONNX's text and its evaluator disagree
            raise UnsupportedModelError(
                f"{node} goes backwards from before the first unit; expected a start that is one"
            )
        lowest, highest = (0, width) if stride > 0 else (-1, width - 1)
        index = range(min(max(start, 0), highest), min(max(end, lowest), highest), stride)
    return [Nothing(str(node))] if index is None else _taken(node, rows, index)


def gather(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns that a Gather with constant indices takes."""
    width = _width(node, rows, node.attributes["axis"])
    return _picked(node, rows, given[1], width)


def gather_of_last(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns that a GatherND between two Transposes takes."""
    if "axis" not in node.attributes or given[1] is None or given[1].ndim != 2 or given[1].shape[1] != 1:
        raise UnsupportedModelError(f"{node} takes parts of the first axes; expected columns, of the last axis")
    return _picked(node, rows, given[1].reshape(-1), _width(node, rows, node.attributes["axis"]))


def joined(nodes: list[Node]) -> list[Node]:
    """Return the nodes, with one in place of several that together take columns.

    PyTorch writes x[..., [0, 2]] as Transpose, GatherND, Transpose: the one is a GatherND of an `axis`.
    It writes torch.chunk(x, 3)[0] as SplitToSequence, SequenceAt: the one is a SplitToSequence of three inputs.
    """
    users: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
    replaced: dict[Node, list[Node]] = {}
    for first in nodes:
        chain = [first]
        while len(chain) < 3 and len(following := users.get(chain[-1].outputs[0], [])) == 1:
            chain += following
        match [node.op for node in chain]:
            case ["SplitToSequence", "SequenceAt", *_] if chain[1].inputs[0] in first.outputs:
                at = chain[1]
                made = replace(first, inputs=[*first.inputs, at.inputs[1]], outputs=at.outputs)
                replaced |= {first: [], at: [made]}
            case ["Transpose", "GatherND", "Transpose"] if chain[1].inputs[0] in first.outputs:
                _, gather, last = chain
                axes = list(range(len(first.attributes.get("perm", []))))
                moved = [node.attributes.get("perm") for node in (first, last)]
                if moved == [[*axes[-1:], *axes[:-1]], [*axes[1:], *axes[:1]]] and not gather.attributes.get(
                    "batch_dims"
                ):
                    inputs, attributes = [first.inputs[0], gather.inputs[1]], {"axis": len(axes) - 1}
                    made = replace(gather, inputs=inputs, outputs=last.outputs, attributes=attributes)
                    replaced |= {first: [], gather: [], last: [made]}
    return [each for node in nodes for each in replaced.get(node, [node])]


def extractor(node: Node, given: Given, rows: Rows) -> list[Step]:
    """Return the columns that an ArrayFeatureExtractor with constant indices takes, of the last axis."""
    indices = None if given[1] is None else given[1].reshape(-1)  # (1, n) and (n,) are the same to it
    return _picked(node, rows, indices, _width(node, rows, -1))


def _picked(node: Node, rows: Rows, indices: Array | None, width: int) -> list[Step]:
    if indices is None or indices.ndim > 1:
        raise UnsupportedModelError(f"{node} takes columns by indices of several axes, or that are no constants")
    index = np.array(_numbers(node, indices.reshape(-1)), np.int64)
    if index.size and not (-width <= index.min() and index.max() < width):
        raise ModelFormatError(f"{node} takes columns {index.min()} to {index.max()} of {width}")
    if indices.ndim == 0 and len(rows.shape) > 2:
        raise UnsupportedModelError(f"{node} takes one number of the last axis; expected one axis beside the rows'")
    made, axis = _taken(node, rows, index % width), rows.axis or 0
    return made if indices.ndim else [*made, *rows.without(node, [axis])]


def _part(node: Node, rows: Rows, sizes: list[int], part: int) -> list[Step]:
    if min(sizes, default=-1) < 0 or sum(sizes) != rows.width or not -len(sizes) <= part < len(sizes):
        raise ModelFormatError(
            f"{node} takes part {part} of {rows.width} units in parts of {sizes!r:.60}; expected sizes that add up"
        )
    first = sum(sizes[: part % len(sizes)])
    return _taken(node, rows, range(first, first + sizes[part]))


def _taken(node: Node, rows: Rows, index: range | Array) -> list[Step]:
    width = rows.width
    if width is None or not 0 < len(index) <= width:
        raise UnsupportedModelError(f"{node} takes {len(index)} columns of {width}; expected 1 to {width}")
    rows.budget.take(len(index), str(node))
    rows.set_units(len(index))
    return [Columns(str(node), np.asarray(index), width)]


def _width(node: Node, rows: Rows, axis: int) -> int:
    """Return the number of units; refuse columns of any other axis."""
    if rows.axis is None or axis not in (rows.axis, rows.axis - len(rows.shape)):
        raise UnsupportedModelError(
            f"{node} takes parts of axis {axis}; expected columns, of the last axis: take rows before predict instead"
        )
    if rows.width is None:
        raise UnsupportedModelError(
            f"{node} takes columns of rows, whose length the file does not say; expected the input's shape to have it"
        )
    return rows.width


def _ranges(node: Node, given: Given) -> list[list[int]]:
    """Return starts, ends, axes and steps: attributes, or from opset 10 on inputs."""
    if "starts" in node.attributes:
        listed = [node.attributes.get(name) for name in ("starts", "ends", "axes")]
    else:
        listed = [
            None if not name else _numbers(node, value) for name, value in zip(node.inputs[1:], given[1:], strict=True)
        ]
    count = len(listed[0] or [])
    found = [*listed, None, None][:4]
    found[2] = list(range(count)) if found[2] is None else found[2]
    found[3] = [1] * count if found[3] is None else found[3]
    if any(each is None or len(each) != count for each in found):
        raise ModelFormatError(f"{node} has starts, ends, axes and steps of different lengths")
    return [each for each in found if each is not None]


def _numbers(node: Node, value: Array | None) -> list[int]:
    if value is None or value.dtype.kind != "i" or value.ndim != 1 or np.isin(value, (ROWS, UNKNOWN)).any():
        raise UnsupportedModelError(f"{node} takes columns by numbers that are known only when the model runs")
    return [int(each) for each in value]
