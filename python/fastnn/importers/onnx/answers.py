"""Which of a graph's outputs are the answers. Classifiers have labels beside them, made of the probabilities.

skl2onnx writes: probabilities -> ArgMax -> ArrayFeatureExtractor(classes) -> Reshape -> Cast = labels, and ZipMap,
which makes dictionaries of probabilities. fastnn's answers are the probabilities, its `classes` those of the labels.
"""

import json
from dataclasses import dataclass
from typing import Any

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.importers.onnx.graph import LINEAR_CLASSIFIER, Graph, Node
from fastnn.importers.onnx.linear_models import classes_of

_AFTER_LABELS = {"Cast", "Reshape", "Identity", "Squeeze", "ai.onnx.ml.ArrayFeatureExtractor"}
_EXTRACTOR = "ai.onnx.ml.ArrayFeatureExtractor"


@dataclass(frozen=True)
class Answers:
    """The value whose numbers are the answers, and the classes that these are of."""

    value: str
    classes: list[Any] | None


def find(graph: Graph, chosen: str | None = None) -> Answers:
    """Return which value is the answers; UnsupportedModelError where there are several and none is chosen."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    labels = {name: found for name in graph.outputs if (found := _of_label(graph, makers, name)) is not None}
    others = [name for name in graph.outputs if name not in labels]
    if chosen is None and (len(labels) > 1 or len(others) > 1):
        raise UnsupportedModelError(f"has several outputs; expected one: {choice(graph)}")
    name = chosen or (others or list(labels))[0]
    if name in labels:  # class numbers alone: the answers are the scores that they are made of
        value, classes = labels[name].value, labels[name].classes
    else:
        value, classes = _without_zipmap(makers, name)
    for label, found in labels.items():
        if _origin(makers, found.value) == _origin(makers, value):
            classes = found.classes or classes
        elif chosen is None:
            raise UnsupportedModelError(
                f"has the labels {label!r:.100}, which are not made of the output {value!r:.100}; "
                f"expected one output: {choice(graph)}"
            )
    return Answers(value, stored_names(graph, "classes") if classes is None else classes)


def choice(graph: Graph) -> str:
    """Return how to choose an output, for errors."""
    listed = ", ".join(map(repr, graph.outputs))
    example = graph.outputs[0]
    return f"choose from {listed:.200}, as in load_model(path, outputs={example!r:.60})"


def _of_label(graph: Graph, makers: dict[str, Node], name: str) -> Answers | None:
    """Return what labels are made of, and their classes; None for an output that is no label."""
    classes = None
    while (node := makers.get(name)) is not None and node.inputs:
        if node.op == LINEAR_CLASSIFIER and name in node.outputs[1:]:
            return Answers(node.outputs[0], classes or classes_of(node))
        if node.op == "ai.onnx.ml.Binarizer":
            return Answers(node.inputs[0], classes)
        if node.op == "ArgMax":
            # Of equal scores the first has the class, as in predict_classes.
            is_of_units = node.attributes.get("axis") in (1, -1) and not node.attributes.get("select_last_index")
            return Answers(node.inputs[0], classes) if is_of_units else None
        if node.op not in _AFTER_LABELS:
            return None
        if node.op == _EXTRACTOR:
            listed = graph.constants.get(node.inputs[0])
            classes = None if listed is None else listed.reshape(-1).tolist()
        name = node.inputs[1 if node.op == _EXTRACTOR else 0]
    return None


def _without_zipmap(makers: dict[str, Node], name: str) -> tuple[str, list[Any] | None]:
    node = makers.get(name)
    if node is None or node.op != "ai.onnx.ml.ZipMap":
        return name, None
    return node.inputs[0], node.attributes.get("classlabels_int64s") or node.attributes.get("classlabels_strings")


def _origin(makers: dict[str, Node], name: str) -> str:
    through = ("Identity", "Cast", "ai.onnx.ml.Normalizer")
    while (node := makers.get(name)) is not None and node.op in through and node.inputs:
        name = node.inputs[0]
    return name


def stored_names(graph: Graph, what: str) -> list[Any] | None:
    """Return the classes or the feature_names that export() wrote."""
    text = graph.metadata.get(what)
    if text is None or graph.producer != "fastnn":
        return None
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(each, (str, int, float)) for each in names):
        raise ModelFormatError(f"has {what} that are no list of names or numbers: {text!r:.100}")
    return names
