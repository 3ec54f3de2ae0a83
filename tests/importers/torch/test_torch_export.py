"""PyTorch's modules with a forward or hooks of their own: what it exports to ONNX is the model, or nothing is."""

import sys
import warnings

import numpy as np
import pytest

import fastnn
from fastnn.importers.torch.module import from_torch

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)
# What its exporters themselves warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Chain(nn.Module):
    """Registered in another order than computed with."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6, 3)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(6)
        self.inner = nn.Sequential(nn.Linear(4, 6), nn.ReLU())

    def forward(self, x):
        return torch.tanh(self.out(functional.relu(self.norm(self.drop(self.inner(x))))))


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(x.view(x.shape[0], -1)).relu()


class Doubled(nn.Linear):
    def forward(self, x):
        return super().forward(x) * 2


class Checked(nn.Linear):
    """Its check of the shape is one that the older exporter cannot follow."""

    def forward(self, x):
        if x.shape[1] != self.in_features:
            raise ValueError(x.shape)
        return super().forward(x)


def hooked():
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    module[0].register_forward_hook(lambda module, x, y: y + 1)
    module[2].register_forward_pre_hook(lambda module, x: (x[0] * 2,))
    return module


def with_forward_of_its_own():
    module = nn.Linear(4, 3)
    module.forward = lambda x: functional.linear(x, module.weight)
    return module


CHAINS = {
    "a class": Chain,
    "images": Images,
    "a subclass of Linear": lambda: nn.Sequential(nn.Linear(4, 6), Doubled(6, 3)),
    "hooks": hooked,
    "a function in its place": with_forward_of_its_own,
    "a check of the shape": lambda: Checked(4, 3),
}


@pytest.mark.parametrize("make", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_chain_in_a_forward_gives_its_answers(make, dtype):
    """Within 8 ulps of float32, as every stored model."""
    torch.manual_seed(1)
    module = make().to(dtype)
    module.train()
    inputs = 12 if make is Images else 4
    x = np.random.default_rng(0).normal(size=(20, inputs)).astype("f4")
    model = from_torch(module, check=x)
    assert module.training
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(x).to(dtype)).numpy()
    assert model.dtype == str(dtype).removeprefix("torch.")
    off = np.abs(model.predict(x) - wanted).max(axis=1)
    assert (off <= 8 * np.spacing(np.abs(wanted).max(axis=1).astype("f4"))).all()
    assert model.conversion.difference.rows == 20
    assert model.conversion.source == f"PyTorch {type(module).__name__}, by way of ONNX"


class Several(nn.Linear):
    def forward(self, x, y):
        return super().forward(x + y)


class Branching(nn.Linear):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.fc(x).tanh()


class Random(nn.Linear):
    def forward(self, x):
        return functional.dropout(super().forward(x))  # also in eval mode


class Counting(nn.Linear):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * self.calls


class OverRows(nn.Linear):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class TimesRows(nn.Linear):
    def forward(self, x):
        return super().forward(x) * len(x)


class ClassNumbers(nn.Linear):
    def forward(self, x):
        return super().forward(x).argmax(1)


class Failing(nn.Linear):
    def forward(self, x):
        raise KeyError("something")


class Own(nn.Module):
    """A module of some parts, and a forward that takes itself and rows."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.function = forward

    def forward(self, x):
        return self.function(self, x)


def own(forward, **parts):
    return lambda: Own(forward, fc=nn.Linear(4, 4), **parts)


def attended(m, x):
    return m.fc(m.attention(x[:, None], x[:, None], x[:, None])[0][:, 0])


PARTS = r"as in from_torch\(module\.fc\)"
REFUSED = {
    "several inputs": (lambda: Several(4, 4), "expected a forward that takes rows .*missing 1 .*wrap it in a module"),
    "an if": (lambda: Branching(4, 4), "decides by the numbers of its rows, as an if.*convert the part without"),
    "a loop": (own(lambda m, x: [x := m.fc(x) for _ in range(int(x.sum()) + 1)][-1]), "decides by the numbers"),
    "item()": (own(lambda m, x: m.fc(x) * x.max().item()), "decides by the numbers"),
    "a branch": (Residual, f"uses a result twice, as residual connections.*convert each part that is one, {PARTS}"),
    "two heads in one": (own(lambda m, x: torch.cat([m.fc(x), m.fc(x).tanh()], 1)), f"uses a result twice.*{PARTS}"),
    "a tuple": (own(lambda m, x: (m.fc(x), x)), "returns a tuple of 2; expected one tensor: wrap it in a module"),
    "a list": (own(lambda m, x: [m.fc(x)]), "returns a list of 1; expected one tensor: wrap it in a module"),
    "a dict": (own(lambda m, x: {"p": m.fc(x), "v": x}), "returns a dict with 'p', 'v'; expected one tensor: wrap it"),
    "nothing": (own(lambda m, x: None), "returns nothing; expected one tensor"),
    "a distribution": (own(lambda m, x: torch.distributions.Normal(m.fc(x), 1)), "returns a Normal; expected one"),
    "argmax": (own(lambda m, x: m.fc(x).argmax(-1)), r"returns torch.int64, as argmax.*model.predict_classes\(x\)"),
    "a comparison": (own(lambda m, x: m.fc(x) > 0), "returns torch.bool, as argmax and comparisons do"),
    "one answer for all rows": (own(lambda m, x: m.fc(x).mean()), r"answers 2 rows with a tensor of shape \(\)"),
    "chunk": (own(lambda m, x: torch.mul(*m.fc(x).chunk(2, -1))), f"one of the calls linear, chunk, mul; .*{PARTS}"),
    "an LSTM": (own(lambda m, x: m.l(m.fc(x))[0], l=nn.LSTM(4, 4)), rf"module 'l' \(LSTM\) is no layer.*{PARTS}"),
    "an Embedding": (
        own(lambda m, x: m.fc(m.e(x.long()[:, 0])), e=nn.Embedding(9, 4)),
        r"takes rows of 4 numbers and of 5.*give their number",
    ),
    "an Embedding of what is given": (
        own(lambda m, x: m.fc(m.e(x)), e=nn.Embedding(9, 4)),
        rf"module 'e' \(Embedding\).*{PARTS}",
    ),
    "a convolution": (
        own(lambda m, x: m.c(m.fc(x)[:, None])[:, 0], c=nn.Conv1d(1, 1, 3)),
        rf"module 'c' \(Conv1d\).*{PARTS}",
    ),
    "attention": (
        own(attended, attention=nn.MultiheadAttention(4, 2)),
        rf"'attention' \(MultiheadAttention\).*{PARTS}",
    ),
    "normalization of groups": (own(lambda m, x: m.g(m.fc(x)), g=nn.GroupNorm(2, 4)), rf"'g' \(GroupNorm\).*{PARTS}"),
    "chance": (lambda: Random(4, 4), "do not always compute the same|in one of the calls linear, dropout"),
    "noise": (own(lambda m, x: m.fc(x) + torch.randn(4)), "one of the calls linear, randn, add"),
    "what it remembers": (lambda: Counting(4, 4), "do not always compute the same.*expected no random numbers"),
    "other rows": (lambda: OverRows(4, 4), "uses a result twice"),
    "their number": (lambda: TimesRows(4, 4), "do not always compute the same|in one of the calls"),
    "class numbers": (lambda: ClassNumbers(4, 3), r"returns the scores, and take model.predict_classes\(x\)"),
    "an error": (lambda: Failing(4, 4), "KeyError: 'something'"),
    "no weights": (lambda: type("Own", (nn.Module,), {"forward": lambda self, x: x})(), "has no weights"),
    "a shrinking activation": (lambda: nn.Sequential(Doubled(4, 4), nn.Softshrink()), "calls linear, mul, softshrink"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.slow
def test_what_is_no_chain_is_refused_in_words_of_pytorch(make, words, capfd):
    with pytest.raises(fastnn.UnsupportedModelError, match=words) as raised:
        from_torch(make())
    said = str(raised.value)
    assert said.isprintable()
    assert not {"onnx", "node", "opset", "aten", "graph"} & set(said.lower().replace("'", " ").split())
    assert capfd.readouterr() == ("", "")  # no graph of the exporters, and none of their warnings


def test_no_package_is_named_that_would_not_help(monkeypatch):
    """Without onnx, and without onnxscript, which the newer exporter needs."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(fastnn.UnsupportedModelError, match="decides by the numbers"):
        from_torch(Branching(4, 4))
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in ("a tuple", "argmax", "an LSTM", "several inputs"):
        with pytest.raises(fastnn.UnsupportedModelError):
            from_torch(REFUSED[name][0]())


def test_a_check_of_the_numbers_is_no_decision():
    module = own(lambda m, x: m.fc(x) if torch._assert_async(torch.isfinite(x).all()) is None else x)()
    x = np.ones((3, 4), "f4")
    assert from_torch(module, check=x).conversion.difference.ulps < 8


def test_weights_made_by_hooks_are_those_it_computes_with():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = nn.utils.weight_norm(nn.Linear(4, 3))
    with torch.no_grad():
        module.weight_g *= 3  # so the weight that it has is old, until it is called
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("f4")
    model = from_torch(module)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    assert np.allclose(model.predict(x), wanted, rtol=1e-5, atol=1e-5)


def test_hooks_of_all_modules_are_refused():
    """The exporters' own modules call them too."""
    handle = nn.modules.module.register_module_forward_hook(lambda module, x, y: y * 2)
    try:
        with pytest.raises(fastnn.UnsupportedModelError, match="expected layers in a row"):
            from_torch(nn.Sequential(nn.Linear(4, 3), nn.ReLU()))
    finally:
        handle.remove()


def test_without_onnx_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"Doubled .* need onnx: pip install onnx"):
        from_torch(Doubled(4, 4))
