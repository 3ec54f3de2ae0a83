"""The optimizers with a learning rate. The core's table (_core.optimizers) has their slots; docs the formulas."""

from __future__ import annotations

from typing import Unpack

from fastnn.arguments import finite, flag, fraction
from fastnn.optimizers.base import AdamWCommon, Common, GradientOptimizer
from fastnn.schedules import LearningRateSchedule


class SGD(GradientOptimizer):
    """``w -= learning_rate * g``; with momentum ``v = momentum * v - learning_rate * g`` and ``w += v``.

    momentum: from 0 to 1; default 0. nesterov: whether ``w += momentum * v - learning_rate * g`` instead.
    All optimizers of fastnn.optimizers but LBFGS also take:

    learning_rate: a number of at least 0 (integers too, unlike in Keras), or a schedule of fastnn.schedules.
    weight_decay: ``w -= w * weight_decay * learning_rate`` before each update; default None.
    clipnorm, global_clipnorm, clipvalue: bounds of each gradient's norm, of the norm of all gradients together, of
        each number; default None. At most one of them.
    use_ema, ema_momentum, ema_overwrite_frequency: whether the weights' average over steps replaces them when fit()
        ends, and every ema_overwrite_frequency steps; default False, 0.99, None.
    gradient_accumulation_steps: the number of batches, at least 2, whose mean gradient makes one update; default None.
    loss_scale_factor: only None. name: default the kind's name.
    Raises ValueError for an invalid argument.

    >>> from fastnn.optimizers import SGD
    >>> SGD(0.1, momentum=0.9, clipnorm=1).get_config()["momentum"]
    0.9
    """

    _kind = "sgd"
    _settings = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum, self.nesterov = fraction("momentum", momentum), flag("nesterov", nesterov)


class Adam(GradientOptimizer):
    """Divides the gradient's average by the root of its square's average, both corrected for their start at 0.

    beta_1, beta_2: how much of the averages a step keeps, at least 0 and below 1. epsilon: added to the root; Keras'
    default is 1e-7 (PyTorch's 1e-8). amsgrad: whether to divide by the largest root so far.
    The other arguments are those of SGD.
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015.

    >>> from fastnn.optimizers import Adam
    >>> Adam(0.01).learning_rate
    0.01
    """

    _kind = "adam"
    _settings: tuple[str, ...] = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2 = fraction("beta_1", beta_1, below_1=True), fraction("beta_2", beta_2, below_1=True)
        self.epsilon, self.amsgrad = finite("epsilon", epsilon, least=0), flag("amsgrad", amsgrad)


class AdamW(Adam):
    """Adam with a weight_decay of 0.004. The other arguments are those of Adam and SGD.

    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", 2019.

    >>> from fastnn.optimizers import AdamW
    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[AdamWCommon],
    ) -> None:
        common.setdefault("name", "adamw")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common)


class RMSprop(GradientOptimizer):
    """Divides the gradient by the root of its square's average. Keras' default optimizer in compile().

    rho: how much of the average a step keeps, at least 0 and below 1. momentum: from 0 to 1. epsilon: added under the
    root. centered: whether the square of the gradient's average is subtracted under the root.
    The other arguments are those of SGD.

    >>> from fastnn.optimizers import RMSprop
    >>> RMSprop().rho
    0.9
    """

    _kind = "rmsprop"
    _settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho, self.momentum = fraction("rho", rho, below_1=True), fraction("momentum", momentum)
        self.epsilon, self.centered = finite("epsilon", epsilon, least=0), flag("centered", centered)


class Adagrad(GradientOptimizer):
    """Divides the gradient by the root of the sum of all its squares so far.

    initial_accumulator_value: where the sum begins, at least 0. epsilon: added under the root.
    The other arguments are those of SGD.

    >>> from fastnn.optimizers import Adagrad
    >>> Adagrad().initial_accumulator_value
    0.1
    """

    _kind = "adagrad"
    _settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = finite("initial_accumulator_value", initial_accumulator_value, least=0)
        self.epsilon = finite("epsilon", epsilon, least=0)


class Adadelta(GradientOptimizer):
    """Divides the gradient by the root of its square's average, and multiplies it by that of the last updates.

    rho: how much of the averages a step keeps, at least 0 and below 1. epsilon: added under both roots.
    The other arguments are those of SGD. Papers have a learning_rate of 1; Keras' default is 0.001.

    >>> from fastnn.optimizers import Adadelta
    >>> Adadelta(1.0).rho
    0.95
    """

    _kind = "adadelta"
    _settings = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho, self.epsilon = fraction("rho", rho, below_1=True), finite("epsilon", epsilon, least=0)


class Adamax(GradientOptimizer):
    """Adam that divides by the largest gradient, which decays, instead of a root of squares.

    beta_1, beta_2, epsilon: as in Adam. The other arguments are those of SGD.

    >>> from fastnn.optimizers import Adamax
    >>> Adamax().beta_2
    0.999
    """

    _kind = "adamax"
    _settings = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2 = fraction("beta_1", beta_1, below_1=True), fraction("beta_2", beta_2, below_1=True)
        self.epsilon = finite("epsilon", epsilon, least=0)


class Nadam(Adamax):
    """Adam with Nesterov's momentum. beta_1, beta_2, epsilon: as in Adam. The other arguments are those of SGD.

    >>> from fastnn.optimizers import Nadam
    >>> Nadam().beta_1
    0.9
    """

    _kind = "nadam"


class Lion(GradientOptimizer):
    """``w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)``, then ``m = beta_2 * m + (1 - beta_2) * g``.

    beta_1: more than 0, at most 1. beta_2: from 0 to 1. The other arguments are those of SGD.
    X. Chen and others, "Symbolic Discovery of Optimization Algorithms", 2023.

    >>> from fastnn.optimizers import Lion
    >>> Lion().beta_2
    0.99
    """

    _kind = "lion"
    _settings = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2 = fraction("beta_1", beta_1), fraction("beta_2", beta_2)
        if self.beta_1 == 0:
            raise ValueError(
                f"expected beta_1 to be more than 0, else only signs would count; received beta_1={beta_1!r}"
            )
