"""What the tests of training train: layers, data for each loss, and settings of each optimizer."""

import numpy as np

from activations import ACTIVATIONS

ACTIVATION_NAMES = sorted(set(ACTIVATIONS) - {"step"})  # step has no derivative
LAYERS = ("Dense", "PReLU", "Affine", "LayerNormalization", "BatchNormalization")

# Name -> settings to try, beside the defaults.
OPTIMIZERS = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.8, "nesterov": 1}),
    ("adam", {}),
    ("adam", {"amsgrad": 1, "beta_1": 0.8, "epsilon": 1e-3}),
    ("rmsprop", {}),
    ("rmsprop", {"momentum": 0.9}),
    ("rmsprop", {"centered": 1}),
    ("adagrad", {}),
    ("adadelta", {}),
    ("adamax", {}),
    ("nadam", {}),
    ("lion", {}),
]
# Settings that every optimizer has.
COMMON = [
    {"weight_decay": 0.1},
    {"clipnorm": 0.05},
    {"global_clipnorm": 0.05},
    {"clipvalue": 0.01},
    {"ema_momentum": 0.9},
    {"ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"accumulation_steps": 3},
]
CONSTRAINTS = [
    ("max_norm", {"max_value": 0.9}),
    ("non_neg", {}),
    ("unit_norm", {}),
    ("min_max_norm", {"min_value": 0.9, "max_value": 1.1, "rate": 0.5}),
]


def case_id(case):
    name, settings = case if isinstance(case, tuple) else ("", case)
    return " ".join([name, *(f"{key}={value}" for key, value in settings.items())]).strip()


def dense(inputs, units, activation="linear", seed=0, bias=True):
    draws, parameters = np.random.default_rng(seed), dict(ACTIVATIONS[activation].parameters)
    weights = {"kernel": draws.normal(0, (1 / inputs) ** 0.5, (inputs, units))}
    if bias:
        weights["bias"] = draws.normal(0, 0.3, units)
    return "Dense", units, activation, parameters, weights


def activation(units, name):
    return "Activation", units, name, dict(ACTIVATIONS[name].parameters), {}


def of_units(kind, units, seed=0):
    """A layer whose weights are one number a unit."""
    draws = np.random.default_rng(seed)
    names = {
        "PReLU": ["alpha"],
        "Affine": ["scale", "shift"],
        "LayerNormalization": ["gamma", "beta"],
        "BatchNormalization": ["gamma", "beta", "moving_mean"],
    }[kind]
    weights = {name: draws.normal(0.5, 0.3, units) for name in names}
    if kind == "BatchNormalization":
        weights["moving_variance"] = draws.uniform(0.5, 2, units)
    parameters = {"epsilon": 0.001} if kind.endswith("Normalization") else {}
    return kind, units, "linear", parameters, weights


# Loss -> (activation of the last layer, function of the draws and the shape that makes targets).
def one_hot(draws, shape):
    return np.eye(shape[1])[draws.integers(0, shape[1], shape[0])]


def normal(draws, shape):
    return draws.normal(size=shape)


def signs(draws, shape):
    return draws.choice([-1.0, 1.0], shape)


def bits(draws, shape):
    return draws.integers(0, 2, shape).astype(float)


def shares(draws, shape):
    raw = draws.uniform(0.1, 1, shape)
    return raw / raw.sum(axis=1, keepdims=True)


def positive(draws, shape):
    return draws.uniform(0.1, 3, shape)


def classes(draws, shape):
    return draws.integers(0, shape[1], (shape[0], 1)).astype(float)


SMOOTH = {"label_smoothing": 0.1}
LOGITS = {"from_logits": 1}
FOCAL = {"gamma": 1.5, "alpha": 0.3}
LOSSES = [
    ("mean_squared_error", {}, "linear", normal),
    ("mean_absolute_error", {}, "linear", normal),
    ("mean_absolute_percentage_error", {}, "linear", positive),
    ("mean_squared_logarithmic_error", {}, "softplus", positive),
    ("huber", {}, "linear", normal),
    ("huber", {"delta": 0.3}, "linear", normal),
    ("log_cosh", {}, "linear", normal),
    ("binary_crossentropy", {}, "sigmoid", bits),
    ("binary_crossentropy", SMOOTH, "sigmoid", bits),
    ("binary_crossentropy", LOGITS, "linear", bits),
    ("binary_crossentropy", SMOOTH, "hard_sigmoid", bits),
    ("binary_focal_crossentropy", {}, "sigmoid", bits),
    ("binary_focal_crossentropy", {**FOCAL, **SMOOTH}, "sigmoid", bits),
    ("binary_focal_crossentropy", {**FOCAL, **LOGITS}, "linear", bits),
    ("binary_focal_crossentropy", FOCAL, "hard_sigmoid", bits),
    ("categorical_crossentropy", {}, "softmax", one_hot),
    ("categorical_crossentropy", SMOOTH, "softmax", shares),
    ("categorical_crossentropy", LOGITS, "linear", one_hot),
    ("categorical_crossentropy", SMOOTH, "softplus", one_hot),
    ("categorical_focal_crossentropy", {}, "softmax", one_hot),
    ("categorical_focal_crossentropy", {**FOCAL, **SMOOTH}, "softmax", one_hot),
    ("categorical_focal_crossentropy", {**FOCAL, **LOGITS}, "linear", one_hot),
    ("categorical_focal_crossentropy", FOCAL, "softplus", one_hot),
    ("sparse_categorical_crossentropy", {}, "softmax", classes),
    ("sparse_categorical_crossentropy", LOGITS, "linear", classes),
    ("sparse_categorical_crossentropy", {}, "softplus", classes),
    ("poisson", {}, "softplus", positive),
    ("kl_divergence", {}, "softmax", shares),
    ("hinge", {}, "tanh", signs),
    ("squared_hinge", {}, "tanh", signs),
    ("categorical_hinge", {}, "linear", one_hot),
    ("quantile", {}, "linear", normal),
    ("quantile", {"quantile": 0.9}, "linear", normal),
    ("cosine_similarity", {}, "linear", normal),  # golden_training.py wants it last
]


def loss_id(case):
    name, parameters, last, _ = case
    return case_id((name, {"after": last, **parameters}))


def data(rows, inputs, units, targets=normal, seed=1):
    draws = np.random.default_rng(seed)
    return draws.normal(size=(rows, inputs)), targets(draws, (rows, units)), draws.uniform(0.2, 2, rows)
