"""SHA-256 of fixed networks' outputs on fixed inputs. To print the table: python tests/golden.py."""

import hashlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "support"))  # modules that the tests share

from activations import ACTIVATIONS
from arrays import uniform
from fastnn import _core
from sequentials import network

# The numbers of chains and tile edges meet in these sizes; three rows run with units in lanes, the others in tiles.
SIZES = [13, 100, 64, 17, 10, 5]
ROWS = 100

GOLDEN = {(name, dtype): getattr(row, dtype) for name, row in ACTIVATIONS.items() for dtype in ("float32", "float64")}


def model_and_rows(activation, dtype):
    last = activation if activation in _core.whole_row_activations else "linear"
    # One without a row yet has its default parameters.
    layers = [each if each in ACTIVATIONS else {"name": each} for each in [activation] * 4 + [last]]
    return network(SIZES, layers, dtype, seed=7), uniform(1, (ROWS, SIZES[0]), dtype) * 4


def answers_hash(activation, dtype):
    model, x = model_and_rows(activation, dtype)
    digest = hashlib.sha256()
    for representation in (*model.representations(x), model.predict(x[:3])):
        digest.update(representation.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    for activation in _core.activations:
        for dtype in ("float32", "float64"):
            print(f"{activation:12} {dtype} {answers_hash(activation, dtype)}")
