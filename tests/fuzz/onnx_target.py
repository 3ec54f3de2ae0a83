"""Fuzz the ONNX importer with arbitrary bytes as an .onnx file."""

import judge
from mutators import mutated_bytes, mutated_onnx


def is_documented(error):
    """Return whether the error is that of a missing file, to which the graph refers for its weights."""
    return isinstance(error, OSError) and "weights of the model" in str(error)


def test_one_input(data):
    judge.model_of(data, is_documented)


def mutate(data, max_size, seed):
    return mutated_bytes(data, max_size, seed, mutated_onnx)


if __name__ == "__main__":
    judge.run(test_one_input, mutate)
