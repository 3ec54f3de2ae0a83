"""New models with the architecture of others: model_from_json, the inverse of Sequential.to_json(), and clone_model."""

from __future__ import annotations

import json

from fastnn.models.sequential import Sequential
from fastnn.strict import suggesting


@suggesting
def model_from_json(json_string: str) -> Sequential:
    """Return a new model with the architecture of Sequential.to_json(), and with initial weights.

    Raises UnsupportedModelError (a ValueError) for unknown layers, ValueError for other text.

    >>> from fastnn.models import model_from_json
    >>> model_from_json(Sequential([Dense(3, input_shape=(2,))]).to_json()).output_shape
    (None, 3)
    """
    try:
        given = json.loads(json_string)
    except (TypeError, ValueError, RecursionError):
        given = None
    if (
        not isinstance(given, dict)
        or given.get("class_name") != "Sequential"
        or given.keys() != {"class_name", "config"}
    ):
        if isinstance(given, dict) and {"module", "keras_version"}.intersection(given):
            raise ValueError(
                "expected JSON text as Sequential.to_json() of fastnn returns it; received that of Keras; "
                "load_model('model.weights.h5', layers='model.json') reads it from a file, with weights; "
                "fastnn.from_keras(model) converts a live model"
            )
        raise ValueError(f"expected JSON text as Sequential.to_json() returns it; received {json_string!r:.200}")
    return Sequential.from_config(given["config"])


@suggesting
def clone_model(model: Sequential) -> Sequential:
    """Return a new model with the architecture of this one, and with initial weights; copy.copy() keeps the weights.

    >>> model = Sequential([Dense(3, input_shape=(2,))])
    >>> target = fastnn.models.clone_model(model)
    >>> target.set_weights(model.get_weights())
    >>> target == model
    True
    """
    if not isinstance(model, Sequential):
        raise ValueError(f"expected a Sequential of fastnn; received {model!r:.200}")
    return type(model).from_config(model.get_config())
