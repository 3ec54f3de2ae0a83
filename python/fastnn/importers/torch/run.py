"""One run of a live module, watched: it tells why a forward is no chain of layers, in words of PyTorch."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastnn._core import UnsupportedModelError
from fastnn.importers.live_objects import own_name
from fastnn.importers.torch.kinds import KINDS

# Functions that ask for the numbers of a tensor, as `if` and range() do.
_ASKING = {"__bool__", "__int__", "__float__", "__index__", "__contains__", "item"}
SAY_INPUTS = "give their number, as in from_torch(module, inputs=n), or rows, from_torch(module, check=x)"
_OF_SHAPES = {"__get__", "__len__", "size", "dim", "stride", "numel", "is_floating_point"}
_NEVER_DENSE = ("conv", "lstm", "gru", "rnn", "multi_head", "scaled_dot", "_native_multi_head", "_transformer")


class Run:
    """What a module did with two rows.

    inputs: how wide they are. None takes the first width of the module's tensors that runs, such as the inputs of its
    first Linear; UnsupportedModelError if rows of another width run too, as where the forward takes columns of them.
    own: the part with a forward of its own, for errors.
    Raises UnsupportedModelError if it takes no rows, or does not answer each with one tensor of floats.
    """

    def __init__(self, torch: Any, module: Any, own: str, inputs: int | None) -> None:
        self._torch, self._module, self._own = torch, module, own
        self._floats = [each for each in (*module.parameters(), *module.buffers()) if each.is_floating_point()]
        widths = self._widths() if inputs is None else [inputs]
        first = None
        for width in widths:
            error = self._attempt(width)
            if error is None:
                if inputs is None:
                    self._check_width(width)
                return
            first = first or error
        if first is None:
            raise UnsupportedModelError(f"{own} has no weights, which would say how many inputs it takes; {SAY_INPUTS}")
        self._refuse_foreign()
        tried = ", ".join(map(str, widths))
        advice = "" if inputs is not None else f"{SAY_INPUTS}; "
        raise UnsupportedModelError(
            f"{own}: expected a forward that takes rows (n, inputs) and nothing else; with {tried:.60} inputs it "
            f"raised {first:.200}; {advice}if it takes more than rows, wrap it in a module that gives it the rest"
        )

    def _widths(self) -> list[int]:
        layers = (getattr(each, "in_features", None) for each in self._module.modules())
        sizes = [*layers, *(size for tensor in self._floats for size in reversed(tensor.shape))]
        return list(dict.fromkeys(size for size in sizes if isinstance(size, int) and size > 0))

    def _attempt(self, width: int) -> str | None:
        """Run the module with rows of a width, check its answer and keep what it did; return its error, if any."""
        rows = self._rows_of(width)
        self.rows = rows
        self._calls: dict[str, int] = {}  # how often each function was called with what comes from the rows
        self._uses = {id(rows): 0}  # how often the rows, and what comes from them, were used
        self._kept = [rows]  # no other tensor gets the identity of one that is kept
        try:
            with self._watching():
                answer = self._module(rows)
        except Exception as error:  # a forward is its author's code
            return f"{type(error).__name__}: {error}"
        self._check(answer)
        return None

    def _rows_of(self, width: int) -> Any:
        like = self._floats[0] if self._floats else self._torch.zeros(())
        return self._torch.zeros(2, width, dtype=like.dtype, device=like.device)

    def _check_width(self, width: int) -> None:
        """Refuse a width that the module does not determine: columns of rows one wider or narrower run too."""
        for other in (width + 1, width - 1):
            if other < 2:  # one column broadcasts
                continue
            try:
                self._module(self._rows_of(other))
            except Exception:  # a forward is its author's code
                continue
            raise UnsupportedModelError(
                f"{self._own} has a forward that takes rows of {width} numbers and of {other}, so its weights do not "
                f"say how many inputs it has; {SAY_INPUTS}"
            )

    def _watching(self) -> Any:
        run = self

        class Watch(self._torch.overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
            def __torch_function__(self, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
                given = [*args, *(kwargs or {}).values()]
                taken = [id(each) for each in run._tensors(given) if id(each) in run._uses]
                result = function(*args, **(kwargs or {}))
                name = getattr(function, "__name__", "")
                if (taken or name.startswith("rand")) and name not in _OF_SHAPES:
                    run._calls[name] = run._calls.get(name, 0) + 1
                    for each in set(taken):
                        run._uses[each] += 1
                    for each in run._tensors([result]):
                        run._uses.setdefault(id(each), 0)
                        run._kept.append(each)
                return result

        return Watch()

    def _tensors(self, values: Any) -> Iterator[Any]:
        for value in values:
            if isinstance(value, self._torch.Tensor):
                yield value
            elif isinstance(value, list | tuple):
                yield from self._tensors(value)

    def _check(self, answer: Any) -> None:
        name = type(self._module).__name__
        if not isinstance(answer, self._torch.Tensor):
            what = f"a {type(answer).__name__}" if answer is not None else "nothing"
            if isinstance(answer, Mapping):
                what += f" with {', '.join(map(repr, answer)):.100}"
            elif isinstance(answer, list | tuple):
                what += f" of {len(answer)}"
            raise UnsupportedModelError(
                f"{name} has a forward that returns {what}; expected one tensor: wrap it in a module whose forward "
                "returns the one that you want"
            )
        if not answer.is_floating_point():
            raise UnsupportedModelError(
                f"{name} has a forward that returns {answer.dtype}, as argmax and comparisons do; expected floats: "
                "convert a module that returns the scores, and take model.predict_classes(x)"
            )
        if answer.ndim == 0 or len(answer) != len(self.rows):
            raise UnsupportedModelError(
                f"{name} has a forward that answers 2 rows with a tensor of shape {tuple(answer.shape)}; "
                "expected as many rows: convert a module that returns an answer for each"
            )

    def refuse_hopeless(self) -> None:
        """Raise what refusal() returns for a forward that no export can make a chain of layers."""
        if any(name.startswith(_NEVER_DENSE) for name in self._calls):
            raise self.refusal()

    def refusal(self) -> UnsupportedModelError:
        """Return the error for a forward that is no chain of layers."""
        advice = f"convert each part that is one{self._example()}, and compute the rest with PyTorch"
        if not _ASKING.isdisjoint(self._calls):
            said = (
                "decides by the numbers of its rows, as an if, a loop or item() does; expected the same layers for all"
            )
            return UnsupportedModelError(
                f"{self._own} has a forward that {said}: convert the part without the decision"
            )
        self._refuse_foreign()
        if max(self._uses.values()) > 1:
            said = "uses a result twice, as residual connections, gates and several heads do"
        else:
            said = f"computes what fastnn does not, in one of the calls {', '.join(self._calls):.200}"
        return UnsupportedModelError(f"{self._own} has a forward that {said}; expected layers in a row: {advice}")

    def _refuse_foreign(self) -> None:
        for path, part in self._module.named_modules():
            kind = own_name(part, "torch")
            if kind is not None and kind not in KINDS and any(each is not None for each in part._parameters.values()):
                raise unknown_module(f"module {path!r} ({kind})", self._example())

    def _example(self) -> str:
        for path, part in self._module.named_modules():
            if path and own_name(part, "torch") in ("Linear", "Sequential"):
                names = (f"[{name}]" if name.isdigit() else f".{name}" for name in path.split("."))
                return f", as in from_torch(module{''.join(names):.60})"
        return ""


def unknown_module(source: str, example: str = "") -> UnsupportedModelError:
    """Return the error for a module of PyTorch that fastnn has no layers for; example: of what to convert."""
    return UnsupportedModelError(
        f"{source} is no layer that fastnn has; expected Linear, BatchNorm1d, LayerNorm, PReLU, activations and "
        f"Dropout in a row: convert the parts before and after it{example}, and compute this one with PyTorch"
    )
