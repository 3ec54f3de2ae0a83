"""Models as one C++17 header: the same bits as the library, with any compiler.

The build puts the kernels into cpp/single_header/model.hpp.in; this file adds the weights and the calls of the kernels.
docs/header.md says what the header promises.
"""

import math
import re
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.files import WholeFile
from fastnn.layers.description import Description, ModelDescription

SUFFIXES = (".hpp", ".h")

_MOST_WEIGHTS = 2**22  # 69 MB of text, for which gcc takes 20 s and 1.5 GB, and clang 15 s and 2.2 GB
_MOST_SCRATCH = 2**18  # bytes on the stack; the stacks of some threads are not much larger
# As in one_row.hpp and chains.hpp; each header checks them.
_PANEL_WIDTH = 64
_MOST_CHAINS = 16
_LEAST_PANEL = 4  # a layer of fewer units has the most chains, and no panels
_NUMBERS_A_LINE = 8
# The functions of layers that have weights for each unit.
_OF_UNITS = {
    "PReLU": "prelu",
    "Affine": "affine",
    "LayerNormalization": "layer_normalization",
    "BatchNormalization": "batch_normalization",
}

_RESERVED_NAMES = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
fastnn posix std
"""
_RESERVED = frozenset(_RESERVED_NAMES.split())


def export(model: ModelDescription, fingerprint: str, path: str, name: str | None = None) -> None:
    """Write a model to a header, which appears whole or not at all; the same model gives the same bytes.

    name: the namespace; default the name of the file, with _ in place of characters that C++ does not allow.
    The header has the weights, the computation, and the model's classes and feature_names if it has any.
    Raises ValueError (an invalid namespace), LimitError (more than 2^22 weights, or more than 256 KiB of scratch),
    OSError.
    """
    content = _to_text(model, fingerprint, _namespace(path, name)).encode("ascii")
    with WholeFile(path) as file:
        file.write(content)


def _namespace(path: str, name: str | None) -> str:
    chosen = re.sub(r"\W+", "_", Path(path).stem, flags=re.ASCII) if name is None else name
    if not re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*_?", chosen, re.ASCII) or chosen in _RESERVED:
        raise ValueError(
            "expected the name of a C++ namespace, letters, digits and single underscores after a letter, no keyword; "
            f"received {chosen!r}" + ("; choose another with name" if name is None else "")
        )
    return chosen


def _to_text(model: ModelDescription, fingerprint: str, namespace: str) -> str:
    """Return the text of a header, with its functions in a namespace."""
    count = sum(array.size for layer in model.layers for array in layer.weights.values())
    if count > _MOST_WEIGHTS:
        raise _core.LimitError(f"expected at most {_MOST_WEIGHTS} weights in a header; the model has {count}")
    program = _Program(model.dtype)
    for layer in model.layers:
        program.add(layer)
    scratch = sum(program.scratch.values()) * np.dtype(model.dtype).itemsize
    if scratch > _MOST_SCRATCH:
        raise _core.LimitError(
            f"expected layers whose outputs take at most {_MOST_SCRATCH} bytes of a header's stack, two at a time; "
            f"the model's take {scratch}"
        )
    return Template(_core.single_header).substitute(
        namespace=namespace,
        number=program.number,
        dtype=model.dtype,
        inputs=model.inputs,
        outputs=model.units,
        version=_core.__version__,
        release=re.sub(r"\W", "_", _core.__version__),
        fingerprint=fingerprint,
        names=_names("classes", model.classes) + _names("feature_names", model.feature_names),
        short=fingerprint[:16],
        panel=_PANEL_WIDTH,
        chains=_MOST_CHAINS,
        least=_LEAST_PANEL,
        weights="\n".join(program.weights),
        scratch=scratch,
        rows=", ".join(f"{name}[{size}]" for name, size in sorted(program.scratch.items())),
        calls="\n    ".join([*program.calls, f"copy(outputs, {program.at}, y);"]),
    )


def _names(name: str, values: tuple[Any, ...] | None) -> str:
    """Return the line that defines an array of texts, nothing for None. Local to a file: a fingerprint has no names."""
    if values is None:
        return ""
    texts = ", ".join(f'"{_escaped(str(each))}"' for each in values)
    return f"[[maybe_unused]] static constexpr const char* {name}[] = {{{texts}}};\n"


def _escaped(text: str) -> str:
    """Return the inside of a C++ literal of the text in UTF-8. A `?` could begin a trigraph.

    >>> _escaped('a "é"?')
    'a \\\\042\\\\303\\\\251\\\\042\\\\077'
    """
    plain = set(range(0x20, 0x7F)) - set(b'"?\\')
    return "".join(chr(each) if each in plain else f"\\{each:03o}" for each in text.encode("utf-8", "surrogateescape"))


class _Program:
    """The weights and calls of the layers so far; `at` names the array of the last outputs: x, or scratch a or b."""

    def __init__(self, dtype: str) -> None:
        self.number = {"float32": "float", "float64": "double"}[dtype]
        self.weights: list[str] = []
        self.calls: list[str] = []
        self.at = "x"
        self.scratch: dict[str, int] = {}  # name -> numbers
        self._dtype = np.dtype(dtype)

    def add(self, layer: Description) -> None:
        """Append a layer: its product or a copy to scratch, then its activation in place."""
        units, weights, before = layer.units, layer.all_weights(), self.at
        if "kernel" in weights:
            kernel, bias = weights["kernel"], weights["bias"]
            arrays = f"{self._array(_packed(kernel))}, {self._array(bias)}"
            self.calls.append(f"dense<{units}>({len(kernel)}, {before}, {arrays}, {self._next(units)});")
        elif before == "x":
            self.calls.append(f"copy({units}, x, {self._next(units)});")

        numbers = [self._literal(float(self._dtype.type(each))) for each in layer.parameters.values()]
        row = f"UnitsInLanes<{self.number}>{{{self.at}, {units}}}"
        if layer.class_name in _OF_UNITS:
            given = ", ".join([row, *numbers, *map(self._array, weights.values())])
            self.calls.append(f"{_OF_UNITS[layer.class_name]}<{self.number}>({given});")
        elif layer.activation in _core.whole_row_activations:
            self.calls.append(f"{layer.activation}<{self.number}>({row});")
        elif layer.activation != "linear":
            given = ", ".join([str(units), self.at, *numbers])
            self.calls.append(f"activate<Activation::{layer.activation}>({given});")

    def _next(self, units: int) -> str:
        """Return the other row of scratch, now `at`. It has room for whole chains, which sums over a row read."""
        self.at = "b" if self.at == "a" else "a"
        self.scratch[self.at] = max(self.scratch.get(self.at, 0), -(-units // _MOST_CHAINS) * _MOST_CHAINS)
        return self.at

    def _array(self, array: Array) -> str:
        name = f"kWeights{len(self.weights)}"
        literals = [self._literal(each) for each in array.ravel().tolist()]
        lines = [", ".join(literals[i : i + _NUMBERS_A_LINE]) for i in range(0, len(literals), _NUMBERS_A_LINE)]
        self.weights.append(f"inline constexpr {self.number} {name}[] = {{\n" + ",\n".join(lines) + "};")
        return name

    def _literal(self, value: float) -> str:
        if math.isnan(value):
            return f"kNaN<{self.number}>"
        if math.isinf(value):
            return f"{'-' if value < 0 else ''}kInfinity<{self.number}>"
        # 0x1.8000000000000p+1 is 0x1.8p1.
        return re.sub(r"\.?0*p\+?", "p", value.hex()) + ("f" if self.number == "float" else "")


def _packed(kernel: Array) -> Array:
    """Return the kernel (inputs, units) as one_row.hpp reads it: in panels, or unit by unit if there are few."""
    units = kernel.shape[1]
    if units < _LEAST_PANEL:
        return kernel.T.ravel()
    panels = [kernel[:, first : first + _PANEL_WIDTH].ravel() for first in range(0, units, _PANEL_WIDTH)]
    return np.concatenate(panels)
