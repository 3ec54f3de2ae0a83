"""Models of .onnx files: what trained ones answer, and every way in which a graph may say what a layer is."""

import numpy as np
import pytest

from arrays import uniform
from compiled import ROOT
from fastnn import load_model

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install onnx")
from fastnn.importers.onnx.file import from_proto  # noqa: E402
from onnx_graphs import Chain, between, of_one, reference, saved, written  # noqa: E402

MODELS = ROOT / "tests/data"
STORED = sorted(path.name for path in MODELS.glob("*.onnx"))
ULPS = 8


@pytest.mark.parametrize("fold", [True, False], ids=["folded", "as it is"])
@pytest.mark.parametrize("file", STORED)
def test_trained_models_give_their_tools_own_answers(file, fold):
    expected = np.load(MODELS / f"{file.split('.')[0]}.expected.npz")
    y = next(expected[key] for key in ("y", "proba", "predict") if key in expected)
    model = load_model(MODELS / file, fold=fold)
    off = np.abs(model.predict(expected["x"]).astype(np.float64) - y.reshape(len(y), -1)).max(axis=-1)
    # Keras' float32 answers are 8.4 ulps off what its own graph says in float64; folded ones are 6.8 off that.
    ulps = 9 if file == "keras_digits.tf2onnx.onnx" and fold else ULPS
    assert (off <= ulps * np.spacing(np.abs(y.reshape(len(y), -1)).max(axis=-1).astype(np.float32))).all()


@pytest.mark.parametrize(("file", "classes"), [("sklearn_cancer", (0, 1)), ("sklearn_wine", (0, 1, 2))])
def test_classifiers_say_the_same_labels(file, classes):
    expected = np.load(MODELS / f"{file}.expected.npz")
    model = load_model(MODELS / f"{file}.skl2onnx.onnx")
    assert model.classes == classes
    np.testing.assert_array_equal(model.predict_classes(expected["x"]), expected["predict"])


KERNEL, BIAS = uniform(7, (5, 4), "float32"), uniform(8, 4, "float32")
DENSE = {
    "Gemm": [("Gemm", "x", KERNEL, BIAS)],
    "Gemm transposed": [("Gemm", "x", KERNEL.T.copy(), BIAS, {"transB": 1})],
    "Gemm without bias": [("Gemm", "x", KERNEL)],
    "Gemm of a bias in a row": [("Gemm", "x", KERNEL, BIAS[None])],
    "Gemm of one bias": [("Gemm", "x", KERNEL, np.float32(0.25))],
    "Gemm with alpha and beta": [("Gemm", "x", KERNEL, BIAS, {"alpha": 0.5, "beta": 2.0})],
    "Gemm with alpha": [("Gemm", "x", KERNEL, {"alpha": 0.1})],
    "MatMul": [("MatMul", "x", KERNEL)],
    "MatMul and Add": [("MatMul", "x", KERNEL), ("Add", "#0", BIAS)],
    "MatMul and Add, bias first": [("MatMul", "x", KERNEL), ("Add", BIAS[None], "#0")],
    "MatMul and Sub": [("MatMul", "x", KERNEL), ("Sub", "#0", BIAS)],
    "MatMul and Add of one number": [("MatMul", "x", KERNEL), ("Add", "#0", 0.5)],
    "transposed before": [("Transpose", KERNEL.T.copy(), {"perm": [1, 0]}), ("MatMul", "x", "#0")],
    "reshaped before": [("Reshape", KERNEL.reshape(-1), np.int64([5, -1])), ("MatMul", "x", "#0")],
    "cast before": [("Cast", KERNEL.astype(np.float16), {"to": 1}), ("MatMul", "x", "#0")],
    "by way of Identity": [("Identity", KERNEL), ("Gemm", "x", "#0", BIAS)],
    "concatenated before": [("Concat", KERNEL[:2], KERNEL[2:], {"axis": 0}), ("MatMul", "x", "#0")],
    "computed before": [("Sqrt", np.abs(KERNEL)), ("Mul", "#0", BIAS), ("MatMul", "x", "#1")],
}


@pytest.mark.parametrize("case", DENSE)
@pytest.mark.parametrize("fold", [True, False])
def test_a_dense_is_found_however_it_is_written(case, fold):
    chain = Chain(5)
    written(*DENSE[case])(chain)
    x = uniform(9, (30, 5), "float32")
    model = from_proto(chain.proto(), fold=fold)
    assert np.abs(model.predict(x) - reference(chain.proto(), x)).max() <= 20 * np.finfo("float32").eps * 5
    if fold or "alpha" not in case:
        assert [type(each).__name__ for each in model.layers] == ["Dense"]


COLUMN = uniform(8, 5, "float32") + 2
AFFINE = {
    "Mul and Add": [("Mul", "x", COLUMN), ("Add", "#0", COLUMN)],
    "Sub and Div": [("Sub", "x", COLUMN), ("Div", "#0", COLUMN)],
    "of one number": [("Div", "x", 255), ("Sub", "#0", 0.5)],
    "in a row": [("Mul", COLUMN[None], "x")],
    "Sub from": [("Sub", COLUMN, "x")],
    "BatchNormalization": [("BatchNormalization", "x", COLUMN, COLUMN - 1, COLUMN, COLUMN)],
    "Scaler": [("Scaler", "x", {"offset": COLUMN.tolist(), "scale": (1 / COLUMN).tolist()})],
    "Scaler of one number": [("Scaler", "x", {"offset": [0.5], "scale": [2.0]})],
}


@pytest.mark.parametrize("case", AFFINE)
def test_an_affine_step_is_folded_or_stays_a_layer(case):
    chain = Chain(5)
    written(*AFFINE[case])(chain)
    chain.dense(4, 1)
    x = uniform(9, (30, 5), "float32")
    expected = reference(chain.proto(), x)
    for fold, layers in ((True, {"Dense"}), (False, {"Affine", "Dense"})):
        model = from_proto(chain.proto(), fold=fold)
        assert {type(each).__name__ for each in model.layers} == layers
        assert np.abs(model.predict(x) - expected).max() <= 60 * np.finfo("float32").eps * 5


@pytest.mark.parametrize("opset", [7, 9, 10])
def test_attributes_of_old_opsets_are_read(opset):
    chain = Chain(5, opset=opset)
    chain.dense(4, 1)
    chain.then("Clip", min=-0.5, max=0.5)
    chain.dense(3, 3)
    chain.then("Softmax")
    chain.then("Dropout", ratio=0.5)
    model = from_proto(chain.proto())
    assert [layer.activation for layer in model.layers] == ["clip", "softmax"]
    assert model.layers[0].parameters == {"minimum": -0.5, "maximum": 0.5}


@pytest.mark.parametrize(
    ("shape", "nodes"),
    [
        (["rows", 2, 3], [("Flatten", "x")]),
        (["rows", 1, 2, 3], [("Div", "x", 255.0), ("Reshape", "#0", np.int64([-1, 6]))]),
        ([1, 2, 3], [("Reshape", "x", np.int64([1, 6]))]),
        (["rows", 2, 3], [("Reshape", "x", np.int64([0, -1]))]),
        (
            ["rows", 2, 3],
            [
                *(("Shape", "x"), ("Gather", "#0", np.int64(0)), ("Unsqueeze", "#1", np.int64([0]))),
                *(("Concat", "#2", np.int64([-1]), {"axis": 0}), ("Reshape", "x", "#3")),
            ],
        ),
        (
            ["rows", 2, 3],
            [
                *(("Shape", "x", {"start": 0, "end": 1}), ("Concat", "#0", np.int64([6]), {"axis": 0})),
                ("Reshape", "x", "#1"),
            ],
        ),
        (["rows", 1, 1, 6], [("Mul", "x", np.ones((1, 1, 1, 6), "f4") / 3), ("Flatten", "#0")]),
    ],
    ids=["Flatten", "after a scale", "a fixed batch", "zeros", "by Shape", "by a part of Shape", "a scale of axes"],
)
def test_images_are_flattened_before_the_first_layer(shape, nodes):
    chain = Chain(6, shape=shape)
    written(*nodes)(chain)
    chain.dense(4, 1)
    x = uniform(9, (1, *shape[1:]), "float32")
    model = from_proto(chain.proto())
    y = reference(chain.proto(), x)
    assert np.abs(model.predict(x.reshape(1, 6)) - y).max() <= 20 * np.finfo("float32").eps


@pytest.mark.parametrize(
    "nodes",
    [
        [("Squeeze", "x", np.int64([-1]))],
        [("Squeeze", "x")],
        [("Reshape", "x", np.int64([-1]))],
        [("Reshape", "x", np.int64([-1, 1]))],
        [("Squeeze", "x", np.int64([1])), ("Sigmoid", "#0"), ("Unsqueeze", "#1", np.int64([-1]))],
    ],
)
def test_a_last_axis_of_one_stays(nodes):
    chain = Chain(5)
    chain.dense(1, 1)
    written(*nodes)(chain)
    model = from_proto(chain.proto())
    x = uniform(9, (7, 5), "float32")
    assert np.abs(model.predict(x) - reference(chain.proto(), x).reshape(7, 1)).max() <= 20 * np.finfo("float32").eps


def test_more_axes_before_the_units_are_more_rows():
    chain = Chain(5, shape=["rows", "time", 5])
    chain.then("MatMul", KERNEL)
    chain.then("Add", BIAS)
    chain.then("Softmax")
    x = uniform(9, (7, 3, 5), "float32")
    assert np.abs(from_proto(chain.proto()).predict(x) - reference(chain.proto(), x)).max() <= 1e-6


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("is_listed", [False, True], ids=["raw", "listed"])
def test_weights_of_every_type_keep_their_values(kind, is_listed):
    number = {"float16": 10, "bfloat16": 16, "float32": 1, "float64": 11}[kind]
    values = uniform(3, (5, 2), "float32").astype("float16" if kind == "float16" else "float32")
    if kind == "bfloat16":
        values = (values.view("<u4") & 0xFFFF0000).view("<f4")
    chain = Chain(5, "float64" if kind == "float64" else "float32")
    chain.add("MatMul", "x", "w")
    proto = chain.proto()
    tensor = proto.graph.initializer.add(name="w", data_type=number, dims=[5, 2])
    if is_listed:
        flat = values.reshape(-1)
        bits = {"float16": flat.view("<u2"), "bfloat16": flat.astype("<f4").view("<u4") >> 16}.get(kind, flat)
        field = {"float32": "float_data", "float64": "double_data"}.get(kind, "int32_data")
        getattr(tensor, field).extend(bits.tolist())
    elif kind == "bfloat16":
        tensor.raw_data = (values.view("<u4") >> 16).astype("<u2").tobytes()
    else:
        tensor.raw_data = values.astype(kind).tobytes()
    model = from_proto(proto)
    assert model.dtype == ("float64" if kind == "float64" else "float32")
    np.testing.assert_array_equal(model.layers[0].kernel, values)


def test_external_data_is_read_from_the_folder(tmp_path, monkeypatch):
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    (tmp_path / "deep").mkdir()
    path = saved(tmp_path / "m.onnx", proto, "m.data")
    assert load_model(path) == expected
    monkeypatch.chdir(tmp_path)
    assert load_model("m.onnx") == expected


def test_initializers_listed_as_inputs_are_no_inputs():
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    for each in proto.graph.initializer:
        proto.graph.input.append(onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims))
    assert from_proto(proto) == expected


def test_what_no_output_needs_is_left_out():
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    proto.graph.initializer.add().CopyFrom(onnx.numpy_helper.from_array(KERNEL, "unused"))
    proto.graph.node.append(onnx.helper.make_node("Relu", ["v1"], ["nowhere"]))
    assert from_proto(proto) == expected


@pytest.mark.parametrize("shape", [["rows", "units"], [0, 0], [-1, -1], ["", ""], None], ids=repr)
def test_sizes_of_the_input_that_are_not_told_are_those_of_the_weights(shape):
    proto = between(of_one("Relu"))
    expected = from_proto(proto)
    proto.graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("x", 1, shape))
    assert from_proto(proto) == expected


def test_the_report_names_nodes(tmp_path):
    path = saved(tmp_path / "m.onnx", between(written(("Sigmoid", "x"), ("Mul", "x", "#0"))))
    x = uniform(9, (30, 5), "float32")
    model = load_model(path, check=(x, reference(onnx.load(path), x)))
    assert model.conversion.steps == [
        ("node 'n0' (Gemm)", "layer 0: Dense"),
        ("node 'n1' (Sigmoid), node 'n2' (Mul)", "activation silu of layer 0"),
        ("node 'n3' (Gemm)", "layer 1: Dense"),
    ]
    assert model.conversion.difference.ulps < 10
