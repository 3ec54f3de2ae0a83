"""Columns of the inputs, or of a layer's units, in every spelling of ONNX: the numbers of ONNX's own evaluator."""

import numpy as np
import pytest

from arrays import uniform

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import helper  # noqa: E402

from fastnn import LimitError, UnsupportedModelError  # noqa: E402
from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import Chain, reference, refused, written  # noqa: E402

LARGEST, SMALLEST = np.iinfo("int64").max, np.iinfo("int64").min


def ints(*values):
    return np.int64(values)


def split(used, count, sizes=None, **attributes):
    """Return what appends a Split, of whose outputs only one is used."""

    def body(chain):
        inputs = [chain.value] if sizes is None else [chain.value, chain.constant(ints(*sizes))]
        names = [f"part{i}" for i in range(count)]
        chain.nodes.append(helper.make_node("Split", inputs, names, "split", **attributes))
        chain.value = names[used]

    return body


def in_turn(*bodies):
    """Return what appends the nodes of each."""
    return lambda chain: [each(chain) for each in bodies]


def of(op, *inputs, **attributes):
    """Return what appends a node of the value and of constants."""
    return lambda chain: chain.then(op, *inputs, **attributes)


def cut(*inputs, **attributes):
    return of("Slice", *inputs, **attributes)


def picked_by_transposing(axes):
    """Return what PyTorch writes for x[..., [4, 0, 1]]."""
    order = list(range(axes))
    return written(
        ("Transpose", "x", {"perm": [*order[-1:], *order[:-1]]}),
        ("GatherND", "#0", ints(4, 0, -5).reshape(3, 1)),
        ("Transpose", "#1", {"perm": [*order[1:], *order[:1]]}),
    )


def at(position):
    return ("SequenceAt", "#0", np.int64(position))


# Each takes some of 6 units: the first opset that has it, and the nodes.
SPELLINGS = {
    "Split, sizes as an attribute": (7, split(0, 2, axis=1, split=[2, 4])),
    "Split, sizes as an attribute, the last part": (11, split(1, 2, axis=-1, split=[2, 4])),
    "Split, equal parts": (7, split(1, 3, axis=1)),
    "Split, sizes as an input": (13, split(1, 3, sizes=(1, 2, 3), axis=-1)),
    "Split, equal parts of opset 13": (13, split(0, 2, axis=-1)),
    "Split, a number of parts": (18, split(1, 2, axis=-1, num_outputs=2)),
    "Split, a smaller last part": (18, in_turn(cut(ints(1), ints(6), ints(1)), split(1, 2, axis=-1, num_outputs=2))),
    "SplitToSequence, sizes": (12, written(("SplitToSequence", "x", ints(1, 2, 3), {"axis": -1}), at(1))),
    "SplitToSequence, sizes, from the end": (12, written(("SplitToSequence", "x", ints(1, 2, 3), {"axis": 1}), at(-2))),
    "SplitToSequence, one size": (12, written(("SplitToSequence", "x", np.int64(4), {"axis": -1}), at(0))),
    "SplitToSequence, a smaller last part": (12, written(("SplitToSequence", "x", np.int64(4), {"axis": -1}), at(-1))),
    "SplitToSequence, parts of 1": (12, written(("SplitToSequence", "x", {"axis": -1}), at(4))),
    "SplitToSequence, numbers": (12, written(("SplitToSequence", "x", {"axis": -1, "keepdims": 0}), at(-2))),
    "Slice, attributes": (7, cut(starts=[1], ends=[4], axes=[1])),
    "Slice, attributes of all axes": (7, cut(starts=[0, 2], ends=[LARGEST, 5])),
    "Slice, attributes from the end": (7, cut(starts=[-2], ends=[LARGEST], axes=[1])),
    "Slice, inputs": (10, cut(ints(0), ints(3), ints(-1))),
    "Slice, steps": (10, cut(ints(0), ints(LARGEST), ints(-1), ints(2))),
    "Slice, large steps": (10, cut(ints(1), ints(6), ints(-1), ints(4))),
    "Slice, negative numbers": (13, cut(ints(-5), ints(-1), ints(1), ints(3))),
    "Slice, backwards": (13, cut(ints(-1), ints(SMALLEST), ints(1), ints(-1))),
    "Slice, backwards from beyond the end": (13, cut(ints(99), ints(0), ints(1), ints(-2))),
    "Slice, beyond the end": (13, cut(ints(3), ints(99), ints(-1))),
    "Slice, the rows whole": (13, cut(ints(0, 1), ints(2**31 - 1, 3), ints(0, 1))),
    "Slice, int32": (13, cut(np.int32([1]), np.int32([2**31 - 1]), np.int32([1]))),
    "Slice, all columns": (13, cut(ints(0), ints(6), ints(-1))),
    "Gather": (7, of("Gather", ints(2, 0), axis=1)),
    "Gather, from the end": (13, of("Gather", ints(-1, 1, -2), axis=-1)),
    "Gather, a column twice": (13, of("Gather", ints(3, 0, 3), axis=-1)),
    "Gather, another order": (13, of("Gather", ints(5, 4, 3, 2, 0, 1), axis=-1)),
    "Gather, one column": (13, of("Gather", ints(4), axis=1)),
    "Gather, one number": (13, of("Gather", np.int64(4), axis=1)),
    "Gather, one number, and its axis again": (
        13,
        written(("Gather", "x", np.int64(4), {"axis": 1}), ("Unsqueeze", "#0", ints(1))),
    ),
    "GatherND": (13, picked_by_transposing(2)),
    "ArrayFeatureExtractor": (13, of("ArrayFeatureExtractor", ints(4, 1))),
    "ArrayFeatureExtractor, in a row": (13, of("ArrayFeatureExtractor", ints(4, 1).reshape(1, 2))),
    "of columns": (13, written(("Slice", "x", ints(1), ints(6), ints(1)), ("Gather", "#0", ints(4, 0), {"axis": 1}))),
}  # fmt: skip


def dense(seed, inputs, units):
    return lambda chain: written(
        ("MatMul", "x", uniform(seed, (inputs, units), chain.dtype)),
        ("Add", "#0", uniform(seed + 1, units, chain.dtype)),
    )(chain)


def graph(*bodies, dtype="float32", opset=20, shape=None):
    chain = Chain(6, dtype, opset, shape)
    in_turn(*bodies)(chain)
    return chain.proto()


def check(proto, layers=None, shape=(30, 6), bound=40, folds=(False, True)):
    """Compare with ONNX's evaluator, folded and not; return the folded model."""
    for fold in folds:
        model = from_proto(proto, fold=fold)
        assert model.input_shape == (None, 6)
        x = uniform(9, shape, model.dtype)
        y = reference(proto, x)
        assert np.abs(model.predict(x).reshape(y.shape) - y).max() <= bound * np.finfo(model.dtype).eps
    if layers is not None:
        assert [type(each).__name__ for each in model.layers] == layers
    return model


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_columns_of_a_dense_are_those_of_its_kernel(spelling):
    opset, nodes = SPELLINGS[spelling]
    model = check(graph(dense(1, 6, 6), nodes, of("Tanh"), opset=opset), ["Dense"])
    assert "columns of layer 0" in str(model.conversion) or spelling == "Slice, all columns"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_columns_of_the_inputs_leave_their_number_as_it_is(spelling):
    opset, nodes = SPELLINGS[spelling]
    check(graph(nodes, of("Tanh"), opset=opset))


COLUMNS = cut(ints(4), ints(0), ints(-1), ints(-2))  # 4 and 2
VECTOR, PAIR = uniform(3, 6) + 1.5, uniform(4, 2) + 1.5


def vectors(*values):
    """Return what multiplies by a number for each unit and adds one, of the graph's dtype."""
    scale, shift = values
    return in_turn(of("Mul", scale.tolist()), of("Add", shift.tolist()))


# Nodes before columns 4 and 2 and after them, and the layers of the folded model.
PLACES = {
    "before a Dense": ([], [dense(5, 2, 4)], ["Dense"]),
    "before a scale and a Dense": ([], [vectors(PAIR, PAIR), dense(5, 2, 4)], ["Dense"]),
    "behind a scale, before a Dense": ([vectors(VECTOR, VECTOR)], [dense(5, 2, 4)], ["Dense"]),
    "between scales": ([vectors(VECTOR, VECTOR)], [vectors(PAIR, PAIR), dense(5, 2, 4)], ["Dense"]),
    "before a large shift": ([], [of("Sub", [90.0, -80.0]), dense(5, 2, 4)], ["Affine", "Dense"]),
    "before an activation": ([], [of("Exp"), dense(5, 2, 4)], ["Dense", "Dense"]),
    "before a softmax": ([], [of("Softmax", axis=-1)], ["Dense"]),
    "before layer normalization": ([], [of("LayerNormalization", [1.0, 2.0], axis=-1)],
                                   ["Dense", "LayerNormalization"]),
    "at the end": ([], [], ["Dense"]),
    "behind an activation": ([dense(5, 6, 6), of("Tanh")], [], ["Dense"]),
    "behind a softmax": ([dense(5, 6, 6), of("Softmax", axis=-1)], [], ["Dense", "Dense"]),
    "behind a softmax, before a Dense": ([dense(5, 6, 6), of("Softmax", axis=-1)], [dense(7, 2, 4)],
                                         ["Dense", "Dense"]),
    "behind layer normalization": ([of("LayerNormalization", VECTOR.tolist(), axis=-1)], [dense(7, 2, 4)],
                                   ["LayerNormalization", "Dense"]),
    "behind PReLU": ([dense(5, 6, 6), of("PRelu", VECTOR.tolist())], [of("Sigmoid")], ["Dense", "PReLU", "Activation"]),
    "behind a scaled activation": ([dense(5, 6, 6), of("Tanh"), vectors(VECTOR, VECTOR)], [], ["Dense", "Affine"]),
    "behind bounds for each unit": ([dense(5, 6, 6), of("Max", VECTOR.tolist())], [], ["Dense", "Affine"]),
    "between two layers": ([dense(5, 6, 6), of("Relu")], [dense(7, 2, 4)], ["Dense", "Dense"]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", PLACES)
def test_columns_are_taken_where_the_arithmetic_stays_the_same(place, dtype):
    before, after, layers = PLACES[place]
    if place == "before a large shift" and dtype == "float64":
        layers = ["Dense"]  # float64 has digits enough
    check(graph(*before, COLUMNS, *after, dtype=dtype), layers, bound=2000 if "large" in place else 200)


@pytest.mark.parametrize("place", ["before a Dense", "behind a softmax, before a Dense", "between two layers"])
def test_columns_of_rows_with_more_axes_are_those_of_the_last(place):
    before, after, layers = PLACES[place]
    check(graph(*before, COLUMNS, *after, shape=["rows", 3, 6]), layers, shape=(7, 3, 6), bound=200)


@pytest.mark.parametrize("ends", [(16, 3, 3), (99, 99, 3), (LARGEST, 3, 3)])
def test_axes_that_a_slice_leaves_whole_are_left_out(ends):
    nodes = cut(ints(0, 0, 0), ints(*ends), ints(0, 1, -1))
    check(graph(dense(1, 6, 6), nodes, shape=[16, 3, 6]), ["Dense"], shape=(16, 3, 6))


def test_columns_by_transposing_of_rows_with_more_axes():
    check(graph(dense(1, 6, 6), picked_by_transposing(3), shape=["rows", 3, 6]), ["Dense"], shape=(7, 3, 6))


def test_columns_of_flattened_rows():
    chain = Chain(6, shape=["rows", 2, 3])
    in_turn(of("Flatten"), COLUMNS, dense(1, 2, 4))(chain)
    x = uniform(9, (7, 6), "float32")
    y = reference(chain.proto(), x.reshape(7, 2, 3))
    assert np.abs(from_proto(chain.proto()).predict(x) - y).max() <= 1e-6


def test_unused_units_that_overflow_do_not_reach_the_answers():
    """Columns are taken of the kernel before, so that what is left out is never computed."""
    chain = Chain(6)
    kernel = np.diag(np.float32([1e38] * 2 + [1] * 4))
    in_turn(of("MatMul", kernel), of("Exp"), cut(ints(2), ints(6), ints(1)), of("MatMul", np.eye(4, dtype="f4")))(chain)
    x = np.full((1, 6), 7, "f4")
    np.testing.assert_allclose(from_proto(chain.proto()).predict(x), np.exp(x[:, 2:]), rtol=1e-6)


def test_inputs_that_are_left_out_must_be_finite_as_the_report_says():
    model = from_proto(graph(of("Mul", [1, 1, np.inf, 1, 1, 1]), cut(ints(0), ints(2), ints(1)), dense(1, 2, 4)))
    x = np.arange(12, dtype="f4").reshape(2, 6)
    assert np.isfinite(model.predict(x)).all()  # an infinite scale of a column that is left out is no matter
    x[1, 5] = np.nan
    assert np.isnan(model.predict(x)).all(axis=1).tolist() == [False, True]
    assert "with weights of 0 for the rest: a row that is NaN or infinite there answers NaN" in str(model.conversion)


REFUSED = {
    "parts of the rows": (
        [cut(ints(0), ints(3), ints(0))],
        "takes parts of axis 0; expected columns, of the last axis",
    ),
    "a part of both": ([cut(ints(0, 0), ints(3, 3), ints(0, 1))], "takes parts of axis 0"),
    "rows backwards": ([cut(ints(-1), ints(SMALLEST), ints(0), ints(-1))], "takes parts of axis 0"),
    "one row": ([of("Gather", np.int64(0), axis=0)], "takes parts of axis 0"),
    "rows of a Split": ([split(0, 2, axis=0)], "takes parts of axis 0"),
    "rows by GatherND": ([of("GatherND", ints(0).reshape(1, 1))], "takes parts of the first axes"),
    "rows as indices of a GatherND": (
        [
            written(
                ("Transpose", "x", {"perm": [1, 0]}),
                ("GatherND", np.eye(6, dtype="f4"), "#0"),
                ("Transpose", "#1", {"perm": [1, 0]}),
            )
        ],
        r"has the rows as input 1",
    ),
    "rows in another order than columns": (
        [written(("Transpose", "x", {"perm": [1, 0]}), ("GatherND", "#0", ints(4, 0).reshape(2, 1)))],
        r"takes parts of the first axes",
    ),
    "a part that is not there": (
        [written(("SplitToSequence", "x", np.int64(4), {"axis": 1}), at(2))],
        "takes part 2 of parts of 4, of 6 units",
    ),
    "a part before the first": (
        [written(("SplitToSequence", "x", ints(2, 4), {"axis": 1}), at(-3))],
        "takes part -3 of 6 units",
    ),
    "parts of 0": ([written(("SplitToSequence", "x", np.int64(0), {"axis": 1}), at(0))], "parts of 0"),
    "a sequence": ([of("SplitToSequence", np.int64(4), axis=1)], "has more than one part that is used"),
    "no columns": ([cut(ints(3), ints(3), ints(1))], "takes 0 columns of 6; expected 1 to 6"),
    "more columns than there are": ([of("Gather", ints(*range(6), 0), axis=1)], "takes 7 columns of 6"),
    "a column that is not there": ([of("Gather", ints(6), axis=1)], "takes columns 6 to 6 of 6"),
    "a column before the first": ([of("Gather", ints(-7), axis=1)], "takes columns -7 to -7 of 6"),
    "indices of two axes": ([of("Gather", ints(0, 1).reshape(1, 2), axis=1)], "by indices of several axes"),
    "a step of 0": ([cut(ints(0), ints(3), ints(1), ints(0))], "no step of 0"),
    "backwards from before the first": (
        [cut(ints(-7), ints(SMALLEST), ints(1), ints(-1))],
        "goes backwards from before",
    ),
    "an axis twice": ([cut(ints(1, 1), ints(3, 3), ints(1, 1))], "expected each axis once"),
    "starts without ends": ([cut(ints(1, 1), ints(3), ints(1))], "of different lengths"),
    "an axis that is not there": ([cut(ints(1), ints(3), ints(2))], "takes parts of axis 2"),
    "parts of other sizes": ([split(0, 2, sizes=(2, 3), axis=1)], "expected sizes that add up"),
    "sizes below 0": ([split(0, 2, sizes=(-2, 8), axis=1)], "expected sizes that add up"),
    "more sizes than parts": ([split(0, 2, sizes=(2, 2, 2), axis=1)], "has 3 sizes of 2 outputs"),
    "too many parts": ([split(0, 4, axis=1)], "expected parts of one size"),
    "another number of parts": ([split(0, 2, axis=1, num_outputs=3)], "expected parts of one size"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_columns_is_refused_by_node(case):
    nodes, match = REFUSED[case]
    refused(graph(dense(1, 6, 6), *nodes), f"node .*{match}")


def test_one_number_of_rows_with_more_axes_is_refused():
    nodes = of("Gather", np.int64(4), axis=-1)
    refused(graph(nodes, shape=["rows", 3, 6]), "takes one number of the last axis", UnsupportedModelError)


def test_columns_by_the_number_of_rows_are_refused():
    nodes = written(("Shape", "x", {"start": 0, "end": 1}), ("Slice", "x", "#0", ints(6), ints(1)))
    refused(graph(nodes), "numbers that are known only when the model runs", UnsupportedModelError)


def test_columns_of_rows_of_unknown_length_are_refused():
    refused(graph(COLUMNS, shape=["rows", "inputs"]), "expected the input's shape to have it", UnsupportedModelError)


def test_parts_that_are_both_used_are_refused_with_what_to_do():
    def both(chain):
        chain.nodes.append(helper.make_node("Split", [chain.value], ["mean", "spread"], "split", axis=1))
        chain.add("Mul", "mean", "spread")

    refused(
        graph(dense(1, 6, 6), both, opset=13),
        r"node 'split' \(Split\) .*: run this model with ONNX Runtime, or export a part",
    )
    halves = [("Slice", "x", ints(start), ints(start + 3), ints(1)) for start in (0, 3)]
    refused(
        graph(dense(1, 6, 6), written(*halves, ("Mul", "#0", "#1"))),
        r"is used by .*: run this model with ONNX Runtime, or export a part",
    )


def permuted(count):
    """Return what appends so many nodes that put columns in another order, and functions between them."""
    return in_turn(*[in_turn(of("Gather", ints(*range(1, 6), 0), axis=1), of("Tanh"))] * count)


LARGE = {
    "one of very many columns": in_turn(cut(ints(0), ints(1), ints(1)), of("Tanh")),
    "very many columns": cut(ints(1), ints(2**40), ints(1)),
    "half of very many columns": cut(ints(0), ints(LARGEST), ints(1), ints(2)),
    "a part of very many": split(0, 2, axis=1, num_outputs=2),
    "one of very many, in front of a product": in_turn(cut(ints(0), ints(1), ints(1)), dense(1, 1, 4)),
}


@pytest.mark.parametrize("case", LARGE)
def test_columns_of_very_many_inputs_are_refused_without_the_memory_for_them(case):
    refused(graph(LARGE[case], shape=["rows", 2**40]), "is one too many", LimitError)


# Columns of a million inputs are 2**20 numbers, each unit of a product as many, and each scale.
FEW = {
    "a product of many units": [dense(1, 1, 8)],
    "many scales": [of("Mul", 2.0)] * 8,
}


@pytest.mark.parametrize("case", FEW)
def test_what_follows_few_of_many_columns_is_limited_too(case):
    few = cut(ints(0), ints(1), ints(1))
    assert from_proto(graph(few, FEW[case][0], shape=["rows", 2**18])).input_shape == (None, 2**18)
    refused(graph(few, *FEW[case], shape=["rows", 2**20]), "is one too many", LimitError)


def test_columns_taken_of_a_large_kernel_again_and_again_are_refused():
    large = of("MatMul", np.zeros((2**18, 6), "float32"))
    assert from_proto(graph(large, permuted(2), shape=["rows", 2**18])).output_shape == (None, 6)
    refused(graph(large, permuted(9), shape=["rows", 2**18]), "is one too many", LimitError)
