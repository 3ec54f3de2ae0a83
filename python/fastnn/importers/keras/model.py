"""A Keras model as fastnn's: the steps of its layers, in the order of computing."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fastnn._core import UnsupportedModelError
from fastnn.importers.keras.config import KerasLayer, Shape, Stored, keras_3_form, layers_in_order, row_shape
from fastnn.importers.keras.formulas import reference
from fastnn.importers.keras.layers import layer_steps, shape_after
from fastnn.importers.refusals import in_one_sentence, refusing
from fastnn.importers.report import convert
from fastnn.importers.steps import Array, Step
from fastnn.importers.verification import Reference
from fastnn.models.sequential import Sequential


@dataclass(frozen=True)
class KerasModel:
    """The steps of a model; the shape of a row of its inputs, None if unknown; its layers' formulas."""

    name: str
    steps: list[Step]
    shape: Shape | None
    formulas: Reference

    def converted(
        self,
        *,
        fold: bool,
        check: Any,
        name: str | None,
        reference: Reference | None,
        answers: Callable[[Array], Array] | None = None,
    ) -> Sequential:
        """Return fastnn's model, with a report; the arguments are those of load() and convert()."""
        shape = self.shape
        return convert(
            f"Keras model {self.name!r:.60}",
            self.steps,
            inputs=None if shape is None else math.prod(shape),
            fold=fold,
            name=name or self.name or None,
            check=check,
            answers=answers and (lambda x: answers(x if shape is None else x.reshape(len(x), *shape))),
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
    steps: list[Step] = []
    weights: list[dict[str, Array]] = []
    for number, layer in enumerate(layers, 1):
        place = f"; it is number {number} of {len(layers)} layers"
        with in_one_sentence(layer.source, place), refusing("is not what Keras writes", Exception):
            weights.append({})
            layer = replace(layer, shape=shape, read=weights[-1])
            steps += layer_steps(layer)
            shape = shape_after(layer)
            layers[number - 1] = replace(layer, stored=_nothing)  # formulas outlive the file's content
    if shape is not None and len(shape) != 1:
        raise UnsupportedModelError(f"the model answers each row with an array {shape}; expected a Flatten at its end")
    name = keras_3_form(model)[1].get("name")
    if not isinstance(name, str) or not re.fullmatch("[^\0\ud800-\udfff]*", name):  # fastnn's files hold no other
        name = ""
    return KerasModel(name, steps, first, reference(layers, weights, first))
