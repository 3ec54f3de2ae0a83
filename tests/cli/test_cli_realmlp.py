"""``fastnn train --preset realmlp``: the recipe of the estimators in fastnn.sklearn, without scikit-learn."""

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from processes import run_python
from source import ROOT

X = uniform(1, (60, 2)).astype("f8")
CLASSES = np.where(X[:, 0] > X[:, 1], "more", "less").tolist()
NUMBERS = (5000 + 300 * X[:, 0] - 100 * X[:, 1]).tolist()
TRAIN = """
import sys
sys.modules["sklearn"] = None  # an ImportError
from fastnn.cli.main import main
sys.exit(main(["train", "rows.csv", "--target", "y", "-o", "model.safetensors", "--preset", "realmlp", *sys.argv[1:]]))
"""


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Train on rows of X: (stdout, the model)."""
    monkeypatch.chdir(tmp_path)

    def call(target, *options):
        rows = (f"{a},{b},{y}" for (a, b), y in zip(X.tolist(), target, strict=True))
        (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
        return run_python(TRAIN, *options, "--quiet"), fastnn.load_model("model.safetensors")

    return call


@pytest.mark.parametrize("target", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_the_network_has_the_bits_of_the_estimators_training_on_the_same_rows(trained, target):
    out, model = trained(target, "--epochs", 20, "--time-order", "--seed", 3)
    is_class = target is CLASSES
    assert model.feature_space.features == {"a": "float_robust", "b": "float_robust"}
    dense = [layer for layer in model.layers if isinstance(layer, fastnn.layers.Dense)]
    assert [layer.units for layer in dense] == [256, 256, 256, 2 if is_class else 1]
    assert [layer.activation for layer in dense[:3]] == ["selu" if is_class else "mish"] * 3

    pytest.importorskip("sklearn")
    from fastnn.models.real_mlp import REGRESSION, Settings, classification
    from fastnn.sklearn.real_mlp_member import Rows, train

    y = np.array([[0, 1] if each == "more" else [1, 0] for each in target] if is_class else target).reshape(60, -1)
    y = y if is_class else (y - y[:48].mean()) / y[:48].std()
    parts = [Rows({"a": X[each, 0], "b": X[each, 1]}, y[each].astype("f4"), None) for each in np.split(range(60), [48])]
    member = train(
        *(classification(0.1) if is_class else REGRESSION, fastnn.FeatureSpace(model.feature_space.features)),
        *(*parts, Settings(epochs=20), 3, False),
    )
    weights = member.model.get_weights()
    assert all(map(same_bits, model.get_weights()[: len(weights)], weights))
    latest = max(epoch for epoch, score in enumerate(member.scores, 1) if score == max(member.scores))
    assert f"\nbest epoch {latest} of 20\n" in out


def test_amounts_are_answered_in_their_own_unit(trained):
    model = trained(NUMBERS, "--seed", 1, "--epochs", 64)[1]
    assert np.abs(model.predict({"a": X[:, 0], "b": X[:, 1]})[:, 0] - NUMBERS).mean() < 20


def test_options_change_single_settings(trained):
    options = ("--layers", "8,4", "--epochs", 2, "--batch-size", 10, "--learning-rate", 1e-30)
    out, model = trained(CLASSES, *options, "--seed", 1)
    assert [layer.units for layer in model.layers if isinstance(layer, fastnn.layers.Dense)] == [8, 4, 2]
    assert out.split("best epoch ")[1].startswith("2 of 2\n")  # the latest of equal ones
    assert not model.layers[-1].kernel.round(6).any()


def test_penguins_with_text_and_gaps_are_told_apart(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    options = ("--preset", "realmlp", "--epochs", 32, "--seed", 1, "--quiet")
    code, out, err = run(
        "train", ROOT / "examples/penguins.csv", "--target", "species", "-o", "m.safetensors", *options
    )
    assert code == 0, err
    assert float(out.split("\naccuracy")[1].split()[0]) > 0.95
    assert run("export", "m.safetensors", "m.hpp")[0] == 0
