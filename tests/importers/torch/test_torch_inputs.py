"""How many inputs a PyTorch module takes: what its weights, `inputs` or `check` say; nothing is guessed."""

import numpy as np
import pytest

from fastnn._core import UnsupportedModelError
from fastnn.importers.torch.module import from_torch

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnx", reason="onnx is not installed")

import torch
from torch import nn

torch.set_num_threads(1)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Columns(nn.Module):
    """Linear layers of columns of the rows."""

    def __init__(self, take, width=3):
        super().__init__()
        self.take = take
        self.body = nn.Sequential(nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, 7))

    def forward(self, x):
        return self.body(self.take(x))


TAKING = {
    "a slice": lambda x: x[:, 2:5],
    "the first": lambda x: x[:, :3],
    "the last": lambda x: x[:, -3:],
    "all but some": lambda x: x[..., :-5],
    "every third": lambda x: x[:, ::3],
    "narrow": lambda x: x.narrow(1, 1, 3),
    "chunk": lambda x: x.chunk(3, -1)[1],
    "split": lambda x: torch.split(x, [3, 5], -1)[0],
    "a list": lambda x: x[:, [0, 7, 2]],
}


@pytest.mark.parametrize("take", TAKING.values(), ids=TAKING)
def test_a_module_that_takes_columns_needs_inputs_or_rows(take):
    torch.manual_seed(1)
    module = Columns(take)
    x = np.random.default_rng(0).normal(size=(9, 8)).astype("f4")
    with pytest.raises(UnsupportedModelError, match=r"from_torch\(module, inputs=n\)"):
        from_torch(module)
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    for model in (from_torch(module, inputs=8), from_torch(module, check=x), from_torch(module, check=(x, wanted))):
        assert model.input_shape == (None, 8)
        np.testing.assert_allclose(model.predict(x), wanted, atol=1e-6)


def test_a_width_that_only_broadcasts_does_not_hide_the_module_s_own():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(2, 3)
            self.register_buffer("mean", torch.tensor([1.0, 2.0]))

        def forward(self, x):
            return self.out(x - self.mean)

    assert from_torch(Scaled()).input_shape == (None, 2)


@pytest.mark.parametrize("module", [nn.Sequential(nn.PReLU()), nn.Sequential(nn.Tanh(), nn.Softmax(-1))])
def test_layers_of_any_width_need_inputs(module):
    with pytest.raises(UnsupportedModelError, match=r"from_torch\(module, inputs=n\)"):
        from_torch(module)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("f4")
    assert from_torch(module, inputs=4).input_shape == from_torch(module, check=x).input_shape == (None, 4)


def test_a_forward_without_weights_takes_inputs():
    class Function(nn.Module):
        def forward(self, x):
            return torch.tanh(x)

    with pytest.raises(UnsupportedModelError, match=r"no weights.*from_torch\(module, inputs=n\)"):
        from_torch(Function())
    assert from_torch(Function(), inputs=4).output_shape == (None, 4)


@pytest.mark.parametrize("inputs", [0, -1, True, 2.5, "3"])
def test_inputs_are_a_whole_number(inputs):
    with pytest.raises(ValueError, match="expected inputs to be a whole number above 0"):
        from_torch(nn.Linear(3, 2), inputs=inputs)


def test_inputs_that_the_weights_contradict_are_refused():
    with pytest.raises(ValueError, match="expected inputs=3, what Linear takes; received inputs=4"):
        from_torch(nn.Linear(3, 2), inputs=4)
    with pytest.raises(UnsupportedModelError, match="with 2 inputs it raised"):
        from_torch(Columns(lambda x: x[:, :3]), inputs=2)
