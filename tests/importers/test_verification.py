"""Every imported model is compared with its source: wrong translations are refused, right ones never."""

import pytest

pytest.importorskip("onnx", reason="onnx is not installed")

from arrays import uniform
from fastnn.importers import steps
from fastnn.importers.keras import layers as keras_layers
from fastnn.importers.onnx import forms, layers, operations, shapes
from fastnn.importers.onnx.algebra import function
from fastnn.importers.onnx.file import from_proto
from fastnn.importers.steps import Function, Product
from fastnn.importers.verification import DifferentAnswersError
from keras_files import BIAS, KERNEL, dense, given, keras_3, layer, sequential
from onnx_graphs import Chain, between, of_one, written
from opened import load_keras

VERIFIED = "verified on 37 rows by onnx's reference evaluator"


def verified(proto, **options):
    return str(from_proto(proto, **options).conversion.verification)


# Wrong translations, set on purpose.


@pytest.mark.parametrize("op", ["Tanh", "Softplus", "Elu", "HardSwish", "Mish", "Abs", "BatchNormalization"])
def test_an_operation_translated_wrongly_is_refused_by_its_node(monkeypatch, op):
    arguments = [uniform(i, 6, "float32") + 2.0 for i in range(4)] if op == "BatchNormalization" else []
    proto = between(written((op, "x", *arguments)))
    monkeypatch.setitem(operations.OPERATIONS, op, lambda node, rows, x, *others: function("sigmoid", x))
    with pytest.raises(DifferentAnswersError, match=rf"^ONNX model: node 'n1' \({op}\): .* please report it$"):
        from_proto(proto)
    assert from_proto(proto, verify=False).conversion.verification is None


def test_a_kernel_taken_the_wrong_way_round_is_refused_by_its_node(monkeypatch):
    chain = Chain(5)
    for seed in range(4):
        chain.then("Gemm", uniform(seed, (5, 5), "float32"), transB=int(seed == 2))
    gemm = layers.LAYERS["Gemm"]

    def wrong(node, given, rows):
        made = gemm(node, given, rows)
        return [Product(made[0].source, made[0].kernel.T)] if node.attributes["transB"] else made

    monkeypatch.setitem(layers.LAYERS, "Gemm", wrong)
    with pytest.raises(DifferentAnswersError, match=r"node 'n2' \(Gemm\)"):
        from_proto(chain.proto())


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_a_softmax_over_rows_that_is_taken_for_one_over_units_is_refused(monkeypatch, op):
    chain = Chain(5)
    chain.dense(1, 1)
    chain.then(op, axis=0)
    monkeypatch.setattr(shapes.Rows, "check_axis", lambda self, node, axis: None)
    with pytest.raises(DifferentAnswersError, match=rf"node 'n1' \({op}\)"):
        from_proto(chain.proto())


@pytest.mark.parametrize(
    "nodes",
    [
        [("Mul", "x", 0.5), ("Add", "#0", 1.0), ("Max", "x", "#1")],
        [("Mul", "x", 0.1), ("Tanh", "x"), ("Add", "#0", "#1"), ("Max", "x", "#2")],
    ],
)
def test_a_pattern_that_only_begins_as_a_leaky_relu_is_refused(monkeypatch, nodes):
    leaky = [Function(f"node 'n{len(nodes)}' (Max)", "leaky_relu", {"negative_slope": 0.5})]
    real = forms.recognized
    monkeypatch.setattr(forms, "recognized", lambda total, source: leaky if "Max" in source else real(total, source))
    with pytest.raises(DifferentAnswersError, match=r"\(Max\)"):
        from_proto(between(written(*nodes)))


@pytest.mark.parametrize("factor", [1 + 1e-4, 1 - 1e-4])
def test_numbers_off_by_a_ten_thousandth_are_refused(monkeypatch, factor):
    proto = between(of_one("LeakyRelu", alpha=0.3))
    real = steps.leaky_relu
    monkeypatch.setattr(steps, "leaky_relu", lambda source, slope: real(source, slope * factor))
    with pytest.raises(DifferentAnswersError, match=r"node 'n1' \(LeakyRelu\)"):
        from_proto(proto)


def test_a_layer_of_keras_translated_wrongly_is_refused_by_its_name(monkeypatch):
    config = sequential(given(), dense(), layer("LeakyReLU", "bent", negative_slope=0.2), layer("Softmax", "s"))
    wrong = lambda layer, *, negative_slope=0.3: [Function(layer.source, "relu")]  # noqa: E731
    monkeypatch.setitem(keras_layers._TABLE, "LeakyReLU", wrong)
    with pytest.raises(DifferentAnswersError, match=r"layer 'bent' \(LeakyReLU\): .* Keras' formulas in NumPy says"):
        loaded(config)


def loaded(config, **options):
    content = keras_3(config, {"layers/dense/vars/0": KERNEL, "layers/dense/vars/1": BIAS})
    return load_keras(content, **options)
