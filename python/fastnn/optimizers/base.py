"""The base classes of optimizers: the settings that all share, and the learning rate.

An optimizer object holds settings alone. The trainer holds its slots, the numbers beside each weight.
"""

from __future__ import annotations

from typing import Any, Self, TypedDict

import numpy as np
import numpy.typing as npt

from fastnn import schedules
from fastnn.arguments import finite, flag, fraction, integer, name_or
from fastnn.by_name import Configured
from fastnn.schedules import LearningRateSchedule


class Optimizer(Configured):
    """Base class of all optimizers.

    >>> from fastnn.optimizers import Adam, Optimizer
    >>> isinstance(Adam(), Optimizer)
    True
    """

    _instead_of_a_subclass = "use one of fastnn.optimizers"
    name: str
    _kind: str  # in the core
    _settings: tuple[str, ...] = ()  # the arguments that the core takes, besides those of GradientOptimizer

    def _core_settings(self) -> tuple[str, dict[str, float]]:
        """Return the name and the settings, as the core takes them; flags are 0 or 1."""
        return self._kind, {name: float(getattr(self, name)) for name in self._settings}


class AdamWCommon(TypedDict, total=False):
    """The arguments that all optimizers with a learning rate take, besides the one that AdamW names itself."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: None
    gradient_accumulation_steps: int | None
    name: str | None


class Common(AdamWCommon, total=False):
    """The arguments that all optimizers with a learning rate take."""

    weight_decay: float | None


_COMMON = (
    *("name", "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"),
    *("use_ema", "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps"),
)


class GradientOptimizer(Optimizer):
    """An optimizer with a learning rate, which changes the weights after each batch by the batch's gradient.

    A step: the gradients are clipped, the weights decay, ``w -= w * weight_decay * learning_rate``, then comes the
    optimizer's own update, the constraints, and the average.

    learning_rate: a finite number of at least 0, or a schedule of fastnn.schedules. Keras refuses integers; fastnn
        does not.
    weight_decay: default None, none; AdamW has 0.004. It applies to all weights; see exclude_from_weight_decay().
    clipnorm, global_clipnorm, clipvalue: the largest norm of each weight's gradient, the largest norm of all gradients
        together, the largest size of each number; default None. At most one of them.
    use_ema: whether the average of the weights over steps replaces them when fit() ends, and every
        ema_overwrite_frequency steps. ema_momentum: default 0.99.
    gradient_accumulation_steps: the number of batches, at least 2, whose mean gradient makes one update; default None.
    loss_scale_factor: only None, since fastnn does not train in half precision.
    name: default the kind's name.
    Raises ValueError for others.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        self._learning_rate = _rate(learning_rate)
        self.weight_decay = None if weight_decay is None else finite("weight_decay", weight_decay, least=0)
        self.clipnorm = None if clipnorm is None else finite("clipnorm", clipnorm, above=0)
        self.clipvalue = None if clipvalue is None else finite("clipvalue", clipvalue, above=0)
        self.global_clipnorm = None if global_clipnorm is None else finite("global_clipnorm", global_clipnorm, above=0)
        given = {each: getattr(self, each) for each in ("clipnorm", "clipvalue", "global_clipnorm")}
        if sum(value is not None for value in given.values()) > 1:
            said = ", ".join(f"{each}={value}" for each, value in given.items())
            raise ValueError(f"expected at most one of clipnorm, clipvalue and global_clipnorm; received {said}")
        self.use_ema, self.ema_momentum = flag("use_ema", use_ema), fraction("ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = _optional("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        if loss_scale_factor is not None:
            raise ValueError(
                "expected loss_scale_factor=None, since fastnn does not train in half precision; "
                f"received loss_scale_factor={loss_scale_factor!r}"
            )
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = _optional("gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.name = name_or(self._kind, name)
        self._iterations = 0  # batches that fit() has trained on
        self._excluded: tuple[str, ...] = ()

    @property
    def learning_rate(self) -> float | LearningRateSchedule:
        """The learning rate, a float: that of the next step if it follows a schedule.

        Set it to a number, also while fit() runs, from a callback. A schedule cannot be replaced by a number.
        Raises ValueError for other values, TypeError if the optimizer has a schedule.

        >>> optimizer = fastnn.optimizers.Adam()
        >>> optimizer.learning_rate = 0.01
        >>> optimizer.learning_rate
        0.01
        """
        rate = self._learning_rate
        return rate(self._iterations) if isinstance(rate, LearningRateSchedule) else rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | LearningRateSchedule) -> None:
        """Set the learning rate."""
        given = _rate(learning_rate)
        if isinstance(self._learning_rate, LearningRateSchedule) and not isinstance(given, LearningRateSchedule):
            raise TypeError(
                f"expected an optimizer whose learning rate is a number; {self.name} has the schedule "
                f"{self._learning_rate!r}; make a new one with learning_rate={given!r}"
            )
        self._learning_rate = given

    @property
    def iterations(self) -> int:
        """The number of updates so far; fit() counts them.

        >>> fastnn.optimizers.Adam().iterations
        0
        """
        return self._iterations // (self.gradient_accumulation_steps or 1)

    def exclude_from_weight_decay(self, var_list: None = None, var_names: list[str] | None = None) -> None:
        """Exempt the weights whose names contain one of var_names, such as "bias", from weight_decay.

        var_list: only None: name the weights. Raises ValueError for others.

        >>> optimizer = fastnn.optimizers.AdamW()
        >>> optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        """
        if var_list:
            raise ValueError('expected var_names, such as ["bias"], and no var_list, since weights have no objects')
        names = () if var_names is None else tuple(var_names)
        if isinstance(var_names, str) or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f'expected var_names to be a list of names, such as ["bias"]; received {var_names!r}')
        self._excluded = names

    def _decays(self, weight: str) -> bool:
        """Whether weight_decay applies to a weight of this name."""
        return not any(name in weight for name in self._excluded)

    def _rates(self, first: int, steps: int) -> npt.NDArray[np.float64]:
        """Return the learning rates of ``steps`` batches; ``first`` batches were before."""
        rate = self._learning_rate
        if not isinstance(rate, LearningRateSchedule):
            return np.full(steps, rate)
        rates = rate.rates(first, steps)
        wrong = np.flatnonzero(~np.isfinite(rates) | (rates < 0))
        if len(wrong):
            raise ValueError(
                f"expected learning rates that are finite and at least 0; {rate!r} has {rates[wrong[0]]} "
                f"at step {first + wrong[0]}"
            )
        return rates

    def _core_settings(self) -> tuple[str, dict[str, float]]:
        kind, settings = super()._core_settings()
        common = {each: getattr(self, each) or 0.0 for each in ("weight_decay", "clipnorm", "clipvalue")}
        common["global_clipnorm"] = self.global_clipnorm or 0.0
        common["ema_momentum"] = self.ema_momentum if self.use_ema else 0.0
        common["ema_overwrite_frequency"] = float(self.ema_overwrite_frequency or 0) if self.use_ema else 0.0
        common["accumulation_steps"] = float(self.gradient_accumulation_steps or 1)
        return kind, settings | common

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments of an equal optimizer, in JSON's types; not its slots.

        >>> fastnn.optimizers.Adam(0.01).get_config()["learning_rate"]
        0.01
        """
        rate = self._learning_rate
        config = {each: getattr(self, each) for each in _COMMON if each != "learning_rate"}
        config |= {each: getattr(self, each) for each in self._arguments if each != "learning_rate"}
        given = schedules.serialize(rate) if isinstance(rate, LearningRateSchedule) else rate
        return {"name": config.pop("name"), "learning_rate": given} | config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return an optimizer with the arguments that get_config() returned.

        >>> fastnn.optimizers.Adam.from_config({"learning_rate": 0.01}).learning_rate
        0.01
        """
        rate = config.get("learning_rate")
        return cls(**(config | {"learning_rate": schedules.deserialize(rate)} if isinstance(rate, dict) else config))


def _rate(value: Any) -> float | LearningRateSchedule:
    if isinstance(value, LearningRateSchedule):
        return value
    if callable(value):
        raise ValueError(
            "expected learning_rate to be a number or a schedule of fastnn.schedules; for a function, make a subclass "
            f"of LearningRateSchedule with __call__(step); received learning_rate={value!r}"
        )
    return finite("learning_rate", value, least=0)


def _optional(name: str, value: int | None, least: int) -> int | None:
    return None if value is None else integer(name, value, least=least)
