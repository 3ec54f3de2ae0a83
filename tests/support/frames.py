"""Frames of each library, of a dict of columns; a skip where the library is missing."""

import pytest


def pandas_frame(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def pyarrow_table(columns):
    return pytest.importorskip("pyarrow").table(columns)


FRAMES = [pandas_frame, polars_frame, pyarrow_table]
