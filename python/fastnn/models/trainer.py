"""The trainer of a compiled model: the core's object, which owns weights and slots while it trains.

push() gives it the weights that somebody has set since, pull() gives its weights to the layers. Both are cheap if
nothing has changed: states of layers never change, so they are compared by identity. offer() lets the layers pull once
somebody reads their weights.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import _core
from fastnn.arithmetic import ordered_sum
from fastnn.arrays import Array
from fastnn.layers.dense import Dense
from fastnn.layers.layer import Layer, State
from fastnn.locks import changes
from fastnn.models.batches import Chunk
from fastnn.optimizers.full_batch import LBFGS


class NonFiniteLossError(ValueError):
    """Training stopped before a step whose loss is NaN or infinite; the model keeps the weights of the step before.

    epoch, step: the numbers of the step, from 0. layer: the name of the first layer whose outputs are not finite, or
    None if only the loss is not. model.history holds the epochs before.
    """

    epoch: int | None = None
    step: int | None = None
    layer: str | None = None


def check_derivatives(layers: list[Layer]) -> None:
    """Raise ValueError if weights are to be trained through an activation without a derivative."""
    has_weights = False
    for layer in layers:
        has_weights = has_weights or (layer.trainable and bool(layer.weight_shapes(1)))
        if has_weights and layer.activation == "step":
            raise ValueError(
                f"expected activations with a derivative; received 'step' in layer '{layer.name}': train with "
                "'sigmoid' or 'hard_sigmoid', or set trainable=False for this layer and all before it"
            )


class Trainer:
    """What trains a model: its weights, the optimizer's slots, the loss."""

    def __init__(
        self, model: Any, optimizer: Any, loss: Any, seed: int | None, state: dict[str, Any] | None = None
    ) -> None:
        with changes:
            check_derivatives(model._layers)
            states = model._states(model._known_inputs())
            model._adopt(states)
            self.layers: list[Layer] = list(model._layers)
            self.options, self._key = _options(self.layers, optimizer), _changeable(self.layers, optimizer)
            descriptions = model._descriptions(states)
        self.optimizer, self.loss = optimizer, loss
        self.seed = seed if seed is not None or state is None else state["seed"]  # None: nothing was random so far
        self.has_noise = any("noise" in each for each in self.options)
        self.units: int = descriptions[-1].units
        self._states = list(states)
        self._trained = False  # whether its weights are newer than the layers'
        self._offered = False  # whether the layers know that
        self._reference = weakref.ref(self)
        self._settings = optimizer._core_settings()
        self._function = loss if loss._core_settings() is None else None
        self._is_full_batch = isinstance(optimizer, LBFGS)  # takes the core's gradients, and steps in Python
        self._core_optimizer = ("sgd", {}) if self._is_full_batch else self._settings
        self.dtype = np.dtype(model.dtype)
        self.core = self._new_core(descriptions)
        self._shapes = [{name: array.shape for name, array in each.weights.items()} for each in states]
        if state is not None and state["shapes"] == self._shapes:
            self._take(state)
        else:
            optimizer._iterations = 0

    def _new_core(self, descriptions: list[Any]) -> Any:
        return core_of(*self._arguments(descriptions, self._core_optimizer))

    def _arguments(self, descriptions: list[Any], optimizer: Any) -> tuple[Any, ...]:
        layers, loss = list(zip(descriptions, self.options, strict=True)), self.loss._core_settings()
        return self.dtype.name, self._states[0].inputs, layers, loss, optimizer, self.seed or 0

    def arguments(self) -> tuple[Any, ...]:
        """Return the arguments of core_of() for other processes: the weights of now, and no optimizer's state."""
        self.push()
        self.pull()
        return self._arguments([layer._description(state) for layer, state in self._pairs()], ("sgd", {}))

    def apply(self, gradients: Array) -> None:
        """Take a step by the sum of what the core's block_gradients() returned for a batch."""
        self.push()
        rate = float(self.optimizer._rates(self.core.batches(), 1)[0])
        try:
            self.core.apply(gradients, rate)
        finally:
            self._trained = True
            self.optimizer._iterations = self.core.batches()

    def state(self) -> dict[str, Any]:
        """Return the optimizer's state, for trainers of models with weights of the same shapes."""
        state = {**self.core.state(), "shapes": self._shapes, "seed": self.seed}
        if self._is_full_batch:  # the core counts no steps of others
            state["iterations"] = self.optimizer._iterations
        return state

    def state_for(self, layers: Sequence[Layer]) -> dict[str, Any]:
        """Return the state for a trainer of these layers, without the slots of layers that they replace."""
        state = self.state()
        kept = {i for i, (layer, own) in enumerate(zip(layers, self.layers, strict=False)) if layer is own}
        slots = {name: slot for name, slot in state["slots"].items() if int(name.split("/")[1]) in kept}
        return state | {"slots": slots}

    def check_slots(self, state: dict[str, Any]) -> None:
        """Raise ValueError for a state() of an optimizer with other numbers beside the weights."""
        own, given = ({name.split("/")[0] for name in each["slots"]} for each in (self.core.state(), state))
        if own != given:
            said = (", ".join(sorted(slots)) or "nothing" for slots in (own, given))
            raise ValueError(
                "expected the state of an optimizer that keeps {}; received one that keeps {}".format(*said)
            )

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state(), whose seed decides what layers like Dropout draw."""
        if state["seed"] != self.seed:
            self.seed, self._states = state["seed"], [layer._state or old for layer, old in self._pairs()]
            self.core = self._new_core([layer._description(now) for layer, now in self._pairs()])
        self._take(state)

    def _pairs(self) -> Iterator[tuple[Layer, Any]]:
        return zip(self.layers, self._states, strict=True)

    def _take(self, state: dict[str, Any]) -> None:
        """Take a state without its seed. Weights that were not trained then, and are now, have fresh slots.

        Their averages begin with the weights, as at the first step.
        """
        own = self.core.state()["slots"]
        for name in own.keys() - state["slots"].keys():
            kind, layer, weight = name.split("/")
            if kind == "average" and state["iterations"] > 0:
                own[name] = self.core.weights(int(layer))[weight]
        slots = own | {name: array for name, array in state["slots"].items() if name in own}
        self.core.set_state({"iterations": state["iterations"], "accumulated": state["accumulated"], "slots": slots})
        self.optimizer._iterations = self.core.batches()

    def fits(self, model: Any, seed: int | None) -> bool:
        """Return whether it still is the trainer of the model, with this seed if layers draw random numbers."""
        if self.has_noise and seed not in (None, self.seed):
            return False
        return self.has_layers_of(model) and self._key == _changeable(self.layers, self.optimizer)

    def has_layers_of(self, model: Any) -> bool:
        """Return whether the model still has the layers, in the same order."""
        return len(self.layers) == len(model._layers) and all(map(_is, self.layers, model._layers))

    def push(self) -> None:
        """Take the weights of layers whose weights somebody has set."""
        for i, layer in enumerate(self.layers):
            if layer._source is self._reference:
                continue  # asks for this trainer's own
            state = layer._state
            if state is not self._states[i] and state is not None:
                self.core.set_weights(i, state.weights)
                self._states[i] = state

    def offer(self) -> None:
        """Let the layers pull the weights of the last step once somebody reads them: few programs read those of each.

        A layer that asks already need not be told again: pull() forgets first that it does, then takes the weights.
        """
        if not self._offered:
            with changes:
                for layer, state in self._pairs():
                    if state.weights:
                        layer._ask(self._reference)
                self._offered = True

    def pull(self) -> None:
        """Give the layers the weights of the last step."""
        if not self._trained:
            return
        with changes:
            asking = [layer for layer in self.layers if layer._source is self._reference]
            offered = self._offered
            for layer in asking:
                layer._source = None
            self._trained = self._offered = False
            try:
                self._give()
            except BaseException:  # Ctrl-C, too little memory, a fork in the midst of a step: layers go on asking
                for layer in asking:
                    layer._source = self._reference
                self._trained, self._offered = True, offered
                raise

    def _give(self) -> None:
        for i, layer in enumerate(self.layers):
            state = layer._state
            if state is not self._states[i] or state is None or not state.weights:
                continue  # somebody's weights, newer than the last step
            weights = {name: array for name, array in self.core.weights(i).items() if name in state.weights}
            for array in weights.values():
                array.flags.writeable = False
            self._states[i] = state._replace(weights={name: weights[name] for name in state.weights})
            layer._set_state(self._states[i])

    def __del__(self) -> None:
        """Leave the weights to layers that somebody still has, but not while Python ends."""
        if getattr(self, "_offered", False) and not sys.is_finalizing():
            self.pull()

    def average(self) -> None:
        """Replace the weights by their moving average, if the optimizer keeps one."""
        if self._settings[1].get("ema_momentum", 0) > 0 and self.core.iterations() > 0:
            self.core.average()
            self._trained = True

    def exchange_average(self, *, both: bool = True) -> None:
        """Exchange the weights with their moving average; both=False: the average becomes the weights."""
        self.push()
        state = self.core.state()
        slots: dict[str, Array] = state["slots"]
        for name, average in slots.items():
            kind, layer, weight = name.split("/", 2)
            if kind == "average" and self.core.iterations() > 0:  # before the first step it is of zeros
                slots[name] = self.core.weights(int(layer))[weight]
                if both:
                    self.core.set_weights(int(layer), {weight: average})
                    self._trained = True
        self.core.set_state(state)
        self.pull()

    def train(
        self, chunk: Chunk, outputs: bool, losses: npt.NDArray[np.float64] | None = None
    ) -> tuple[npt.NDArray[np.float64], int | None, Array | None]:
        """Run the chunk's steps: the loss of each, the layer of a loss that is not finite, the outputs if wanted.

        The last loss may be not finite; then that step was not applied (_core.Trainer.train).
        losses: an array for them, which has those of the steps before Ctrl-C too.
        """
        self.push()
        rates = self.optimizer._rates(self.core.batches(), chunk.steps)
        self._trained = True
        try:
            if self._function is not None:
                return self._train_by_function(chunk, rates, outputs)
            predictions = np.empty((chunk.rows, self.units), self.dtype) if outputs else None
            x, y, weights, order, batch_size, _ = chunk
            losses = np.empty(chunk.steps) if losses is None else losses
            done, layer = self.core.train(x, y, weights, order, batch_size, rates, predictions, losses)
            return done, layer, predictions
        finally:
            self._trained = True  # again: a signal handler, or another thread before the step, may have pulled
            self.optimizer._iterations = self.core.batches()

    def _train_by_function(
        self, chunk: Chunk, rates: npt.NDArray[np.float64], outputs: bool
    ) -> tuple[npt.NDArray[np.float64], int | None, Array | None]:
        """Run the steps of a chunk with a loss in Python, one forward and one backward each."""
        assert self._function is not None
        order = np.arange(chunk.rows) if chunk.order is None else chunk.order
        losses, predictions = [], []
        for step in range(chunk.steps):
            rows = order[step * chunk.batch_size : (step + 1) * chunk.batch_size]
            y, weights = chunk.y[rows], None if chunk.weights is None else chunk.weights[rows]
            predicted = self.core.forward(chunk.x[rows])
            predictions.append(predicted)
            given = predicted.copy() if outputs else predicted  # the function may change it
            row_losses, gradient = self._function._rows(y, given)
            if weights is not None:
                row_losses, gradient = row_losses * weights, gradient * weights[:, None]
            loss = float(ordered_sum(0.0, row_losses)) / len(rows) + self.core.penalty() + self.core.activity()
            losses.append(loss)
            if not np.isfinite(loss):
                return np.array(losses), -1, None
            with np.errstate(over="ignore"):
                mean = np.asarray(gradient / len(rows), self.dtype)
            if not np.isfinite(mean).all():
                raise ValueError(
                    f"expected {self._function.name}(y, y_pred) to return a gradient within the range of "
                    f"{self.dtype}; received {np.abs(gradient).max()}"
                )
            self.core.backward(mean, float(rates[step]))
        return np.array(losses), None, np.concatenate(predictions) if outputs else None

    def evaluate(self, chunk: Chunk, outputs: bool) -> tuple[npt.NDArray[np.float64], Array | None]:
        """Return what each row adds to the loss, its own times its weight and its activity's, and wanted outputs."""
        self.push()
        wanted = outputs or self._function is not None
        predictions = np.empty((chunk.rows, self.units), self.dtype) if wanted else None
        losses = self.core.evaluate(chunk.x, None if self._function else chunk.y, chunk.weights, predictions)
        if self._function is not None and predictions is not None:
            copies = chunk.y.copy(), predictions.copy()  # the function may change them
            own = np.asarray(self._function._rows(*copies)[0], np.float64)
            losses += own if chunk.weights is None else own * chunk.weights
        return losses, predictions

    def penalty(self) -> float:
        """Return the regularization loss of the weights."""
        return float(self.core.penalty())

    def rows_of_a_moment(self) -> int:
        """Return the most rows of one call for several epochs: 20 ms of work at 100 GFLOP/s, and an order of 8 MB."""
        weights: int = sum(math.prod(shape) for shapes in self._shapes for shape in shapes.values())
        return min(1 << 20, 2**31 // (6 * max(1, weights)))

    def steps_of_memory(self, batch_size: int, bytes_of_outputs: int = 16 << 20) -> int:
        """Return how many steps may keep their outputs, so that these take at most some megabytes."""
        return int(max(1, bytes_of_outputs // (batch_size * self.units * self.dtype.itemsize)))


def core_of(dtype: str, *arguments: Any) -> Any:
    """Return a trainer of the core: (dtype, inputs, layers, loss, optimizer, seed).

    >>> core_of("float64", 1, [(Dense(1)._description(State(1, "float64", {"kernel": np.ones((1, 1))})), {})],
    ...     ("mean_squared_error", {}), ("sgd", {}), 0).penalty()
    0.0
    """
    return (_core.Trainer32 if dtype == "float32" else _core.Trainer64)(*arguments)


def slot_names(optimizer: Any) -> list[str]:
    """Return the names of the numbers that an optimizer keeps beside each weight.

    >>> from fastnn.optimizers import Adam
    >>> slot_names(Adam())
    ['momentum', 'velocity']
    """
    if isinstance(optimizer, LBFGS):
        return []
    description = Dense(1, use_bias=False)._description(State(1, "float64", {"kernel": np.zeros((1, 1))}))
    loss: tuple[str, dict[str, float]] = ("mean_squared_error", {})
    core = core_of("float64", 1, [(description, {})], loss, optimizer._core_settings(), 0)
    return [name.split("/")[0] for name in core.state()["slots"]]


def _options(layers: list[Layer], optimizer: Any) -> list[dict[str, Any]]:
    """Return how to train each layer: what it says, and which of its weights decay."""
    options = []
    for layer in layers:
        decays = {name: getattr(optimizer, "_decays", bool)(name) for name in layer.weight_shapes(1)}
        options.append(layer._training_options() | ({} if all(decays.values()) else {"decays": decays}))
    return options


def _changeable(layers: list[Layer], optimizer: Any) -> tuple[Any, ...]:
    """Return all of _options() that can change: the other arguments of layers and optimizers cannot."""
    factors = [dict(layer.learning_rate_multipliers) for layer in layers]
    return [layer._trainable for layer in layers], factors, getattr(optimizer, "_excluded", ())


def _is(one: object, other: object) -> bool:
    return one is other
