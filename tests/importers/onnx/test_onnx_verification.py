"""Graphs are verified by onnx's own evaluator: wrong translations are refused by their node, right ones never."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed")

from arrays import uniform
from fastnn import load_model
from fastnn.importers import roundings, steps, verification
from fastnn.importers.onnx import evaluation, forms, layers, operations, shapes
from fastnn.importers.onnx.algebra import function
from fastnn.importers.onnx.file import from_proto
from fastnn.importers.steps import Function, Product
from fastnn.importers.verification import DifferentAnswersError
from onnx_graphs import Chain, between, of_one, saved, written

VERIFIED = "verified on {} rows by onnx's reference evaluator"


def result(proto):
    return str(from_proto(proto).conversion.verification)


@pytest.mark.parametrize("op", ["Tanh", "Softplus", "Elu", "HardSwish", "Mish", "BatchNormalization"])
def test_an_operation_translated_wrongly_is_refused_by_its_node(monkeypatch, op):
    arguments = [uniform(i, 6, "float32") + 2 for i in range(4)] if op == "BatchNormalization" else []
    proto = between(written((op, "x", *arguments)))
    assert result(proto) == VERIFIED.format(37)
    monkeypatch.setitem(operations.OPERATIONS, op, lambda node, rows, x, *others: function("sigmoid", x))
    with pytest.raises(DifferentAnswersError, match=rf"^ONNX model: node 'n1' \({op}\): .* please report it$"):
        from_proto(proto)
    assert from_proto(proto, verify=False).conversion.verification is None


def test_a_kernel_taken_the_wrong_way_round_is_refused_by_its_node(monkeypatch):
    chain, gemm = Chain(5), layers.LAYERS["Gemm"]
    for seed in range(4):
        chain.then("Gemm", uniform(seed, (5, 5), "float32"), transB=int(seed == 2))

    def wrong(node, given, rows):
        (product,) = gemm(node, given, rows)
        return [Product(product.source, product.kernel.T)] if node.attributes["transB"] else [product]

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
def test_a_maximum_that_only_begins_as_a_leaky_relu_is_refused(monkeypatch, nodes):
    real = forms.recognized

    def wrong(total, source):
        return [Function(source, "leaky_relu", {"negative_slope": 0.5})] if "Max" in source else real(total, source)

    monkeypatch.setattr(forms, "recognized", wrong)
    with pytest.raises(DifferentAnswersError, match=r"\(Max\): the converted model would answer"):
        from_proto(between(written(*nodes)))


@pytest.mark.parametrize("factor", [1.0001, 0.9999])
def test_a_number_off_by_a_ten_thousandth_is_refused(monkeypatch, factor):
    proto, real = between(of_one("LeakyRelu", alpha=0.3)), steps.leaky_relu
    monkeypatch.setattr(steps, "leaky_relu", lambda source, slope: real(source, slope * factor))
    with pytest.raises(DifferentAnswersError, match=r"node 'n1' \(LeakyRelu\)"):
        from_proto(proto)


def of_large_numbers(chain):
    chain.dense(4, 1, scale=1e4)
    chain.then("Softmax")
    chain.then("Log")


def of_overflow(chain):
    chain.dense(4, 1, scale=100.0)
    chain.then("Exp")
    chain.dense(3, 2)
    chain.then("LayerNormalization", np.ones(3, chain.dtype), np.zeros(3, chain.dtype))


def of_cancelling_units(chain):
    chain.dense(4, 1, scale=50.0)
    chain.then("Tanh")
    chain.then("LayerNormalization", np.full(4, 1e3, chain.dtype), np.zeros(4, chain.dtype), epsilon=1e-7)
    chain.then("MatMul", np.ones((4, 1), chain.dtype))


def of_tiny_answers(chain):
    chain.dense(4, 1)
    chain.then("Sub", 40.0)
    inner = chain.add("Erf", chain.then("Mul", 0.5**0.5))
    chain.add("Mul", chain.add("Mul", chain.add("Add", inner, 1.0), "v1"), 0.5)


def of_equal_numbers(chain):
    chain.then("MatMul", np.full((5, 3000), 0.1, chain.dtype))
    chain.then("Relu")
    chain.then("MatMul", np.full((3000, 2), 0.1, chain.dtype))


def of_equal_units(chain):  # whose differences, which a normalization shows, are roundings
    chain.dense(64, 1, scale=8.0)
    chain.then("Exp")
    chain.then("Gemm", np.full((64, 64), 0.1, chain.dtype), 100 * uniform(1, 64).astype(chain.dtype))
    chain.then("LayerNormalization", np.ones(64, chain.dtype), np.zeros(64, chain.dtype), epsilon=1e-5)


def of_an_edge_of_tiny_numbers(chain):  # 1 + erf(x) is 0 below -6, where gelu is a tiny number
    value = chain.then("Gelu")
    chain.add("Cast", chain.add("GreaterOrEqual", value, 0.0), to=1)


def of_no_layer(chain):
    chain.then("Identity")


ROUNDED = (
    of_large_numbers,
    of_overflow,
    of_cancelling_units,
    of_tiny_answers,
    of_equal_numbers,
    of_equal_units,
    of_an_edge_of_tiny_numbers,
    of_no_layer,
)


@pytest.mark.parametrize("body", ROUNDED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_roundings_are_never_taken_for_a_difference(monkeypatch, body, dtype):
    chain = Chain(5, dtype)
    body(chain)
    assert from_proto(chain.proto()).conversion.verification.rows >= 20
    if body is of_cancelling_units:  # which the evaluator gets wrong if it computes in float32
        return
    monkeypatch.setattr(roundings, "MOST_WEIGHTS", 5)  # as if the model were a large one
    assert from_proto(chain.proto()).conversion.verification.rows >= 18


@pytest.mark.parametrize(("shape", "rows"), [([1, 5], 37), ([16, 5], 32), ([50, 5], 50), (["n", 1, 5], 37)])
def test_a_graph_gets_rows_in_the_shape_that_it_says(shape, rows):
    chain = Chain(5, shape=shape)
    chain.then("MatMul", uniform(1, (5, 3), "float32"))
    chain.then("Reshape", np.array([shape[0] if shape[0] != "n" else -1, 3]))
    assert result(chain.proto()) == VERIFIED.format(rows)


@pytest.mark.parametrize("kind", [2, 3, 7, 9])  # uint8, int8, int64, bool
def test_a_graph_of_integers_gets_integers(kind):
    chain = Chain(5)
    chain.then("Cast", to=1)
    chain.dense(3, 1)
    proto = chain.proto()
    proto.graph.input[0].type.tensor_type.elem_type = kind
    assert result(proto) == VERIFIED.format(37)


def test_batches_are_of_1_2_and_17_rows(monkeypatch):
    sizes, run = [], verification.Reference.__init__

    def noting(self, name, answers, **more):
        run(self, name, lambda rows, source: sizes.append(len(rows)) or answers(rows, source), **more)

    monkeypatch.setattr(verification.Reference, "__init__", noting)
    from_proto(between(of_one("Relu")))
    assert sizes == [1, 2, 17, 17]


def test_what_the_evaluator_cannot_run_is_told_and_loads(monkeypatch):
    def failing(*arguments):
        raise RuntimeError("no implementation\nof Tanh")

    monkeypatch.setattr(evaluation, "_session", failing)
    expected = (
        "not verified: onnx's reference evaluator cannot answer 1 rows: RuntimeError: no implementation\\nof Tanh"
    )
    assert result(between(of_one("Tanh"))) == expected


def test_numbers_that_are_not_finite_or_cancel_are_answers_too():
    chain = Chain(5)
    chain.then("MatMul", np.full((5, 3), np.nan, "f4"))
    assert result(chain.proto()) == VERIFIED.format(37)  # NaN is an answer
    chain = Chain(5)
    chain.then("Add", 1e30)
    chain.then("LayerNormalization", np.ones(5, "f4"), np.zeros(5, "f4"), epsilon=1e-5)
    assert result(chain.proto()) == VERIFIED.format(37)


def test_a_node_without_outputs_is_no_part_of_the_reference():
    proto = between(of_one("Relu"))
    proto.graph.node.add(op_type="Identity", name="idle", input=[proto.graph.node[0].output[0]])
    assert result(proto) == VERIFIED.format(37)


def test_verification_can_be_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(evaluation.Program, "__init__", None)
    path = saved(tmp_path / "m.onnx", between(of_one("Relu")))
    assert load_model(path, verify=False).conversion.verification is None


def test_the_global_random_state_stays():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    from_proto(between(of_one("Relu")))
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_large_model_is_verified_without_copies_in_float64(monkeypatch):
    monkeypatch.setattr(roundings, "MOST_WEIGHTS", 20)
    proto = between(of_one("Tanh"))
    types, session = [], evaluation._session
    monkeypatch.setattr(evaluation, "_session", lambda *each: types.append(each[-1]) or session(*each))
    assert result(proto) == VERIFIED.format(37)
    assert types == [np.dtype("f4")]
    monkeypatch.setitem(operations.OPERATIONS, "Tanh", lambda node, rows, x: function("sigmoid", x))
    with pytest.raises(DifferentAnswersError, match=r"node 'n1' \(Tanh\)"):
        from_proto(proto)


def test_a_wide_graph_gets_fewer_rows_and_one_too_wide_none():
    chain = Chain(2**18)
    chain.then("Relu")
    chain.then("Tanh")
    assert result(chain.proto()) == VERIFIED.format(3)
    for _ in range(7):
        chain.then("Tanh")
    assert result(chain.proto()) == (
        "not verified: onnx's reference evaluator would make more than 2097152 numbers of a batch"
    )


def test_a_graph_of_many_nodes_runs_once(monkeypatch):
    monkeypatch.setattr(verification, "_MOST_OPERATIONS", 100)
    chain = Chain(2)
    for _ in range(51):
        chain.then("Tanh")
    assert result(chain.proto()) == VERIFIED.format(1)
