"""A program for test_out_of_bounds.py: arrays between two pages that nobody may touch; a byte read or written beside
them ends it with SIGSEGV. Prints the number of calls when all went well.
"""

import ctypes
import mmap
from itertools import product

import numpy as np

import fastnn
from arrays import same_bits
from sequentials import network

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Guarded:
    """Memory of up to `size` bytes between two pages without any access."""

    def __init__(self, size):
        self.pages = -(-size // PAGE)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        base = LIBC.mmap(None, (self.pages + 2) * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        assert base not in (None, ctypes.c_void_p(-1).value), ctypes.get_errno()
        self.first = base + PAGE
        for guard in (base, self.first + self.pages * PAGE):
            assert LIBC.mprotect(guard, PAGE, 0) == 0, ctypes.get_errno()

    def array(self, shape, dtype, at_end):
        """An array that touches the guard behind it, or the one in front of it."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = self.first + (self.pages * PAGE - size if at_end else 0)
        return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape)


SHAPES = (
    (1, 1),
    (3, 5),
    (7, 8),
    (15, 16),
    (17, 33),
    (64, 65),
    (130, 7),
    (20, 13),
    (5, 130),
    (130, 1),
    (29, 2),
    (19, 3),
    (9, 4),
)


def main():
    x_memory, y_memory = Guarded(100 * 130 * 8), Guarded(100 * 130 * 8)
    calls = 0
    # Answers of tanh are copied to where they belong, those of linear may be written there by the tiles.
    for dtype, activation, (inputs, units) in product(("float32", "float64"), ("tanh", "linear"), SHAPES):
        model = network([inputs, units], [activation], dtype)
        numbers = np.random.default_rng(1).normal(size=(100, inputs)).astype(dtype)
        wanted = model.predict(numbers)
        for isa in fastnn.isas():
            fastnn.set_isa(isa)
            for rows in range(1, 101):
                at_end = rows % 4 != 0
                x = x_memory.array((rows, inputs), dtype, at_end)
                x[...] = numbers[:rows]
                y = y_memory.array((rows, units), dtype, at_end)
                assert same_bits(model.predict(x, out=y), wanted[:rows])
                # The same memory as columns, and backwards: the layouts that copying a block walks differently.
                columns = x_memory.array((inputs, rows), dtype, at_end).T
                columns[...] = numbers[:rows]
                assert same_bits(model.predict(columns[::-1], out=y), wanted[:rows][::-1])
                calls += 2
    print(calls)


if __name__ == "__main__":
    main()
