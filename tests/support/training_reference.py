"""What training computes: the specification, in float64 NumPy. Formulas and their order are Keras 3's.

Trainer takes what _core.Trainer64 takes: layers are (description, options), see _core.pyi. Losses are in
training_losses.py, activations in activations.py. Only noise comes from the core, which draws it.
"""

import numpy as np

from activations import ACTIVATIONS
from fastnn import _core
from training_losses import FUSED, LOSSES, sigmoid

NORMAL = np.sqrt(2 / np.pi)


def density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def gelu_tanh_slope(x):
    s = sigmoid(2 * NORMAL * (x + 0.044715 * x**3))
    return s + x * s * (1 - s) * 2 * NORMAL * (1 + 3 * 0.044715 * x**2)


def mish_slope(x):
    t = np.tanh(np.logaddexp(x, 0))
    return t + x * (1 - t * t) * sigmoid(x)


# The derivative at x, where the activation is y. At a kink it is the left one; 0 at the upper end of a range.
SLOPES = {
    "linear": lambda x, y: np.ones_like(x),
    "relu": lambda x, y: (x > 0) * 1.0,
    "tanh": lambda x, y: 1 - y * y,
    "sigmoid": lambda x, y: y * (1 - y),
    "relu6": lambda x, y: ((x > 0) & (x < 6)) * 1.0,
    "hard_tanh": lambda x, y: (np.abs(x) < 1) * 1.0,
    "hard_sigmoid": lambda x, y: (np.abs(x) < 3) / 6,
    "softsign": lambda x, y: (1 - np.abs(y)) ** 2,
    "leaky_relu": lambda x, y, negative_slope: np.where(x > 0, 1.0, negative_slope),
    "clip": lambda x, y, minimum, maximum: ((x > minimum) & (x < maximum)) * 1.0,
    "exponential": lambda x, y: y,
    "elu": lambda x, y, alpha: np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
    "celu": lambda x, y, alpha: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0) / alpha)),
    "selu": lambda x, y: 1.0507009873554805 * np.where(x > 0, 1.0, 1.6732632423543772 * np.exp(np.minimum(x, 0))),
    "silu": lambda x, y: sigmoid(x) * (1 + x * sigmoid(-x)),
    "hard_swish": lambda x, y: np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, x / 3 + 0.5)),
    "softplus": lambda x, y: sigmoid(x),
    "mish": lambda x, y: mish_slope(x),
    "gelu": lambda x, y: np.where(x == 0, 0.5, y / np.where(x == 0, 1, x)) + x * density(x),
    "gelu_tanh": lambda x, y: gelu_tanh_slope(x),
}
# The gradient by the sums of a row, from that by its outputs.
ROW_SLOPES = {
    "softmax": lambda y, d: y * (d - (d * y).sum(axis=1, keepdims=True)),
    "log_softmax": lambda y, d: d - np.exp(y) * d.sum(axis=1, keepdims=True),
}


class Layer:
    """A layer in training: forward() keeps what backward() needs; backward() leaves gradients."""

    def __init__(self, number, description, options):
        self.number, self.options = number, options
        self.kind, _, self.activation, self.parameters, weights = description
        self.weights = {name: np.array(array, np.float64) for name, array in weights.items()}
        self.trainable = options.get("trainable", True)
        self.trained = [name for name in self.weights if not name.startswith("moving_")] if self.trainable else []

    def forward(self, x, seed, step):
        self.x, w = x, self.weights
        if self.kind == "Dense":
            x = x @ w["kernel"] + w.get("bias", 0.0)
        if self.kind in ("Dense", "Activation"):
            self.sums = x
            y = np.asarray(ACTIVATIONS[self.activation].formula(x, **self.parameters), np.float64)
        elif self.kind == "PReLU":
            y = np.where(x < 0, w["alpha"] * x, x)
        elif self.kind == "Affine":
            y = x * w["scale"] + w["shift"]
        else:
            y = w.get("gamma", 1.0) * self.normalise(x) + w.get("beta", 0.0)
        if "noise" in self.options:
            kind, rate, own_seed = self.options["noise"]
            seed = seed if own_seed is None else own_seed
            rows = [_core.noise64(kind, rate, seed, self.number, step, row, y.shape[1]) for row in range(len(y))]
            self.multipliers, addends = (np.array(each) for each in zip(*rows, strict=True))
            y = y * self.multipliers + addends
        self.y = y
        return y

    def normalise(self, x):
        """Return rows (LayerNormalization) or columns (BatchNormalization) of mean 0 and variance 1."""
        w, axis = self.weights, 1 if self.kind == "LayerNormalization" else 0
        self.mean, self.variance = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
        if axis == 0 and not self.trainable:
            self.mean, self.variance = w["moving_mean"], w["moving_variance"]
        elif axis == 0:
            momentum = self.options.get("momentum", 0.99)
            w["moving_mean"] = momentum * w["moving_mean"] + (1 - momentum) * self.mean[0]
            w["moving_variance"] = momentum * w["moving_variance"] + (1 - momentum) * self.variance[0]
        self.normal = (x - self.mean) / np.sqrt(self.variance + self.parameters["epsilon"])
        return self.normal

    def backward(self, d):
        """Return the gradient by the layer's inputs, from that by its outputs."""
        w, x = self.weights, self.x
        l1, l2 = self.options.get("activity", (0, 0))
        d = d + (l1 * np.sign(self.y) + 2 * l2 * self.y) / len(d)
        if "noise" in self.options:
            d = d * self.multipliers
        if self.activation in ROW_SLOPES and self.kind in ("Dense", "Activation"):
            d = ROW_SLOPES[self.activation](self.y, d)
        elif self.kind in ("Dense", "Activation"):
            y = ACTIVATIONS[self.activation].formula(self.sums, **self.parameters)
            d = d * np.asarray(SLOPES[self.activation](self.sums, y, **self.parameters), np.float64)
        if self.kind == "Dense":
            self.gradients = {"kernel": x.T @ d, "bias": d.sum(axis=0)}
            return d @ w["kernel"].T
        if self.kind == "PReLU":
            self.gradients = {"alpha": (d * x * (x < 0)).sum(axis=0)}
            return d * np.where(x > 0, 1.0, w["alpha"])
        if self.kind == "Affine":
            self.gradients = {"scale": (d * x).sum(axis=0), "shift": d.sum(axis=0)}
            return d * w["scale"]
        if self.kind in ("LayerNormalization", "BatchNormalization"):
            self.gradients = {"gamma": (d * self.normal).sum(axis=0), "beta": d.sum(axis=0)}
            d = d * w.get("gamma", 1.0)
            axis = 1 if self.kind == "LayerNormalization" else 0
            if axis == 1 or self.trainable:
                through = self.normal * (d * self.normal).mean(axis=axis, keepdims=True)
                d = d - d.mean(axis=axis, keepdims=True) - through
            return d / np.sqrt(self.variance + self.parameters["epsilon"])
        self.gradients = {}
        return d

    def penalty(self):
        penalties = self.options.get("regularizers", {}).items()
        w = self.weights
        return sum(l1 * np.abs(w[name]).sum() + l2 * (w[name] ** 2).sum() for name, (l1, l2) in penalties)

    def activity(self):
        l1, l2 = self.options.get("activity", (0, 0))
        return (l1 * np.abs(self.y).sum() + l2 * (self.y**2).sum()) / len(self.y)


class Trainer:
    """As _core.Trainer64."""

    def __init__(self, inputs, layers, loss, optimizer, seed):
        self.layers = [Layer(number, *each) for number, each in enumerate(layers)]
        self.loss, self.loss_parameters = loss[0], dict(loss[1])
        self.optimizer, settings = optimizer
        self.settings = {**COMMON, **DEFAULTS[self.optimizer], **settings}
        self.seed, self.batches, self.slots, self.averages, self.sums = seed, 0, {}, {}, {}
        last = self.layers[-1]
        logits = self.loss_parameters.get("from_logits", 0)
        if FUSED.get(self.loss) == last.activation and not logits and last.kind in ("Dense", "Activation"):
            last.activation, self.loss_parameters["from_logits"] = "linear", 1

    def gradients(self, x, y, weights=None):
        """Do forward and backward of one batch; return the loss."""
        step = self.batches
        for layer in self.layers:
            x = layer.forward(x, self.seed, step)
        losses, d = LOSSES[self.loss](y, x, **self.loss_parameters)
        factors = np.ones(len(y)) if weights is None else weights
        for layer in reversed(self.layers):
            d = layer.backward(d if layer is not self.layers[-1] else d * factors[:, None] / len(y))
            for name, (l1, l2) in layer.options.get("regularizers", {}).items():
                w = layer.weights[name]
                layer.gradients[name] = layer.gradients[name] + l1 * np.sign(w) + 2 * l2 * w
        penalties = sum(layer.penalty() + layer.activity() for layer in self.layers)
        return (factors * losses).sum() / len(y) + penalties

    def train(self, x, y, weights, order, batch_size, learning_rates):
        order = np.arange(len(x)) if order is None else order
        losses = []
        for number, first in enumerate(range(0, len(order), batch_size)):
            rows = order[first : first + batch_size]
            losses.append(self.gradients(x[rows], y[rows], None if weights is None else weights[rows]))
            self.step(learning_rates[number])
        return np.array(losses)

    def step(self, rate):
        """Change all weights by the gradients that the layers have."""
        s, self.batches = self.settings, self.batches + 1
        keys = [(number, name) for number, layer in enumerate(self.layers) for name in layer.trained]
        g = {(number, name): self.layers[number].gradients[name] for number, name in keys}
        many = s["accumulation_steps"]
        self.sums = {key: self.sums.get(key, 0) + g[key] for key in keys}
        if self.batches % many == 0:
            g, self.sums = clip({key: self.sums[key] / many for key in keys}, s), {}
            for number, name in keys:
                layer, slots = self.layers[number], self.slots.setdefault((number, name), {})
                own_rate = rate * layer.options.get("multipliers", {}).get(name, 1)
                w = layer.weights[name]
                if layer.options.get("decays", {}).get(name, True):
                    w = w - w * s["weight_decay"] * own_rate
                w = STEPS[self.optimizer](w, g[number, name], own_rate, self.batches // many, slots, s)
                layer.weights[name] = w
        if self.batches % many == 0:
            self.constrain_and_average(keys, self.batches // many)

    def constrain_and_average(self, keys, t):
        momentum, often = self.settings["ema_momentum"], self.settings["ema_overwrite_frequency"]
        for number, name in keys:
            weights = self.layers[number].weights
            kind, parameters = self.layers[number].options.get("constraints", {}).get(name, (None, {}))
            w = weights[name] = constrained(kind, weights[name], parameters)
            if momentum:
                average = self.averages.get((number, name), w)
                self.averages[number, name] = momentum * average + (1 - momentum) * w
                if often and t % often == 0:
                    weights[name] = constrained(kind, self.averages[number, name], parameters)


def constrained(kind, w, parameters):
    return CONSTRAINTS[kind](w, **parameters) if kind else w


COMMON = {"weight_decay": 0, "clipnorm": 0, "global_clipnorm": 0, "clipvalue": 0}
COMMON |= {"ema_momentum": 0, "ema_overwrite_frequency": 0, "accumulation_steps": 1}
BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
DEFAULTS = {
    "sgd": {"momentum": 0, "nesterov": 0},
    "adam": {**BETAS, "amsgrad": 0},
    "rmsprop": {"rho": 0.9, "momentum": 0, "epsilon": 1e-7, "centered": 0},
    "adagrad": {"initial_accumulator_value": 0.1, "epsilon": 1e-7},
    "adadelta": {"rho": 0.95, "epsilon": 1e-7},
    "adamax": BETAS,
    "nadam": BETAS,
    "lion": {"beta_1": 0.9, "beta_2": 0.99},
}


def norm(w):
    return np.sqrt((w * w).sum(axis=0, keepdims=True))


CONSTRAINTS = {
    "max_norm": lambda w, max_value=2: w * np.clip(norm(w), 0, max_value) / (1e-7 + norm(w)),
    "non_neg": lambda w: w * (w >= 0),
    "unit_norm": lambda w: w / (1e-7 + norm(w)),
    "min_max_norm": lambda w, min_value=0, max_value=1, rate=1: (
        w * (rate * np.clip(norm(w), min_value, max_value) + (1 - rate) * norm(w)) / (1e-7 + norm(w))
    ),
}


def clip(gradients, s):
    if s["clipnorm"]:
        c = s["clipnorm"]
        return {key: g * c / max(np.sqrt((g * g).sum()), c) for key, g in gradients.items()}
    if s["global_clipnorm"]:
        c, total = s["global_clipnorm"], np.sqrt(sum((g * g).sum() for g in gradients.values()))
        return {key: g * c * min(1 / total, 1 / c) for key, g in gradients.items()}
    if s["clipvalue"]:
        return {key: np.clip(g, -s["clipvalue"], s["clipvalue"]) for key, g in gradients.items()}
    return gradients


def kept(slots, name, initial, w):
    return slots.get(name, np.full_like(w, initial))


def moments(slots, g, s):
    m, v = kept(slots, "m", 0, g), kept(slots, "v", 0, g)
    slots["m"], slots["v"] = m + (g - m) * (1 - s["beta_1"]), v + (g * g - v) * (1 - s["beta_2"])
    return slots["m"], slots["v"]


def sgd(w, g, rate, t, slots, s):
    if not s["momentum"]:
        return w - rate * g
    v = slots["v"] = s["momentum"] * kept(slots, "v", 0, w) - rate * g
    return w + (s["momentum"] * v - rate * g if s["nesterov"] else v)


def adam(w, g, rate, t, slots, s):
    m, v = moments(slots, g, s)
    if s["amsgrad"]:
        v = slots["most"] = np.maximum(kept(slots, "most", 0, w), v)
    return w - m * rate * np.sqrt(1 - s["beta_2"] ** t) / (1 - s["beta_1"] ** t) / (np.sqrt(v) + s["epsilon"])


def rmsprop(w, g, rate, t, slots, s):
    rho = s["rho"]
    v = slots["v"] = rho * kept(slots, "v", 0, w) + (1 - rho) * g * g
    if s["centered"]:
        mean = slots["mean"] = rho * kept(slots, "mean", 0, w) + (1 - rho) * g
        v = v - mean * mean
    step = rate * g / np.sqrt(v + s["epsilon"])
    if s["momentum"]:
        step = slots["m"] = s["momentum"] * kept(slots, "m", 0, w) + step
    return w - step


def adagrad(w, g, rate, t, slots, s):
    a = slots["a"] = kept(slots, "a", s["initial_accumulator_value"], w) + g * g
    return w - rate * g / np.sqrt(a + s["epsilon"])


def adadelta(w, g, rate, t, slots, s):
    rho, epsilon, d = s["rho"], s["epsilon"], kept(slots, "d", 0, w)
    a = slots["a"] = rho * kept(slots, "a", 0, w) + (1 - rho) * g * g
    step = -np.sqrt(d + epsilon) / np.sqrt(a + epsilon) * g
    slots["d"] = rho * d + (1 - rho) * step * step
    return w + rate * step


def adamax(w, g, rate, t, slots, s):
    m = slots["m"] = kept(slots, "m", 0, w) + (g - kept(slots, "m", 0, w)) * (1 - s["beta_1"])
    u = slots["u"] = np.maximum(s["beta_2"] * kept(slots, "u", 0, w), np.abs(g))
    return w - rate * m / ((1 - s["beta_1"] ** t) * (u + s["epsilon"]))


def nadam(w, g, rate, t, slots, s):
    m, v = moments(slots, g, s)
    momentum = [s["beta_1"] * (1 - 0.5 * 0.96**k) for k in range(1, t + 2)]  # of the steps up to the next one
    product = np.prod(momentum[:-1])
    step = momentum[-1] * m / (1 - product * momentum[-1]) + (1 - momentum[-2]) * g / (1 - product)
    return w - rate * step / (np.sqrt(v / (1 - s["beta_2"] ** t)) + s["epsilon"])


def lion(w, g, rate, t, slots, s):
    m = kept(slots, "m", 0, w)
    slots["m"] = s["beta_2"] * m + (1 - s["beta_2"]) * g
    return w - rate * np.sign(s["beta_1"] * m + (1 - s["beta_1"]) * g)


STEPS = {each.__name__: each for each in (sgd, adam, rmsprop, adagrad, adadelta, adamax, nadam, lion)}
