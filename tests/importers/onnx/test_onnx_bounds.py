"""Bounds by Max, Min and Clip: one for all units or one for each, in any order, as ONNX's evaluator has them."""

import numpy as np
import pytest

from arrays import uniform

pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from fastnn import LimitError, UnsupportedModelError
from fastnn.importers.onnx.file import from_proto
from onnx_graphs import Chain, between, reference, refused, written

LOW, HIGH = [-0.25, -0.5, -3.0, 0.125, 0.0, -1.0], [0.5, 0.25, 3.0, 2.0, 0.0, 0.75]
OPEN = [-0.25, -np.inf, -3.0, 0.125, 0.0, -np.inf]
# The nodes, and how many layers stand between the two Dense.
NODES = {
    "Max": ([("Max", "x", LOW)], None),
    "Min": ([("Min", "x", HIGH)], None),
    "Max, then Min": ([("Max", "x", LOW), ("Min", "#0", HIGH)], None),
    "Min, then Max": ([("Min", "x", HIGH), ("Max", "#0", LOW)], None),
    "the constant first, in a row": ([("Max", [LOW], "x"), ("Min", [HIGH], "#0")], None),
    "some units without": ([("Max", "x", OPEN), ("Min", "#0", HIGH)], None),
    "Max above what Min leaves": ([("Min", "x", LOW), ("Max", "#0", HIGH)], None),
    "opposite numbers": ([("Max", "x", [-0.5, -1, -2, -3, -4, -5]), ("Min", "#0", [0.5, 1, 2, 3, 4, 5])], 0),
    "nested": ([("Max", "x", LOW), ("Min", "#0", HIGH), ("Max", "#1", -0.5), ("Min", "#2", HIGH)], None),
    "one number and one for each": ([("Max", "x", LOW), ("Min", "#0", 0.5)], None),
    "Relu and one for each": ([("Relu", "x"), ("Min", "#0", [0.25, 1, 2, 3, 4, 5])], None),
    "several at once": ([("Max", LOW, "x", -0.5, HIGH)], None),
    "several constants first": ([("Min", HIGH, 0.5, "x")], None),
    "of a scaled value": ([("Mul", "x", 2.0), ("Add", "#0", HIGH), ("Max", "#1", LOW), ("Mul", "#2", HIGH)], None),
    "of a negative": ([("Neg", "x"), ("Max", "#0", LOW), ("Neg", "#1")], None),
    "in front of an activation": ([("Max", "x", LOW), ("Tanh", "#0")], None),
    "Max and Min of one number": ([("Max", "x", -1.0), ("Min", "#0", 2.0)], 0),
    "Min and Max of one number": ([("Min", "x", 2.0), ("Max", "#0", -1.0)], 0),
    "Relu and Min": ([("Relu", "x"), ("Min", "#0", 6.0)], 0),
    "Clip of Clip": ([("Clip", "x", -1.0, 2.0), ("Clip", "#0", -2.0, 0.5)], 0),
    "one number above another": ([("Max", "x", 3.0), ("Min", "#0", 2.0)], 0),
    "one number below another": ([("Min", "x", -2.0), ("Relu", "#0")], 0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", NODES)
def test_bounds_are_those_of_max_and_min(case, dtype):
    nodes, count = NODES[case]
    proto = between(written(*nodes), dtype)
    x = uniform(9, (200, 5), dtype)
    y = reference(proto, x)
    for fold in (True, False):
        # Sums of 6 terms below 8.
        assert np.abs(from_proto(proto, fold=fold).predict(x) - y).max() <= 100 * np.finfo(dtype).eps
    if count is not None:
        assert len(from_proto(proto).layers) == 2 + count


@pytest.mark.parametrize("opset", [8, 12, 20])
def test_bounds_are_the_same_in_every_opset(opset):
    proto = between(written(("Max", "x", LOW), ("Min", "#0", HIGH)), opset=opset)
    x = uniform(9, (50, 5), "float32")
    assert np.abs(from_proto(proto).predict(x) - reference(proto, x)).max() <= 1e-5


def test_bounds_of_rows_with_more_axes_are_those_of_the_units():
    chain = Chain(6, shape=["rows", 3, 6])
    written(("Max", "x", LOW), ("Min", "#0", HIGH))(chain)
    model = from_proto(chain.proto())
    x = uniform(9, (7, 3, 6), "float32") * 4
    np.testing.assert_allclose(model.predict(x), reference(chain.proto(), x), rtol=3e-7, atol=0)
    assert "bounds for each unit, by scales and shifts around one bound for all: within 3 ulps" in str(model.conversion)


def test_answers_at_a_bound_never_are_far_beyond_it():
    chain = Chain(6)
    written(("Max", "x", LOW), ("Min", "#0", HIGH))(chain)
    answers = from_proto(chain.proto()).predict([[-np.inf] * 6, [np.inf] * 6])
    np.testing.assert_allclose(answers, np.float32([LOW, HIGH]), rtol=2e-7, atol=0)


@pytest.mark.parametrize("op", ["Max", "Min"])
def test_bounds_of_another_number_of_units_are_refused(op):
    refused(between(written((op, "x", LOW[:5]))), rf"\({op}\) is for 5 units; 6 come out before it")


def test_bounds_that_are_nan_are_refused():
    refused(between(written(("Max", "x", [np.nan, *LOW[1:]]))), "expected bounds that are numbers")


def test_very_many_bounds_are_refused():
    chain = Chain(2**18)
    bound = chain.constant(np.ones(2**18, "float32"))
    for _ in range(4):
        chain.then("Max", bound)
        chain.then("Tanh")
    refused(chain.proto(), r"node 'n.' \(Max\) is one too many", LimitError)


def test_a_clip_with_bounds_for_each_unit_is_refused_with_what_to_do():
    nodes = written(("Clip", "x", LOW, HIGH))
    refused(between(nodes), "expected one number, or Max and Min in its place", UnsupportedModelError)
