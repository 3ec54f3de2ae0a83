"""State dicts that hold several networks: a prefix takes one, as if it had been saved alone."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from fastnn import ModelFormatError, UnsupportedModelError, from_torch_state_dict, load_model
from state_dicts import saved, state_dict_bytes, weights

ACTOR, CRITIC, LAYERS = weights(5, 7, 3), weights(5, 4, 1), ["tanh", "linear"]
WANTED = from_torch_state_dict(ACTOR, LAYERS)


def named(prefix, tensors):
    return {prefix + name: array for name, array in tensors.items()}


TOGETHER = {**named("actor.", ACTOR), **named("critic.", CRITIC), "log_std": np.zeros(3, "f4")}


@pytest.mark.parametrize("kind", ["dict", "pt", "safetensors", "wrapped"])
def test_a_prefix_takes_the_network_whose_names_begin_so(kind, tmp_path):
    path = tmp_path / f"model.{kind}"
    if kind == "pt":
        saved(path, state_dict_bytes(TOGETHER))
    elif kind == "safetensors":
        save_file(TOGETHER, path)
    given = {"dict": TOGETHER, "wrapped": {"state_dict": TOGETHER, "epoch": 3}}.get(kind, path)
    assert from_torch_state_dict(given, LAYERS, prefix="actor.") == WANTED
    if given is path:
        assert load_model(path, layers=LAYERS, prefix="actor.") == WANTED


@pytest.mark.parametrize(
    ("prefix", "tensors"),
    [
        ("net.policy.", named("net.policy.", ACTOR)),
        ("policy_fc", named("policy_fc", ACTOR)),
        ("module.", named("module.", ACTOR)),
        ("", ACTOR),
    ],
)
def test_a_prefix_is_the_beginning_of_names_as_they_are(prefix, tensors):
    others = named("net.value.", CRITIC) if prefix else {}
    assert from_torch_state_dict({**tensors, **others}, LAYERS, prefix=prefix) == WANTED


def test_networks_that_are_dicts_of_their_own_are_taken_by_their_names():
    checkpoint = {"actor": ACTOR, "critic": {"body": CRITIC}, "optimizer": {"lr": 0.1}, "step": 7}
    assert from_torch_state_dict(checkpoint, LAYERS, prefix="actor.") == WANTED
    assert from_torch_state_dict(checkpoint, LAYERS, prefix="critic.body.").output_shape == (None, 1)
    with pytest.raises(ModelFormatError, match=r"'actor' holds a dict, not a tensor; .* take it with prefix='actor\.'"):
        from_torch_state_dict(checkpoint, LAYERS)


@pytest.mark.parametrize("wrong", ["Actor.", "actor.0.weight.", "policy."])
def test_a_prefix_of_nothing_lists_those_that_there_are(wrong):
    match = rf"received '{wrong}'; the prefixes are 'actor\.', 'critic\.'$"
    with pytest.raises(ValueError, match=match):
        from_torch_state_dict(TOGETHER, LAYERS, prefix=wrong)
    with pytest.raises(ValueError, match="the prefixes are none"):
        from_torch_state_dict(ACTOR, LAYERS, prefix=wrong)


def test_too_few_layers_for_several_networks_say_how_one_is_taken():
    with pytest.raises(
        ValueError, match=r"received 2; one network of several is taken by a prefix: 'actor\.', 'critic\.'"
    ):
        from_torch_state_dict(TOGETHER, LAYERS)
    with pytest.raises(ValueError, match="received 1$"):
        from_torch_state_dict(ACTOR, ["tanh"])


def test_without_layers_the_modules_of_the_prefix_are_listed(tmp_path):
    path = saved(tmp_path / "sd.pt", state_dict_bytes(TOGETHER))
    with pytest.raises(UnsupportedModelError, match=r"name those that follow its modules '0', '2', as in load_model"):
        load_model(path, prefix="critic.")
