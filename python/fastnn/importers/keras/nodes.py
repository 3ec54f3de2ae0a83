"""Which layer of a Functional Keras model feeds which: the order of layers that stand in a row."""

from typing import Any

from fastnn._core import ModelFormatError, UnsupportedModelError


def in_a_row(config: dict[str, Any], layers: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the layers from the model's input to its output.

    UnsupportedModelError where they do not stand in a row: several inputs or outputs, branches, shared layers.
    """
    first, last = _only(config, "input_layers", layers), _only(config, "output_layers", layers)
    users: dict[str, list[str]] = {name: [] for name in layers}
    for name, record in layers.items():
        if (feeding := _feeding(name, record, name == first)) is not None:
            if feeding not in users:
                raise ModelFormatError(
                    f"layer {name!r:.60} takes the outputs of {feeding!r:.60}; there is no such layer"
                )
            users[feeding].append(name)
    order = [first]
    while users[order[-1]]:
        if len(users[order[-1]]) > 1 or order[-1] == last:
            to = ", ".join(repr(name) for name in users[order[-1]][:10])
            answer = " and is the model's answer too" if order[-1] == last else ""
            raise UnsupportedModelError(
                f"layer {order[-1]!r:.60} feeds {to}{answer}: the model branches there; expected layers in a row"
            )
        order += users[order[-1]]
    if order[-1] != last or len(order) != len(layers):
        raise ModelFormatError(f"expected the layers to lead from {first!r:.60} to {last!r:.60}; they end elsewhere")
    return order


def _only(config: dict[str, Any], key: str, layers: dict[str, dict[str, Any]]) -> str:
    """Return the only layer in the list of the model's inputs or outputs."""
    names = _ends(config.get(key))
    if not names or any(name not in layers for name in names):
        raise ModelFormatError(f"expected {key} to name a layer; received {config.get(key)!r:.60}")
    if len(names) > 1:
        raise UnsupportedModelError(
            f"the model has several {key.partition('_')[0]}s: {', '.join(names)[:200]}; expected one"
        )
    return names[0]


def _ends(ends: Any) -> list[str]:
    """Return the names in ["x", 0, 0], in a list or dict of such."""
    if isinstance(ends, list | tuple) and len(ends) == 3 and isinstance(ends[0], str):
        return [ends[0]]
    each = ends.values() if isinstance(ends, dict) else ends if isinstance(ends, list | tuple) else []
    if not all(isinstance(end, list | tuple) and end and isinstance(end[0], str) for end in each):
        return []
    return [end[0] for end in each]


def _feeding(name: str, record: dict[str, Any], is_first: bool) -> str | None:
    """Return the name of the layer whose outputs a layer takes; None for the first."""
    kind, nodes = record["class_name"], record.get("inbound_nodes")
    if not isinstance(nodes, list | tuple) or (not nodes and not is_first):
        raise ModelFormatError(f"layer {name!r:.60} ({kind:.60}) does not say whose outputs it takes (inbound_nodes)")
    if is_first:
        if nodes:
            raise ModelFormatError(
                f"layer {name!r:.60} ({kind:.60}) is the model's input, and takes outputs of another"
            )
        return None
    if len(nodes) > 1:
        raise UnsupportedModelError(
            f"layer {name!r:.60} ({kind:.60}) is used in {len(nodes)} places (a shared layer); expected layers in a row"
        )
    inputs, arguments = _of_keras_3(nodes[0]) if isinstance(nodes[0], dict) else _of_keras_2(nodes[0])
    if len(inputs) != 1:
        raise UnsupportedModelError(
            f"layer {name!r:.60} ({kind:.60}) takes {len(inputs) or 'other'} inputs; expected one, the outputs of the "
            "layer before it: fastnn runs layers in a row"
        )
    for key, value in arguments.items():
        if value is not None and not (key == "training" and value is False):
            raise UnsupportedModelError(
                f"layer {name!r:.60} ({kind:.60}) is called with {key}={value!r:.60}; expected its input alone"
            )
    source, tensor = inputs[0]
    if tensor != 0:
        raise UnsupportedModelError(f"layer {name!r:.60} ({kind:.60}) takes output {tensor} of {source!r:.60}")
    return source


def _tensor(history: Any) -> tuple[str, int]:
    is_history = isinstance(history, list | tuple) and len(history) >= 3 and isinstance(history[0], str)
    if not is_history or type(history[2]) is not int:
        raise ModelFormatError(f"expected an input as layer, node and output; received {history!r:.60}")
    return history[0], history[2]


def _of_keras_3(node: dict[str, Any]) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """Return the tensors and the keyword arguments of {"args": [tensor], "kwargs": {}}."""
    args, kwargs = node.get("args"), node.get("kwargs", {})
    if not isinstance(args, list | tuple) or not isinstance(kwargs, dict):
        raise ModelFormatError(f"expected a node with args and kwargs; received {node!r:.60}")
    flat: list[Any] = []
    for arg in args:
        flat += arg if isinstance(arg, list | tuple) else [arg]
    tensors = [arg for arg in flat if isinstance(arg, dict) and arg.get("class_name") == "__keras_tensor__"]
    if len(tensors) != len(flat) or (len(flat) == 1 and flat[0] is not args[0]):
        return [], kwargs
    configs = [tensor.get("config") for tensor in tensors]
    return [_tensor(config.get("keras_history") if isinstance(config, dict) else None) for config in configs], kwargs


def _of_keras_2(node: Any) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """Return the tensors and the keyword arguments of [["layer", 0, 0, {}]], or of the one inside alone."""
    if isinstance(node, list | tuple) and node and isinstance(node[0], str):
        node = [node]
    if not isinstance(node, list | tuple) or not all(isinstance(each, list | tuple) for each in node):
        raise ModelFormatError(f"expected a node as a list of inputs; received {node!r:.60}")
    arguments: dict[str, Any] = {}
    for each in node:
        arguments |= each[3] if len(each) > 3 and isinstance(each[3], dict) else {}
    return [_tensor(each) for each in node], arguments
