"""What the training benchmarks train: networks with rows, targets and first weights, and the answer in float64."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from networks import NETWORKS, rows_of, weights_of

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7  # of Adam, Keras' defaults
CHECKED_STEPS = 10
MOST_STEPS = 1024
TOLERANCE = 0.1  # of the distance that the weights go; see off_course()


@dataclass(frozen=True)
class Task:
    """A network, its loss, the rows of a batch and the batches of an epoch. Frozen, so that no engine changes it."""

    name: str
    sizes: tuple[int, ...]  # inputs, and the units of each layer
    activation: str  # of the hidden layers; the last one is linear, or softmax with cross-entropy
    loss: str  # "mse" or "cross-entropy" of class numbers
    batch: int
    steps: int = 0  # 0: as many as take about 0.5 GFLOP, but from 16 to 1024

    def __post_init__(self):
        if not self.steps:
            object.__setattr__(self, "steps", int(np.clip(5e8 / self.flops, 16, MOST_STEPS)))

    @property
    def epochs(self):
        """Epochs of one timed call, 1 to 4: up to 4096 steps and 2 GFLOP, so that the start of a call counts little."""
        return int(np.clip(min(4 * MOST_STEPS, 2e9 / self.flops) / self.steps, 1, 4))

    @property
    def title(self):
        return f"{self.name} {'-'.join(map(str, self.sizes))} {self.activation}, {self.loss}"

    @property
    def parameters(self):
        return sum((inputs + 1) * units for inputs, units in pairwise(self.sizes))

    @property
    def flops(self):
        """Operations of a step: 2 per weight and row for outputs, deltas and gradients; no deltas of the inputs."""
        kernels = [inputs * units for inputs, units in pairwise(self.sizes)]
        return self.batch * (6 * sum(kernels) - 2 * kernels[0])

    @cached_property
    def weights(self):
        return weights_of(self.sizes)

    @cached_property
    def x(self):
        return rows_of(self.sizes, self.batch * self.steps)

    @cached_property
    def y(self):
        """Return targets that can be learned: linear functions of x, or the number of the largest one."""
        inputs, units = self.sizes[0], self.sizes[-1]
        teacher = np.random.default_rng(2).standard_normal((inputs, units), np.float32)
        y = self.x @ teacher / np.float32(inputs**0.5)
        return y if self.loss == "mse" else np.argmax(y, 1)

    def first(self, steps):
        """Return the task with the rows of its first steps alone."""
        return replace(self, steps=min(self.steps, steps))


def _named(name, loss, batch):
    sizes, activation = NETWORKS[name]
    return Task(name, tuple(sizes), activation, loss, batch)


TASKS = {
    each.name: each
    for each in [
        _named("lecture", "mse", 32),
        Task("digits", (64, 64, 10), "relu", "cross-entropy", 32),
        _named("policy", "mse", 64),
        _named("tabular", "cross-entropy", 256),
        _named("mnist", "cross-entropy", 128),
        _named("wide", "mse", 256),
        Task("online", (20, 50, 50, 2), "relu", "mse", 1),
    ]
}


def random_tasks(number, seed):
    """Return networks drawn by a seed.

    1 to 4 hidden layers, uniform. 2 to 512 inputs, 4 to 512 units in each hidden layer, 1 to 512 rows in a batch:
    uniform in the logarithm. relu or tanh, each with probability 1/2. The loss is the mean squared error of 1 to 8
    outputs or the cross-entropy of 3 to 20 classes, each with probability 1/2, numbers uniform.
    """
    random = np.random.default_rng(seed)

    def drawn(least, most):
        return int(np.exp(random.uniform(np.log(least), np.log(most + 1))))

    tasks = []
    for i in range(1, number + 1):
        hidden = [drawn(4, 512) for _ in range(random.integers(1, 5))]
        loss = str(random.choice(["mse", "cross-entropy"]))
        outputs = int(random.integers(1, 9) if loss == "mse" else random.integers(3, 21))
        sizes = (drawn(2, 512), *hidden, outputs)
        tasks.append(Task(f"random {i}", sizes, str(random.choice(["relu", "tanh"])), loss, drawn(1, 512)))
    return tasks


@lru_cache(maxsize=1)  # all libraries are checked with one task before the next
def trained(task):
    """Return the weights after an epoch of Adam without shuffling, in float64."""
    weights = [array.astype(np.float64) for pair in task.weights for array in pair]
    means, squares = ([np.zeros_like(array) for array in weights] for _ in range(2))
    for step in range(1, task.steps + 1):
        rows = slice((step - 1) * task.batch, step * task.batch)
        gradients = _gradients(task, weights, task.x[rows], task.y[rows])
        rate = RATE * np.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        for weight, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += (1 - BETA_1) * (gradient - mean)
            square += (1 - BETA_2) * (gradient**2 - square)
            weight -= rate * mean / (np.sqrt(square) + EPSILON)
    return list(zip(weights[::2], weights[1::2], strict=True))


def _gradients(task, weights, x, y):
    """Return the gradient of the loss by each kernel and bias: forward through all layers, and back."""
    inputs = [x.astype(np.float64)]
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        sums = inputs[-1] @ kernel + bias
        inputs.append(np.maximum(sums, 0) if task.activation == "relu" else np.tanh(sums))
    if task.loss == "mse":
        delta = 2 * (sums - y) / y.size
    else:
        powers = np.exp(sums - sums.max(1, keepdims=True))
        delta = (powers / powers.sum(1, keepdims=True) - np.eye(sums.shape[1])[y]) / len(y)
    gradients = []
    for layer in reversed(range(len(task.sizes) - 1)):
        gradients = [inputs[layer].T @ delta, delta.sum(0), *gradients]
        slope = inputs[layer] > 0 if task.activation == "relu" else 1 - inputs[layer] ** 2
        delta = delta @ weights[2 * layer].T * slope
    return gradients


def off_course(task, weights):
    """Return a sentence if weights are not those of trained(task), or None.

    Adam's first steps are as long for gradients of rounding errors as for others, so float32 moves a few weights
    elsewhere. Therefore the distance of all weights from the right ones is compared with the way that those went.
    PyTorch is up to 5 % off (measured), since it adds epsilon after the bias correction; the others up to 0.5 %.
    A wrong rate, loss, activation, order of rows or number of steps puts weights more than the tolerance off.
    """
    arrays = ([np.ravel(array) for pair in pairs for array in pair] for pairs in (task.weights, trained(task), weights))
    begin, right, end = (np.concatenate(each) for each in arrays)
    off = np.linalg.norm(end - right) / np.linalg.norm(right - begin)
    if off <= TOLERANCE:
        return None
    return f"expected the weights of {task.steps} steps in float64; received others, {off:.1%} of the way off"
