"""Rows of text in .csv files: fields over several lines, and faults by the line they begin on."""

import io
import re

import pytest

from fastnn.cli.csv_rows import CsvRows

TABLE = 'a,city\n1,Ulm\n2,"New\n\nYork"\n\n \n3,"Ulm"'


def test_rows_of_text_may_go_over_lines_and_are_refused_by_the_line_they_begin_on():
    rows = lambda text: list(CsvRows(io.StringIO(text), "rows.csv", None).fields(2))  # noqa: E731
    assert rows(TABLE) == [[["1", "Ulm"], ["2", "New\n\nYork"]], [["3", "Ulm"]]]
    for text, said in {
        TABLE + "\n4": "line 9: expected 2 columns, as in the first line; received 1",
        TABLE + '\n4,"Oslo\n5,Ulm\n': "line 9: expected a closing quote; received the end of the file",
        TABLE + "\n4," + "x" * 140_000: "line 9: field larger than field limit (131072): perhaps a quote is not closed",
    }.items():
        with pytest.raises(ValueError, match=f"^rows.csv, {re.escape(said)}$"):
            rows(text)
