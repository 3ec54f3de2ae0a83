"""How a .csv file is written down, as the user says it: --separator, and lists of columns for --drop."""

import pytest

from arrays import uniform
from fastnn.cli.tables import csv_text
from sequentials import network

ROWS = (uniform(3, (6, 3)) * 100).round()


@pytest.fixture
def predict(tmp_path, monkeypatch, run):
    """Predict a text as rows.csv: (exit code, whether the answers are those to ROWS, stderr)."""
    monkeypatch.chdir(tmp_path)
    model = network([3, 4, 2], ["relu", "linear"], "float32")
    model.save("model.safetensors")
    expected = csv_text(model.predict(ROWS))

    def call(text, *options, name="rows.csv"):
        (tmp_path / name).write_text(text)
        code, out, err = run("predict", "model.safetensors", name, *options)
        return code, out == expected, err

    return call


@pytest.mark.parametrize(
    ("separator", "option"), [("|", "|"), (" ", " "), (";", ";"), ("\t", "tab"), ("\t", "\\t"), (",", ","), (":", ":")]
)
def test_separator_may_be_told(predict, separator, option):
    text = "a,b,c\n".replace(",", separator) + csv_text(ROWS).replace(",", separator)
    assert predict(text, "--separator", option)[:2] == (0, True)


def test_a_separator_that_is_told_wins_over_one_that_is_found(predict):
    header = "length, in m|b, in m|c, in m\n"
    assert predict(header + csv_text(ROWS).replace(",", "|"), "--separator", "|")[:2] == (0, True)


def test_tsv_is_read_as_csv_is(predict):
    assert predict(csv_text(ROWS).replace(",", "\t"), name="rows.tsv")[:2] == (0, True)


@pytest.mark.parametrize("separator", ["", ";;", "1", "a", '"', ".", "-", "\n"])
def test_a_separator_that_is_part_of_numbers_or_text_is_refused(predict, capsys, separator):
    with pytest.raises(SystemExit, match="2"):
        predict(csv_text(ROWS), "--separator", separator)
    assert "expected one character, or tab; received" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--drop", "who,note"], ["--drop", "0,-1"], ["--drop", "who", "--drop", "note"]])
def test_drop_takes_a_list_and_may_be_repeated(predict, options):
    text = "who,a,b,c,note\n" + "".join(f"x,{line},y\n" for line in csv_text(ROWS).splitlines())
    assert predict(text, *options)[:2] == (0, True)


@pytest.mark.parametrize("drop", ["length, in m", '"length, in m"'])
def test_drop_takes_a_name_with_a_comma(predict, drop):
    text = '"length, in m",a,b,c\n' + "".join(f"x,{line}\n" for line in csv_text(ROWS).splitlines())
    assert predict(text, "--drop", drop)[:2] == (0, True)


@pytest.mark.parametrize("option", ["--drop", "--target", "--columns"])
def test_a_misspelt_name_is_told_with_one_like_it(predict, option):
    code, _, err = predict("height,b,c\n" + csv_text(ROWS), option, "heigth")
    assert code == 2
    assert "received 'heigth'; did you mean 'height'?" in err
