"""bfloat16, which NumPy does not have: the upper 16 bits of a float32."""

import numpy as np
import numpy.typing as npt

from fastnn.arrays import Array


def widened(numbers: Array) -> npt.NDArray[np.float32]:
    """Return little-endian bfloat16 numbers, given as any dtype of two bytes, as float32."""
    wide = numbers.view("<u2").astype("<u4")
    wide <<= 16
    return wide.view("<f4")
