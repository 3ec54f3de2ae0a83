"""The order of a Functional Keras model's layers, which must stand in a row."""

from typing import Any

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.refusals import in_one_sentence

_ADVICE = (
    "convert each part that is one, keras.Model(layer_a.input, layer_b.output), and compute the rest outside fastnn"
)


def in_a_row(config: dict[str, Any], nodes: dict[str, tuple[str, Any]]) -> list[str]:
    """Return the names of the layers from the model's input to its output.

    nodes: by a layer's name its source, for errors, and its inbound_nodes.
    Raises UnsupportedModelError for several inputs or outputs, branches, and shared layers.
    """
    first, last = _only_end(config, "input_layers"), _only_end(config, "output_layers")
    before: dict[str, str] = {}
    for name, (source, calls) in nodes.items():
        with in_one_sentence(source):
            if name != first:
                before[name] = _feeding(calls)
            elif calls != []:
                raise ModelFormatError("is the model's input; expected inbound_nodes without a layer")
    order = [last]
    while order[-1] in before and len(order) < len(nodes):
        order.append(before[order[-1]])
    if order[-1] != first or first not in nodes:
        raise ModelFormatError(f"expected layers that lead from {first!r:.60} to {last!r:.60}; they begin elsewhere")
    if beside := sorted(nodes.keys() - set(order)):
        raise UnsupportedModelError(
            f"the model branches to {', '.join(map(repr, beside)):.200}; expected layers in a row to {last!r:.60}: "
            + _ADVICE
        )
    return order[::-1]


def _only_end(config: dict[str, Any], key: str) -> str:
    """Return the only layer in input_layers or output_layers: ["x", 0, 0], or a list or dict of one such."""
    ends = config.get(key)
    match list(ends.values()) if isinstance(ends, dict) else ends:
        case [str(name), _, _] | [[str(name), *_]]:
            return name
        case [[str(), *_], [str(), *_], *_] as several:
            raise UnsupportedModelError(
                f"the model has several {key.removesuffix('_layers')}s: {several!r:.200}; expected one: {_ADVICE}"
            )
    raise ModelFormatError(f"expected {key} to name a layer; received {ends!r:.60}")


def _feeding(calls: Any) -> str:
    """Return the name of the layer whose output a layer takes, given its inbound_nodes."""
    match calls:
        case [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [str(name), int(), 0]}}]}]:
            arguments = calls[0].get("kwargs", {})
        case [[[str(name), int(), 0, *rest]] | [str(name), int(), 0, *rest]]:  # Keras 2
            arguments = rest[0] if rest else {}
        case [_, _, *_]:
            raise UnsupportedModelError(
                f"is used in {len(calls)} places (a shared layer); expected layers in a row: {_ADVICE}"
            )
        case [{"args": [*_]} | [[str(), *_], *_] | [str(), *_]]:
            raise UnsupportedModelError(
                "takes several inputs, or others than the output of a layer; expected that of the one before it alone: "
                + _ADVICE
            )
        case _:
            raise ModelFormatError(f"has the inbound_nodes {calls!r:.60}; expected the layer whose output it takes")
    for key, value in arguments.items():
        if value is not None and not (key == "training" and value is False):
            raise UnsupportedModelError(f"is called with {key}={value!r:.60}; expected its input alone: {_ADVICE}")
    return name
