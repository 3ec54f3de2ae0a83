"""Models as one C++17 header, put together from the library's own kernels: the same bits, for any compiler.

cpp/header/one_row.hpp and the kernels that it includes are flattened into the header, with scalar.hpp, one number at a
time, in place of simd.hpp. docs/header.md says what the header promises.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn._core import LimitError, __version__, activations
from fastnn.exporters.model import Model
from fastnn.files import WholeFile
from fastnn.layers.layer import Description, changes

Array = npt.NDArray[Any]

SUFFIXES = (".hpp", ".h")

_MOST_WEIGHTS = 2**22  # 69 MB of text, for which gcc takes 20 s and 1.5 GB, and clang 15 s and 2.2 GB
_MOST_SCRATCH = 2**18  # bytes on the stack; some threads have not much more
# As in one_row.hpp and chains.hpp; each header checks them.
_PANEL_WIDTH = 64
_MOST_CHAINS = 16
_LEAST_PANEL = 4  # units, below which there are so many chains and no panels
_NUMBERS_A_LINE = 8

_WORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
fastnn posix std
"""
_TAKEN = frozenset(_WORDS.split())

# Where the kernels' sources are: beside this file when installed, else in the repository.
_SOURCES = (Path(__file__).parents[1] / "cpp", Path(__file__).resolve().parents[3] / "cpp")


def export(model: Model, path: str, name: str | None = None) -> None:
    """Write a model to a header, which appears whole or not at all; the same model gives the same bytes.

    name: of its namespace; None for the file's, with _ for what no name may have. Only the weights and what is
    computed are kept: no names of layers, no classes.
    Raises ValueError (a model not built, a name that cannot be C++'s), LimitError (more than 2^22 weights, or more
    than 256 KiB of scratch), OSError.

    >>> export(model, "digits.hpp")  # doctest: +SKIP
    """
    content = to_text(model, _namespace(path, name)).encode("ascii")
    with WholeFile(path) as file:
        file.write(content)


def _namespace(path: str, name: str | None) -> str:
    chosen = re.sub(r"\W+", "_", Path(path).stem, flags=re.ASCII) if name is None else name
    if not re.fullmatch(r"[A-Za-z](_?[A-Za-z0-9])*_?", chosen, re.ASCII) or chosen in _TAKEN:
        raise ValueError(
            "expected the name of a C++ namespace, letters, digits and single underscores after a letter, no keyword; "
            f"received {chosen!r}" + ("; choose another with name" if name is None else "")
        )
    return chosen


def to_text(model: Model, namespace: str) -> str:
    """Return the header of a built model, its functions in a namespace.

    >>> print(to_text(model, "digits"))  # doctest: +SKIP
    """
    with changes:
        model.build()
        (_, inputs), (_, outputs), fingerprint = model.input_shape, model.output_shape, model.fingerprint()
        layers = [layer.description(layer.inputs or 0, layer.weights) for layer in model.layers]
    count = sum(array.size for layer in layers for array in layer if isinstance(array, np.ndarray))
    if count > _MOST_WEIGHTS:
        raise LimitError(f"expected at most {_MOST_WEIGHTS} weights in a header; the model has {count}")
    program = _Program(model.dtype)
    for layer in layers:
        program.add(layer)
    if program.scratch > _MOST_SCRATCH:
        raise LimitError(
            f"expected layers whose outputs take at most {_MOST_SCRATCH} bytes of a header's stack, two at a time; "
            f"the model's take {program.scratch}"
        )
    includes, kernels = _kernels()
    version = re.sub(r"\W", "_", __version__)
    return _TEXT.format(
        version=__version__,
        namespace=namespace,
        number=program.number,
        dtype=model.dtype,
        inputs=inputs,
        outputs=outputs,
        fingerprint=fingerprint,
        guard=f"FASTNN_HEADER_{namespace}",
        short=fingerprint[:16],
        inline=f"v{version}_{fingerprint[:16]}",  # versions may lay out the same weights in ways of their own
        includes=includes,
        kernels=kernels,
        weights="\n".join(program.weights),
        scratch=program.scratch,
        panel=_PANEL_WIDTH,
        chains=_MOST_CHAINS,
        least=_LEAST_PANEL,
        declarations=program.declarations(),
        calls="\n".join(f"  {call}" for call in program.calls),
        result=program.at,
    )


class _Program:
    """The weights and calls so far, between two rows of scratch, `a` and `b`; `at` is what holds the row."""

    def __init__(self, dtype: str) -> None:
        self.number = {"float32": "float", "float64": "double"}[dtype]
        self.weights: list[str] = []
        self.calls: list[str] = []
        self.at = "x"
        self._sizes: dict[str, int] = {}
        self._dtype = np.dtype(dtype)

    @property
    def scratch(self) -> int:
        """The bytes of both rows."""
        return sum(self._sizes.values()) * self._dtype.itemsize

    def declarations(self) -> str:
        """Return the line that declares them."""
        return f"{self.number} " + ", ".join(f"{name}[{size}]" for name, size in sorted(self._sizes.items()))

    def add(self, layer: Description) -> None:
        """Append a layer."""
        units, kernel = layer.units, layer.kernel
        if kernel is not None:
            bias = np.zeros(units, kernel.dtype) if layer.bias is None else layer.bias
            arrays = f"{self._array(_packed(kernel))}, {self._array(bias)}"
            before, to = self.at, self._next(units)
            self.calls.append(f"detail::dense<{units}>({len(kernel)}, {before}, {arrays}, {to});")
        elif self.at == "x":
            to = self._next(units)
            self.calls.append(f"detail::copy({units}, x, {to});")
        self._activate(layer)

    def _activate(self, layer: Description) -> None:
        units, activation = layer.units, layer.activation
        parameters = [self._literal(float(self._dtype.type(each)), "detail::") for each in layer.parameters]
        row = f"detail::UnitsInLanes<{self.number}>{{{self.at}, {units}}}"
        names = [self._array(each) for each in (layer.scale, layer.shift) if each is not None]
        if activation in ("softmax", "log_softmax"):
            self.calls.append(f"detail::{activation}<{self.number}>({row});")
        elif names:
            given = parameters[:1] if activation == "layer_normalization" else []
            self.calls.append(f"detail::{activation}<{self.number}>({', '.join([row, *given, *names])});")
        elif activation != "linear":
            given = [self.at, *parameters[: len(activations[activation])]]
            self.calls.append(f"detail::activate<detail::Activation::{activation}>({units}, {', '.join(given)});")

    def _next(self, units: int) -> str:
        """Move on to the other row of scratch, whole chains wide, as a sum over it needs."""
        self.at = "b" if self.at == "a" else "a"
        self._sizes[self.at] = max(self._sizes.get(self.at, 0), -(-units // _MOST_CHAINS) * _MOST_CHAINS)
        return self.at

    def _array(self, array: Array) -> str:
        name = f"kWeights{len(self.weights)}"
        literals = [self._literal(each) for each in array.ravel().tolist()]
        lines = [", ".join(literals[i : i + _NUMBERS_A_LINE]) for i in range(0, len(literals), _NUMBERS_A_LINE)]
        self.weights.append(f"inline constexpr {self.number} {name}[] = {{\n" + ",\n".join(lines) + "};")
        return f"detail::{name}"

    def _literal(self, value: float, scope: str = "") -> str:
        if value != value:
            return f"{scope}kNaN<{self.number}>"
        if value in (np.inf, -np.inf):
            return f"{'-' if value < 0 else ''}{scope}kInfinity<{self.number}>"
        mantissa, exponent = value.hex().split("p")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}p{int(exponent)}{'f' if self.number == 'float' else ''}"


def _packed(kernel: Array) -> Array:
    """Return the kernel (inputs, units) as one_row.hpp reads it: in panels, or unit by unit where they are few."""
    units = kernel.shape[1]
    if units < _LEAST_PANEL:
        return kernel.T.ravel()
    panels = [kernel[:, first : first + _PANEL_WIDTH].ravel() for first in range(0, units, _PANEL_WIDTH)]
    return np.concatenate(panels)


def _kernels() -> tuple[str, str]:
    """Return the lines that include the standard's headers, and the kernels' text, without comments and macros."""
    root = next(path for path in _SOURCES if (path / "header").exists())
    texts: list[str] = []
    seen: set[Path] = set()
    standard: set[str] = set()

    def visit(path: Path) -> None:
        if path in seen:
            return
        seen.add(path)
        text = re.sub(r"namespace fastnn[^\n]*\{|\}  // namespace fastnn[^\n]*", "", path.read_text(encoding="utf-8"))
        text = re.sub(r"//[^\n]*", "", text).replace("FASTNN_INLINE_LAMBDA ", "").replace("FASTNN_INLINE ", "inline ")
        for included in re.findall(r'#include "([^"]+)"', text):
            places = (path.parent / included.replace("simd.hpp", "../header/scalar.hpp"), root / "include" / included)
            visit(next(place.resolve() for place in places if place.exists()))
        standard.update(re.findall(r"#include <[^>]+>", text))
        # What unrolls arrays of vectors into registers has nothing to do here, and other compilers do not know it.
        texts.append(re.sub(r"#include[^\n]*|#pragma once|#pragma GCC unroll (?!1\n)[^\n]*", "", text))

    visit((root / "header/one_row.hpp").resolve())
    return "\n".join(sorted(standard)), re.sub(r"[ \t]*\n\s*\n", "\n", "".join(texts)).strip()


_TEXT = """\
// A {dtype} network of {inputs} inputs and {outputs} outputs, written by fastnn {version}, whose answers have fastnn's
// bits; docs/header.md there says what it needs.
//
//   {number} y[{namespace}::outputs];
//   {namespace}::predict(x, y);  // x: {namespace}::inputs numbers
//
// No heap, no lock, no file, no exception, no state: any number of threads may call it. The floating-point mode must be
// the default one: rounding to nearest, subnormal numbers kept.
#ifndef {guard}
#define {guard} 0x{short}u

{includes}

#ifdef {namespace}
#error "expected a name that is no macro; {namespace} is one: export the model with another name"
#endif

#if defined(__clang__) && defined(__x86_64__)  // whose -freciprocal-math and the like show in no macro
#pragma float_control(precise, on, push)
#endif

namespace {namespace} {{
inline namespace {inline} {{  // apart from a model of the same name in another file
namespace detail {{

{kernels}

static_assert(kPanelWidth == {panel} && chains_of({least} - 1) == {chains} && chains_of({least}) < {chains});

{weights}

}}  // namespace detail

inline constexpr std::size_t inputs = {inputs}, outputs = {outputs};
inline constexpr std::size_t scratch_bytes = {scratch};  // on the stack, beside some 2 KB
inline constexpr char fingerprint[] = "{fingerprint}";

// y (outputs) for the row x (inputs); they may be the same array.
static inline void predict(const {number}* x, {number}* y) noexcept {{
  {declarations};
{calls}
  detail::copy(outputs, {result}, y);
}}

// y (rows, outputs) for x (rows, inputs), which must not overlap.
static inline void predict(const {number}* x, std::size_t rows, {number}* y) noexcept {{
  for (std::size_t row = 0; row < rows; ++row) predict(x + row * inputs, y + row * outputs);
}}

}}  // namespace {inline}
}}  // namespace {namespace}

#if defined(__clang__) && defined(__x86_64__)
#pragma float_control(pop)
#endif

#elif {guard} != 0x{short}u
#error "expected one model of the name {namespace} in a file; export one of them with another name"
#endif  // {guard}
"""
