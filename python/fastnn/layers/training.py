"""What training has to know of a layer: whether it trains, its penalties, constraints and learning rates.

Prediction needs none of it. A config leaves out what is at its default, so files of layers without it do not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn import _core, constraints, regularizers
from fastnn.arguments import finite, flag
from fastnn.constraints import Constraint
from fastnn.initializers import lookup
from fastnn.initializers.base import Initializer
from fastnn.regularizers import Regularizer
from fastnn.strict import Strict
from fastnn.text import did_you_mean

# The arguments of all layers that are kept in configs.
KEPT = frozenset(("trainable", "activity_regularizer", "learning_rate_multipliers"))


def is_of_training(argument: str) -> bool:
    """Whether the argument of a layer decides no answer.

    >>> is_of_training("kernel_regularizer"), is_of_training("units")
    (True, False)
    """
    return argument in KEPT or argument.endswith(("_regularizer", "_constraint"))


def serialized(value: object) -> Any:
    """Return an argument of a layer in JSON's types.

    >>> serialized(regularizers.L2(0.5)), serialized(3)
    ({'class_name': 'L2', 'config': {'l2': 0.5}}, 3)
    """
    if isinstance(value, Initializer):
        return lookup.serialize(value)
    if isinstance(value, Regularizer):
        return regularizers.serialize(value)
    return constraints.serialize(value) if isinstance(value, Constraint) else value


class Trainable(Strict):
    """The part of a layer that training reads."""

    _class_name: str  # in _core.layers
    _not_trained: frozenset[str] = frozenset()  # the weights that are statistics of data
    _learns_from_batches = False  # whether they are those of the batches of fit()

    def __init__(
        self, trainable: bool, activity_regularizer: object, learning_rate_multipliers: Mapping[str, float] | None
    ) -> None:
        self._trainable = flag("trainable", trainable)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.learning_rate_multipliers = self._checked_multipliers(learning_rate_multipliers)

    def _checked_multipliers(self, given: Mapping[str, float] | None) -> dict[str, float]:
        if not isinstance(given, (Mapping, type(None))):
            raise ValueError(
                f"expected learning_rate_multipliers to be a dict of names of weights and factors; received {given!r}"
            )
        _, _, weights = _core.layers[self._class_name]
        factors = {}
        for name, factor in (given or {}).items():
            if name not in weights:
                raise ValueError(
                    f"expected learning_rate_multipliers for {', '.join(map(repr, weights)) or 'no weight'}, "
                    f"the weights of {type(self).__name__}; received {name!r}{did_you_mean(name, weights)}"
                )
            factors[name] = finite(f"learning_rate_multipliers[{name!r}]", factor, least=0)
        return factors

    @property
    def trainable(self) -> bool:
        """Whether fit() changes the weights; default True. Set it to False to freeze the layer.

        A frozen BatchNormalization computes as in prediction. The next call of fit() sees a change.
        Raises ValueError for others than True and False.

        >>> layer = Dense(3)
        >>> layer.trainable = False
        >>> layer.trainable
        False
        """
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        """Freeze the layer or thaw it."""
        self._trainable = flag("trainable", trainable)

    def _training_config(self) -> dict[str, Any]:
        """Return the arguments of KEPT that are not at their defaults."""
        config: dict[str, Any] = {} if self.trainable else {"trainable": False}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialized(self.activity_regularizer)
        if self.learning_rate_multipliers:
            config["learning_rate_multipliers"] = dict(self.learning_rate_multipliers)
        return config

    def _noise(self) -> tuple[str, float, int | None] | None:
        """Return the kind, the rate and the seed of the noise that training adds; None for none.

        Without a seed, that of fit() decides.
        """
        return None

    def _training_options(self) -> dict[str, Any]:
        """Return what the core's trainer takes of the layer besides its description."""
        _, _, table = _core.layers[self._class_name]
        weights = [name for name, (_, _, option) in table.items() if option is None or getattr(self, option)]
        learns = self._learns_from_batches or any(name not in self._not_trained for name in weights)
        options: dict[str, Any] = {"trainable": self.trainable and (learns or not weights)}
        options["multipliers"] = {name: x for name, x in self.learning_rate_multipliers.items() if name in weights}
        penalties = {name: getattr(self, f"{name}_regularizer", None) for name in weights}
        options["regularizers"] = {name: x._factors() for name, x in penalties.items() if x is not None}
        bounds = {name: getattr(self, f"{name}_constraint", None) for name in weights}
        options["constraints"] = {name: x._core_settings() for name, x in bounds.items() if x is not None}
        if self.activity_regularizer is not None:
            options["activity"] = self.activity_regularizer._factors()
        noise = self._noise()
        if noise is not None and noise[1] > 0:
            options["noise"] = noise
        return options
