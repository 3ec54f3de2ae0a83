"""Errors on the command line name its options, not arguments of Python."""

import re
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.cli.wording import for_command_line

DATA = Path(__file__).parents[1] / "data"
STATE = DATA / "torch_digits.state_dict.safetensors"
OF_PYTHON = re.compile(
    r"\b(layers|outputs|prefix|eps|fold|check|verify)=|load_model|expected (layers|outputs|prefix)\b"
)


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        (STATE, [], "as in --layers relu,relu,relu,linear"),
        (STATE, ["--layers", "relu"], "expected --layers to have "),
        (STATE, ["--layers", "rellu,relu,relu,linear"], "did you mean 'relu'?"),
        (STATE, ["--layers", "relu", "--prefix", "actor."], "expected a prefix of the tensors' names; "),
        (
            STATE,
            ["--layers", "prelu+relu,relu,relu,linear"],
            "write PReLU(), Activation('relu') of fastnn",
        ),
        (STATE, ["--outputs", "y"], "expected --outputs only with an ONNX file; "),
        (DATA / "keras_digits.h5", ["--prefix", "a."], "expected --prefix only with a PyTorch state dict; "),
        (DATA / "torch_digits.dynamo.onnx", ["--layers", "relu"], "expected --layers only with a PyTorch state dict, "),
        (DATA / "torch_digits.state_dict.pt", [], "as in --layers relu,relu,relu,linear"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_of_models_name_options(run, path, options, words):
    code, _, err = run("summary", str(path), *options)
    assert (code, err.count("\n")) == (2, 1)
    assert words in err
    assert not OF_PYTHON.search(err.partition("; the command line takes names alone")[0]), err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["x.txt"], "expected OUT to end in .onnx, .hpp or .h; received OUT='x.txt'"),
        (["x.onnx", "--name", "a"], "expected --name only with OUT that ends in .hpp or .h; received OUT='x.onnx'"),
    ],
)
def test_errors_of_export_name_its_arguments(run, tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    assert run("export", str(DATA / "keras_digits.h5"), *options) == (2, "", f"fastnn: {words}\n")


def test_several_outputs_are_chosen_by_an_option(run, tmp_path):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(DATA / "torch_digits.legacy.onnx")
    first = model.graph.node[0].output[0]
    model.graph.output.append(onnx.helper.make_tensor_value_info(first, 1, None))
    onnx.save(model, tmp_path / "model.onnx")
    _, _, err = run("summary", str(tmp_path / "model.onnx"))
    name = model.graph.output[0].name
    assert err.endswith(f", as in --outputs {name}\n")


def test_weights_alone_of_keras_are_read_by_an_option(run, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file["layers/dense/vars/0"], file["layers/dense/vars/1"] = np.ones((2, 3), "float32"), np.ones(3, "float32")
    code, _, err = run("summary", str(tmp_path / "model.weights.h5"))
    assert code == 2
    assert "as in --layers relu,linear, or give what model.to_json() wrote: --layers model.json\n" in err


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("take it with prefix='actor.'", "take it with --prefix actor."),
        ("as in load_model(path, outputs='a b')", "as in --outputs 'a b'"),
        ('as in load_model(path, outputs="it\'s")', "as in --outputs 'it'\"'\"'s'"),
        ("received 'class'; choose another with name", "received 'class'; choose another with --name"),
        ("the layers of the model", "the layers of the model"),
        ("expected outputs to choose a class by", "expected outputs to choose a class by"),
        ("has several outputs; expected one", "has several outputs; expected one"),
    ],
)
def test_arguments_become_options(said, wanted):
    assert for_command_line(said) == wanted


def test_the_advice_after_a_loss_that_is_not_finite_names_an_option():
    model = fastnn.Sequential([fastnn.layers.Dense(1)])
    model.compile(fastnn.optimizers.SGD(1e30), "mse")
    with pytest.raises(fastnn.NonFiniteLossError) as error:
        model.fit(np.ones((4, 1)), np.ones(4), epochs=9, verbose=0)
    assert for_command_line(str(error.value)).endswith(" Use a lower --learning-rate")
