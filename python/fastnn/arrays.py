"""NumPy arrays of real numbers, of all that has them: lists, arrays, tensors of other packages."""

from datetime import date, time, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.ma  # now: imported when first used, a fork meanwhile would leave the child without it for ever
import numpy.typing as npt

from fastnn.lazy import refuse_lazy

Array = npt.NDArray[Any]


def to_array(x: Any) -> Array:
    """Return np.asarray(x); bfloat16 and narrower floats, which NumPy does not have, become float32.

    Objects with `__array__` may run their own code here. Raises ValueError for masked values, TypeError for lazy
    collections and data sets.

    >>> to_array([[1, 2]])
    array([[1, 2]])
    """
    if type(x) is np.ndarray and x.dtype.kind != "V":
        return x
    refuse_lazy(x)
    if _is_data_set(type(x)):  # type: ignore[arg-type]  # mypy does not know that classes are hashable
        raise TypeError(
            f"expected an array; received the data set {type(x).__name__}: fit and evaluate take one of batches as x "
            "alone; give predict one batch after the other"
        )
    if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):  # dropping the mask would be a guess
        raise ValueError(
            "expected an array without masked values; received some; fill them first, for example with x.filled(0)"
        )
    if str(getattr(x, "dtype", "")) == "torch.bfloat16":
        x = x.float()
    if hasattr(getattr(x, "type", None), "index_type"):  # a dictionary of pyarrow, whose nulls would become values
        x = x.cast(x.type.value_type)
    try:
        array = np.asarray(x)
    except ValueError:
        lengths = {len(each) for each in x if hasattr(each, "__len__")} if isinstance(x, (list, tuple)) else set()
        if len(lengths) < 2:
            raise
        some = " and ".join(map(str, sorted(lengths)[:2]))
        raise ValueError(f"expected rows of the same length; received the lengths {some}") from None
    if array.ndim == 0 and array.dtype == object and callable(getattr(x, "toarray", None)):
        raise TypeError(f"expected a dense array; received the sparse {type(x).__name__}: use x.toarray()")
    if array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32):  # of ml_dtypes, which JAX and Keras use
        array = array.astype(np.float32)
    return array


@lru_cache(maxsize=256)
def _is_data_set(cls: type) -> bool:
    """Return whether NumPy would ask for items until one raises IndexError, which those of a PyDataset need not do.

    >>> _is_data_set(list), _is_data_set(fastnn.utils.PyDataset)
    (False, True)
    """
    ways = ("__iter__", "__array__", "__array_interface__", "__array_struct__", "__dlpack__")
    return hasattr(cls, "__getitem__") and cls is not memoryview and not any(hasattr(cls, name) for name in ways)


def advice_on_dates(value: Any) -> str:
    """Return what to do about a value, an array or its dtype, if it is of dates, times or durations; else "".

    >>> advice_on_dates(np.datetime64("2026-12-01"))
    'make a number of it, such as a year, or the days or seconds since a fixed date'
    >>> advice_on_dates(date(2026, 12, 1)) == advice_on_dates(np.zeros(2, "m8[s]")), advice_on_dates("2026-12-01")
    (True, '')
    """
    kind = getattr(getattr(value, "dtype", value), "kind", None)
    if kind in ("m", "M") or isinstance(value, (date, time, timedelta)):
        return "make a number of it, such as a year, or the days or seconds since a fixed date"
    return ""


def is_real(array: Array) -> bool:
    """Return whether the array's dtype is one of real numbers, booleans included.

    >>> is_real(np.zeros(1, bool)), is_real(np.zeros(1, complex))
    (True, False)
    """
    return array.dtype.kind in "biuf"
