"""``fastnn evaluate``: loss and metrics of classifiers and regressions, also with weights, are scikit-learn's."""

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn.cli import tables

metrics = pytest.importorskip("sklearn.metrics")

X = uniform(1, (60, 4)).astype("f8")
WEIGHTS = np.abs(uniform(2, 60)).astype("f8")


@pytest.fixture
def evaluate(tmp_path, monkeypatch, run):
    """Evaluate a model of these units and last activation; (its outputs, {name: what is printed})."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", 42)  # seven rows

    def call(units, activation, truth, *options, classes=None):
        model = fastnn.Sequential([fastnn.layers.Dense(units, activation, input_shape=(4,), kernel_initializer="ones")])
        model.set_weights([uniform(3, (4, units)), np.zeros(units)])
        model.classes = classes
        model.save("model.safetensors")
        lines = [",".join(map(str, [*x, w, y])) for x, w, y in zip(X.tolist(), WEIGHTS.tolist(), truth, strict=True)]
        (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,d,w,y", *lines]) + "\n")
        weighted = ("--weights", "w") if "weights" in options else ("--drop", "w")
        code, out, err = run("evaluate", "model.safetensors", "rows.csv", "--target", "y", *weighted)
        assert (code, err) == (0, "")
        printed = [line.split("  ") for line in out.splitlines()]
        return model.predict(X), {parts[0].strip(): parts[-1].strip() for parts in printed}

    return call


def test_an_input_cannot_be_the_target_or_left_out(tmp_path, run):
    space = fastnn.FeatureSpace({"a": "float", "b": "float"}).adapt({"a": [1, 2], "b": [3, 4]})
    model = fastnn.Sequential([space, fastnn.layers.Dense(1)])
    model.build()
    model.save(tmp_path / "model.safetensors")
    (tmp_path / "rows.csv").write_text("a,b,y\n1,2,3\n")
    for command, *options in (("evaluate", "--target", "b"), ("predict", "--drop", "b")):
        code, _, err = run(command, tmp_path / "model.safetensors", tmp_path / "rows.csv", *options)
        assert code == 2
        assert "expected one column 'b', an input of the model; received none: it cannot be left out, or be the" in err


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_values_that_the_model_was_not_trained_on_are_told(command, tmp_path, run):
    table = {"city": ["Ulm", "Oslo"], "floor": [1, 2], "a": [1.0, 2.0]}
    kinds = {"city": "string_categorical", "floor": "integer_categorical", "a": "float"}
    model = fastnn.Sequential([fastnn.FeatureSpace(kinds).adapt(table), fastnn.layers.Dense(1)])
    model.build()
    model.save(tmp_path / "model.safetensors")
    rows = "Ulm,1,1,0\nRome,1,1,0\n,3,1,0\nBern,,1,0\n"  # a gap is no value
    (tmp_path / "rows.csv").write_text("city,floor,a,y\n" + rows)
    code, _, err = run(command, tmp_path / "model.safetensors", tmp_path / "rows.csv", "--target", "y")
    notes = [line.partition("rows.csv: ")[2] for line in err.splitlines() if "note" in line]
    assert (code, notes) == (
        0,
        [
            "2 of 4 rows have a value in column 'city' that the model was not trained on, such as 'Rome'",
            "1 of 4 rows have a value in column 'floor' that the model was not trained on, such as 3",
        ],
    )
    (tmp_path / "rows.csv").write_text("city,floor,a,y\nUlm,1,1,0\n,,1,0\n")
    code, _, err = run(command, tmp_path / "model.safetensors", tmp_path / "rows.csv", "--target", "y")
    assert (code, "note" in err) == (0, False)


def assert_close(printed, expected):
    assert list(printed) == ["rows", *expected]
    for name, value in expected.items():
        assert float(printed[name].split()[0]) == pytest.approx(value, rel=1e-4), name


WEIGHTED = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])


@WEIGHTED
@pytest.mark.parametrize("classes", [None, ["x", "y", "z"], [7, 3, 5]], ids=str)
def test_scores_of_three_classes(evaluate, weights, classes):
    index = np.arange(60) % 3
    truth = index if classes is None else [classes[i] for i in index]
    y, printed = evaluate(3, "softmax", truth, "weights" if weights is not None else "", classes=classes)
    chosen = y.argmax(axis=1)
    assert_close(
        printed,
        {
            "log loss": metrics.log_loss(index, y, sample_weight=weights),
            "accuracy": metrics.accuracy_score(index, chosen, sample_weight=weights),
            "balanced accuracy": metrics.balanced_accuracy_score(index, chosen, sample_weight=weights),
        },
    )


@WEIGHTED
@pytest.mark.parametrize(("units", "activation"), [(1, "sigmoid"), (2, "softmax"), (2, "linear")])
def test_scores_of_two_classes_have_the_area_under_the_curve(evaluate, weights, units, activation):
    index = (np.arange(60) % 5 > 1).astype(int)
    y, printed = evaluate(
        units, activation, np.where(index, "yes", "no"), "weights" if weights is not None else "", classes=["no", "yes"]
    )
    score = y[:, 0] if units == 1 else y[:, 1] - y[:, 0]
    chosen = score > (0.5 if units == 1 else 0)
    probabilities = np.column_stack([1 - y[:, 0], y[:, 0]]) if units == 1 else y
    loss = {} if activation == "linear" else {"log loss": metrics.log_loss(index, probabilities, sample_weight=weights)}
    assert_close(
        printed,
        loss
        | {
            "accuracy": metrics.accuracy_score(index, chosen, sample_weight=weights),
            "balanced accuracy": metrics.balanced_accuracy_score(index, chosen, sample_weight=weights),
            "ROC AUC": metrics.roc_auc_score(index, score, sample_weight=weights),
        },
    )


def test_equal_scores_count_half_in_the_area_under_the_curve():
    from fastnn.cli.score import roc_auc

    scores, truth = np.round(uniform(1, 200) * 4), uniform(2, 200) > 0.3
    weights = np.abs(uniform(3, 200)).astype("f8")
    assert roc_auc(scores, truth, weights) == pytest.approx(metrics.roc_auc_score(truth, scores, sample_weight=weights))


@WEIGHTED
@pytest.mark.parametrize("offset", [0, 1e6])
def test_scores_of_numbers(evaluate, weights, offset):
    truth = X.sum(axis=1) + offset
    y, printed = evaluate(1, "linear", truth, "weights" if weights is not None else "")
    square = metrics.mean_squared_error(truth, y[:, 0], sample_weight=weights)
    assert_close(
        printed,
        {
            "mean squared error": square,
            "root mean squared error": square**0.5,
            "mean absolute error": metrics.mean_absolute_error(truth, y[:, 0], sample_weight=weights),
            "R²": metrics.r2_score(truth, y[:, 0], sample_weight=weights),
        },
    )


def test_a_class_without_rows_does_not_count_in_the_balanced_accuracy(evaluate):
    index = np.arange(60) % 2
    y, printed = evaluate(3, "softmax", index)
    recalls = [(y[index == i].argmax(axis=1) == i).mean() for i in (0, 1)]
    assert float(printed["balanced accuracy"]) == pytest.approx(np.mean(recalls), rel=1e-5)


@pytest.mark.parametrize("truth", [0, 1])
def test_log_loss_of_probabilities_of_0_and_1_is_finite_and_scikit_learns(tmp_path, run, truth):
    model = fastnn.Sequential([fastnn.layers.Dense(2, "softmax", input_shape=(1,))])
    model.set_weights([[[1000, -1000]], [0, 0]])
    model.save(tmp_path / "model.safetensors")
    (tmp_path / "rows.csv").write_text(f"a,y\n1,{truth}\n")
    _, out, _ = run("evaluate", tmp_path / "model.safetensors", tmp_path / "rows.csv", "--target", "y")
    expected = metrics.log_loss([truth], model.predict([[1.0]]), labels=[0, 1])
    assert float(out.split("log loss")[1].split()[0]) == pytest.approx(expected, rel=1e-4)


def test_accuracy_without_weights_is_that_of_predict_and_says_how_many(evaluate, run):
    _, printed = evaluate(3, "softmax", np.arange(60) % 3)
    line = run("predict", "model.safetensors", "rows.csv", "--target", "y", "--drop", "w")[2].splitlines()[-1]
    assert line == f"accuracy {printed['accuracy']}"
    assert printed["accuracy"].endswith("of 60)")


def test_weights_of_one_number_change_no_score(evaluate, monkeypatch):
    _, unweighted = evaluate(3, "softmax", np.arange(60) % 3)
    monkeypatch.setitem(globals(), "WEIGHTS", np.full(60, 2.0))
    _, weighted = evaluate(3, "softmax", np.arange(60) % 3, "weights")
    assert float(weighted["log loss"]) == float(unweighted["log loss"])


BAD = {
    "no target": ("a,b,y\n1,2,\n", ["--target", "y"], "expected a number; received ''"),
    "target is nan": ("a,b,y\n1,2,0\n1,2,nan\n", ["--target", "y"], "in every row; received none in row 1"),
    "misspelt target": ("a,b,truth\n1,2,0\n", ["--target", "truht"], "did you mean 'truth'?"),
    "negative weight": ("a,b,y,w\n1,2,0,-1\n", ["--target", "y", "--weights", "w"], "received -1.0 in row 0"),
    "text as weight": ("a,b,y,w\n1,2,0,x\n", ["--target", "y", "--weights", "w"], "expected a number; received 'x'"),
    "weights of zero": ("a,b,y,w\n1,2,0,0\n", ["--target", "y", "--weights", "w"], "weights above 0"),
    "one column as both": ("a,b,y\n1,2,0\n", ["--target", "y", "--weights", "y"], "another column than --target"),
    "no rows": ("a,b,y\n", ["--target", "y"], "received 0 rows"),
    "a class that is none": ("a,b,y\n1,2,7\n", ["--target", "y"], "received 7 in row 0"),
}


@pytest.mark.parametrize(("text", "options", "words"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(tmp_path, run, text, options, words):
    fastnn.Sequential([fastnn.layers.Dense(3, "softmax", input_shape=(2,))]).save(tmp_path / "model.safetensors")
    (tmp_path / "rows.csv").write_text(text)
    code, out, err = run("evaluate", tmp_path / "model.safetensors", tmp_path / "rows.csv", *options)
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert words in err
