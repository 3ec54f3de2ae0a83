"""``fastnn train``: every mistake in data or options is one sentence and exit code 2, and leaves no file."""

import gzip

import numpy as np
import pytest

ROWS = "".join(f"{i},{i % 7},{'xy'[i % 2]}\n" for i in range(20))
TABLE = "a,b,y\n" + ROWS


def with_row(row):
    return TABLE + row + "\n"


BAD = {
    "empty file": ("", [], "expected a line of fields; received an empty file"),
    "a header alone": ("a,b,y\n", [], "expected rows below the names of the columns; received none"),
    "misspelt target": (TABLE.replace(",y\n", ",outcome\n", 1), ["--target", "outcom"], "did you mean 'outcome'?"),
    "target missing in rows": (
        with_row("1,2,\n1,2,NA"),
        [],
        "such as NA or none, in 2 of 22 rows, the first is row 20, counted from 0",
    ),
    "target is one value": ("a,y\n" + "1,x\n2,x\n" * 5, [], "expected a target of several values; received 'x'"),
    "a class with one row": (with_row("1,2,z"), [], "expected at least 2 rows of each class; received 1 of 'z'"),
    "all rows equal": ("a,b,y\n" + "1,2,x\n1,2,y\n" * 5, [], "expected rows that differ"),
    "fewer than 5 rows": ("a,y\n1,x\n2,x\n3,y\n4,y\n", [], "expected at least 5 rows"),
    "a row too short": (with_row("1,x"), [], "line 22: expected 3 columns, as in the first line; received 2"),
    "a column without values": ("a,b,y\n" + "1,,x\n2,NA,y\n" * 5, [], "expected values in column 'b'; received none"),
    "a column without a name": ("a,,y\n" + ROWS, [], "received none of column 1; --drop 1 leaves it out"),
    "two columns of one name": ("a,a,y\n" + ROWS, [], "expected one column 'a'; received several"),
    "no inputs": (TABLE, ["--drop", "a,b"], "expected columns to learn from besides --target; received none"),
    "target among the columns": (TABLE, ["--columns", "a,y"], "--columns without --target and --weights; received 'y'"),
    "misspelt type": (TABLE, ["--types", "a=nummer"], "expected number or category as the type of 'a'"),
    "type of no column": (TABLE, ["--types", "A=number"], "did you mean 'a'?"),
    "names of rows": (
        "who,a,y\n" + "".join(f"n{i},{i},{'xy'[i % 2]}\n" for i in range(20)),
        [],
        "leave it out, --drop who, or give its type, --types who=category",
    ),
    "text where numbers are told": (
        "a,b,y\n" + "1,u,x\n2,v,y\n" * 5,
        ["--types", "b=number"],
        "expected numbers in column 'b', by --types; received 'u' in row 0",
    ),
    "text as an amount": (TABLE, ["--regression"], "expected numbers; received 'x' in row 0; --classification"),
    "amounts too close to each other": (
        "a,y\n" + "".join(f"{i},{1700000000 + i}\n" for i in range(20)),
        ["--regression"],
        "expected targets that differ by more than 1/65536 of their mean",
    ),
    "decimal commas": (
        "a;b;y\n" + "1,5;1;x\n1,5;2;y\n" * 5,
        [],
        "received numbers with commas, such as '1,5': write decimals with a point, and digits without groups, or give "
        "the type, --types a=category",
    ),
    "decimal commas of the target": (
        "a;y\n" + "1;1,5\n2;2,5\n" * 5,
        [],
        "received numbers with commas, such as '1,5'; write decimals with a point, and digits without groups",
    ),
    "decimal commas of an amount": (
        "a;y\n1;1,5\n2;2,5\n",
        ["--regression"],
        "'1,5' in row 0; write decimals with a point",
    ),
    "a mark of a gap among numbers": (
        "a,y\n" + "".join(f"{i},{'xy'[i % 2]}\n{i},x\n" for i in range(25)) + "?,x\n",
        ["--epochs", "1"],
        "received '?' among numbers as text: write a number or, for a gap, nothing in its place, or give the type, "
        "--types a=category",
    ),
    "a mark of a gap among numbers in a row that is held out": (
        "a,y\n" + "".join(f"{i},{'xy'[i % 2]}\n{i},x\n" for i in range(25)) + "?,x\n",
        ["--time-order"],
        "received '?' among numbers as text: write a number or, for a gap, nothing in its place, or give the type, "
        "--types a=category",
    ),
    "gaps alone in the rows to train on": (
        "a,b,y\n" + "1,,x\n2,,y\n" * 8 + "1,3,x\n2,4,y\n" * 2,
        ["--time-order"],
        "expected values in column 'b' in the rows to train on; received only gaps: leave it out: --drop b",
    ),
    "a word among amounts": (
        "a,y\n" + "".join(f"{i},{i}\n" * 2 for i in range(21)) + "1,?\n2,?\n",
        [],
        "received '?' among numbers; leave such rows out, or use --classification",
    ),
    "another separator": (
        TABLE.replace(",", "|"),
        [],
        "received 'y'; --separator says what separates the columns, if no comma",
    ),
    "infinite target": ("a,y\n" + "1,.5\n2,inf\n" * 5, [], "expected finite numbers; received inf in row 1"),
    "text as weights": (TABLE, ["--weights", "y", "--target", "b"], "0 as --weights; received 'x' in row 0"),
    "negative weights": (TABLE.replace("\n3,", "\n-3,"), ["--weights", "a"], "received -3.0 in row 3"),
    "weights of zero": ("a,w,y\n" + "1,0,x\n2,0,y\n" * 5, ["--weights", "w"], "expected --weights above 0"),
    "class in the last rows alone": (
        "a,y\n" + "1,x\n2,y\n" * 10 + "3,z\n3,z\n",
        ["--time-order"],
        "expected rows of each class to train on; received 'z' in the last fifth alone",
    ),
    "validation file lacks a column": (TABLE, ["--validation", "other.csv"], "expected a column 'b', as in the rows"),
    "class of validation rows alone": (TABLE, ["--validation", "class.csv"], "expected one of the classes x, y"),
    "no validation file": (TABLE, ["--validation", "no.csv"], "no.csv: No such file or directory"),
    "both validation and time order": (TABLE, ["--validation", "class.csv", "--time-order"], "not allowed with"),
    "output of another kind": (TABLE, ["-o", "model.hpp"], "expected an output that ends in .safetensors"),
    "output in no folder": (TABLE, ["-o", "no/model.safetensors"], "No such file or directory"),
    "layers that are no numbers": (TABLE, ["--layers", "64,relu"], "expected a whole number from 1; received 'relu'"),
    "a list without commas": (TABLE, ["--layers", "64", "32"], "as one argument, a,b,c; see fastnn train --help"),
    "an unknown option": (TABLE, ["--goal=y"], "unrecognized arguments: --goal=y; see fastnn train --help"),
    "no epochs": (TABLE, ["--epochs", "0"], "expected a whole number from 1"),
    "negative rate": (TABLE, ["--learning-rate", "-1"], "expected a number above 0"),
    "large seed": (TABLE, ["--seed", "4294967296"], "expected a whole number from 0 to 4294967295"),
}


@pytest.mark.parametrize(("content", "options", "words"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, run, capsys, content, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(content)
    (tmp_path / "other.csv").write_text("a,y\n1,x\n2,y\n")
    (tmp_path / "class.csv").write_text("a,b,y\n1,1,z\n")
    before = sorted(tmp_path.iterdir())
    try:
        code, _, err = run("train", "rows.csv", "--target", "y", "-o", "model.safetensors", "--epochs", 2, *options)
    except SystemExit as end:  # argparse
        code, err = end.code, capsys.readouterr().err
    assert (code, len(err.splitlines())) == (2, 1), err
    assert words in err
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_that_cannot_be_written_is_found_before_the_data_are_read(tmp_path, run):
    code, _, err = run("train", tmp_path / "no.csv", "--target", "y", "-o", tmp_path / "no/model.safetensors")
    assert code == 2
    assert "no/model.safetensors" in err


def test_text_of_another_encoding_is_no_unknown_category(tmp_path, run):
    """Köln in Latin-1 would be a city that the model has never seen."""
    text = "city,y\n" + "Köln,a\nOslo,b\n" * 10
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    (tmp_path / "latin.csv").write_text(text, encoding="latin1")
    made = tmp_path / "model.safetensors"
    assert run("train", tmp_path / "rows.csv", "--target", "y", "-o", made, "--epochs", 1)[0] == 0
    for command in (
        ["predict", made, tmp_path / "latin.csv"],
        ["evaluate", made, tmp_path / "latin.csv", "--target", "y"],
        ["train", tmp_path / "latin.csv", "--target", "y", "-o", tmp_path / "other.safetensors"],
    ):
        code, _, err = run(*command)
        assert code == 2
        assert "column 'city': expected text in UTF-8; received 'K\\udcf6ln'; convert the file first" in err


def test_a_compressed_table_is_told(tmp_path, run):
    (tmp_path / "rows.csv").write_bytes(gzip.compress(TABLE.encode()))
    code, _, err = run("train", tmp_path / "rows.csv", "--target", "y", "-o", tmp_path / "model.safetensors")
    assert code == 2
    assert err.endswith("expected .csv text in UTF-8; received a gzip file; decompress it first\n")


def test_an_old_model_stays_as_it_was_after_a_mistake(tmp_path, run):
    (tmp_path / "rows.csv").write_text("")
    (tmp_path / "model.safetensors").write_text("old")
    run("train", tmp_path / "rows.csv", "--target", "y", "-o", tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").read_text() == "old"


def test_gaps_are_those_words_and_numbers_stay_numbers():
    from fastnn.cli.raw_table import typed

    np.testing.assert_array_equal(typed(["1", "NA", "", "nan", " N/A ", "null", "None"]), [1, *[np.nan] * 6])
    assert typed(["1", "x", "na", None]) == ["1", "x", None, None]


@pytest.mark.parametrize("text", ["1_000", "١٢", "1,5", "0x10", "12 kg"])
def test_what_is_no_number_in_csv_is_text(text):
    from fastnn.cli.raw_table import typed

    assert typed(["1", text, ""]) == ["1", text, None]
