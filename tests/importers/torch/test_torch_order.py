"""The order of a state dict's modules: their numbers, their file or their widths say it, or a dict has to."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from arrays import uniform
from fastnn import UnsupportedModelError, from_torch_state_dict, load_model
from fastnn.importers.torch.order import in_order
from state_dicts import weights


def renamed(tensors, *names):
    """Return tensors of the modules "0", "1", … under other names."""
    new = dict(zip(dict.fromkeys(key.partition(".")[0] for key in tensors), names, strict=True))
    return {new[key.partition(".")[0]] + key[1:]: array for key, array in tensors.items()}


TRUNK_AND_HEAD = ("trunk.0", "trunk.2", "head")


@pytest.mark.parametrize("names", [TRUNK_AND_HEAD, ("enc", "net.10", "net.2"), ("z", "y", "x"), ("fc1", "body", "fc2")])
@pytest.mark.parametrize("kind", ["safetensors", "registered backwards"])
def test_widths_say_the_order_where_only_one_fits(tmp_path, names, kind):
    tensors = weights(5, 7, 4, 3)
    order = renamed(tensors, *names)
    given = dict(reversed(order.items()))
    if kind == "safetensors":
        given = tmp_path / "model.safetensors"
        save_file(order, given)
    layers, x = ["relu", "tanh", "linear"], uniform(1, (4, 5), "float32")
    if names[1] == "net.10":  # numbers are stronger: net.2 comes before net.10, and no order fits
        with pytest.raises(ValueError, match=r"order of the modules|expected \d, the outputs of the step before"):
            from_torch_state_dict(given, layers)
        return
    wanted = from_torch_state_dict(tensors, layers).predict(x)
    np.testing.assert_array_equal(from_torch_state_dict(given, layers).predict(x), wanted)


def test_an_order_that_fits_is_not_changed():
    tensors = renamed(weights(4, 4, 4, 4), "c", "b", "a")
    x = uniform(1, (3, 4), "float32")
    wanted = from_torch_state_dict(weights(4, 4, 4, 4), ["relu"] * 3).predict(x)
    np.testing.assert_array_equal(from_torch_state_dict(tensors, ["relu"] * 3).predict(x), wanted)


def test_two_orders_that_fit_are_refused_with_the_call_that_says_it(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(renamed(weights(4, 4, 4, 4), *TRUNK_AND_HEAD), path)
    call = r"layers=\{'trunk.0': 'relu', 'trunk.2': 'relu', 'head': 'linear'\}"
    with pytest.raises(ValueError, match=f"nothing says the order.*{call}"):
        from_torch_state_dict(path, ["relu", "relu", "linear"])
    with pytest.raises(UnsupportedModelError, match=rf"load_model\(path, {call}\)"):
        load_model(path)
    layers = {"trunk.0": "relu", "trunk.2": "relu", "head": "linear"}
    assert load_model(path, layers=layers).output_shape == (None, 4)


def test_a_file_without_layers_gets_a_call_of_as_many(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(renamed(weights(5, 7, 4, 3), *TRUNK_AND_HEAD), path)
    names = "modules 'trunk.0', 'trunk.2', 'head', as in "
    with pytest.raises(UnsupportedModelError, match=rf"{names}load_model\(path, layers=\['relu', 'relu', 'linear'\]\)"):
        load_model(path)


@pytest.mark.parametrize("count", [3, 12, 200])
def test_many_modules_without_an_order_take_no_time(count):
    """Normalizations of one width could stand anywhere."""
    square = {f"m{i}x": {"weight": np.ones((4, 4))} for i in range(count)}
    assert in_order(square, is_ordered=False) is None
    stars = {f"m{i}x": {"weight": np.ones((i % 3 + 1, i % 5 + 1))} for i in range(count)}
    in_order(stars, is_ordered=False)


def test_one_slope_fits_anywhere_and_says_nothing():
    modules = {"a": {"weight": np.ones((4, 3))}, "b": {"weight": np.ones(1)}, "c": {"weight": np.ones((2, 4))}}
    assert in_order(modules, is_ordered=False) is None
    modules["b"] = {"running_mean": np.ones(2), "running_var": np.ones(2)}
    assert in_order(modules, is_ordered=False) == ["a", "c", "b"]
