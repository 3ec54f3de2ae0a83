"""Answers that never change within numerics version 1, on any CPU: another hash is a new numerics version."""

import pytest

import fastnn
from golden import GOLDEN, answers_hash


@pytest.mark.parametrize(("activation", "dtype"), GOLDEN.keys())
def test_answers_have_the_bits_they_always_had(activation, dtype, isa):
    assert fastnn.numerics_version == 1
    assert answers_hash(activation, dtype) == GOLDEN[activation, dtype]
