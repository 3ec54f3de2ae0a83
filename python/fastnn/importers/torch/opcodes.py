"""The value of a pickle as torch.save() writes it, without the machine of Python's pickle.

That one allocates gigabytes for a few bytes (an entry of its memo numbered 2^27), hashes and prints tuples of tuples
of the same tuple for ever, and keeps what it fails on. This one knows the opcodes that tensors in dicts need.
"""

import pickletools
from collections.abc import Callable
from typing import Any

from fastnn._core import LimitError, ModelFormatError, UnsupportedModelError

_MOST_BYTES = 8 << 20  # text may take four times as many
_MOST_OPCODES = 400_000  # 33 a tensor; a dict takes 64 bytes, and its place in the memo 100

_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_ARGUMENTS = {
    "BINFLOAT", "BININT", "BININT1", "BININT2", "BINUNICODE", "BINUNICODE8", "LONG1", "LONG4", "SHORT_BINUNICODE",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def value_of(content: bytes, named: Callable[[str, str], Any], stored: Callable[[Any], Any]) -> Any:
    """Return what a pickle describes: of dicts, lists, tuples, texts, numbers and what the two functions give.

    named: what stands for module.name: text, or a function that may be called with any such values.
    stored: what stands for a persistent id.
    Raises ModelFormatError, of which UnsupportedModelError and LimitError; whatever a wrong program leads to.
    """
    if len(content) > _MOST_BYTES:
        raise LimitError(f"its pickle has {len(content)} bytes; fastnn reads at most {_MOST_BYTES}")
    machine = _Machine(named, stored)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if count == _MOST_OPCODES:
            raise LimitError(f"its pickle has more than {_MOST_OPCODES} opcodes, the most that fastnn reads")
        machine.step(opcode.name, argument)
    return machine.stack.pop()


class _Machine:
    def __init__(self, named: Callable[[str, str], Any], stored: Callable[[Any], Any]) -> None:
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []  # what lay on the stack at each mark
        self._memo: dict[int, Any] = {}
        self._named, self._stored = named, stored

    def step(self, opcode: str, argument: Any) -> None:
        push, pop = self.stack.append, self.stack.pop
        match opcode:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case _ if opcode in _ARGUMENTS:
                push(argument)
            case _ if opcode in _CONSTANTS:
                push(_CONSTANTS[opcode])
            case _ if opcode in _TUPLES:
                push(tuple([pop() for _ in range(_TUPLES[opcode])][::-1]))
            case "EMPTY_LIST" | "EMPTY_DICT":
                push([] if opcode == "EMPTY_LIST" else {})
            case "MARK":
                self._below.append(self.stack)
                self.stack = []
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self._memo[argument])
            case "GLOBAL":
                push(self._named(*argument.split(" ", 1)))
            case "BINPERSID":
                push(self._stored(pop()))
            case _:
                self._combine(opcode)

    def _combine(self, opcode: str) -> None:
        """Make one value of several on the stack."""
        match opcode:
            case "TUPLE":
                values = self._since_mark()
                self.stack.append(tuple(values))
            case "APPEND":
                self._extend([self.stack.pop()])
            case "APPENDS":
                self._extend(self._since_mark())
            case "SETITEM":
                value, key = self.stack.pop(), self.stack.pop()
                self._update([key, value])
            case "SETITEMS":
                self._update(self._since_mark())
            case "STACK_GLOBAL":
                name, module = self.stack.pop(), self.stack.pop()
                self.stack.append(self._named(module, name))
            case "REDUCE":
                arguments, function = self.stack.pop(), self.stack.pop()
                if not callable(function) or type(arguments) is not tuple:
                    raise ModelFormatError("its pickle calls what is no function")
                self.stack.append(function(*arguments))
            case "BUILD":  # attributes, such as the versions of modules that a state dict's dict has
                self.stack.pop()
                self._top(dict)
            case _:
                raise UnsupportedModelError(f"its pickle has the opcode {opcode}, which no state dict needs")

    def _since_mark(self) -> list[Any]:
        values, self.stack = self.stack, self._below.pop()
        return values

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ModelFormatError(f"its pickle has a {type(self.stack[-1]).__name__} in place of a {kind.__name__}")
        return self.stack[-1]

    def _extend(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _update(self, values: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if type(key) not in (str, int):
                raise ModelFormatError(f"its pickle has a {type(key).__name__} for a key; expected texts")
            target[key] = value
