"""Functions of a model's own. onnx.inliner puts their nodes where they are called, after a count of these nodes."""

import importlib
from dataclasses import dataclass
from typing import Any

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.advice import DECISIONS
from fastnn.importers.onnx.budget import NODE, Budget
from fastnn.importers.refusals import refusing

_DEEPEST = 50  # calls inside calls: onnx follows them recursively
_GRAPHS = (5, 10)  # of AttributeProto.AttributeType
_RENAMED = 16  # bytes that the inliner adds to a name, at each level


def domain_of(part: Any) -> str:
    """Return the domain of a node, a function or an operator set; that of ONNX has two names."""
    return "" if part.domain == "ai.onnx" else str(part.domain)


def inlined(model: Any, budget: Budget) -> tuple[Any, Any]:
    """Return the nodes of a ModelProto without calls of its functions, and the operator sets of these nodes."""
    if not model.functions:
        return model.graph.node, model.opset_import
    functions = {_key(function.domain, function.name): function for function in model.functions}
    if len(functions) != len(model.functions):
        raise ModelFormatError("has two functions of one name; expected each function once")
    sizes: dict[tuple[str, str], _Size] = {}
    budget.take(_size(model.graph.node, functions, sizes, 0).numbers, "a node of the model's own functions")
    without_numbers = _without_numbers(model)
    with refusing("has functions of its own that onnx.inliner cannot put in place", Exception):
        made = importlib.import_module("onnx.inliner").inline_local_functions(without_numbers)
    for node in made.graph.node:
        if _key(node.domain, node.op_type) in functions:
            raise UnsupportedModelError(
                f"has the function {node.op_type!r:.60}, of other versions of the operations than the model; "
                "expected one version: convert it with onnx.version_converter, or export it again"
            )
    return made.graph.node, made.opset_import


@dataclass
class _Size:
    """What a list of nodes becomes: numbers of the budget, and places that take a name or attribute of the caller."""

    numbers: int = 0
    places: int = 0


def _key(domain: str, name: str) -> tuple[str, str]:
    return ("" if domain == "ai.onnx" else domain, name)


def _size(nodes: Any, functions: dict[tuple[str, str], Any], known: dict[tuple[str, str], _Size], depth: int) -> _Size:
    """Return the size of nodes and of the functions that they call: calls can multiply at each level."""
    if depth > _DEEPEST:
        raise UnsupportedModelError(f"has functions that call each other more than {_DEEPEST} deep, or in a circle")
    size = _Size()
    for node in nodes:
        if any(attribute.type in _GRAPHS for attribute in node.attribute):
            raise UnsupportedModelError(
                f"node {node.name!r:.100} ({node.op_type:.60}) decides or loops while the model runs; {DECISIONS}"
            )
        own = node.ByteSize()
        size.numbers += NODE + own
        size.places += len(node.input) + len(node.output) + len(node.attribute)
        if (key := _key(node.domain, node.op_type)) in functions:
            if key not in known:
                known[key] = _size(functions[key].node, functions, known, depth + 1)
            longest = max(
                [*map(len, (*node.input, *node.output)), *(each.ByteSize() for each in node.attribute)] or [0]
            )
            size.numbers += known[key].numbers + known[key].places * (longest + _RENAMED)
            size.places += known[key].places
    return size


def _without_numbers(model: Any) -> Any:
    """Return what the inliner needs of a model: names of initializers, but not their numbers, which it would copy."""
    made = type(model)(ir_version=model.ir_version, functions=model.functions, opset_import=model.opset_import)
    domains = {domain_of(each) for each in made.opset_import}
    for each in (each for function in model.functions for each in function.opset_import):
        if domain_of(each) not in domains:  # an operator set that only functions use
            made.opset_import.append(each)
            domains.add(domain_of(each))
    graph = model.graph
    made.graph.MergeFrom(type(graph)(name=graph.name, node=graph.node, input=graph.input, output=graph.output))
    for tensor in graph.initializer:
        made.graph.initializer.add(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return made
