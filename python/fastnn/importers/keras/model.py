"""A Keras model as fastnn's: the steps of its layers, in the order of computing."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastnn._core import UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers.keras.config import KerasLayer, Shape, Stored, keras_3_form, layers_in_order, row_shape
from fastnn.importers.keras.formulas import reference
from fastnn.importers.keras.layers import CHANGING_SHAPES, layer_steps, shape_after
from fastnn.importers.refusals import in_one_sentence, refusing
from fastnn.importers.report import convert
from fastnn.importers.steps import Step
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class KerasModel:
    """The steps of a model; the shape of a row of its inputs, None if unknown; whether it takes them flat.

    names: of the layers, by the source of their steps. formulas: what its layers compute.
    """

    name: str
    steps: list[Step]
    names: dict[str, str]
    shape: Shape | None
    is_flat: bool
    formulas: Reference

    def as_taken(self, rows: Array) -> Array:
        """Return rows (rows, inputs) in the shape that Keras takes: rows that keep their shape, along its last axis."""
        if self.shape is None:
            return rows
        if self.is_flat:
            return rows.reshape(len(rows), *(size or 1 for size in self.shape))
        shape = (len(rows), *(size or 1 for size in self.shape[:-1]), rows.shape[1])
        return np.asarray(np.broadcast_to(rows.reshape(len(rows), *[1] * (len(self.shape) - 1), -1), shape))

    def converted(
        self,
        *,
        fold: bool,
        check: Any,
        reference: Reference | None,
        name: str | None = None,
        answers: Callable[[Array], Array] | None = None,
    ) -> Sequential:
        """Return fastnn's model, with a report; the arguments are those of load() and convert()."""
        sizes = [size for size in self.shape or () if size is not None]
        flat = sizes if self.is_flat and sizes else None  # all sizes are known then
        inputs = math.prod(flat) if flat else sizes[-1] if sizes else None
        return convert(
            f"Keras model {self.name!r:.60}",
            self.steps,
            inputs=inputs,
            fold=fold,
            name=name or self.name or None,
            names=self.names,
            check=check,
            answers=answers and (lambda x: answers(x if flat is None else x.reshape(len(x), *flat))),
            reference=reference,
        )


def _nothing(layer: KerasLayer, names: tuple[str, ...]) -> dict[str, Any]:
    return {}


def read_model(model: Any, keras: int | None, stored: Stored) -> KerasModel:
    """Return a model that a file or get_config() describes: its class_name and config.

    keras: the major version that wrote it. stored: where its weights are.
    Raises UnsupportedModelError for what fastnn cannot compute, ModelFormatError for a broken description.
    """
    layers = layers_in_order(model, keras, stored)
    first = shape = row_shape(layers[0].config.get("batch_shape"))
    is_flat = shape is None or any(layer.kind in CHANGING_SHAPES for layer in layers)
    steps: list[Step] = []
    weights: list[dict[str, Array]] = []
    for number, layer in enumerate(layers, 1):
        place = f"; it is number {number} of {len(layers)} layers"
        with in_one_sentence(layer.source, place), refusing("is not what Keras writes", Exception):
            weights.append({})
            layer = replace(layer, shape=shape, is_flat=is_flat, read=weights[-1])
            steps += layer_steps(layer)
            shape = shape_after(layer)
            layers[number - 1] = replace(layer, stored=_nothing)  # formulas outlive the file's content
    if is_flat and shape is not None and len(shape) != 1:
        raise UnsupportedModelError(f"the model answers each row with an array {shape}; expected a Flatten at its end")
    name = keras_3_form(model)[1].get("name")
    if not isinstance(name, str) or not re.fullmatch("[^\0\ud800-\udfff]*", name):  # fastnn's files hold no other
        name = ""
    taken = first if is_flat or first is None else first[-1:]
    names = {layer.source: layer.names[-1] for layer in layers}
    return KerasModel(name, steps, names, first, is_flat, reference(layers, weights, taken))
