"""Modules of PyTorch that torch.onnx.export wrote, both ways; and files of models that PyTorch's ways name."""

import contextlib
import copy
import io
import warnings

import numpy as np
import pytest

from fastnn import UnsupportedModelError, load_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[frameworks]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install '.[frameworks]'")
nn = torch.nn
torch.set_num_threads(1)


class Shaped(nn.Module):
    """A forward of its own: views, functions, a squeeze."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 1, bias=False)

    def forward(self, x):
        x = x.view(x.size(0), -1) * 0.5 - 1
        x = nn.functional.gelu(self.norm(torch.relu(self.first(x))), approximate="tanh")
        return torch.sigmoid(self.last(x)).squeeze(-1)


class Taken(nn.Module):
    """What a function makes of a layer's units, then another layer."""

    def __init__(self, take):
        super().__init__()
        self.first, self.take = nn.Linear(6, 6), take
        self.last = nn.Linear(take(torch.zeros(1, 6)).shape[1], 3)

    def forward(self, x):
        return self.last(self.take(torch.tanh(self.first(x))))


LOW, HIGH = -torch.arange(1, 7) / 8, torch.arange(1, 7) / 6
TAKEN = {
    "chunk": lambda x: torch.chunk(x, 2, -1)[0],
    "chunk, the last": lambda x: torch.chunk(x, 2, -1)[1],
    "split": lambda x: torch.split(x, [2, 4], -1)[1],
    "slice": lambda x: x[:, :3],
    "slice from the end": lambda x: x[..., -2:],
    "slice in steps": lambda x: x[..., ::2],
    "flip": lambda x: x.flip(-1),
    "narrow": lambda x: x.narrow(-1, 1, 2),
    "list": lambda x: x[:, [4, 0, -3]],
    "index_select": lambda x: x.index_select(1, torch.tensor([1, 2])),
    "unbind": lambda x: x.unbind(-1)[2][:, None],
    "one": lambda x: x[:, 1].unsqueeze(-1),
    "clamp": lambda x: torch.clamp(x, LOW, HIGH),
    "clamp from below": lambda x: torch.clamp(x, min=LOW),
    "minimum, maximum": lambda x: torch.maximum(torch.minimum(x, HIGH), LOW),
}


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 6)

    def forward(self, x):
        return x + torch.relu(self.first(x))


def sequential(*modules):
    return lambda: nn.Sequential(nn.Linear(6, 8), *copy.deepcopy(modules), nn.Linear(8, 3, bias=False))


MODULES = {
    "activations": sequential(
        *(nn.SiLU(), nn.Linear(8, 8), nn.Mish(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), nn.GELU("tanh")),
        *(nn.Linear(8, 8), nn.Softplus(), nn.Linear(8, 8), nn.Softsign(), nn.Linear(8, 8), nn.Hardtanh(-0.5, 2)),
    ),
    "more activations": sequential(
        *(
            nn.Hardswish(),
            nn.Linear(8, 8),
            nn.Hardsigmoid(),
            nn.Linear(8, 8),
            nn.ReLU6(),
            nn.Linear(8, 8),
            nn.CELU(0.7),
        ),
        *(nn.Linear(8, 8), nn.ELU(0.3), nn.Linear(8, 8), nn.SELU(), nn.Linear(8, 8), nn.LeakyReLU(0.2)),
        *(nn.Linear(8, 8), nn.Softplus(beta=2), nn.Linear(8, 8), nn.LogSoftmax(-1)),
    ),
    "prelu, norms": sequential(
        *(nn.PReLU(), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 8), nn.PReLU(8), nn.LayerNorm(8, eps=0.01)),
        *(nn.Linear(8, 8), nn.BatchNorm1d(8, affine=False), nn.Identity(), nn.Tanh()),
    ),
    "images": lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 3), nn.Softmax(-1)),
    "a forward of its own": Shaped,
}


def exported(module, x, path, dynamo):
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of its own
        torch.onnx.export(module, (x,), path, dynamo=dynamo, verbose=False)
    return path


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "legacy"])
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.slow
def test_modules_come_through_onnx(name, dynamo, tmp_path):
    generator = torch.manual_seed(1)
    module = MODULES[name]().eval()
    for buffer in module.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 2, generator=generator)
    x = torch.randn(20, *((1, 2, 3) if name == "images" else (6,)), generator=generator)
    model = load_model(exported(module, x, tmp_path / "m.onnx", dynamo))
    with torch.no_grad():
        y = module.double()(x.double()).numpy().reshape(20, -1)
    # At most 9 layers, of sums of at most 8 terms below 2, each 10 roundings.
    off = np.abs(model.predict(x.reshape(20, -1).numpy()) - y).max()
    assert off <= 9 * 10 * np.finfo("float32").eps * 2 * max(1, np.abs(y).max())


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "legacy"])
@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.slow
def test_columns_and_bounds_come_through_onnx(name, dynamo, tmp_path):
    torch.manual_seed(1)
    module, x = Taken(TAKEN[name]).eval(), torch.randn(20, 6)
    model = load_model(exported(module, x, tmp_path / "m.onnx", dynamo))
    with torch.no_grad():
        y = module(x).numpy()
    assert np.abs(model.predict(x.numpy()) - y).max() <= 2e-6


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "legacy"])
def test_branches_are_refused_by_the_node_that_begins_them(dynamo, tmp_path):
    path = exported(Residual().eval(), torch.randn(2, 6), tmp_path / "m.onnx", dynamo)
    with pytest.raises(UnsupportedModelError, match=r"\(Gemm\), opset \d+: .* is used by node .* \(Add\) too"):
        load_model(path)
