"""The order of a state dict's modules, which compute in a row: by their numbers, the file, or their widths.

Widths tell it where only one order lets each module take what the one before it gives.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from fastnn.arrays import Array

Modules = Mapping[str, Mapping[str, Array]]
_MOST_MODULES, _MOST_TRIES = 100, 1000  # of a search that may take exponential time


def in_order(modules: Modules, is_ordered: bool) -> list[str] | None:
    """Return the names in the order of computing; None if nothing says it.

    modules: the tensors of each, by name. is_ordered: whether they come as the file orders them.

    >>> trunk, head = {"weight": np.ones((4, 3))}, {"weight": np.ones((2, 4))}
    >>> in_order({"head": head, "trunk.0": trunk}, is_ordered=False)
    ['trunk.0', 'head']
    """
    names = list(modules)
    numbered = {name: match for name in names if (match := re.fullmatch(r"(.*?)([0-9]{1,9})", name))}
    blocks: dict[str, list[str]] = {}  # of modules that differ in their number alone
    for name in names:
        blocks.setdefault(numbered[name][1] if name in numbered else name, []).append(name)
    for block in blocks.values():
        block.sort(key=lambda name: int(numbered[name][2]) if name in numbered else 0)
    if len(blocks) == 1:
        (by_number,) = blocks.values()
        return by_number if not is_ordered or by_number == names else None
    widths = {name: _widths(tensors) for name, tensors in modules.items()}
    if is_ordered and _fits(names, widths):
        return names
    return _only_chain(list(blocks.values()), widths) or (names if is_ordered else None)


def example(names: Sequence[str], *, is_dict: bool) -> str:
    """Return a value of `layers` for modules, those with numbers first.

    >>> example(["head", "trunk.0", "trunk.2"], is_dict=True)
    "{'trunk.0': 'relu', 'trunk.2': 'relu', 'head': 'linear'}"
    >>> example(["0", "2"], is_dict=False)
    "['relu', 'linear']"
    """
    names = sorted(names, key=lambda name: not name[-1:].isdigit()) if is_dict else names
    entries = [*["relu"] * (len(names) - 1), "linear"]
    return f"{dict(zip(names, entries, strict=True)) if is_dict else entries!r:.400}"


_Widths = tuple[int, int] | None  # inputs and outputs; None takes any number, as one slope for all units does


def _widths(tensors: Mapping[str, Array]) -> _Widths:
    weight = tensors.get("weight")
    if weight is not None and weight.ndim == 2:
        return weight.shape[1], weight.shape[0]
    if len(tensors) == 1 and weight is not None and weight.size == 1:
        return None
    size = max((array.size for array in tensors.values()), default=0)
    return size, size


def _fits(names: Iterable[str], widths: Mapping[str, _Widths]) -> bool:
    """Return whether each module takes what the one before it gives."""
    known = [each for each in map(widths.get, names) if each is not None]
    return all(before[1] == after[0] for before, after in pairwise(known))


def _only_chain(blocks: list[list[str]], widths: Mapping[str, _Widths]) -> list[str] | None:
    """Return the only order in which widths fit, and that of each block stays; None if there are several, or none."""
    if len(widths) > _MOST_MODULES:
        return None
    found: list[list[str]] = []
    tries = 0
    waiting: list[tuple[list[str], list[list[str]], int | None]] = [([], blocks, None)]
    while waiting:
        before, rest, width = waiting.pop()
        tries += 1
        if not rest:
            found.append(before)
        if len(found) > 1 or tries > _MOST_TRIES:
            return None
        for i, (name, *others) in enumerate(rest):
            inputs, outputs = widths[name] or (width, width)
            if width in (None, inputs):
                waiting.append(([*before, name], [*rest[:i], *([others] if others else []), *rest[i + 1 :]], outputs))
    return found[0] if found else None
