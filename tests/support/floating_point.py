"""Reading and setting this thread's MXCSR, by a few bytes of machine code. x86-64 only."""

import ctypes
import mmap
import platform

import pytest

needs_mxcsr = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="MXCSR is x86's")

STICKY_FLAGS = 0x3F
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 0x8000, 0x0040
ROUND_DOWN, ROUND_UP, ROUND_TO_ZERO = 0x2000, 0x4000, 0x6000
DEFAULT = 0x1F80

_page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
_page.write(bytes.fromhex("0fae1fc30fae17c3"))  # stmxcsr [rdi]; ret   ldmxcsr [rdi]; ret
_address = ctypes.addressof(ctypes.c_char.from_buffer(_page))
_store = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))(_address)
_load = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))(_address + 4)


def mxcsr():
    """Return the control bits, without the sticky exception flags."""
    word = ctypes.c_uint32()
    _store(ctypes.byref(word))
    return word.value & ~STICKY_FLAGS


def set_mxcsr(word):
    _load(ctypes.byref(ctypes.c_uint32(word)))
