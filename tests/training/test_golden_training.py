"""Trainings whose bits never change within training version 1, on any CPU, in Python and in C++."""

import pytest

import golden_training as golden
from compiled import ROOT, compiled
from fastnn import _core
from processes import run


def test_each_optimizer_loss_and_layer_has_a_golden_training():
    assert golden.GOLDEN.keys() == {(name, dtype) for name in golden.CASES for dtype in ("float32", "float64")}
    used = {(loss[0], optimizer[0]) for _, loss, optimizer, *_ in golden.CASES.values()}
    assert {loss for loss, _ in used} == set(_core.losses)
    assert {optimizer for _, optimizer in used} == set(_core.optimizers)


@pytest.mark.parametrize("name", golden.CASES)
def test_trainings_have_the_bits_they_always_had(name, dtype, isa):
    assert _core.training_version == 1
    assert golden.training_hash(name, dtype) == golden.GOLDEN[name, dtype]


@pytest.mark.slow
def test_trainings_have_the_same_bits_in_cpp(library, tmp_path):
    program = compiled(tmp_path, ROOT / "tests/programs/trainings.cpp", library)
    trained = run(program, input=golden.words(golden.GOLDEN).encode(), text=False)
    assert golden.hashes_of(golden.GOLDEN, trained) == golden.GOLDEN
