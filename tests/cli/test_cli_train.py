"""``fastnn train``: from a table to a model file that predict, evaluate and export take; the same bits for a seed."""

import io
import shutil

import numpy as np
import pytest

import fastnn
from arrays import uniform
from fastnn.cli import curve, tables
from fastnn.models import load_model
from source import ROOT

N = 60
X = uniform(1, (N, 2)).astype("f8")
QUICK = ("--seed", 1, "--epochs", 3, "--quiet")


def text(target, x=X, names="a,b,y"):
    lines = (",".join(map(str, [*row, value])) for row, value in zip(x.tolist(), target, strict=True))
    return "\n".join([names, *lines]) + "\n"


CLASSES = text(np.where(X[:, 0] > X[:, 1], "more", "less"))
NUMBERS = text((5000 + 300 * X[:, 0] - 100 * X[:, 1]).tolist())


@pytest.fixture
def train(tmp_path, monkeypatch, run):
    """Train on a text as rows.csv: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def call(content, *options, data="rows.csv", target="y", output="model.safetensors"):
        (tmp_path / data).write_text(content)
        return run("train", data, "--target", target, "-o", output, *options)

    return call


def scores(out):
    """What stdout says of the model and of the trivial answer, by name."""
    rows = out[out.index("held-out rows") :].splitlines()[1:-1]
    split = [[part.strip() for part in row.split("  ") if part.strip()] for row in rows]
    return {name: (float(model.split()[0]), float(trivial.split()[0])) for name, model, trivial in split}


def test_classes_as_text_are_learned_by_name(train, run):
    code, out, _ = train(CLASSES, "--seed", 1, "--quiet")
    assert code == 0
    assert "target y: classification, 2 classes: less, more (text)" in out
    assert "48 rows to train on, 12 held out (drawn, a fifth of each class)\nseed 1\n" in out
    accuracy, trivial = scores(out)["accuracy"]
    assert accuracy > 0.9 > 0.7 > trivial
    assert load_model("model.safetensors").classes == ("less", "more")
    labels = run("predict", "model.safetensors", "rows.csv", "--labels", "--target", "y")[1].split()
    assert np.mean(np.array(labels) == np.where(X[:, 0] > X[:, 1], "more", "less")) > 0.9


def test_a_real_table_with_text_and_gaps_is_learned_evaluated_and_exported(train, run):
    """The Palmer penguins, whose gaps are NA: text and numbers as they stand, and columns in another order."""
    content = (ROOT / "examples/penguins.csv").read_text()
    code, out, err = train(content, "--seed", 1, "--quiet", target="species")
    assert code == 0, err
    assert "  sex                category, 2 values, 11 missing\n" in out
    assert "  bill_length_mm     number, 32.1 to 59.6, 2 missing\n" in out
    accuracy, trivial = scores(out)["accuracy"]
    assert accuracy > 0.95 > 0.5 > trivial
    code, printed, _ = run("evaluate", "model.safetensors", "rows.csv", "--target", "species")
    assert code == 0
    assert float(printed.split("balanced accuracy")[1].split()[0]) > 0.97
    assert run("export", "model.safetensors", "model.hpp")[0] == 0


def test_a_model_of_a_raw_table_takes_columns_in_any_order_and_ignores_others(train, run, tmp_path, monkeypatch):
    content = (ROOT / "examples/penguins.csv").read_text()
    train(content, *QUICK, target="species")
    expected = run("predict", "model.safetensors", "rows.csv", "--labels")[1]
    turned = "".join(",".join(reversed([*line.split(","), "x"])) + "\n" for line in content.splitlines())
    (tmp_path / "turned.csv").write_text(turned)
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", 90)  # ten rows
    assert run("predict", "model.safetensors", "turned.csv", "--labels")[1] == expected
    for options in (["--drop", "sex"], ["--target", "sex"], ["--columns", "island,year"]):
        code, _, err = run("predict", "model.safetensors", "turned.csv", *options)
        assert (code, len(err.splitlines())) == (2, 1)
        assert ", an input of the model; received none" in err


@pytest.mark.parametrize("classes", [["1", "2", "3+"], ["a", "b", "c"], [4, 7, 9]], ids=str)
def test_names_of_classes_that_look_like_numbers_are_names(train, run, tmp_path, classes):
    y = [classes[int(i)] for i in np.clip(np.floor(X[:, 0] * 1.5 + 1.5), 0, 2)]
    train(text(y), "--seed", 1, "--quiet")
    header, *lines = text(y).splitlines()
    few = [line for line, value in zip(lines, y, strict=True) if value != classes[2]]  # numbers alone
    (tmp_path / "few.csv").write_text("\n".join([header, *few]) + "\n")
    code, printed, err = run("evaluate", "model.safetensors", "few.csv", "--target", "y")
    assert code == 0, err
    assert float(printed.split("\naccuracy")[1].split()[0]) > 0.8


def test_a_category_that_looks_like_a_number_in_some_rows_stays_text(train, run, tmp_path):
    floor = np.where(X[:, 0] > 0, "3+", np.where(X[:, 1] > 0, "2", "1"))
    rows = "f,b,y\n" + "".join(f"{f},{b},{'x' if f == '2' else 'z'}\n" for f, b in zip(floor, X[:, 1], strict=True))
    train(rows, "--seed", 1, "--quiet")
    (tmp_path / "few.csv").write_text("f,b\n2,0.5\n1,-0.5\n")
    assert run("predict", "model.safetensors", "few.csv", "--labels")[1].split() == ["x", "z"]


def test_numbers_may_be_told_to_be_categories(train):
    _, out, _ = train(text([i % 2 for i in range(N)], (X * 3).round()), *QUICK, "--types", "a=category")
    assert "  a  category, " in out
    assert load_model("model.safetensors").feature_space.features["a"] == "integer_categorical"


def test_numbers_are_learned_in_their_own_unit(train, run):
    code, out, _ = train(NUMBERS, "--seed", 1, "--quiet")
    assert code == 0
    assert "target y: regression (numbers that are not whole)" in out
    error, trivial = scores(out)["mean absolute error"]
    assert error < 20 < 60 < trivial
    code, printed, _ = run("evaluate", "model.safetensors", "rows.csv", "--target", "y")
    assert code == 0
    assert float(printed.split("R²")[1]) > 0.98


@pytest.mark.parametrize("content", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_scores_are_those_of_the_rows_that_are_held_out(train, run, content, tmp_path):
    _, out, _ = train(content, *QUICK, "--time-order")
    header, *lines = content.splitlines()
    (tmp_path / "last.csv").write_text("\n".join([header, *lines[-12:]]) + "\n")
    _, printed, _ = run("evaluate", "model.safetensors", "last.csv", "--target", "y")
    found = {line.split("  ")[0]: float(line.split("  ")[-1].split()[0]) for line in printed.splitlines()[1:]}
    assert {name.strip(): value for name, value in found.items()} == {
        name: pair[0] for name, pair in scores(out).items()
    }


def test_the_trivial_answer_is_the_most_frequent_class_or_the_mean_of_the_rows_to_train_on(train):
    y = [0] * 24 + [1] * 24 + [0] * 3 + [1] * 9
    y[0] = 1  # 25 of 48 rows to train on
    assert scores(train(text(y), *QUICK, "--time-order")[1])["accuracy"][1] == 0.75
    y = X[:, 0].tolist()
    expected = np.abs(np.mean(y[:48]) - y[48:]).mean()
    trivial = scores(train(text(y), *QUICK, "--time-order")[1])["mean absolute error"][1]
    assert trivial == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("content", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_a_seed_gives_the_same_bits_and_the_printed_one_repeats_a_run(train, content):
    _, out, _ = train(content, "--epochs", 3, "--quiet")
    seed = out.split("seed ")[1].split()[0]
    train(content, "--epochs", 3, "--quiet", "--seed", seed, output="again.safetensors")
    train(content, "--epochs", 3, "--quiet", "--seed", int(seed) ^ 1, output="other.safetensors")
    first, again, other = (load_model(f"{name}.safetensors") for name in ("model", "again", "other"))
    assert first == again
    assert first != other


def test_the_model_takes_columns_by_name_and_becomes_a_header(train, run, tmp_path):
    train(NUMBERS, *QUICK)
    expected = run("predict", "model.safetensors", "rows.csv")[1]
    header, *lines = (line.split(",") for line in NUMBERS.splitlines())
    turned = [[row[1], row[0]] for row in (header, *lines)]
    (tmp_path / "turned.csv").write_text("\n".join(map(",".join, turned)) + "\n")
    assert run("predict", "model.safetensors", "turned.csv")[1] == expected
    assert run("export", "model.safetensors", "model.hpp")[0] == 0


KINDS = {
    "20 whole numbers": ([i % 20 for i in range(N)], [], "classification, 20 classes: 0, 1, 2"),
    "21 whole numbers": ([i % 21 for i in range(N)], [], "regression (21 whole numbers)"),
    "21 whole numbers that are classes": ([i % 21 for i in range(N)], ["--classification"], "21 classes"),
    "whole numbers that are amounts": ([i % 3 for i in range(N)], ["--regression"], "regression (--regression)"),
    "True and False": ([i % 2 == 0 for i in range(N)], [], "classification, 2 classes: 0, 1 (2 whole numbers)"),
    "halves": ([i % 3 / 2 for i in range(N)], [], "regression (numbers that are not whole)"),
}


@pytest.mark.parametrize(("target", "options", "words"), KINDS.values(), ids=KINDS)
def test_kind_of_target_is_said(train, target, options, words):
    code, out, err = train(text(target), *QUICK, *options)
    assert code == 0, err
    assert words in out


@pytest.mark.parametrize(
    ("names", "why"), [("2019,2020,2021", "its fields are numbers"), ("city,2020,y", "one of its fields is a number")]
)
def test_a_first_line_with_a_number_is_noted_if_it_may_name_the_columns(train, names, why):
    rows = [
        [i % 2 if names[0] == "2" else ["Rome", "Oslo"][i % 2], i, "pq"[i % 2] if names[-1] == "y" else i % 2]
        for i in range(N)
    ]
    content = "\n".join([names, *(",".join(map(str, row)) for row in rows)]) + "\n"
    note = f"fastnn: note: rows.csv: line 1 is taken as a row, since {why}; if it names the columns, use --header\n"
    assert note in train(content, *QUICK, target="-1")[2]
    code, _, err = train(content, *QUICK, "--header", target="-1")
    assert (code, "note" in err) == (0, False)
    code, _, err = train(content.partition("\n")[2], *QUICK, target="-1")
    assert (code, "note" in err) == (0, False)


def test_of_each_class_a_fifth_is_held_out():
    from fastnn.cli.training_data import Kind, split

    y = np.array([0] * 50 + [1] * 10 + [2] * 5 + [3] * 2)
    for seed in range(20):
        rest, held_out = split(y, Kind(True, list("abcd"), ""), seed, in_time=False, path="")
        assert sorted([*rest, *held_out]) == list(range(67))
        counts = np.bincount(y[held_out], minlength=4)
        assert counts[:3].tolist() == [10, 2, 1]
        assert counts[3] < 2


def test_weights_of_zero_leave_rows_out(train):
    wrong = np.where(X[:, 0] > X[:, 1], "less", "more")
    right = np.where(X[:, 0] > X[:, 1], "more", "less")
    first = np.arange(N) % 2 == 0
    weighted = text(np.where(first, right, wrong), np.column_stack([X, first]), "a,b,w,y")
    _, out, _ = train(weighted, "--weights", "w", "--seed", 1, "--quiet")
    assert scores(out)["accuracy"][0] > 0.85
    assert list(load_model("model.safetensors").feature_space.features) == ["a", "b"]


def test_rows_of_another_file_are_held_out_with_columns_in_any_order(train, tmp_path):
    (tmp_path / "more.csv").write_text("y,other,b,a\n" + "".join("more,x,0,1\nless,x,1,0\n" for _ in range(4)))
    code, out, err = train(CLASSES, "--validation", "more.csv", "--seed", 1, "--quiet")
    assert code == 0, err
    assert "60 rows to train on, 8 held out (those of more.csv)" in out
    assert scores(out)["accuracy"] == (1, 0.5)


def test_settings_are_those_of_the_options_or_the_preset(train):
    for options, sizes in (([], [64, 64]), (["--preset", "mlp"], [100]), (["--layers", "8,4,2"], [8, 4, 2])):
        assert train(CLASSES, *QUICK, *options)[0] == 0
        layers = load_model("model.safetensors").layers
        assert [layer.units for layer in layers if isinstance(layer, fastnn.layers.Dense)] == [*sizes, 2]


def test_the_best_weights_are_kept_and_training_ends_after_20_epochs_without_better_ones(train, monkeypatch):
    _, out, _ = train(text(uniform(9, N) > 0), "--seed", 1, "--learning-rate", 0.05, "--quiet")
    best, last = (int(each) for each in out.split("best epoch ")[1].split("\n")[0].split(" of "))
    assert last == best + 20
    train(text(uniform(9, N) > 0), "--seed", 1, "--learning-rate", 0.05, "--epochs", best, output="best.safetensors")
    assert load_model("best.safetensors") == load_model("model.safetensors")


def test_a_line_for_each_epoch_without_a_terminal_and_none_if_quiet(train):
    _, out, err = train(CLASSES, "--seed", 1, "--epochs", 3)
    assert [line.split(":")[0] for line in err.splitlines()] == [f"epoch {i} of at most 3" for i in (1, 2, 3)]
    assert "\033" not in out + err
    assert train(CLASSES, *QUICK)[2] == ""


def test_interrupted_training_writes_the_best_model_only_if_asked(train, tmp_path, monkeypatch):
    content, settings = text(uniform(9, N) > 0), ("--seed", 1, "--learning-rate", 0.05)
    _, out, _ = train(content, *settings, "--quiet", output="best.safetensors")
    best = int(out.split("best epoch ")[1].split()[0])

    def interrupt(self, epoch, logs=None):
        if epoch == best + 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(curve.EpochLines, "on_epoch_end", interrupt)
    assert train(content, *settings)[0] == 130
    assert not (tmp_path / "model.safetensors").exists()
    code, out, _ = train(content, *settings, "--keep-interrupted")
    assert code == 0
    assert out.endswith("wrote model.safetensors; the training was interrupted\n")
    assert load_model("best.safetensors") == load_model("model.safetensors")


WRITERS = {
    "rows.parquet": lambda frame, path: frame.to_parquet(path),
    "rows.feather": lambda frame, path: frame.to_feather(path),
    "rows.arrow": lambda frame, path: frame.to_feather(path, compression="uncompressed"),
    "rows.tsv": lambda frame, path: frame.to_csv(path, sep="\t", index=False),
    "semicolons.csv": lambda frame, path: frame.to_csv(path, sep=";", index=False),
}


@pytest.mark.parametrize(("path", "write"), WRITERS.items(), ids=WRITERS)
def test_every_kind_of_file_gives_the_bits_of_csv(train, run, path, write):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    content = (ROOT / "examples/penguins.csv").read_text()
    train(content, *QUICK, target="species")
    shutil.move("model.safetensors", "csv.safetensors")
    write(pandas.read_csv("rows.csv"), path)
    assert run("train", path, "--target", "species", "-o", "model.safetensors", *QUICK)[0] == 0
    assert load_model("model.safetensors") == load_model("csv.safetensors")
    assert (
        load_model("model.safetensors").get_config()["columns"] == load_model("csv.safetensors").get_config()["columns"]
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_shows_one_changing_line_and_the_learning_curve(train, monkeypatch, no_color):
    monkeypatch.setenv("NO_COLOR", no_color)
    out, err = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    assert train(CLASSES, "--seed", 1, "--epochs", 3)[0] == 0
    assert err.getvalue().count("\n") == 0
    assert err.getvalue().endswith("\r\033[K")
    assert " |" in out.getvalue()
    assert ("\033" in out.getvalue()) == (no_color == "")
