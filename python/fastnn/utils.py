"""The part of ``keras.utils`` that programs with dense networks use.

>>> from fastnn.utils import to_categorical
>>> to_categorical([0, 2])
array([[1., 0., 0.],
       [0., 0., 1.]])
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnn.arrays import Array, is_real, to_array
from fastnn.initializers.base import checked_seed, seed_weights
from fastnn.layers.arguments import forget_names
from fastnn.names import missing
from fastnn.strict import suggesting

__all__ = ["PyDataset", "clear_session", "normalize", "set_random_seed", "to_categorical"]


if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)


def __dir__() -> list[str]:
    return __all__


@suggesting
def set_random_seed(seed: int) -> None:
    """Seed the initial weights of new layers, ``random`` and ``numpy.random``, so that a program is repeatable.

    Initializers with an own seed ignore this one.
    Raises ValueError unless seed is an integer from 0 to 2**32 - 1.

    >>> set_random_seed(1)
    >>> first = Sequential([Dense(3, input_shape=(2,))])
    >>> set_random_seed(1)
    >>> first == Sequential([Dense(3, input_shape=(2,))])
    True
    """
    seed = checked_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 as in Keras, for programs that draw their data from it
    seed_weights(seed)


@suggesting
def to_categorical(x: npt.ArrayLike, num_classes: int | None = None) -> Array:
    """Return class numbers as one-hot rows, the targets of "categorical_crossentropy".

    x: integers from 0, of shape (rows,) or (rows, 1). "sparse_categorical_crossentropy" takes them as they are.
    num_classes: default the largest number plus 1.
    Raises ValueError for other numbers and for text: np.unique(x, return_inverse=True)[1] numbers its values.

    >>> to_categorical([1, 0], num_classes=3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    given = to_array(x)
    if not is_real(given) or not (given == np.floor(given)).all() or (given < 0).any():
        raise ValueError(
            f"expected class numbers, integers from 0; received {given!r:.200}; "
            "np.unique(x, return_inverse=True)[1] numbers the values of x"
        )
    numbers = given.astype(np.int64)
    if numbers.ndim > 1 and numbers.shape[-1] == 1:
        numbers = numbers[..., 0]
    classes = int(numbers.max(initial=-1)) + 1
    if num_classes is not None and num_classes < classes:
        raise ValueError(f"expected class numbers below num_classes={num_classes}; received {classes - 1}")
    return np.eye(num_classes or classes)[numbers]


@suggesting
def normalize(x: npt.ArrayLike, axis: int = -1, order: int = 2) -> Array:
    """Return x divided by its norms along an axis; where a norm is 0, x.

    order: that of the norm; default 2, the length. To standardize columns, use layers.Normalization or scikit-learn.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    array = to_array(x)
    if not is_real(array):
        raise ValueError(f"expected x to be real numbers; received {array.dtype}")
    norms = np.linalg.norm(array, order, axis, keepdims=True)
    quotient: Array = array / np.where(norms == 0, 1, norms)
    return quotient


@suggesting
def clear_session(free_memory: bool = True) -> None:
    """Let automatic names begin anew: dense, dense_1, …

    free_memory: accepted for programs written for Keras; a model's memory is freed with its last name.

    >>> clear_session()
    >>> Dense(1).name, Dense(1).name
    ('dense', 'dense_1')
    """
    forget_names()


class PyDataset(ABC):
    """Base class of data sets for fit() and evaluate(), which ask for batches by number.

    A subclass defines __len__(), the number of batches, and __getitem__(i), the batch (x, y) or (x, y, sample_weight).
    It may define on_epoch_begin() and on_epoch_end().
    workers, use_multiprocessing, max_queue_size: accepted for programs written for Keras; batches are made one by one.

    >>> class Halves(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, i):
    ...         return [[i / 2]], [i]
    >>> model = Sequential([Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> len(model.fit(Halves(), epochs=3, verbose=0).epoch)
    3
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Any: ...


Sequence = PyDataset  # its name in Keras 2
