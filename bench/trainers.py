"""The libraries that the training benchmarks time: fastnn and its peers, each as its own manual advises.

An adapter is a function make(task, shuffle) that returns train(epochs) and weights(). train goes on training float32
weights with Adam, whole epochs of task.x and task.y, in a new order each if shuffle is true. weights returns a
(kernel, bias) of each layer. The caller limits threads by environment variables, before any library is imported.
"""

import os
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from tasks import BETA_1, BETA_2, EPSILON, RATE


def _sequential(layers, models, optimizers, task, shuffle):
    """Train by compile and fit, of fastnn or Keras: the programs are the same but for their imports."""
    *hidden, outputs = task.sizes[1:]
    last = {"mse": "linear", "cross-entropy": "softmax"}[task.loss]
    dense = [*(layers.Dense(units, task.activation) for units in hidden), layers.Dense(outputs, last)]
    model = models.Sequential([layers.Input((task.sizes[0],)), *dense])
    model.set_weights([array for pair in task.weights for array in pair])
    loss = {"mse": "mse", "cross-entropy": "sparse_categorical_crossentropy"}[task.loss]
    model.compile(optimizers.Adam(RATE, BETA_1, BETA_2, EPSILON), loss)

    def train(epochs):
        model.fit(task.x, task.y, batch_size=task.batch, epochs=epochs, shuffle=shuffle, verbose=0)

    return train, lambda: _pairs(model.get_weights())


def _pairs(arrays):
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def fastnn(task, shuffle):
    from fastnn import layers, models, optimizers

    return _sequential(layers, models, optimizers, task, shuffle)


def keras(task, shuffle):
    os.environ["KERAS_BACKEND"] = "jax"
    from keras import layers, models, optimizers

    return _sequential(layers, models, optimizers, task, shuffle)


def scikit_learn(task, shuffle):
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    class WithWeights:
        """Begins with the task's weights instead of random ones."""

        def _init_coef(self, inputs, units, dtype):
            kernel, bias = next(weights)
            return kernel.copy(), bias.copy()

    weights = iter(task.weights)
    base = MLPRegressor if task.loss == "mse" else MLPClassifier
    # Its gradient of mse is that of the sum over outputs, by half. Adam takes no notice, but for epsilon.
    scale = task.sizes[-1] / 2 if task.loss == "mse" else 1
    model = type("Model", (WithWeights, base), {})(
        hidden_layer_sizes=task.sizes[1:-1],
        activation=task.activation,
        alpha=0,
        batch_size=task.batch,
        learning_rate_init=RATE,
        shuffle=shuffle,
        beta_1=BETA_1,
        beta_2=BETA_2,
        epsilon=EPSILON * scale,
    )
    classes = {} if task.loss == "mse" else {"classes": np.arange(task.sizes[-1])}
    y = task.y[:, 0] if task.y.shape[1:] == (1,) else task.y

    def train(epochs):
        for _ in range(epochs):
            model.partial_fit(task.x, y, **classes)

    return train, lambda: list(zip(model.coefs_, model.intercepts_, strict=True))


def torch(task, shuffle):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    layers = []
    for kernel, bias in task.weights:
        layer = torch.nn.Linear(*kernel.shape)
        layer.weight.data, layer.bias.data = torch.from_numpy(kernel.T.copy()), torch.from_numpy(bias.copy())
        layers += [layer, torch.nn.ReLU() if task.activation == "relu" else torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), RATE, (BETA_1, BETA_2), EPSILON, foreach=True)
    loss = torch.nn.MSELoss() if task.loss == "mse" else torch.nn.CrossEntropyLoss()
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y)

    def train(epochs):
        for _ in range(epochs):
            order = torch.randperm(len(x)) if shuffle else torch.arange(len(x))
            for rows in order.split(task.batch):
                optimizer.zero_grad()
                loss(model(x[rows]), y[rows]).backward()
                optimizer.step()

    return train, lambda: _pairs([each.detach().numpy().T for each in model.parameters()])


def _jax(task):
    """Return (step, state): step(state, x, y) is a step of Adam, state is (weights, means, squares, steps done)."""
    import jax
    from jax import numpy as jnp

    jax.config.update("jax_cpu_enable_async_dispatch", False)  # halves the time of small calls; no second thread
    activate = {"relu": jax.nn.relu, "tanh": jnp.tanh}[task.activation]

    def loss(weights, x, y):
        for kernel, bias in weights[:-1]:
            x = activate(x @ kernel + bias)
        x = x @ weights[-1][0] + weights[-1][1]
        if task.loss == "mse":
            return jnp.mean((x - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1))

    def step(state, x, y):
        weights, means, squares, count = state
        gradients, count = jax.grad(loss)(weights, x, y), count + 1
        means = jax.tree.map(lambda m, g: m + (1 - BETA_1) * (g - m), means, gradients)
        squares = jax.tree.map(lambda v, g: v + (1 - BETA_2) * (g * g - v), squares, gradients)
        rate = RATE * jnp.sqrt(1 - BETA_2**count) / (1 - BETA_1**count)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, means, squares)
        return weights, means, squares, count

    zeros = [jax.tree.map(jnp.zeros_like, task.weights) for _ in range(2)]
    return step, (jax.tree.map(jnp.array, task.weights), *zeros, jnp.float32(0))


def _order(task, shuffle):
    return np.random.permutation(len(task.x)) if shuffle else np.arange(len(task.x))  # noqa: NPY002


def jax_step(task, shuffle):
    import jax

    step, state = _jax(task)
    step = jax.jit(step, donate_argnums=0)

    def train(epochs):
        nonlocal state
        for _ in range(epochs):
            for rows in _order(task, shuffle).reshape(-1, task.batch):
                state = step(state, task.x[rows], task.y[rows])
        jax.block_until_ready(state)

    return train, lambda: jax.tree.map(np.array, state[0])


def jax_scan(task, shuffle):
    import jax

    step, state = _jax(task)
    x, y = jax.numpy.asarray(task.x), jax.numpy.asarray(task.y)

    def epoch(state, x, y, order):
        return jax.lax.scan(lambda state, rows: (step(state, x[rows], y[rows]), None), state, order)[0]

    epoch = jax.jit(epoch, donate_argnums=0)

    def train(epochs):
        nonlocal state
        for _ in range(epochs):
            state = epoch(state, x, y, _order(task, shuffle).reshape(-1, task.batch))
        jax.block_until_ready(state)

    return train, lambda: jax.tree.map(np.array, state[0])


# name -> adapter, and the packages that it needs; the version of the first one is reported
TRAINERS = {
    "fastnn": (fastnn, ["fastnn-cpu"]),
    "scikit-learn": (scikit_learn, ["scikit-learn"]),
    "torch": (torch, ["torch"]),
    "keras-jax": (keras, ["keras", "jax"]),
    "jax-step": (jax_step, ["jax"]),
    "jax-scan": (jax_scan, ["jax"]),
}


def installed():
    """Return name -> version of each library, None if one of its packages is not installed. fastnn is always there."""
    import fastnn

    found = {}
    for name, (_, packages) in TRAINERS.items():
        try:
            found[name], *_ = [fastnn.__version__ if each == "fastnn-cpu" else version(each) for each in packages]
        except PackageNotFoundError:
            found[name] = None
    return found
