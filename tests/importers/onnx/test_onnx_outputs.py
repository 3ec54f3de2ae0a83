"""ONNX files of several outputs: the part that makes the chosen one, and the scores behind class numbers."""

import numpy as np
import pytest

import keras_files
from arrays import uniform
from fastnn import Sequential, UnsupportedModelError, load_model
from fastnn.layers import Dense
from state_dicts import state_dict_bytes, weights

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from onnx import helper  # noqa: E402

from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import Chain, reference, refused, saved  # noqa: E402

X = uniform(9, (30, 5), "float32")
HEADS = ["policy", "value", "log_std"]


def policy(*after):
    """Return a network of two heads, and a constant; after: an operation behind the value head."""
    chain = Chain(5)
    chain.dense(6, 1)
    trunk = chain.then("Elu")
    for name, units in (("policy", 3), ("value", 1)):
        chain.value, chain.width = trunk, 6
        chain.dense(units, units + 2)
        for op in after if name == "value" else ():
            chain.then(op)
        chain.nodes.append(helper.make_node("Identity", [chain.value], [name]))
    chain.nodes.append(helper.make_node("Identity", [chain.constant(np.ones((1, 3), "f4"))], ["log_std"]))
    return chain.proto(HEADS)


def only(proto, name):
    """Return the graph with one of its outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    made.graph.ClearField("output")
    made.graph.output.extend(each for each in proto.graph.output if each.name == name)
    return made


@pytest.mark.parametrize("name", ["policy", "value"])
def test_the_chosen_output_is_the_model(name, tmp_path):
    model = load_model(saved(tmp_path / "m.onnx", policy()), outputs=name)
    assert np.abs(model.predict(X) - reference(only(policy(), name), X)).max() <= 1e-6
    assert model == from_proto(only(policy(), name))


@pytest.mark.parametrize("operation", ["Sin", "NonZero", "Det"])
def test_what_fastnn_has_not_in_another_part_does_not_matter(operation):
    assert from_proto(policy(operation), outputs="policy") == from_proto(policy(), outputs="policy")
    refused(
        only(policy(operation), "value"), rf"\({operation}\).* is no operation that fastnn has", UnsupportedModelError
    )


def test_without_a_choice_the_outputs_are_listed_with_the_call_that_chooses():
    refused(
        policy(),
        r"has several outputs; expected one: choose from 'policy', 'value', 'log_std', as in load_model\(path, "
        r"outputs='policy'\)$",
        UnsupportedModelError,
    )


def test_an_output_that_is_not_there_is_told_from_those_that_are(tmp_path):
    path = saved(tmp_path / "m.onnx", policy())
    for wrong in ("v0", "", "Policy", "x"):
        with pytest.raises(ValueError, match=r"expected outputs to name one output.*choose from 'policy', 'value'"):
            load_model(path, outputs=wrong)


def test_an_output_without_the_input_is_refused():
    with pytest.raises(UnsupportedModelError, match="output 'log_std', which does not depend on the input"):
        from_proto(policy(), outputs="log_std")


def test_inputs_of_other_parts_do_not_matter():
    """Such as the action that a critic takes beside the observation."""
    proto = policy()
    proto.graph.input.append(helper.make_tensor_value_info("action", 1, ["rows", 1]))
    proto.graph.node.append(helper.make_node("Mul", ["value", "action"], ["q"]))
    proto.graph.output.append(helper.make_tensor_value_info("q", 1, None))
    assert from_proto(proto, outputs="policy") == from_proto(policy(), outputs="policy")
    with pytest.raises(UnsupportedModelError, match="has the inputs 'x', 'action'; expected one"):
        from_proto(proto, outputs="q")


def test_where_the_chosen_part_branches_is_said():
    chain = Chain(5)
    first = chain.dense(5, 1)
    chain.add("Add", chain.then("Relu"), "x")
    chain.nodes.append(helper.make_node("Relu", [first], ["other"]))
    proto = chain.proto([chain.value, "other"])
    with pytest.raises(UnsupportedModelError, match=r"'x' is used by node 'n2' \(Add\) too; .*without residual conn"):
        from_proto(proto, outputs=chain.value)
    assert [layer.activation for layer in from_proto(proto, outputs="other").layers] == ["relu"]


OTHERS = [(kind, option) for kind in ("fastnn", "keras") for option in ("outputs", "prefix")]


@pytest.mark.parametrize(("kind", "option"), [*OTHERS, ("state dict", "outputs"), ("onnx", "prefix")])
def test_a_part_of_a_file_that_has_none_is_refused_in_a_sentence(kind, option, tmp_path):
    path = tmp_path / "model.safetensors"
    if kind == "fastnn":
        Sequential([Dense(3, input_shape=(5,))]).save(path)
    elif kind == "onnx":
        saved(path, policy())
    else:
        is_keras = kind == "keras"
        path.write_bytes(keras_files.keras_3(None, {}) if is_keras else state_dict_bytes(weights(3, 2)))
    owner = "an ONNX file" if option == "outputs" else "a PyTorch state dict"
    with pytest.raises(ValueError, match=f"expected {option} only with {owner}; received a") as caught:
        load_model(path, **{option: "a."})
    assert str(caught.value).startswith(f"{path}: ")


def classifier(*nodes, outputs=("labels",)):
    """Return a graph of three scores, and what is made of them."""
    chain = Chain(5)
    chain.dense(3, 1)
    chain.nodes[-1].output[0] = "scores"
    chain.nodes += nodes
    return chain.proto(list(outputs))


@pytest.mark.parametrize("attributes", [{"axis": 1}, {"axis": -1, "keepdims": 0}, {"axis": 1, "select_last_index": 0}])
@pytest.mark.parametrize("outputs", [["labels"], ["scores", "labels"], ["labels", "scores"]])
def test_class_numbers_become_the_scores_that_they_are_made_of(attributes, outputs):
    proto = classifier(helper.make_node("ArgMax", ["scores"], ["labels"], **attributes), outputs=outputs)
    for chosen in (None, *outputs):
        model = from_proto(proto, outputs=chosen)
        np.testing.assert_allclose(model.predict(X), reference(only(classifier(outputs=["scores"]), "scores"), X), 1e-5)
        wanted = reference(only(proto, "labels"), X)
        np.testing.assert_array_equal(model.predict_classes(X), wanted.reshape(-1))


@pytest.mark.parametrize("attributes", [{"axis": 0}, {}, {"axis": 1, "select_last_index": 1}])
def test_the_largest_of_other_axes_and_the_last_of_equal_scores_are_no_class_numbers(attributes):
    proto = classifier(helper.make_node("ArgMax", ["scores"], ["labels"], "largest", **attributes))
    refused(proto, r"node 'largest' \(ArgMax\).*return the scores, and take the classes from", UnsupportedModelError)


def test_class_numbers_inside_the_graph_are_refused():
    nodes = [
        helper.make_node("ArgMax", ["scores"], ["labels"], "largest", axis=1),
        helper.make_node("Cast", ["labels"], ["numbers"], to=1),
        helper.make_node("Relu", ["numbers"], ["o"]),
    ]
    refused(classifier(*nodes, outputs=["o"]), r"node 'largest' \(ArgMax\).*return the scores", UnsupportedModelError)
