"""What this machine could do at most: the peak of its arithmetic and the bandwidths of its caches and memory."""

import os
from dataclasses import dataclass
from pathlib import Path

from fastnn import _core
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class Level:
    """A cache level, or memory: how many bytes it holds (None: all), and bytes a second read from it."""

    name: str
    size: int | None
    bandwidth: float


@dataclass(frozen=True)
class Machine:
    """What these threads do at most together: operations a second; bandwidths, nearest level first, memory last."""

    dtype: str
    threads: int
    peak: float
    levels: tuple[Level, ...]

    def level_of(self, size: int) -> Level:
        """Return the nearest level that holds so many bytes."""
        return next(level for level in self.levels if level.size is None or size <= level.size)


def cache_sizes() -> dict[str, int]:
    """Return the bytes of this CPU's data caches, {"L1": …, …}: as Linux or the C library tell, else usual sizes."""
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
    """Measure the peak and each level's bandwidth, each for so many seconds: half a cache full, twice the last."""
    caches = cache_sizes()
    levels = [Level(name, size, _core.read_bandwidth(size // 2, seconds, threads)) for name, size in caches.items()]
    beyond = min(2 * max(caches.values()), memory_size() // 8)
    levels.append(Level("memory", None, _core.read_bandwidth(beyond, seconds, threads)))
    return Machine(dtype, threads, _core.fma_rate(dtype, seconds, threads), tuple(levels))


def memory_size() -> int:
    """Return the bytes of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def measure_weights(model: Sequential, machine: Machine, seconds: float) -> Level:
    """Return the level that holds all weights of the model, with the bandwidth of just so many bytes."""
    size = sum(array.nbytes for array in model.get_weights())
    return Level(machine.level_of(size).name, size, _core.read_bandwidth(max(size, 1), seconds, machine.threads))
