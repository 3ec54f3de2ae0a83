"""What each loss is for a row, and its gradient by the predictions: Keras' formulas, in float64 NumPy.

A loss is a function of targets y and predictions p, both (rows, units), that returns (loss (rows,), gradient).
"""

import numpy as np

EPSILON = 1e-7  # keras.backend.epsilon()


def mean(loss, slope):
    return loss.mean(axis=1), slope / loss.shape[1]


def log_sum_exp(p):
    most = p.max(axis=1, keepdims=True)
    return most + np.log(np.exp(p - most).sum(axis=1, keepdims=True))


def clipped(p, low=EPSILON, high=1 - EPSILON):
    """Return p within its range, and the derivative of that."""
    return np.clip(p, low, high), ((p >= low) & (p <= high)).astype(float)


def sigmoid(p):
    e = np.exp(-np.abs(p))
    return np.where(p < 0, e, 1.0) / (1.0 + e)


def mean_squared_logarithmic_error(y, p):
    difference = np.log(np.maximum(y, EPSILON) + 1) - np.log(np.maximum(p, EPSILON) + 1)
    return mean(difference**2, np.where(p > EPSILON, -2 * difference / (p + 1), 0))


def huber(y, p, delta=1.0):
    error = p - y
    near = np.abs(error) <= delta
    return mean(
        np.where(near, error**2 / 2, delta * np.abs(error) - delta**2 / 2),
        np.where(near, error, delta * np.sign(error)),
    )


def binary_crossentropy_of_units(y, p, from_logits):
    if from_logits:
        return np.maximum(p, 0) - p * y + np.log1p(np.exp(-np.abs(p))), sigmoid(p) - y
    p, inside = clipped(p)
    return -y * np.log(p) - (1 - y) * np.log(1 - p), ((1 - y) / (1 - p) - y / p) * inside


def binary_crossentropy(y, p, from_logits=0, label_smoothing=0.0):
    y = y * (1 - label_smoothing) + label_smoothing / 2
    return mean(*binary_crossentropy_of_units(y, p, from_logits))


def binary_focal_crossentropy(y, p, from_logits=0, label_smoothing=0.0, gamma=2.0, alpha=0.0):
    y = y * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:  # without cancellation
        miss, chain = y * sigmoid(-p) + (1 - y) * sigmoid(p), sigmoid(p) * sigmoid(-p)
    else:
        miss, chain = y * (1 - p) + (1 - y) * p, 1.0
    entropy, slope = binary_crossentropy_of_units(y, p, from_logits)
    balance = y * alpha + (1 - y) * (1 - alpha) if alpha else 1.0
    miss_slope = gamma * miss ** (gamma - 1) * (1 - 2 * y) * chain if gamma else 0.0
    return mean(balance * miss**gamma * entropy, balance * (miss**gamma * slope + miss_slope * entropy))


def of_normalised(p, loss):
    """Return loss(p / sum of p), a function that returns a loss and a gradient, and its gradient by p."""
    total = p.sum(axis=1, keepdims=True)
    value, slope = loss(p / total)
    return value, (slope - (slope * p / total).sum(axis=1, keepdims=True)) / total


def categorical_crossentropy(y, p, from_logits=0, label_smoothing=0.0):
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[1]
    if from_logits:
        log_p = p - log_sum_exp(p)
        return -(y * log_p).sum(axis=1), np.exp(log_p) * y.sum(axis=1, keepdims=True) - y

    def of(q):
        q, inside = clipped(q)
        return -(y * np.log(q)).sum(axis=1), -y / q * inside

    return of_normalised(p, of)


def sparse_categorical_crossentropy(y, p, from_logits=0):
    return categorical_crossentropy(np.eye(p.shape[1])[y[:, 0].astype(int)], p, from_logits)


def categorical_focal_crossentropy(y, p, from_logits=0, label_smoothing=0.0, gamma=2.0, alpha=0.25):
    y = y * (1 - label_smoothing) + label_smoothing / y.shape[1]
    power = lambda q: gamma * (1 - q) ** (gamma - 1) if gamma else 0.0  # noqa: E731
    if from_logits:
        log_q = p - log_sum_exp(p)
        q = np.exp(log_q)
        slope = alpha * y * (power(q) * q * log_q - (1 - q) ** gamma)  # q times that by q
        return -(alpha * (1 - q) ** gamma * y * log_q).sum(axis=1), slope - q * slope.sum(axis=1, keepdims=True)

    def of(q):
        q, inside = clipped(q)
        value = -(alpha * (1 - q) ** gamma * y * np.log(q)).sum(axis=1)
        return value, alpha * y * (power(q) * np.log(q) - (1 - q) ** gamma / q) * inside

    return of_normalised(p, of)


def kl_divergence(y, p):
    y = np.clip(y, EPSILON, 1)
    p, inside = clipped(p, EPSILON, 1)
    return (y * np.log(y / p)).sum(axis=1), -y / p * inside


def categorical_hinge(y, p):
    others = (1 - y) * p
    first = np.arange(y.shape[1]) == others.argmax(axis=1)[:, None]
    loss = np.maximum(others.max(axis=1) - (y * p).sum(axis=1) + 1, 0)
    return loss, ((1 - y) * first - y) * (loss > 0)[:, None]


def cosine_similarity(y, p):
    norms = [np.maximum(np.sqrt((x * x).sum(axis=1, keepdims=True)), EPSILON) for x in (y, p)]
    y, direction = y / norms[0], p / norms[1]
    cosine = (y * direction).sum(axis=1, keepdims=True)
    return -cosine[:, 0], (cosine * direction * (norms[1] > EPSILON) - y) / norms[1]


LOSSES = {
    "mean_squared_error": lambda y, p: mean((p - y) ** 2, 2 * (p - y)),
    "mean_absolute_error": lambda y, p: mean(np.abs(p - y), np.sign(p - y)),
    "mean_absolute_percentage_error": lambda y, p: mean(
        100 * np.abs(y - p) / np.maximum(np.abs(y), EPSILON), 100 * np.sign(p - y) / np.maximum(np.abs(y), EPSILON)
    ),
    "mean_squared_logarithmic_error": mean_squared_logarithmic_error,
    "huber": huber,
    "log_cosh": lambda y, p: mean(np.logaddexp(p - y, y - p) - np.log(2), np.tanh(p - y)),
    "binary_crossentropy": binary_crossentropy,
    "binary_focal_crossentropy": binary_focal_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "categorical_focal_crossentropy": categorical_focal_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "poisson": lambda y, p: mean(p - y * np.log(p + EPSILON), 1 - y / (p + EPSILON)),
    "kl_divergence": kl_divergence,
    "hinge": lambda y, p: mean(np.maximum(1 - y * p, 0), -y * (y * p < 1)),
    "squared_hinge": lambda y, p: mean(np.maximum(1 - y * p, 0) ** 2, -2 * y * np.maximum(1 - y * p, 0)),
    "categorical_hinge": categorical_hinge,
    "cosine_similarity": cosine_similarity,
    "quantile": lambda y, p, quantile=0.5: mean(
        np.where(y > p, quantile, quantile - 1) * (y - p), np.where(y > p, -quantile, 1 - quantile)
    ),
}
# The losses that are computed from the sums of a last layer with this activation, never from clipped probabilities.
FUSED = {name: "softmax" if "categorical" in name else "sigmoid" for name in LOSSES if name.endswith("crossentropy")}
