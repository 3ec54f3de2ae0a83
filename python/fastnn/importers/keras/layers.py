"""Keras' layers as steps: what each computes when predicting.

The function of a layer takes the keys of its config that it reads as keyword arguments, with Keras' defaults. Other
keys are refused unless they are unset, or change no prediction.
"""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from fastnn._core import ModelFormatError, UnsupportedModelError
from fastnn.arrays import Array
from fastnn.importers import steps
from fastnn.importers.keras.config import KerasLayer, Shape, keras_3_form
from fastnn.importers.steps import Function, Normalize, Nothing, Product, Scale, Slopes, Step, clip, leaky_relu
from fastnn.layers.activation import ALIASES

# Keys of any layer's config that change no prediction.
_IGNORED = re.compile(
    r"name|trainable|batch_shape|\w+_(initializer|regularizer|constraint)"
    r"|momentum|renorm_clipping|renorm_momentum|synchronized|fused"
)
# Layers that change no prediction, but for their shape, and their other keys.
CHANGING_SHAPES = ("Flatten", "Reshape")
_DROPOUTS = ("Dropout", "AlphaDropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
AUGMENTATIONS = (
    *("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter"),
    *("RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur"),
    *("RandomGrayscale", "RandomHeight", "RandomHue", "RandomInvert", "RandomPerspective", "RandomRotation"),
    *("RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom"),
)
_OF_DROPOUTS = frozenset({"rate", "seed", "noise_shape", "data_format"})
_OF_AUGMENTATIONS = frozenset(
    {
        *("all_ops", "alpha", "chain_depth", "data_format", "factor", "fill_mode", "fill_value", "interpolation"),
        *("kernel_size", "mode", "num_chains", "num_ops", "scale", "seed", "sigma", "value_range"),
        *(f"{what}_factor" for what in "brightness contrast height hue saturation width x y".split()),  # noqa: SIM905
    }
)
_WITHOUT_EFFECT = {
    "Reshape": frozenset({"target_shape"}),  # shape_after() reads it
    "Identity": frozenset(),
    "GaussianNoise": frozenset({"stddev", "seed"}),
    "ActivityRegularization": frozenset({"l1", "l2"}),
    **dict.fromkeys(_DROPOUTS, _OF_DROPOUTS),
    **dict.fromkeys(AUGMENTATIONS, _OF_AUGMENTATIONS),
}
_AS_ACTIVATIONS = ("Activation", "ELU", "Identity", "LeakyReLU", "ReLU", "Softmax")
_FLOATS = {None, "float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"}

# Keras' own activations: a name that fastnn alone has is refused.
ACTIVATIONS = frozenset(
    {
        *("celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh", "leaky_relu", "linear"),
        *("log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus"),
        *("softsign", "sparse_sigmoid", "tanh", *ALIASES),
    }
)


def layer_steps(layer: KerasLayer) -> list[Step]:
    """Return the steps of a layer. Raises UnsupportedModelError if fastnn does not have it, ModelFormatError."""
    if layer.kind not in _TABLE:
        raise unknown_layer(layer.source)
    to_steps = _TABLE[layer.kind]
    arguments = dict(to_steps.__kwdefaults__ or {})
    ignored = _WITHOUT_EFFECT.get(layer.kind, ())
    for key, value in layer.config.items():
        is_unset = value is None or value is False or (isinstance(value, list | dict | tuple) and not value)
        if key in arguments:
            arguments[key] = _like(arguments[key], key, value)
        elif key == "dtype":
            if not isinstance(value, str | None) or value not in _FLOATS:
                raise UnsupportedModelError(f"computes in {value!r:.200}; expected floats, not quantized")
        elif not (is_unset or key in ignored or _IGNORED.fullmatch(key)):
            raise UnsupportedModelError(f"has {key}={value!r:.60}, which fastnn does not know; expected it to be unset")
    return to_steps(layer, **arguments)


def unknown_layer(source: str) -> UnsupportedModelError:
    """Return the error for a layer without a row in _TABLE, or of a class that is not Keras' own."""
    names = ", ".join(name for name in _TABLE if name not in AUGMENTATIONS)
    return UnsupportedModelError(
        f"{source} has no counterpart in fastnn; expected {names}, RandomFlip and its like, as Keras defines them: "
        "no subclass, no changed method; save models of the layers before and after it, and compute this one "
        "outside fastnn"
    )


def _like(default: Any, key: str, value: Any) -> Any:
    """Return a value of a config, which must be true or false, or a number, if its default is."""
    if isinstance(default, bool) and not isinstance(value, bool):
        raise ModelFormatError(f"has the {key} {value!r:.60}; expected true or false")
    if isinstance(default, float):
        if not isinstance(value, Real) or isinstance(value, bool) or math.isnan(value):
            raise ModelFormatError(f"has the {key} {value!r:.60}; expected a number")
        return float(value)
    return value


def shape_after(layer: KerasLayer) -> Shape | None:
    """Return the shape of a row of the layer's outputs, None if unknown; layer_steps() has accepted the layer."""
    if layer.kind == "Dense":
        return (*(layer.shape or ())[:-1], int(layer.config["units"]))
    if layer.shape is None or layer.kind not in CHANGING_SHAPES:
        return layer.shape
    sizes = [size for size in layer.shape if size is not None]
    if len(sizes) != len(layer.shape):
        raise UnsupportedModelError(f"gets arrays of shape {layer.shape}; expected all sizes to be known")
    count = math.prod(sizes)
    target = [-1] if layer.kind == "Flatten" else layer.config["target_shape"]
    rest = count // math.prod(size for size in target if size != -1)
    shape = tuple(rest if size == -1 else size for size in target)
    if math.prod(shape) != count:
        raise ModelFormatError(f"makes arrays of shape {target!r:.60} of {count} numbers")
    return shape


def _input(layer: KerasLayer, *, dtype: Any = None, batch_shape: Any = None) -> list[Step]:
    if dtype is not None and not re.fullmatch(r"(mixed_)?(b?float|u?int)\d+", str(dtype)):
        raise UnsupportedModelError(f"takes {dtype!r:.60}; expected numbers")
    if batch_shape is not None and len(batch_shape) < 2:
        raise UnsupportedModelError(f"takes the shape {batch_shape!r:.60}; expected rows")
    return [Nothing(layer.source)]


def _dense(layer: KerasLayer, *, units: Any = None, activation: Any = None, use_bias: bool = True) -> list[Step]:
    layer.needs_rows()
    weights = layer.weights("kernel", *["bias"] * use_bias)
    product = Product(layer.source, weights["kernel"], weights.get("bias"))
    if units != product.kernel.shape[1]:
        raise ModelFormatError(f"has {units!r:.20} units; its kernel has the shape {product.kernel.shape}")
    return [product] if activation in (None, "linear") else [product, *_activation(layer, activation=activation)]


def _activation(layer: KerasLayer, *, activation: Any = None) -> list[Step]:
    source, activation = layer.source, "linear" if activation is None else activation
    if isinstance(activation, dict) and "class_name" in activation:
        kind, config = keras_3_form(activation)
        if kind not in _AS_ACTIVATIONS:
            raise UnsupportedModelError(
                f"has the activation {kind!r:.60}; expected {', '.join(_AS_ACTIVATIONS)}, or a layer of its own"
            )
        return layer_steps(replace(layer, kind=kind, config=config))
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise UnsupportedModelError(
            f"has the activation {activation!r:.60}, which fastnn does not have; expected one of "
            + ", ".join(sorted(ACTIVATIONS))
        )
    match activation:
        case "softmax" | "log_softmax":
            layer.needs_rows()
        case "hard_sigmoid" if layer.keras is None:
            raise UnsupportedModelError(
                "has the activation 'hard_sigmoid', which differs between Keras 2 and 3, and the file does not say "
                "which wrote it; save the model again with a Keras that does"
            )
        case "hard_sigmoid" if layer.keras == 2:
            return steps.hard_sigmoid(source, 0.2, 0.5)
        case "sparse_sigmoid":
            return steps.hard_sigmoid(source, 0.5, 0.5)
        case "log_sigmoid":  # log(1 / (1 + exp(-x))) = -softplus(-x)
            return steps.softplus(source, -1.0)
    return [Function(source, ALIASES.get(activation, activation))]


def _batch_normalization(
    layer: KerasLayer, *, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True
) -> list[Step]:
    layer.needs_rows()
    _needs_last_axis(layer, axis)
    w = layer.weights(*["gamma"] * scale, *["beta"] * center, "moving_mean", "moving_variance")
    mean, variance = w["moving_mean"], w["moving_variance"]
    return [steps.batch_normalization(layer.source, w.get("gamma"), w.get("beta"), mean, variance, epsilon)]


def _layer_normalization(
    layer: KerasLayer, *, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True
) -> list[Step]:
    layer.needs_rows()
    _needs_last_axis(layer, axis)
    w = layer.weights(*["gamma"] * scale, *["beta"] * center)
    shapes = {array.shape for array in w.values()} or {(layer.shape or ())[-1:]}
    shape = shapes.pop()
    if shapes or len(shape) != 1:
        raise ModelFormatError(f"expected arrays (units,) of one length; received {[a.shape for a in w.values()]}")
    return [Normalize(layer.source, w.get("gamma", np.ones(shape)), w.get("beta", np.zeros(shape)), epsilon)]


def _normalization(
    layer: KerasLayer, *, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False
) -> list[Step]:
    if axis not in (None, [], ()):
        _needs_last_axis(layer, axis)
    if mean is None and variance is None:
        w = layer.weights("mean", "variance", "count")
        mean, variance = w["mean"], w["variance"]
    mean, variance = _numbers("mean", mean), _numbers("variance", variance)
    if mean.shape != variance.shape:
        raise ModelFormatError(f"has a mean {mean.shape} and a variance {variance.shape}; expected one shape")
    if mean.ndim == 1:
        layer.needs_rows()
    if mean.shape == (1,):  # Keras broadcasts it
        mean, variance = mean.reshape(()), variance.reshape(())
    with np.errstate(all="ignore"):
        deviation = np.maximum(np.sqrt(variance), np.float64(np.float32(1e-7)))
        if invert:
            return [Scale(layer.source, deviation, mean)]
        return [Scale(layer.source, 1 / deviation, -mean / deviation)]


def _rescaling(layer: KerasLayer, *, scale: Any = None, offset: Any = 0) -> list[Step]:
    both = np.broadcast_arrays(_numbers("scale", scale), _numbers("offset", offset))
    if both[0].size > 1:
        layer.needs_rows()
    return [Scale(layer.source, *(each.reshape(()) if each.size == 1 else each for each in both))]


def _prelu(layer: KerasLayer, *, shared_axes: Any = None) -> list[Step]:
    layer.needs_rows()
    alpha = layer.weights("alpha")["alpha"]
    rank = 1 if layer.shape is None else len(layer.shape)
    if alpha.ndim != rank or any(size != 1 for size in alpha.shape[:-1]):
        raise UnsupportedModelError(
            f"has an alpha of shape {alpha.shape}; expected (units,), the same for all other axes (shared_axes)"
        )
    alpha = alpha.reshape(-1)
    if shared_axes and rank in shared_axes:
        alpha = alpha.reshape(())
    return [Slopes(layer.source, alpha)]


def _relu(
    layer: KerasLayer, *, max_value: Any = None, negative_slope: float = 0.0, threshold: float = 0.0
) -> list[Step]:
    top = math.inf if max_value is None else _like(0.0, "max_value", max_value)
    if threshold != 0:
        raise UnsupportedModelError(f"has the threshold {threshold:g}, where it jumps to another line; expected 0")
    if top < 0:
        raise ModelFormatError(f"has the max_value {top:g}; expected at least 0")
    if negative_slope == 0:
        return [clip(layer.source, 0.0, top)]
    sloped = leaky_relu(layer.source, negative_slope)
    return [sloped] if max_value is None else [sloped, clip(layer.source, -math.inf, top)]


def _softmax(layer: KerasLayer, *, axis: Any = -1) -> list[Step]:
    layer.needs_rows()
    _needs_last_axis(layer, axis)
    return [Function(layer.source, "softmax")]


def _flatten(layer: KerasLayer, *, data_format: Any = None) -> list[Step]:
    if data_format not in (None, "channels_last") and (layer.shape is None or len(layer.shape) > 1):
        raise UnsupportedModelError(f"has the data_format {data_format!r:.40}, which reorders; expected channels_last")
    return [Nothing(layer.source)]


def _needs_last_axis(layer: KerasLayer, axis: Any) -> None:
    rank = 1 if layer.shape is None else len(layer.shape)
    if axis not in (-1, rank, [-1], [rank], (-1,), (rank,)):
        raise UnsupportedModelError(f"works along the axis {axis!r:.60}; expected the last one, -1")


def _numbers(key: str, value: Any) -> Array:
    """Return one number or a list of them."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > 1 or numbers.size == 0:
        raise ModelFormatError(f"has the {key} {value!r:.60}; expected numbers")
    return numbers.astype(np.float64)


_TABLE: dict[str, Callable[..., list[Step]]] = {
    "Dense": _dense,
    "Activation": _activation,
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": _layer_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "PReLU": _prelu,
    "ReLU": _relu,
    "LeakyReLU": lambda layer, *, negative_slope=0.3: [leaky_relu(layer.source, negative_slope)],
    "ELU": lambda layer, *, alpha=1.0: [Function(layer.source, "elu", {"alpha": alpha})],
    "Softmax": _softmax,
    "Flatten": _flatten,
    "InputLayer": _input,
    **dict.fromkeys(_WITHOUT_EFFECT, lambda layer: [Nothing(layer.source)]),
}
