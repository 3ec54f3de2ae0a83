"""``fastnn convert``, and the other commands with other tools' files and with classes."""

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from compiled import ROOT

MODELS = ROOT / "tests/data"


@pytest.fixture
def rows(tmp_path):
    """The .npy files of the stored rows and answers of a model."""

    def write(stem):
        arrays = np.load(MODELS / f"{stem}.expected.npz")
        np.save(tmp_path / "x.npy", arrays["x"])
        np.save(tmp_path / "y.npy", arrays["proba"] if "proba" in arrays else arrays["y"])
        return tmp_path / "x.npy", tmp_path / "y.npy"

    return write


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
@pytest.mark.parametrize("file", ["keras_diabetes.keras", "torch_diabetes.dynamo.onnx", "sklearn_wine.skl2onnx.onnx"])
def test_convert_writes_the_model_and_tells_what_it_did(run, rows, tmp_path, file, suffix):
    x, y = rows(file.split(".")[0])
    out = tmp_path / f"out{suffix}"
    code, text, err = run("convert", MODELS / file, out, "--check", x, y)
    assert (code, err) == (0, "")
    first, *steps, verified, last = text.splitlines()
    assert file in first or "Keras model" in first
    assert verified.startswith("verified on 37 rows by ")
    assert all(" -> " in step for step in steps)
    assert last.startswith(f"largest difference over {len(np.load(x))} rows: ")
    expected = fastnn.load_model(MODELS / file)
    assert fastnn.load_model(out) == expected


def test_a_state_dict_is_told_its_activations(run, rows, tmp_path):
    x, y = rows("torch_diabetes")
    file, out = MODELS / "torch_diabetes.state_dict.pt", tmp_path / "out.safetensors"
    code, text, _ = run("convert", file, out, "--layers", "relu,relu,linear", "--check", x, y)
    assert code == 0
    assert text.splitlines()[-1].startswith("largest difference over 300 rows: 2 ulp")
    assert run("summary", file, "--layers", "relu,relu,linear")[0] == 0
    code, out, err = run("convert", file, out)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "layers=" in err


@pytest.mark.parametrize("layers", [1, 400])
def test_fastnns_own_file_knows_its_activations(run, tmp_path, layers):
    own = tmp_path / "own.safetensors"
    fastnn.Sequential([fastnn.layers.Dense(2, input_shape=(2,)) for _ in range(layers)]).save(own)
    code, out, err = run("convert", own, tmp_path / "out.safetensors", "--layers", "relu")
    assert (code, out) == (2, "")
    said = "expected layers only with a PyTorch state dict; a file of fastnn knows its own"
    assert err == f"fastnn: {own}: {said}\n"


def test_no_fold_keeps_the_affine_layers(run, tmp_path):
    layers = {}
    for option in ([], ["--no-fold"]):
        out = tmp_path / "out.safetensors"
        assert run("convert", MODELS / "keras_digits.keras", out, *option)[0] == 0
        layers[bool(option)] = [type(layer).__name__ for layer in fastnn.load_model(out).layers]
    assert layers == {False: ["Dense"] * 3, True: ["Affine", "Dense", "Affine", "Dense", "Dense"]}


def test_no_verify_leaves_the_comparison_out(run, tmp_path):
    for option in ([], ["--no-verify"]):
        code, text, _ = run("convert", MODELS / "keras_digits.keras", tmp_path / "out.safetensors", *option)
        assert code == 0
        assert ("verified on 37 rows" in text) == (not option)
    assert run("summary", MODELS / "keras_digits.keras", "--no-verify")[0] == 0


@pytest.mark.parametrize("file", ["keras_diabetes.h5", "keras_diabetes.keras", "torch_diabetes.legacy.onnx"])
def test_predict_summary_and_bench_take_other_tools_files(run, rows, tmp_path, file):
    x, _ = rows(file.split(".")[0])
    code, text, _ = run("summary", MODELS / file)
    assert code == 0
    assert "Total params" in text
    assert run("predict", MODELS / file, x, "-o", tmp_path / "out.npy")[0] == 0
    assert same_bits(np.load(tmp_path / "out.npy"), fastnn.load_model(MODELS / file).predict(np.load(x)))
    assert run("bench", MODELS / file, "--rows", "1", "--seconds", "0.01")[0] == 0


def test_labels_are_written_in_place_of_the_outputs(run, rows, tmp_path):
    x, _ = rows("sklearn_wine")
    model = fastnn.load_model(MODELS / "sklearn_wine.skl2onnx.onnx")
    model.classes = ["red, dry", "white", 'so "rosé"']
    model.save(tmp_path / "named.safetensors")
    labels = model.predict_classes(np.load(x))
    code, text, _ = run("predict", tmp_path / "named.safetensors", x, "--labels")
    quoted = {"red, dry": '"red, dry"', "white": "white", 'so "rosé"': '"so ""rosé"""'}
    assert (code, text.splitlines()) == (0, [quoted[label] for label in labels])
    assert run("predict", tmp_path / "named.safetensors", x, "--labels", "-o", tmp_path / "out.npy")[0] == 0
    assert np.load(tmp_path / "out.npy").tolist() == [[label] for label in labels]
    numbers = run("predict", MODELS / "sklearn_wine.skl2onnx.onnx", x, "--labels")[1]
    assert numbers.split() == [str(model.classes.index(label)) for label in labels]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["out.txt"], "expected an output that ends in .safetensors or .onnx"),
        (["out.onnx", "--check", "missing.npy", "missing.npy"], "missing.npy: No such file"),
        (["out.onnx", "--check", "text.npy", "text.npy"], "text.npy: expected a NumPy .npy file of numbers"),
        (["out.onnx", "--check", "x.npy", "x.npy"], "expected answers of shape"),
        (["out.onnx", "--check", "x.npy", "complex.npy"], "expected answers to be an array of real numbers; received"),
        (["missing/out.onnx"], "No such file"),
        (["out.onnx", "--layers", "relu"], "expected layers only with a PyTorch state dict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_converted_gets_one_line_and_no_file(run, rows, tmp_path, monkeypatch, arguments, words):
    rows("keras_diabetes")
    (tmp_path / "text.npy").write_text("1 2 3")
    np.save(tmp_path / "complex.npy", np.load(tmp_path / "y.npy").astype(complex))
    monkeypatch.chdir(tmp_path)
    code, out, err = run("convert", MODELS / "keras_diabetes.keras", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("fastnn: ")
    assert err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "out.onnx").exists()


def test_the_model_itself_is_not_overwritten(run, tmp_path):
    copy = tmp_path / "model.onnx"
    copy.write_bytes((MODELS / "torch_diabetes.legacy.onnx").read_bytes())
    code, _, err = run("convert", copy, copy)
    assert code == 2
    assert "expected an output that is not the model itself" in err
    assert copy.read_bytes() == (MODELS / "torch_diabetes.legacy.onnx").read_bytes()
