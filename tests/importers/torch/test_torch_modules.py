"""PyTorch's live modules become models that give the same answers as the modules in eval mode."""

import copy
from unittest import mock

import numpy as np
import pytest

import fastnn
from arrays import same_bits, uniform
from fastnn.importers.torch.module import from_torch

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn
from torch.nn.utils import parametrizations

torch.set_num_threads(1)

# The modules without weights, but for PReLU's one, that become steps.
ACTIVATIONS = {
    "ReLU": nn.ReLU,
    "LeakyReLU": lambda: nn.LeakyReLU(0.03),
    "RReLU": nn.RReLU,
    "ELU": lambda: nn.ELU(0.7),
    "SELU": nn.SELU,
    "CELU": lambda: nn.CELU(0.5),
    "GELU": nn.GELU,
    "GELU tanh": lambda: nn.GELU(approximate="tanh"),
    "SiLU": nn.SiLU,
    "Softplus": nn.Softplus,
    "Softplus of another beta": lambda: nn.Softplus(beta=2.5),
    "LogSigmoid": nn.LogSigmoid,
    "Softsign": nn.Softsign,
    "Hardsigmoid": nn.Hardsigmoid,
    "Hardswish": nn.Hardswish,
    "ReLU6": nn.ReLU6,
    "Hardtanh": nn.Hardtanh,
    "Hardtanh of other limits": lambda: nn.Hardtanh(-0.5, 2),
    "Mish": nn.Mish,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "Threshold": lambda: nn.Threshold(0.1, 0.1),
    "Softmax": lambda: nn.Softmax(-1),
    "Softmax over dimension 1": lambda: nn.Softmax(dim=1),
    "LogSoftmax": lambda: nn.LogSoftmax(dim=-1),
    "Identity": nn.Identity,
    "Dropout": nn.Dropout,
    "Dropout1d": nn.Dropout1d,
    "AlphaDropout": nn.AlphaDropout,
    "FeatureAlphaDropout": nn.FeatureAlphaDropout,
    "Flatten": nn.Flatten,
    "PReLU": nn.PReLU,
}


def normalized(units, **options):
    norm = nn.BatchNorm1d(units, **options)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return norm


def layer_normalized(units, **options):
    norm = nn.LayerNorm(units, **options)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm


def answers(module, x):
    module = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        return module(torch.from_numpy(np.array(x, np.float64))).numpy()


def assert_same_answers(module, inputs, **options):
    """In float64, within an ulp of float32 of the row's largest: a few narrow layers do not use up 29 bits.

    The model of float32 weights has the same numbers, each rounded once."""
    x = np.random.default_rng(3).normal(size=(40, inputs)) * 2
    wide = from_torch(copy.deepcopy(module).double(), **options)
    wanted = answers(module, x)
    off = np.abs(wide.predict(x) - wanted).max(axis=1)
    assert (off <= np.spacing(np.abs(wanted).max(axis=1).astype("f4"))).all(), (module, off.max())
    with mock.patch("fastnn.importers.fold._FAR", np.inf):  # float32 alone subtracts means first: test_far_from_zero.py
        model = from_torch(module, **options)
    assert (model.dtype, wide.dtype) == ("float32", "float64")
    assert [layer.activation for layer in model.layers] == [layer.activation for layer in wide.layers]
    for array, other in zip(model.get_weights(), wide.get_weights(), strict=True):
        assert same_bits(array, other.astype("f4"))
    return model


def test_the_activations_tested_are_all_of_pytorch_that_fastnn_has():
    names = {name.replace("_", "") for name in fastnn._core.activations} - {"linear"}
    missing = {name for name in dir(nn) if name.lower() in names} - ACTIVATIONS.keys()
    assert not missing, f"tests/importers/torch/test_torch_modules.py lacks {missing}, which PyTorch and fastnn have"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_gives_torchs_answers(activation):
    torch.manual_seed(1)
    assert_same_answers(nn.Sequential(nn.Linear(5, 8), ACTIVATIONS[activation](), nn.Linear(8, 3)), 5)
    assert_same_answers(nn.Sequential(ACTIVATIONS[activation](), nn.Linear(5, 3)), 5)


def a_chain(seed):
    """A module of random layers, some in a Sequential of their own, and its number of inputs."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    units = inputs = int(random.integers(1, 12))
    parts = []
    for _ in range(random.integers(1, 6)):
        match random.integers(6):
            case 0:
                parts.append(normalized(units, affine=bool(random.integers(2)), eps=float(random.choice([1e-5, 0.1]))))
            case 1 if units > 1:  # of one unit it is its bias, whatever comes in
                parts.append(layer_normalized(units, elementwise_affine=bool(random.integers(2)),
                                              bias=bool(random.integers(2))))  # fmt: skip
            case 2:
                parts.append(nn.PReLU(int(random.choice([1, units])), init=float(random.uniform(-1, 1))))
        width = int(random.integers(1, 20))
        parts += [
            nn.Linear(units, width, bias=bool(random.integers(2))),
            ACTIVATIONS[random.choice(list(ACTIVATIONS))](),
        ]
        units = width
        if random.integers(4) == 0:
            parts = [nn.Sequential(*parts)]
    return nn.Sequential(*parts), inputs


@pytest.mark.parametrize("first", range(0, 300, 50))
@pytest.mark.slow
def test_300_random_chains_give_torchs_answers(first):
    for seed in range(first, first + 50):
        module, inputs = a_chain(seed)
        assert_same_answers(module, inputs, fold=bool(seed % 3))


def test_a_single_module_is_a_model():
    assert_same_answers(nn.Linear(4, 3), 4)


def test_batch_normalisation_is_folded_or_a_layer_of_its_own():
    module = nn.Sequential(nn.Linear(3, 4), normalized(4), nn.ReLU(), nn.Linear(4, 2))
    names = [[type(layer).__name__ for layer in from_torch(module, fold=fold).layers] for fold in (True, False)]
    assert names == [["Dense", "Dense"], ["Dense", "Affine", "Activation", "Dense"]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_become_float32_with_their_values(dtype):
    module = nn.Linear(4, 3).to(dtype)
    model = from_torch(module)
    assert model.dtype == "float32"
    assert same_bits(model.layers[0].kernel, np.ascontiguousarray(module.weight.detach().float().numpy().T))


def test_shared_transposed_and_frozen_weights_are_copied():
    shared = nn.Linear(3, 3)
    shared.weight = nn.Parameter(torch.arange(18.0).reshape(3, 6)[:, ::2], requires_grad=False)
    other = nn.Linear(3, 3)
    other.weight = nn.Parameter(shared.weight.detach().T)
    model = assert_same_answers(nn.Sequential(shared, nn.ReLU(), shared, other), 3)
    before = model.get_weights()[0]
    with torch.no_grad():
        shared.weight.zero_()
    assert same_bits(model.get_weights()[0], before)


def test_the_module_stays_in_the_mode_it_was_in():
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), normalized(4), nn.Sequential(nn.Dropout(), nn.Linear(4, 2)))
    module[1].eval()
    modes = [each.training for each in module.modules()]
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    from_torch(module, check=uniform(1, (9, 3)))
    assert [each.training for each in module.modules()] == modes
    assert all(torch.equal(tensor, weights[name]) for name, tensor in module.state_dict().items())


def test_check_compares_with_the_modules_own_answers_in_eval_mode():
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 2)).double()
    x = torch.from_numpy(uniform(1, (9, 3)))
    for given in (x, x.numpy(), x.float(), (x, module.eval()(x))):
        difference = from_torch(module.train(), check=given).conversion.difference
        assert difference.rows == 9
        assert difference.absolute < 1e-7 if given is not x else difference.absolute < 1e-14
    with pytest.raises(ValueError, match=r"the module cannot take rows of shape \(9, 4\)"):
        from_torch(module, check=uniform(1, (9, 4)))


def test_rows_that_the_module_flattens_are_flattened_for_check():
    module = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).double()
    model = from_torch(module, check=uniform(1, (9, 3, 4)))
    assert model.conversion.difference.absolute < 1e-14
    assert model.input_shape == (None, 12)


def test_the_conversion_names_every_module():
    module = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Dropout()))
    told = dict(from_torch(module).conversion.steps)
    assert told["module '0' (Linear)"] == "layer 0: Dense"
    assert told["module '1.0' (ReLU)"] == "activation relu of layer 0"
    assert told["module '1.1' (Dropout)"].startswith("nothing")


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm", "orthogonal"])
def test_parametrized_weights_are_those_it_computes_with(name):
    torch.manual_seed(1)
    module = nn.Sequential(getattr(parametrizations, name)(nn.Linear(4, 3)), nn.ReLU(), nn.Linear(3, 2)).double()
    module(torch.ones(2, 4, dtype=torch.float64))
    x = uniform(1, (9, 4))
    assert np.allclose(from_torch(module).predict(x), answers(module, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weights_of_the_older_weight_norm_are_those_it_computes_with(dim):
    """Which the module computes in a hook: its graph has the norm of a constant."""
    torch.manual_seed(1)
    with pytest.warns(FutureWarning):
        first, last = (nn.utils.weight_norm(nn.Linear(*sizes), dim=dim) for sizes in ((4, 3), (3, 2)))
    module = nn.Sequential(first, nn.ReLU(), last).eval()
    x = uniform(1, (9, 4), "float32")
    model = from_torch(module)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dense"]
    assert np.allclose(model.predict(x), answers(module, x), rtol=1e-5, atol=1e-6)


def itself():
    module = nn.Sequential(nn.Linear(3, 3))
    module._modules["1"] = module
    return module


def with_weight(weight):
    module = nn.Linear(3, 4)
    module.weight = None
    del module._parameters["weight"]
    module.weight = weight
    return module


class Liar(torch.Tensor):
    def cpu(self):
        return torch.ones(99)


def after_linear(module):
    return lambda: nn.Sequential(nn.Linear(3, 4), module())


UNSUPPORTED = {
    "a convolution": (after_linear(lambda: nn.Conv1d(1, 1, 1)), r"^module '1' \(Conv1d\) is no layer that fastnn has"),
    "a shrinking activation": (after_linear(nn.Softshrink), "Softshrink"),
    "tanhshrink": (after_linear(nn.Tanhshrink), "Tanhshrink"),
    "a nested one": (after_linear(lambda: nn.Sequential(nn.GLU())), r"module '1.0' \(GLU\)"),
    "recurrent": (lambda: nn.LSTM(3, 4), "^LSTM is no layer"),
    "a list": (lambda: nn.ModuleList([nn.Linear(3, 4)]), "^ModuleList is no layer"),
    "parallel": (lambda: nn.DataParallel(nn.Linear(3, 4)), "DataParallel is around a module; convert its module"),
    "softmax of no dimension": (after_linear(nn.Softmax), "expected dim=-1 or dim=1.* received dim=None"),
    "softmax over the rows": (after_linear(lambda: nn.Softmax(0)), "received dim=0"),
    "a jump": (after_linear(lambda: nn.Threshold(0.1, 5)), "expected value=0.1; received value=5"),
    "a softplus of nothing": (after_linear(lambda: nn.Softplus(0)), "expected a beta that is not 0"),
    "an early softplus": (after_linear(lambda: nn.Softplus(1, 5)), "expected threshold=20; received threshold=5"),
    "flattened rows": (after_linear(lambda: nn.Flatten(0)), "received start_dim=0"),
    "two axes": (after_linear(lambda: nn.LayerNorm((2, 4))), r"normalized_shape \(units,\); received \(2, 4\)"),
    "batch statistics": (
        after_linear(lambda: nn.BatchNorm1d(4, track_running_stats=False)),
        r"'1' \(BatchNorm1d\) has no running statistics",
    ),
    "no data": (lambda: nn.Linear(3, 4, device="meta"), "Linear: weight: expected a dense tensor"),
    "sparse": (lambda: with_weight(nn.Parameter(torch.eye(4, 3).to_sparse())), "weight: expected a dense tensor"),
    "complex": (lambda: with_weight(nn.Parameter(torch.eye(4, 3) * 1j)), "expected real .* torch.complex64"),
    "float8": (lambda: with_weight(nn.Parameter(torch.eye(4, 3).to(torch.float8_e4m3fn))), "weight: expected a dense"),
    "a liar": (lambda: with_weight(nn.Parameter(Liar(torch.eye(4, 3)))), "expected a tensor of PyTorch itself"),
    "a method": (lambda: with_weight(lambda: 1), "expected a tensor of PyTorch itself; received function"),
    "itself": (itself, "nested too deep, or contains itself"),
    "no module": (lambda: {"0.weight": torch.eye(3)}, "expected a torch.nn.Module; received dict"),
    "a path": (lambda: "m.pt", r"received the path 'm.pt'; from_torch_state_dict\(weights, layers\) takes"),
    "a class": (lambda: nn.Linear, "received the class Linear; from_torch_state_dict"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "words"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_what_is_no_chain_of_known_modules_is_refused_by_name(make, words):
    with pytest.raises(fastnn.UnsupportedModelError, match=words):
        from_torch(make())


def test_sequentials_that_hold_no_modules_are_refused():
    for what in (None, torch.relu):
        module = nn.Sequential(nn.Linear(3, 4))
        module._modules["1"] = what
        with pytest.raises(fastnn.UnsupportedModelError, match=rf"module '1' \({type(what).__name__}\) is no module"):
            from_torch(module)


@pytest.mark.filterwarnings("ignore")
def test_torchscript_and_compiled_modules_are_refused_with_what_to_do():
    with pytest.raises(fastnn.UnsupportedModelError, match="is TorchScript; convert the module that it was made of"):
        from_torch(nn.Sequential(torch.jit.script(nn.Linear(3, 4))))
    with pytest.raises(fastnn.UnsupportedModelError, match="is around a module; convert its _orig_mod"):
        from_torch(torch.compile(nn.Linear(3, 4)))


def test_modules_without_weights_yet_are_told():
    with pytest.raises(ValueError, match="has no weights yet; call it once, on rows"):
        from_torch(nn.Sequential(nn.LazyLinear(3)))


def test_widths_that_do_not_follow_are_named():
    with pytest.raises(fastnn.ModelFormatError, match=r"^module '1' \(Linear\) has 5 inputs; expected 4"):
        from_torch(nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2)))
    for module in (nn.Sequential(), nn.ReLU()):
        with pytest.raises(fastnn.ModelFormatError, match="no layer that says how many inputs it takes"):
            from_torch(module)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.5, 10.0, 100.0])
def test_the_rounded_mean_of_one_unit_is_no_wrong_conversion(dtype, gamma):
    """x - mean(x) is 0 for fastnn; PyTorch's x * rstd - mean * rstd is what roundings leave, times 316 * gamma."""
    module = nn.Sequential(nn.Linear(1, 1), nn.LayerNorm(1))
    for parameter, number in zip(module.parameters(), (7.3, 3.1, gamma, 0.7), strict=True):
        nn.init.constant_(parameter, number)
    assert from_torch(module.to(dtype)).conversion.verification.rows
