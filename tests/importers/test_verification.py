"""Models of live objects and state dicts are verified too, and what a reference may be."""

import numpy as np
import pytest

import fastnn
from arrays import uniform
from estimators import TARGETS, fitted
from fastnn import ModelFormatError
from fastnn.importers import formulas
from fastnn.importers.report import convert
from fastnn.importers.sklearn_estimators import mlp
from fastnn.importers.steps import Function, Product, Scale
from fastnn.importers.torch import kinds
from fastnn.importers.verification import DifferentAnswersError, NotVerifiedError, Reference
from fastnn.layers import Activation, BatchNormalization, Dense, LayerNormalization, PReLU

KERNEL = uniform(1, (4, 3), "float32")
EXACT = float(np.finfo("f8").eps)


def verified(answers, steps=None, **about):
    steps = steps or [Product("the product", KERNEL)]
    return convert("made", steps, reference=Reference("someone", answers, **about)).conversion.verification


def product(rows, source):
    return rows @ KERNEL.astype(rows.dtype)


def test_the_right_answers_verify_a_model():
    report = verified(product)
    assert str(report) == "verified on 37 rows by someone"
    assert (report.rows, report.reason) == (37, None)


@pytest.mark.parametrize("kind", ["ordinary", "zero", "negative", "large"])
def test_a_difference_for_one_kind_of_rows_alone_is_found(kind):
    is_of_kind = {
        "ordinary": lambda x: np.abs(np.abs(x).max(axis=1) - 1) < 0.5,
        "zero": lambda x: ~x.any(axis=1),
        "negative": lambda x: (x < 0).all(axis=1),
        "large": lambda x: np.abs(x).max(axis=1) > 100,
    }

    def answers(rows, source):
        return product(rows, source) + np.where(is_of_kind[kind](rows), 1.0, 0.0)[:, np.newaxis]

    with pytest.raises(
        DifferentAnswersError, match="^the converted model would answer a row with .* where someone says"
    ):
        verified(answers)


def test_a_difference_in_batches_alone_is_found():
    with pytest.raises(DifferentAnswersError):
        verified(lambda rows, source: product(rows, source) + len(rows) // 17)


@pytest.mark.parametrize("answer", [np.nan, np.inf, 1e30])
def test_a_number_in_place_of_none_is_a_difference(answer):
    with pytest.raises(DifferentAnswersError):
        verified(lambda rows, source: np.full((len(rows), 3), answer))


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_a_constant_in_place_of_an_answer_is_a_difference(answer):
    with pytest.raises(DifferentAnswersError):
        verified(lambda rows, source: np.full((len(rows), 3), answer))


def test_other_units_are_a_difference():
    with pytest.raises(DifferentAnswersError, match="with 3 numbers where someone says 2"):
        verified(lambda rows, source: product(rows, source)[:, :2])


@pytest.mark.parametrize(("precision", "off", "is_taken"), [(EXACT, 1e-4, False), (2.0**-7, 1e-2, True)])
def test_the_precision_of_a_reference_decides_what_is_a_rounding(precision, off, is_taken):
    def answers(rows, source):
        return product(rows, source) * (1 + off)

    if is_taken:
        assert verified(answers, precision=precision).rows == 37
    else:
        with pytest.raises(DifferentAnswersError):
            verified(answers, precision=precision)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotVerifiedError("no program"), "no program"),
        (ValueError("a\nb"), "someone cannot answer 1 rows: ValueError: a\\nb"),
        (ModelFormatError("x"), "someone cannot answer 1 rows: ModelFormatError: x"),
    ],
)
def test_a_reference_that_fails_does_not_verify(error, reason):
    def answers(rows, source):
        raise error

    report = verified(answers)
    assert (report.rows, str(report)) == (0, f"not verified: {reason}")


def test_a_reference_without_numbers_does_not_verify():
    assert (
        verified(lambda rows, source: np.array(["a"] * len(rows))).reason
        == "someone answers 1 rows with the shape (1,)"
    )
    assert verified(lambda rows, source: np.float64(1)).reason == "someone answers 1 rows with the shape ()"


def test_memory_errors_are_no_answer():
    def answers(rows, source):
        raise MemoryError

    with pytest.raises(MemoryError):
        verified(answers)


def test_smaller_rows_are_drawn_where_most_overflow():
    seen = []

    def answers(rows, source):
        seen.append(np.abs(rows).max())
        return product(np.log(np.exp(rows * 1e3)) / 1e3, source)

    assert verified(answers).rows > 18
    assert max(seen[:4]) > 1000
    assert max(seen[-4:]) < 30


def test_the_first_step_that_differs_is_named():
    steps = [
        Product("product", KERNEL),
        Function("tanh", "tanh"),
        Scale("scale", np.array(2.0), np.array(0.0)),
        Function("exp", "exponential"),
    ]

    def answers(rows, source):
        stages = {"product": product(rows, None)}
        stages["tanh"] = np.tanh(stages["product"])
        stages["scale"] = stages["tanh"] * 3.0  # not 2
        stages["exp"] = np.exp(stages["scale"])
        return stages[source or "exp"]

    with pytest.raises(DifferentAnswersError, match="^scale: the converted model"):
        verified(answers, steps, has_steps=True)


STATE = {
    "0.weight": uniform(1, (3, 4), "float32"),
    "0.bias": uniform(2, 3, "float32"),
    "1.weight": uniform(3, 3, "float32"),
    "1.bias": uniform(4, 3, "float32"),
    "2.weight": uniform(5, 3, "float32"),
    "3.weight": uniform(6, (3, 3), "float32"),
    "4.weight": uniform(7, 3, "float32"),
    "4.bias": uniform(8, 3, "float32"),
    "4.running_mean": uniform(9, 3, "float32"),
    "4.running_var": uniform(10, 3, "float32") ** 2 + np.float32(0.1),
}
LAYERS = [
    Dense(None, "tanh"),
    LayerNormalization(1e-5),
    PReLU(),
    {"name": "leaky_relu", "negative_slope": 0.3},
    "softmax",
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_state_dict_is_verified_by_formulas(dtype):
    state = {name: array.astype(dtype) for name, array in STATE.items()}
    layers = {**dict(zip("01234", LAYERS, strict=True)), "last": Activation("elu")}
    report = fastnn.from_torch_state_dict(state, layers).conversion.verification
    assert str(report) == "verified on 37 rows by the layers' formulas in NumPy"
    assert fastnn.from_torch_state_dict(state, layers, verify=False).conversion.verification is None


@pytest.mark.parametrize("name", ["Linear", "BatchNorm1d", "LayerNorm", "PReLU"])
def test_a_module_of_a_state_dict_translated_wrongly_is_refused(monkeypatch, name):
    from fastnn.importers.torch import state_dict

    real = kinds.weighted

    def wrong(kind, source, tensors, eps):
        return real(
            kind, source, {each: a + np.float32(0.1) for each, a in tensors.items()} if kind == name else tensors, eps
        )

    monkeypatch.setattr(state_dict, "weighted", wrong)
    with pytest.raises(DifferentAnswersError, match="the layers' formulas in NumPy says"):
        fastnn.from_torch_state_dict(STATE, dict(zip("01234", LAYERS, strict=True)))


@pytest.mark.parametrize("name", [each for each in fastnn._core.activations if each != "clip"])
def test_every_activation_is_verified_by_its_formula_or_fastnns_own_answers(monkeypatch, name):
    for _ in range(2):
        model = fastnn.from_torch_state_dict({"weight": KERNEL.T}, [name])
        assert model.conversion.verification.rows >= 20
        monkeypatch.delitem(formulas.ACTIVATIONS, name, raising=False)


@pytest.fixture
def regressor():
    neural_network = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    return fitted(neural_network.MLPRegressor(hidden_layer_sizes=(5,)), y=TARGETS)


def test_an_estimator_is_verified_by_its_own_answers(regressor, monkeypatch):
    report = fastnn.from_sklearn(regressor).conversion.verification
    assert str(report) == "verified on 37 rows by scikit-learn"
    assert fastnn.from_sklearn(regressor, verify=False).conversion.verification is None
    monkeypatch.setitem(mlp._HIDDEN, "relu", "tanh")
    with pytest.raises(DifferentAnswersError, match="where scikit-learn says"):
        fastnn.from_sklearn(regressor)


def test_a_module_is_verified_by_its_own_answers(monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        module = torch.nn.Sequential(torch.nn.Linear(4, 30), torch.nn.GELU(), torch.nn.Linear(30, 2)).to(dtype)
        report = fastnn.from_torch(module).conversion.verification
        assert str(report) == "verified on 37 rows by PyTorch"
        assert fastnn.from_torch(module, verify=False).conversion.verification is None
    monkeypatch.setattr(
        "fastnn.importers.torch.module.unweighted", lambda kind, source, module: [Function(source, "relu")]
    )
    with pytest.raises(DifferentAnswersError, match="where PyTorch says"):
        fastnn.from_torch(module.float())


def test_rows_that_overflow_the_float16_of_a_module_tell_nothing():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.manual_seed(0)
    parts = torch.nn.Linear(10, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
    parts[1].running_var.fill_(1e-4)
    assert fastnn.from_torch(torch.nn.Sequential(*parts).eval().half()).conversion.verification.rows >= 20


@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
def test_a_batch_normalization_among_the_layers_is_verified_with_its_own_epsilon(epsilon):
    tensors = {
        f"1.{name}": uniform(i, 3) + 2 for i, name in enumerate(("weight", "bias", "running_mean", "running_var"))
    }
    layers = [Dense(None, use_bias=False), BatchNormalization(epsilon=epsilon)]
    model = fastnn.from_torch_state_dict({"0.weight": KERNEL.T, **tensors}, layers)
    assert str(model.conversion.verification) == "verified on 37 rows by the layers' formulas in NumPy"


def test_a_file_of_fastnn_needs_no_verification(tmp_path):
    model = fastnn.from_torch_state_dict({"weight": KERNEL.T}, ["relu"])
    model.save(tmp_path / "m.safetensors")
    assert fastnn.load_model(tmp_path / "m.safetensors").conversion is None
    assert fastnn.load_model(tmp_path / "m.safetensors", verify=False) == model
