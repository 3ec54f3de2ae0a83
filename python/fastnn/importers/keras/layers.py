"""What each of Keras' layers computes when predicting, as steps: from its config and its weights.

A key of a config that is in no list here is refused, unless it has the value that new keys have in older models.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fastnn._core import ModelFormatError
from fastnn.importers.keras.activations import ROW_WISE, activation_name, named_activation, relu_layer
from fastnn.importers.keras.config import KerasLayer
from fastnn.importers.steps import (
    Function,
    Normalize,
    Nothing,
    Product,
    Scale,
    Slopes,
    Step,
    batch_normalization,
    leaky_relu,
)  # fmt: skip


def _dense(layer: KerasLayer) -> list[Step]:
    names = ("kernel", "bias") if layer.flag("use_bias", True) else ("kernel",)
    weights = layer.weights(names)
    kernel, units = weights["kernel"], layer.config.get("units")
    if kernel.ndim == 2 and units != kernel.shape[1]:
        raise ModelFormatError(f"{layer.source} has {units!r:.20} units; its kernel has the shape {kernel.shape}")
    product = Product(layer.source, kernel, weights.get("bias"))
    return [product, *_activation(replace(layer, shape=None))]


def _activation(layer: KerasLayer) -> list[Step]:
    activation = layer.config.get("activation")
    name = activation_name(layer.source, activation)
    if name is not None:
        if name in ROW_WISE:
            layer.needs_rows()
        return [] if name == "linear" and layer.class_name != "Activation" else (
            named_activation(layer.source, name, layer.keras)
        )  # fmt: skip
    inner = activation["class_name"] if isinstance(activation, dict) else ""
    config = activation.get("config") if isinstance(activation, dict) else None
    if inner not in _AS_ACTIVATIONS or not isinstance(config, dict):
        raise layer.refused(f"has the activation {inner!r:.60}, which fastnn cannot take in there; expected one of "
                            f"{', '.join(sorted(_AS_ACTIVATIONS))}, or a layer of its own")  # fmt: skip
    return layer_steps(replace(layer, class_name=inner, config=config))


def _batch_normalization(layer: KerasLayer) -> list[Step]:
    layer.needs_last_axis()
    if layer.flag("renorm", False):
        raise layer.refused("renormalizes batches (renorm=True), which fastnn does not know")
    names = ("gamma",) * layer.flag("scale", True) + ("beta",) * layer.flag("center", True)
    w = layer.weights((*names, "moving_mean", "moving_variance"))
    epsilon = layer.number("epsilon", 1e-3)
    return [
        batch_normalization(
            layer.source, w.get("gamma"), w.get("beta"), w["moving_mean"], w["moving_variance"], epsilon
        )
    ]


def _layer_normalization(layer: KerasLayer) -> list[Step]:
    layer.needs_last_axis()
    if layer.flag("rms_scaling", False):
        raise layer.refused("scales by the root mean square (rms_scaling=True), which fastnn does not know")
    names = ("gamma",) * layer.flag("scale", True) + ("beta",) * layer.flag("center", True)
    w = layer.weights(names)
    shape = w[names[0]].shape if names else layer.shape
    if shape is None or len(shape) != 1 or any(array.shape != shape for array in w.values()):
        raise ModelFormatError(
            f"{layer.source}: expected arrays (units,) of one length; received {[array.shape for array in w.values()]}"
        )
    gamma, beta = w.get("gamma", np.ones(shape)), w.get("beta", np.zeros(shape))
    return [Normalize(layer.source, gamma, beta, layer.number("epsilon", 1e-3))]


def _normalization(layer: KerasLayer) -> list[Step]:
    axes = layer.axes("axis", -1)
    if axes not in ([], [-1]):
        raise layer.refused(f"works along the axes {axes}; expected the last one, -1, or none")
    mean, variance = layer.numbers("mean"), layer.numbers("variance")
    if mean is None and variance is None:
        w = layer.weights(("mean", "variance", "count"))
        mean, variance = w["mean"].astype(np.float64), w["variance"].astype(np.float64)
    if mean is None or variance is None or mean.shape != variance.shape or mean.ndim > 1:
        raise ModelFormatError(f"{layer.source}: expected a mean and a variance, (units,) each or one number")
    if mean.ndim == 1:
        layer.needs_rows()
    if mean.ndim == 1 and len(mean) == 1:  # one number for all, as Keras broadcasts it
        mean, variance = mean[0].reshape(()), variance[0].reshape(())
    with np.errstate(all="ignore"):
        deviation = np.maximum(np.sqrt(variance), np.float64(np.float32(1e-7)))
        if layer.flag("invert", False):
            return [Scale(layer.source, deviation, mean)]
        return [Scale(layer.source, 1 / deviation, -mean / deviation)]


def _rescaling(layer: KerasLayer) -> list[Step]:
    scale, offset = layer.numbers("scale"), layer.numbers("offset")
    if scale is None:
        raise ModelFormatError(f"{layer.source} has no scale")
    offset = np.zeros(()) if offset is None else offset
    try:
        both = np.broadcast_arrays(scale, offset)
    except ValueError:
        raise ModelFormatError(f"{layer.source} has {scale.size} scales and {offset.size} offsets") from None
    if layer.shape is not None and len(layer.shape) > 1 and both[0].size > 1:
        raise layer.refused("scales each column of arrays by another number; expected rows, or one number for all")
    return [Scale(layer.source, *(each.reshape(()) if each.size == 1 else each for each in both))]


def _prelu(layer: KerasLayer) -> list[Step]:
    alpha = layer.weights(("alpha",))["alpha"]
    shared = layer.axes("shared_axes", None)
    if alpha.ndim != 1 or shared not in ([], [-1]) or (shared and len(alpha) != 1):
        raise ModelFormatError(
            f"{layer.source} has an alpha of shape {alpha.shape} and the shared_axes {shared}; expected (units,), or "
            "(1,) where the last axis is shared"
        )
    return [Slopes(layer.source, alpha.reshape(()) if shared else alpha)]


def _relu(layer: KerasLayer) -> list[Step]:
    maximum = None if layer.config.get("max_value") is None else layer.number("max_value", 0.0)
    slope = layer.number("negative_slope", 0.0)
    return relu_layer(
        layer.source, slope, maximum, layer.number("threshold", 0.0) if "threshold" in layer.config else 0
    )


def _leaky_relu(layer: KerasLayer) -> list[Step]:
    if {"alpha", "negative_slope"} <= layer.config.keys():
        raise ModelFormatError(f"{layer.source} has an alpha and a negative_slope; expected one of them")
    return [leaky_relu(layer.source, layer.number("alpha" if "alpha" in layer.config else "negative_slope", 0.3))]


def _elu(layer: KerasLayer) -> list[Step]:
    return [Function(layer.source, "elu", {"alpha": layer.number("alpha", 1.0)})]


def _softmax(layer: KerasLayer) -> list[Step]:
    layer.needs_last_axis()
    return [Function(layer.source, "softmax")]


def _nothing(layer: KerasLayer) -> list[Step]:
    return [Nothing(layer.source)]


def _flatten(layer: KerasLayer) -> list[Step]:
    order = layer.config.get("data_format")
    if order not in (None, "channels_last") and (layer.shape is None or len(layer.shape) > 1):
        raise layer.refused(f"has the data_format {order!r:.40}, which reorders numbers; expected channels_last")
    return [Nothing(layer.source)]


@dataclass(frozen=True)
class _Kind:
    """How a class of layers becomes steps; whether for rows alone; the keys of its config that matter, or never do."""

    steps: Callable[[KerasLayer], list[Step]]
    rows: bool = False
    keys: str = ""
    ignored: str = ""


_KINDS = {
    "Dense": _Kind(_dense, True, "units activation use_bias"),
    "Activation": _Kind(_activation, keys="activation"),
    "BatchNormalization": _Kind(
        _batch_normalization, True, "axis epsilon center scale renorm",
        "momentum renorm_clipping renorm_momentum synchronized fused"),
    "LayerNormalization": _Kind(_layer_normalization, True, "axis epsilon center scale rms_scaling"),
    "Normalization": _Kind(_normalization, keys= "axis mean variance invert"),
    "Rescaling": _Kind(_rescaling, keys="scale offset"),
    "PReLU": _Kind(_prelu, True, "shared_axes"),
    "ReLU": _Kind(_relu, keys="max_value negative_slope threshold"),
    "LeakyReLU": _Kind(_leaky_relu, keys="negative_slope alpha"),
    "ELU": _Kind(_elu, keys="alpha"),
    "Softmax": _Kind(_softmax, True, "axis"),
    "Flatten": _Kind(_flatten, keys="data_format"),
    "Reshape": _Kind(_nothing, keys="target_shape"),
    "Dropout": _Kind(_nothing, ignored="rate seed noise_shape"),
    "GaussianNoise": _Kind(_nothing, ignored="stddev seed"),
    "GaussianDropout": _Kind(_nothing, ignored="rate seed"),
    "AlphaDropout": _Kind(_nothing, ignored="rate seed noise_shape"),
    "ActivityRegularization": _Kind(_nothing, ignored="l1 l2"),
    "Identity": _Kind(_nothing),
}  # fmt: skip
_AS_ACTIVATIONS = {"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Identity"}
_OF_ALL = {"name", "trainable", "dtype", "batch_input_shape", "batch_shape"}
_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")


def layer_steps(layer: KerasLayer) -> list[Step]:
    """Return the steps of a layer; UnsupportedModelError for one that fastnn cannot do, ModelFormatError."""
    kind = _KINDS.get(layer.class_name)
    if kind is None:
        raise layer.refused(f"has no counterpart in fastnn; expected one of {', '.join(_KINDS)}. Save a model "
                            "of the layers around it, and compute this one outside")  # fmt: skip
    known = _OF_ALL.union(kind.keys.split(), kind.ignored.split())
    for key, value in layer.config.items():
        is_default = value is None or value is False or (isinstance(value, list | dict | tuple) and not value)
        if key not in known and not key.endswith(_OF_TRAINING) and not is_default:
            raise layer.refused(f"has {key}={value!r:.60}, which fastnn does not know; expected it to be unset")
    layer.needs_floats()
    if kind.rows:
        layer.needs_rows()
    return kind.steps(layer)
