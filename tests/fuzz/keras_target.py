"""Fuzz the Keras importer: a whole .keras or .h5 file, the config in one, or the weights in one.

The first byte chooses what the rest is. C: config.json of a .keras file. L: model_config of an .h5 file. W:
model.weights.h5 of a .keras file with right checksums. A: weights alone, with `layers`. Any other byte, such as K or H:
the whole file.
"""

import judge
from keras_files import BIAS, KERNEL, dense, given, hdf5, keras_3, sequential, zipped
from mutators import mutated_bytes, mutated_json

LAYERS = ("dense", "dense_1", "batch_normalization", "p_re_lu", "layer_normalization", "normalization")
WEIGHTS = hdf5({f"layers/{layer}/vars/{i}": each for layer in LAYERS for i, each in enumerate((KERNEL, BIAS))})
CONFIG = sequential(given(), dense())


def content_of(data):
    kind, rest = data[:1], data[1:]
    if kind == b"C":
        return zipped({"metadata.json": '{"keras_version": "3.8.0"}', "config.json": rest, "model.weights.h5": WEIGHTS})
    if kind == b"W":
        return keras_3(CONFIG, {}, **{"model.weights.h5": rest})
    if kind == b"L":
        texts = {("", "model_config"): rest.decode(errors="replace").replace("\0", "")}
        return hdf5({"model_weights/d/kernel": KERNEL, "model_weights/d/bias": BIAS}, texts)
    return rest


def test_one_input(data):
    if data[:1] == b"A":
        judge.model_of(data[1:], lambda error: type(error) is ValueError and "layers" in str(error), layers=["relu"])
    else:
        judge.model_of(content_of(data))


def mutate(data, max_size, seed):
    if data[:1] not in (b"C", b"L"):
        return mutated_bytes(data, max_size, seed, lambda data, _: b"")
    return data[:1] + mutated_bytes(data[1:], max_size - 1, seed, mutated_json)


if __name__ == "__main__":
    judge.run(test_one_input, mutate)
