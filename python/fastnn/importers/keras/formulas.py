"""What Keras' layers compute, as NumPy: the reference that checks a model of a file, where no Keras is at hand.

Each formula is that of Keras' documentation, on arrays (rows, *shape). It takes a layer's config and weights, and none
of the importer's steps.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.importers.formulas import ACTIVATIONS, elu, leaky_relu, softmax
from fastnn.importers.keras.config import KerasLayer, Shape, keras_3_form
from fastnn.importers.keras.layers import AUGMENTATIONS
from fastnn.importers.roundings import precision_for
from fastnn.importers.verification import NotVerifiedError, Reference

_Formula = Callable[[Array], Array]
_NOTHING = {  # at prediction
    *("InputLayer", "Identity", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout"),
    *("ActivityRegularization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *AUGMENTATIONS,
}


def reference(layers: Sequence[KerasLayer], weights: Sequence[dict[str, Array]], shape: Shape | None) -> Reference:
    """Return the reference of layers in a row, with the weights of each; shape: of a row of the inputs, if known."""
    sources = [layer.source for layer in layers]
    arrays = [array for each in weights for array in each.values()]

    def answers(rows: Array, source: str | None) -> Array:
        x = rows if shape is None else rows.reshape(len(rows), *shape)
        for layer, own in zip(layers, weights, strict=True):
            x = _formula(layer, {name: array.astype(x.dtype, copy=False) for name, array in own.items()})(x)
            if layer.source == source:
                break
        return x

    return Reference(
        "Keras' formulas in NumPy",
        answers,
        has_steps=len({*sources}) == len(sources),
        precision=precision_for(arrays),
        operations=len(layers),
    )


def _formula(layer: KerasLayer, weights: dict[str, Array]) -> _Formula:
    config, kind = layer.config, layer.kind
    if kind == "Dense":
        kernel, bias = weights["kernel"], weights.get("bias", np.zeros((), np.float32))
        after = _activation(layer, config.get("activation"))
        return lambda x: after(x @ kernel + bias)
    if kind in ("BatchNormalization", "LayerNormalization"):
        gamma, beta = weights.get("gamma", np.float32(1)), weights.get("beta", np.float32(0))
        epsilon = config.get("epsilon", 1e-3)
        if kind == "BatchNormalization":
            mean, variance = weights["moving_mean"], weights["moving_variance"]
            return lambda x: (x - mean) / np.sqrt(variance + epsilon) * gamma + beta
        return lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon) * gamma + beta
    if kind == "Normalization":
        mean, variance = (weights.get(each, np.asarray(config.get(each))) for each in ("mean", "variance"))
        deviation = np.maximum(np.sqrt(variance), 1e-7)
        if config.get("invert", False):
            return lambda x: x * deviation + mean
        return lambda x: (x - mean) / deviation
    if kind == "PReLU":
        return lambda x: np.where(x > 0, x, weights["alpha"] * x)
    return _simple(layer, kind, config)


def _simple(layer: KerasLayer, kind: str, config: dict[str, Any]) -> _Formula:
    """Return the formula of a layer without weights, which an activation may be too."""
    match kind:
        case "Activation":
            return _activation(layer, config.get("activation"))
        case "Rescaling":
            scale, offset = (np.asarray(config.get(key, 0.0), np.float64) for key in ("scale", "offset"))
            return lambda x: x * scale + offset
        case "ReLU":
            top, slope = config.get("max_value"), config.get("negative_slope") or 0.0
            return lambda x: np.minimum(leaky_relu(x, slope), np.inf if top is None else top)
        case "LeakyReLU":
            slope = config.get("negative_slope", 0.3)
            return lambda x: leaky_relu(x, slope)
        case "ELU":
            alpha = config.get("alpha", 1.0)
            return lambda x: elu(x, alpha)
        case "Softmax":
            axis = config.get("axis", -1)
            return lambda x: softmax(x, tuple(axis) if isinstance(axis, list) else axis)
        case "Flatten":
            return lambda x: x.reshape(len(x), -1)
        case "Reshape":
            return lambda x: x.reshape(len(x), *config["target_shape"])
        case _ if kind in _NOTHING:
            return lambda x: x
    raise NotVerifiedError(f"fastnn has no formula of the layer {kind}")


def _activation(layer: KerasLayer, said: Any) -> _Formula:
    if isinstance(said, dict):
        return _simple(layer, *keras_3_form(said))
    if said == "hard_sigmoid" and layer.keras == 2:
        return lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0)
    if said is not None and said not in ACTIVATIONS:
        raise NotVerifiedError(f"fastnn has no formula of the activation {said!r:.60}")
    return ACTIVATIONS[said or "linear"]
