"""Models on collections of dask: predictions of arrays and dataframes of any size, and training on them.

>>> import dask.array
>>> from fastnn.dask import predict
>>> model = Sequential([Dense(2, input_shape=(3,))])
>>> predict(model, dask.array.ones((1000, 3), chunks=(100, 3)))
dask.array<_answers, shape=(1000, 2), dtype=float32, chunksize=(100, 2), chunktype=numpy.ndarray>
"""

try:
    import dask.array as _array  # noqa: F401
except ImportError:
    raise ImportError("fastnn.dask needs dask: pip install 'dask[dataframe]' distributed") from None

from fastnn.dask.prediction import predict
from fastnn.dask.training import train

__all__ = ["predict", "train"]


def __dir__() -> list[str]:
    return __all__
