"""Measure the limits of this machine: the peak rate of its arithmetic, and the bandwidth of its caches and memory."""

import os
from dataclasses import dataclass
from pathlib import Path

from fastnn import _core
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class Level:
    """A cache level or the memory: its size in bytes (None for memory) and its bandwidth in bytes per second."""

    name: str
    size: int | None
    bandwidth: float


@dataclass(frozen=True)
class Machine:
    """The limits of all threads together: operations per second, and the levels from the nearest cache to memory."""

    dtype: str
    threads: int
    peak: float
    levels: tuple[Level, ...]

    def level_of(self, size: int) -> Level:
        """Return the nearest level that holds `size` bytes.

        >>> levels = Level("L1", 100, 2e9), Level("memory", None, 1e9)
        >>> Machine("float32", 1, 1e9, levels).level_of(200).name
        'memory'
        """
        return next(level for level in self.levels if level.size is None or size <= level.size)


def cache_sizes() -> dict[str, int]:
    """Return the sizes of the data caches in bytes, from Linux or the C library, else typical ones.

    >>> cache_sizes()["L1"] >= 4096
    True
    """
    sizes = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
            if kind != "Instruction":
                sizes[f"L{level}"] = int(size.rstrip("KMG")) * {"K": 2**10, "M": 2**20, "G": 2**30}.get(size[-1], 1)
        except (OSError, ValueError):
            continue
    for level, name in (("L1", "LEVEL1_DCACHE"), ("L2", "LEVEL2_CACHE"), ("L3", "LEVEL3_CACHE")):
        known = os.sysconf(f"SC_{name}_SIZE") if f"SC_{name}_SIZE" in os.sysconf_names else 0
        if not sizes.get(level) and known > 0:
            sizes[level] = known
    sizes = {level: size for level, size in sorted(sizes.items()) if size > 0}
    return sizes or {"L1": 32 * 2**10, "L2": 2**20, "L3": 16 * 2**20}


def measure_machine(dtype: str, threads: int, seconds: float) -> Machine:
    """Measure the peak rate and the bandwidth of each level, each for `seconds`.

    A cache is read at half its size, and the memory at twice the size of the largest cache.
    """
    caches = cache_sizes()
    levels = [Level(name, size, _core.read_bandwidth(size // 2, seconds, threads)) for name, size in caches.items()]
    beyond = min(2 * max(caches.values()), memory_size() // 8)
    levels.append(Level("memory", None, _core.read_bandwidth(beyond, seconds, threads)))
    return Machine(dtype, threads, _core.fma_rate(dtype, seconds, threads), tuple(levels))


def memory_size() -> int:
    """Return the size of the memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def measure_weights(model: Sequential, machine: Machine, seconds: float) -> Level:
    """Return the level that holds all weights of the model, with its bandwidth for reading that many bytes."""
    size = sum(array.nbytes for array in model.get_weights())
    return Level(machine.level_of(size).name, size, _core.read_bandwidth(max(size, 1), seconds, machine.threads))
