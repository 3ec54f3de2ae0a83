"""``fastnn predict --target`` with classes: what the column's numbers stand for, and that --labels says the same."""

import numpy as np
import pytest

import fastnn


def unit_model(path, classes, activation, units):
    """Save a model that passes rows on; return its rows, those of a unit matrix."""
    model = fastnn.Sequential([fastnn.layers.Activation(activation)])
    model.build((None, units))
    model.classes = classes
    model.save(path)
    return np.eye(max(units, 2))[:, -units:]


@pytest.fixture
def predict(run, path, tmp_path):
    """Predict the rows of a unit model: (exit code, labels, last line of stderr)."""

    def call(classes, truth, activation="softmax", units=None):
        rows = unit_model(path, classes, activation, units or len(classes))
        np.save(tmp_path / "rows.npy", np.column_stack([rows, truth]))
        code, out, err = run("predict", path, tmp_path / "rows.npy", "--target", "-1", "--labels")
        return code, out.split(), err.splitlines()[-1]

    return call


@pytest.fixture
def predict_text(run, path, tmp_path):
    """As predict, with a .csv file whose last column holds this text: (exit code, last line of stderr)."""

    def call(classes, truth, activation="softmax", units=None):
        rows = unit_model(path, classes, activation, units or len(truth))
        lines = [",".join(map(str, row)) + f",{label}" for row, label in zip(rows.tolist(), truth, strict=True)]
        header = ",".join("abcdefgh"[: rows.shape[1]]) + ",truth"
        (tmp_path / "rows.csv").write_text("\n".join([header, *lines]) + "\n")
        code, _, err = run("predict", path, tmp_path / "rows.csv", "--target", "truth")
        return code, err.splitlines()[-1]

    return call


TWELVE = sorted(map(str, range(12)))  # as scikit-learn sorts text: 0, 1, 10, 11, 2, …


@pytest.mark.parametrize(
    ("classes", "truth"),
    [
        ([10, 20, 5], [10, 20, 5]),
        ([0.5, 1.5], [0.5, 1.5]),
        ([False, True], [0, 1]),
        (TWELVE, [int(each) for each in TWELVE]),
        (["-1", "0.5", "1e1"], [-1, 0.5, 10]),
        (["7", 3], [7, 3]),
        (["no", "yes"], [0, 1]),
        (["1", "none", "3"], [0, 1, 2]),
        (["1", "1.0", "2"], [0, 1, 2]),
        (["nan", "1", "2"], [0, 1, 2]),
        ([0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
    ],
    ids=repr,
)
def test_target_holds_classes_that_are_numbers_also_as_text_and_counts_others_from_0(predict, classes, truth):
    count = len(classes)
    assert predict(classes, truth) == (0, [str(each) for each in classes], f"accuracy 1.0000 ({count} of {count})")
    assert predict(classes, truth[1:] + truth[:1])[2] == f"accuracy 0.0000 (0 of {count})"


@pytest.mark.parametrize(("classes", "said"), [([10, 1234567], "10 to 1234567"), (["3", "11"], "3 to 11")], ids=repr)
def test_target_that_is_no_class_is_refused_with_those_that_are(predict, classes, said):
    code, _, message = predict(classes, [0, 0])
    assert code == 2
    assert message.endswith(f"expected the target column to hold classes from {said}; received 0 in row 0")


def test_one_probability_has_the_two_classes_of_text(predict):
    assert predict(["5", "15"], [5, 15], "step", units=1)[2] == "accuracy 0.5000 (1 of 2)"  # step's of 0 is 1


def test_several_labels_of_a_row_have_no_target(predict):
    code, labels, message = predict(None, [0, 1, 1], "sigmoid", units=3)
    assert (code, labels) == (2, [])
    assert message == (
        "fastnn: expected a model with one class or one number per row for --target; "
        "received one with 3 outputs of sigmoid, which are independent labels"
    )


@pytest.mark.parametrize(
    ("classes", "truth"),
    [
        (["no", "yes", "may be"], [" no", "yes", '"may be"']),
        (["no", "yes"], ["no", 1]),
        ([False, True], ["False", "True"]),
        ([False, True], [0, "True"]),
        (["7", "x", "9"], [0, 1, 2]),
    ],
    ids=repr,
)
def test_target_of_csv_may_hold_the_names_of_classes(predict_text, classes, truth):
    count = len(classes)
    assert predict_text(classes, truth) == (0, f"accuracy 1.0000 ({count} of {count})")
    assert predict_text(classes, truth[1:] + truth[:1])[1] == f"accuracy 0.0000 (0 of {count})"


@pytest.mark.parametrize(
    ("classes", "truth", "said"),
    [
        (None, ["no", "yes"], "received 'no'; the model has no classes, so the target column holds the numbers 0, 1"),
        (None, ["a", "b", "c", "d"], "the model has no classes, so the target column holds the numbers 0, 1, 2, …"),
        (["no", "yes"], ["yes", "maybe"], "expected one of the classes no, yes; received 'maybe'"),
        (
            ["1", "2"],
            ["1", "two"],
            "a number; received 'two'; the model has the classes 1, 2, so the target column holds the ",
        ),
        (
            ["a", "a"],
            ["a", "a"],
            "a number; received 'a'; the model has the classes a, a, so the target column holds the numbers",
        ),
    ],
    ids=repr,
)
def test_text_that_is_no_class_says_what_the_classes_are(predict_text, classes, truth, said):
    code, message = predict_text(classes, truth)
    assert code == 2
    assert "column 'truth': expected " in message
    assert said in message


def test_text_as_the_target_of_a_regression_is_no_number(predict_text):
    assert predict_text(None, ["no", "yes"], "linear", units=1)[1].endswith("expected a number; received 'no'")
