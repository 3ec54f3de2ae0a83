"""Functions of an ONNX model's own: each call computes what the function does, and calls cannot multiply freely."""

import numpy as np
import pytest

from arrays import uniform
from fastnn import LimitError, UnsupportedModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import helper, numpy_helper  # noqa: E402

from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import between, called, of_one, refused  # noqa: E402

OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
KERNEL, BIAS, X = uniform(1, (5, 4), "float32"), uniform(2, 4, "float32"), uniform(3, (20, 5), "float32")


def function(name, inputs, nodes, opsets=OPSETS, **options):
    return helper.make_function("own", name, inputs, ["result"], nodes, opsets, **options)


def call(name, *inputs, output="result", **attributes):
    return helper.make_node(name, inputs, [output], domain="own", **attributes)


def model(functions, nodes, output="y"):
    """Return a graph of the input x, and the initializers w (units, inputs) and b, that ends with y."""
    tensors = [numpy_helper.from_array(KERNEL.T.copy(), "w"), numpy_helper.from_array(BIAS, "b")]
    given, made = helper.make_tensor_value_info("x", 1, ["n", 5]), helper.make_tensor_value_info(output, 1, None)
    graph = helper.make_graph(nodes, "g", [given], [made], tensors)
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=9, functions=functions)


LINEAR = function(
    "Linear",
    ["a", "w", "b"],
    [helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]), helper.make_node("Gemm", ["a", "t", "b"], ["result"])],
)
LAYER = function(
    "Layer", ["a", "w", "b"], [call("Linear", "a", "w", "b", output="t"), helper.make_node("Relu", ["t"], ["result"])]
)


def test_functions_in_functions_are_the_layers_that_they_are_made_of():
    nodes = [call("Layer", "x", "w", "b", output="t"), helper.make_node("Tanh", ["t"], ["y"])]
    for functions in ([LINEAR, LAYER], [LAYER, LINEAR]):
        loaded = from_proto(model(functions, nodes))
        np.testing.assert_allclose(loaded.predict(X), np.tanh(np.maximum(X @ KERNEL + BIAS, 0)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", ["Relu", "Softmax", "Gelu", "HardSwish"])
def test_a_model_in_a_function_is_the_model(op):
    proto = between(of_one(op))
    assert from_proto(called(proto)) == from_proto(proto)


def test_an_attribute_of_the_call_is_that_of_the_nodes_inside():
    leaky = helper.make_node("LeakyRelu", ["a"], ["result"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    functions = [LINEAR, function("Leaky", ["a"], [leaky], attributes=["slope"])]
    nodes = [call("Linear", "x", "w", "b", output="t"), call("Leaky", "t", output="y", slope=0.125)]
    (layer,) = from_proto(model(functions, nodes)).layers
    assert (layer.activation, layer.parameters) == ("leaky_relu", {"negative_slope": 0.125})


def test_values_inside_do_not_meet_those_of_the_same_name_outside():
    """Both have a "t": inside the transposed kernel, outside the answer of the call."""
    nodes = [call("Linear", "x", "w", "b", output="t"), helper.make_node("Relu", ["t"], ["y"])]
    loaded = from_proto(model([LINEAR], nodes))
    np.testing.assert_allclose(loaded.predict(X), np.maximum(X @ KERNEL + BIAS, 0), rtol=1e-5, atol=1e-6)
    inside = function(
        "Scaled",
        ["a"],
        [helper.make_node("Constant", [], ["w"], value_float=2.0), helper.make_node("Mul", ["a", "w"], ["result"])],
    )
    nodes = [call("Scaled", "x", output="s"), call("Linear", "s", "w", "b", output="y")]
    loaded = from_proto(model([LINEAR, inside], nodes))
    np.testing.assert_allclose(loaded.predict(X), 2 * X @ KERNEL + BIAS, rtol=1e-5, atol=1e-6)


def test_a_function_that_is_never_called_does_not_matter():
    nodes = [call("Linear", "x", "w", "b", output="y")]
    assert from_proto(model([LINEAR, LAYER], nodes)) == from_proto(model([LINEAR], nodes))


def doubling(levels):
    """Return functions of which each calls the one below twice, and the name of the last."""
    functions = [function("F0", ["a"], [helper.make_node("Neg", ["a"], ["result"])])]
    for i in range(levels):
        nodes = [call(f"F{i}", "a", output="t"), call(f"F{i}", "t")]
        functions.append(function(f"F{i + 1}", ["a"], nodes))
    return functions, f"F{levels}"


@pytest.mark.parametrize("levels", [14, 40])
def test_calls_that_double_at_each_level_are_refused_before_they_are_put_in_place(levels):
    functions, last = doubling(levels)
    refused(
        model(functions, [call(last, "x", output="y")]), "a node of the model's own functions is one too", LimitError
    )


@pytest.mark.parametrize("kind", ["name", "attribute"])
def test_a_long_part_of_a_call_is_counted_for_each_place_that_takes_it(kind):
    """A kilobyte file's worth of places times a megabyte would be a gigabyte."""
    long, nodes = "x" * 1_000_000, []
    for i in range(1000):
        node = helper.make_node(
            "LeakyRelu" if kind == "attribute" else "Neg", ["a"], ["result" if i == 999 else f"t{i}"]
        )
        if kind == "attribute":
            node.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.STRING)
        nodes.append(node)
    inner = function("F", ["a"], nodes, attributes=["slope"] if kind == "attribute" else [])
    caller = call("F", long if kind == "name" else "x", output="y", **({"slope": long} if kind == "attribute" else {}))
    proto = model([inner], [helper.make_node("Neg", ["x"], [long]), caller] if kind == "name" else [caller])
    refused(proto, "a node of the model's own functions is one too many", LimitError)


def chained(count, *, is_closed):
    """Return functions of which each calls the next; closed: and the last the first."""
    functions = []
    for i in range(count):
        is_last = i == count - 1
        node = (
            call(f"F{(i + 1) % count}", "a") if is_closed or not is_last else helper.make_node("Neg", ["a"], ["result"])
        )
        functions.append(function(f"F{i}", ["a"], [node]))
    return functions


REFUSED = {
    "itself": (chained(1, is_closed=True), "call each other more than 50 deep, or in a circle"),
    "in a circle": (chained(3, is_closed=True), "call each other more than 50 deep, or in a circle"),
    "very deep": (chained(5000, is_closed=False), "call each other more than 50 deep, or in a circle"),
    "another version": (
        [function("F0", ["a"], [helper.make_node("Relu", ["a"], ["result"])], [helper.make_opsetid("", 13)])],
        "has the function 'F0', of other versions of the operations than the model",
    ),
    "a decision": (
        [function("F0", ["a"], [helper.make_node("If", ["a"], ["result"], then_branch=onnx.GraphProto(name="t"))])],
        r"\(If\) decides or loops while the model runs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_functions_that_are_not_put_in_place_say_why(case):
    functions, match = REFUSED[case]
    refused(model(functions, [call("F0", "x", output="y")]), match, UnsupportedModelError)


def test_two_functions_of_one_name_are_refused():
    refused(model([LINEAR, LINEAR], [call("Linear", "x", "w", "b", output="y")]), "two functions of one name")


def test_the_model_that_was_given_is_not_changed():
    proto = model([LINEAR], [call("Linear", "x", "w", "b", output="y")])
    before = proto.SerializeToString(deterministic=True)
    from_proto(proto)
    assert proto.SerializeToString(deterministic=True) == before
