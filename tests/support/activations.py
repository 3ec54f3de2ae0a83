"""One row for each activation, in any order: its exact formula, the hashes of its outputs, its error bounds.

The hashes never change within numerics version 1: `python tests/golden.py` prints those of the present build, without a
row too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import formulas

INF = np.inf


@dataclass(frozen=True)
class Budget:
    """The error allowed with some parameters: ulps in float32 and float64; range; from where on the outputs rise.

    special: inputs, and the outputs that they give with these parameters, to the sign of zero.
    """

    ulps: tuple[int, int]
    range: tuple[float, float] = (-INF, INF)
    rises_from: float = -INF
    parameters: dict = field(default_factory=dict)
    special: tuple[list[float], list[float]] | None = None


@dataclass(frozen=True)
class WholeRowBudget:
    """The error allowed for rows of at most 30 in size, as a multiple of epsilon; the range."""

    error: Callable  # of the units and the exact answers
    range: tuple[float, float] = (-INF, INF)


@dataclass(frozen=True)
class Row:
    formula: Callable
    float32: str  # SHA-256 of golden.py's outputs
    float64: str
    budgets: list[Budget] | WholeRowBudget  # at least one has special values
    parameters: dict = field(default_factory=dict)  # of golden.py's models, and others of the tests


# The sum of e^x in softmax: e^x 1 ulp (float64: 2) off; x - max: half an ulp of |x - max| <= 60 in the exponent; a term
# meets at most units/16 + 4 additions.
ACTIVATIONS = {
    "linear": Row(
        lambda x: x,
        "cced5010d8085e08a63a8ac8da23e96b33d158833fe976b9a0425aa421c91b2f",
        "dbabaea943eb2b1c7649e9774dce117cf26ebfae99c5b8daa06ceaead3213c27",
        [
            Budget((0, 0), special=([0.0, -0.0, INF, -INF], [0.0, -0.0, INF, -INF])),
        ],
    ),
    "relu": Row(
        lambda x: np.where(x < 0, 0.0, x),
        "5c9dc0aca15b55228a9e92f0f12838f72d6b0db9c89cb95ba08d315e48787b72",
        "e4e3e22dc31cbd541e96f5c4af76950111b6ba0bc3e097475c5eebfa8eba571b",
        [
            Budget(
                (0, 0), (0, INF), special=([0.0, -0.0, INF, -INF, -1e-45, 1e-45], [0.0, -0.0, INF, 0.0, 0.0, 1e-45])
            ),
        ],
    ),
    "tanh": Row(
        np.tanh,
        "dadf16c37f6fb2e803895679e6f798dff3430a4fefacc3679d697bbdf4db72f1",
        "bc8aa2d6c9a39a432d3a0a47e364634ea09b654177783a9a3793cc49674cd7bf",
        [
            Budget((1, 2), (-1, 1), special=([0.0, -0.0, INF, -INF, 1e-45, 25.0], [0.0, -0.0, 1.0, -1.0, 1e-45, 1.0])),
        ],
    ),
    "sigmoid": Row(
        formulas.sigmoid,
        "afbbcf3cdf5e678ba95577262bfb9b6cb8f32323217cf8017f71e7c6317e67f7",
        "232edabffb7162de792603115c6fecd5b9bde48b76b9d4015e94925e4ee92bdc",
        [
            Budget(
                (1, 2), (0, 1), special=([0.0, -0.0, INF, -INF, 40.0, -1000000000.0], [0.5, 0.5, 1.0, 0.0, 1.0, 0.0])
            ),
        ],
    ),
    "softmax": Row(
        formulas.softmax,
        "77cec9e4638c2e01dfb69ddd74a7ae4e213a2c92f2aee2f38f080701b08c76d2",
        "999f4361fffa04aef784faeb37f45ba332f6b7eb6638811780501c286a5e9f4b",
        # Numerator and denominator; half an ulp of the division.
        WholeRowBudget(lambda units, y: (2 * 2 + 60 + units / 16 + 4 + 1) * y, (0, 1)),
    ),
    "step": Row(
        formulas.step,
        "35f1fa9393ca02ba8dd913854743507280fc5b73ebb4dc308f355d63d7c76820",
        "a04de5fd06481fddb2d791ceb4fe8a2a4dce09abade2f753e361f1f81799f223",
        [
            Budget((0, 0), (0, 1), special=([0.0, -0.0, INF, -INF, -1e-45, 1e-45], [1.0, 1.0, 1.0, 0.0, 0.0, 1.0])),
        ],
    ),
    "relu6": Row(
        lambda x: np.clip(x, 0.0, 6.0),
        "fa2fa1ee33d04a007e068230c09c4b4f93266247734243efb1da3f4a831afeb2",
        "e29008da96dd68f792b7bfdec623e6477ccafd88a10fcc97e74fbe158b86f0f0",
        [
            Budget((0, 0), (0, 6), special=([0.0, -0.0, INF, -INF, -1e-45, 1e-45], [0.0, -0.0, 6.0, 0.0, 0.0, 1e-45])),
        ],
    ),
    "hard_tanh": Row(
        lambda x: np.clip(x, -1.0, 1.0),
        "23470e80a7514d5a2dbc3b7a898c9cc85695e8403addb887bfbc7923d983abc7",
        "22b03fdc210f3824f9120ae5ff07219d418a6f56d86e0c013c68e1f043a4a3a9",
        [
            Budget((0, 0), (-1, 1), special=([0.0, -0.0, INF, -INF, 1e-45, 0.5], [0.0, -0.0, 1.0, -1.0, 1e-45, 0.5])),
        ],
    ),
    "hard_sigmoid": Row(
        lambda x: np.clip(x + 3.0, 0.0, 6.0) / 6.0,
        "9b06efd007ae88790aa5626c3d367f900816917d72cd599bf168c801eeffa190",
        "c5fea57efbd4b86e161e6521ff2722ee7be905b327401fa8dc7ef7c063aadc29",
        [
            Budget((1, 1), (0, 1), special=([0.0, -0.0, INF, -INF, 3.0, -3.0], [0.5, 0.5, 1.0, 0.0, 1.0, 0.0])),
        ],
    ),
    "softsign": Row(
        formulas.softsign,
        "325cffcdcea468592be1829a42bd36cef0f0100e269a21c4b1b223ac0c4ebc13",
        "89c472292507dc7401328e1f700666252d256fb0537d485634860cd2de56e655",
        [
            Budget((1, 1), (-1, 1), special=([0.0, -0.0, INF, -INF, 1e-45, 1.0], [0.0, -0.0, 1.0, -1.0, 1e-45, 0.5])),
        ],
    ),
    "leaky_relu": Row(
        lambda x, negative_slope: np.where(x < 0, negative_slope * x, x),
        "900b4d16774ce7c29658de8c2343895280307e390efe5dc0304471b3f6df7a34",
        "8b165a5a00bc95359aa907f92269e527eb5a7452128fd73279fd4524150c357c",
        [
            Budget(
                (1, 1),
                parameters={"negative_slope": 0.25},
                special=([0.0, -0.0, INF, -INF, -2.0], [0.0, -0.0, INF, -INF, -0.5]),
            ),
            Budget((1, 1), parameters={"negative_slope": 0.01}),
            Budget((1, 1), rises_from=0, parameters={"negative_slope": -0.3}),
        ],
        parameters={"negative_slope": 0.2},
    ),
    "clip": Row(
        lambda x, minimum, maximum: np.clip(x, minimum, maximum),
        "3f5f66d6e1012590c867349e3af7f6e89855a17e189b975cc214ceabd4b91c1f",
        "350f4dc181e78d485af8a22037f66d6a62c284200b5578ca729036b4b7f97426",
        [
            Budget(
                (0, 0),
                (-0.25, 3.5),
                parameters={"minimum": -0.25, "maximum": 3.5},
                special=([0.0, -0.0, INF, -INF, -3.0], [0.0, -0.0, 3.5, -0.25, -0.25]),
            ),
            Budget((0, 0), (1, INF), parameters={"minimum": 1.0, "maximum": INF}, special=([INF, -INF], [INF, 1.0])),
        ],
        parameters={"minimum": -0.25, "maximum": 0.5},
    ),
    "exponential": Row(
        np.exp,
        "f998b462c16e718944a50f93fbb782a483775850dc0481fdcbdc72e1e27f8d44",
        "cec33c9fea3bb3351f160d43945439e1ee86a25422ecc02988e5299febea9502",
        [
            Budget((1, 1), (0, INF), special=([0.0, -0.0, INF, -INF, 10000.0], [1.0, 1.0, INF, 0.0, INF])),
        ],
    ),
    "elu": Row(
        lambda x, alpha: np.where(x < 0, alpha * np.expm1(x), x),
        "2d53707609f2a75b9f205af097cbcab25e84a1181439419c38d116612b9a3986",
        "a818197d22a5cdebb65975c40ffb5c64b6fa40f04d1199b18ab38601e1ca0d1a",
        [
            Budget((1, 1), (-1, INF), parameters={"alpha": 1.0}),
            Budget((1, 1), parameters={"alpha": 0.3}, special=([0.0, -0.0, INF, -INF], [0.0, -0.0, INF, -0.3])),
            Budget((1, 1), rises_from=0, parameters={"alpha": -2.0}),
        ],
        parameters={"alpha": 0.7},
    ),
    "celu": Row(
        lambda x, alpha: np.where(x < 0, alpha * np.expm1(x / alpha), x),
        "11657618d35968dcdf61e8ae62a659e5347eff7f78221cb6a54324c9cdf5e0df",
        "cf2ac43e6a32e5318ea302d8ecb8a409f8ea6a59d0b92f848979a48be4ab8891",
        [
            Budget((1, 1), (-1, INF), parameters={"alpha": 1.0}),
            Budget((1, 1), parameters={"alpha": 0.3}, special=([0.0, -0.0, INF, -INF], [0.0, -0.0, INF, -0.3])),
            Budget((1, 1), parameters={"alpha": 1.7}),
        ],
        parameters={"alpha": 0.7},
    ),
    "selu": Row(
        formulas.selu,
        "c8b0ac0078518664f9a4f56039d2be493ccbbf34877f5d401b6e1398010baaf8",
        "d20cd49dad25c924ee07cb33a0c55a673675a92246cebf55c15ef89768c039ca",
        [
            Budget((1, 1), (-1.7580994, INF), special=([0.0, -0.0, INF], [0.0, -0.0, INF])),
        ],
    ),
    "silu": Row(
        formulas.silu,
        "b29a1095308f0c58c5be6adc049b083908612c728b7595631ffef782af038026",
        "a2e9172189a835658ae50ad302f501c23fee7ae29fc1bdf1aef78c1b00c9d3cc",
        [
            Budget((1, 1), (-0.2785, INF), rises_from=0, special=([0.0, -0.0, INF, -INF], [0.0, -0.0, INF, -0.0])),
        ],
    ),
    "hard_swish": Row(
        formulas.hard_swish,
        "df36ced9ea9e536b82eaee62eb51ade224149698e0b5ceae0b97cb32390d707a",
        "f3736f709921cb14f65ae8fe4575b61635ff2d200130a8222dcdc87fab9167c3",
        [
            Budget(
                (1, 1),
                (-0.3750001, INF),
                rises_from=0,
                special=([0.0, -0.0, INF, -INF, 3.0, -3.0], [0.0, -0.0, INF, -0.0, 3.0, -0.0]),
            ),
        ],
    ),
    "softplus": Row(
        lambda x: np.logaddexp(x, x.dtype.type(0)),
        "a97f3f2c58d561be2eaa67eaa507397d5be080715687b37fd5090de33519f645",
        "a00532ed45e3ec404bd76e11e8868d0cd4f19a46c3c92faadcbdd223593a565a",
        [
            Budget((1, 1), (0, INF), special=([INF, -INF, 1000000000.0, -1000000000.0], [INF, 0.0, 1000000000.0, 0.0])),
        ],
    ),
    "mish": Row(
        formulas.mish,
        "09971a916faf4221654211b1ab7a96d6d3d2b5ca172e6a1f4bbbfa54ec017640",
        "663fd43c208ec32cbdf79c9da9b0a840af2029fe56d99d99d941ede0da657ad4",
        [
            Budget((1, 1), (-0.3089, INF), rises_from=0, special=([0.0, -0.0, INF, -INF], [0.0, -0.0, INF, -0.0])),
        ],
    ),
    "gelu": Row(
        formulas.gelu,
        "6cf7380d6a306f1a168f0af1f56f956f0f3f8979b74e1481d36dc0f91fc0f242",
        "2c9af2d408a7c0f57db22183186457598aa77b9edd28a8b98266780e1acb56cd",
        [
            Budget(
                (1, 1),
                (-0.16998, INF),
                rises_from=0,
                special=([0.0, -0.0, INF, -INF, 100.0, -100.0], [0.0, -0.0, INF, -0.0, 100.0, -0.0]),
            ),
        ],
    ),
    "gelu_tanh": Row(
        formulas.gelu_tanh,
        "d4807a646859b15654d365218be7d28913f97f99b8e48caf557a6a56f2c3ee5f",
        "7690e6d275df134532f653a577835ce58cbb63506e345c0d9276a10059ee1f09",
        [
            Budget(
                (1, 2),
                (-0.17005, INF),
                rises_from=0,
                special=([0.0, -0.0, INF, -INF, 100.0, -100.0], [0.0, -0.0, INF, -0.0, 100.0, -0.0]),
            ),
        ],
    ),
    "log_softmax": Row(
        formulas.log_softmax,
        "8a0e87180b841ffe6a4da8955f1fe47e820db78dcd092ff22d3fc0ff21098b10",
        "64a6616514724f282cc7022fc86d97763ce3ee1c4b6c546371566960c8b3eaa7",
        # The sum's relative error is absolute in its logarithm. That is below 5, the differences below 60: half an ulp
        # of each, and of the last subtraction.
        WholeRowBudget(lambda units, y: 2 + 60 + units / 16 + 4 + 5 + np.abs(y), (-INF, 0)),
    ),
}


def with_parameters(activation):
    """An activation as layers take it; a name gets the parameters of its row."""
    if not isinstance(activation, str):
        return activation
    if activation not in ACTIVATIONS:
        raise LookupError(f"{activation} has no row in tests/support/activations.py")
    parameters = ACTIVATIONS[activation].parameters
    return {"name": activation, **parameters} if parameters else activation
