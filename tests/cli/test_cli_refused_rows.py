"""Rows of a raw table that a model refuses: predict and evaluate tell the file and the row."""

import pytest

import fastnn
from fastnn.cli import tables

REFUSED = {
    "an unknown category": ({"size": "xl"}, "expected one of 's', 'm' in column 'size'; received 'xl', which the enc"),
    "text as a number": (
        {"age": "old"},
        "expected numbers in column 'age'; received 'old' (str): make it a number or a gap",
    ),
}


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("numbers", [9, 2**20], ids=["chunks of three rows", "one chunk"])
@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_a_raw_table_may_not_have_is_told_with_its_row(
    tmp_path, run, monkeypatch, change, words, numbers, command
):
    monkeypatch.chdir(tmp_path)
    columns = [
        {"name": "age", "type": "float", "fill": 1.0, "indicator": False},
        {"name": "size", "type": "string_categorical", "values": ["s", "m"], "gap": False, "unknown": False},
    ]
    fastnn.Sequential([fastnn.FeatureSpace._of_columns(columns), fastnn.layers.Dense(1)]).save("raw.safetensors")
    rows = [{"age": i, "size": "sm"[i % 2], "y": i} for i in range(20)]
    rows[13] |= change
    (tmp_path / "rows.csv").write_text("\n".join(["age,size,y", *(",".join(map(str, row.values())) for row in rows)]))
    monkeypatch.setattr(tables, "_NUMBERS_PER_CHUNK", numbers)
    code, _, err = run(command, "raw.safetensors", "rows.csv", "--target", "y")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"fastnn: rows.csv, row 13: {words}")
