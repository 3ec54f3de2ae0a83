"""The list that ``model.layers`` returns: a copy, so it refuses changes, which the model would not see."""

from typing import Any, NoReturn

from fastnn.layers.layer import Layer


class LayerList(list[Layer]):
    """A list of a model's layers that cannot be changed. Slices, sums and copies of it are lists.

    >>> Sequential([Dense(3)]).layers.append(Dense(1))
    Traceback (most recent call last):
    TypeError: model.layers cannot be changed; use model.add(layer), or model.pop()
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("model.layers cannot be changed; use model.add(layer), or model.pop()")

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


for _name in (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
):
    setattr(LayerList, _name, LayerList._refuse)
