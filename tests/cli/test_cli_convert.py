"""``fastnn convert``, and the other commands with other tools' files and with classes."""

import numpy as np
import pytest
from safetensors.numpy import save_file

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
    assert "--layers " in err


def test_a_part_of_a_file_is_chosen_by_its_name(run, tmp_path):
    """By the options that every command has, with a sentence where a file has no such part."""
    actor = {"0.weight": np.ones((2, 3), "f4"), "0.bias": np.zeros(2, "f4")}
    state_dict, data = tmp_path / "both.safetensors", tmp_path / "x.csv"
    save_file({f"{name}.{key}": value for name in ("actor", "critic") for key, value in actor.items()}, state_dict)
    data.write_text("1,2,3\n")
    for command in ("predict", "summary", "convert"):
        last = {"predict": [data], "summary": [], "convert": [tmp_path / "out.safetensors"]}[command]
        code, out, _ = run(command, state_dict, *last, "--layers", "relu", "--prefix", "actor.")
        assert code == 0
        assert command != "predict" or out == "6.0,6.0\n"
    code, _, err = run("summary", state_dict, "--layers", "relu", "--prefix", "policy.")
    assert (code, err.count("\n")) == (2, 1)
    assert "the prefixes are 'actor.', 'critic.'" in err
    own = MODELS / "keras_diabetes.keras"
    for option in ("--prefix", "--outputs"):
        code, _, err = run("summary", own, option, "a")
        assert (code, err.count("\n")) == (2, 1)
        assert f"expected {option} only with" in err


def test_an_output_of_an_onnx_file_is_chosen_by_its_name(run):
    file = MODELS / "sklearn_wine.skl2onnx.onnx"
    names = [each.name for each in pytest.importorskip("onnx").load(file).graph.output]
    for name in names:
        assert run("summary", file, "--outputs", name)[0] == 0
    code, _, err = run("summary", file, "--outputs", "nothing")
    assert (code, err.count("\n")) == (2, 1)
    assert all(repr(name) in err for name in names)


def test_weights_alone_of_keras_are_told_the_config_beside_them(run, rows, tmp_path):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    x, y = rows("keras_diabetes")
    with h5py.File(MODELS / "keras_diabetes.h5") as whole, h5py.File(tmp_path / "m.weights.h5", "w") as alone:
        (tmp_path / "model.json").write_text(whole.attrs["model_config"])
        for name in whole["model_weights"]:
            whole.copy(f"model_weights/{name}", alone)
        alone.attrs["layer_names"] = whole["model_weights"].attrs["layer_names"]
    file, out = tmp_path / "m.weights.h5", tmp_path / "out.safetensors"
    assert run("convert", file, out, "--layers", tmp_path / "model.json", "--check", x, y)[0] == 0
    assert same_bits(*(fastnn.load_model(each).predict(np.load(x)) for each in (out, MODELS / "keras_diabetes.h5")))
    code, _, err = run("convert", file, out)
    assert code == 2
    assert "--layers model.json" in err


@pytest.mark.parametrize("layers", [1, 400])
def test_fastnns_own_file_knows_its_activations(run, tmp_path, layers):
    own = tmp_path / "own.safetensors"
    fastnn.Sequential([fastnn.layers.Dense(2, input_shape=(2,)) for _ in range(layers)]).save(own)
    code, out, err = run("convert", own, tmp_path / "out.safetensors", "--layers", "relu")
    assert (code, out) == (2, "")
    said = "expected --layers only with a PyTorch state dict, or weights alone of Keras; received a model of fastnn"
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
        (["out.onnx", "--layers", "relu"], "expected --layers only with a PyTorch state dict"),
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


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
@pytest.mark.parametrize(
    ("off", "options", "code"),
    [
        (0.0, [], 0),
        (90 * 2.0**-23, [], 0),
        (110 * 2.0**-23, [], 1),
        (0.1, [], 1),
        (np.nan, [], 1),
        (np.inf, [], 1),
        (110 * 2.0**-23, ["--max-ulps", "111"], 0),
        (2 * 2.0**-23, ["--max-ulps", "1.5"], 1),
        (0.0, ["--max-ulps", "0"], 0),
        (np.nan, ["--max-ulps", "inf"], 1),
    ],
)
def test_check_fails_and_writes_nothing_if_answers_differ_too_much(
    run, tmp_path, monkeypatch, suffix, off, options, code
):
    monkeypatch.chdir(tmp_path)
    model = fastnn.Sequential([fastnn.layers.Activation("linear")])
    model.build((None, 2))
    model.save("model.safetensors")
    x = np.ones((3, 2), "float32")
    np.save("x.npy", x)
    np.save("y.npy", x + np.float32([[0, 0], [0, off], [0, 0]]))
    out = tmp_path / f"out{suffix}"
    out.write_text("old")
    found, text, err = run("convert", "model.safetensors", out, "--check", "x.npy", "y.npy", *options)
    assert found == code
    assert text.splitlines()[-1].startswith("largest difference over 3 rows: ")
    if code == 0:
        assert err == ""
        assert fastnn.load_model(out) == model
    else:
        bound = options[1] if options else "100"
        said = f"expected answers within {bound} ulp of those to check with; received the difference above; nothing is "
        assert err == f"fastnn: model.safetensors: {said}written; --max-ulps N allows more\n"
        assert out.read_text() == "old"


def test_max_ulps_is_a_number_and_goes_with_check(run, tmp_path):
    file = MODELS / "keras_diabetes.keras"
    for wrong in ("-1", "nan", "many"):
        with pytest.raises(SystemExit) as ended:
            run("convert", file, tmp_path / "out.onnx", "--max-ulps", wrong)
        assert ended.value.code == 2
    code, _, err = run("convert", file, tmp_path / "out.onnx", "--max-ulps", "3")
    said = "expected --max-ulps together with --check X.npy Y.npy; received it alone"
    assert (code, err.splitlines()[-1], (tmp_path / "out.onnx").exists()) == (2, f"fastnn: {said}", False)
