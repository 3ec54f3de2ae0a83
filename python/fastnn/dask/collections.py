"""What the adapters of dask take: arrays and dataframes whose number of columns is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from dask.base import is_dask_collection


def is_table(x: Any) -> bool:
    """Return whether x is a dask array, a dataframe or a column of one."""
    # The class is asked: a Delayed has every attribute.
    return is_dask_collection(x) and hasattr(type(x), "ndim") and hasattr(type(x), "to_delayed")


def check_columns(name: str, x: Any) -> None:
    """Raise ValueError for an array whose number of columns dask does not know."""
    if hasattr(x, "chunks") and np.isnan(x.shape[1:]).any():
        raise ValueError(
            f"expected {name} with a known number of columns; received shape {x.shape}: "
            f"use {name}.compute_chunk_sizes()"
        )
