"""Answers that never change within numerics version 1: SHA-256 of fixed networks' outputs on fixed inputs.

A change here is a new numerics version. To print the table: python tests/test_golden.py
"""

import hashlib

import pytest

import fastnn
from conftest import network, uniform

# The numbers of chains and tile edges meet in these sizes; three rows run with units in lanes, the others in tiles.
SIZES = [13, 100, 64, 17, 10, 5]
ROWS = 100

GOLDEN = {
    ("linear", "float32"): "cced5010d8085e08a63a8ac8da23e96b33d158833fe976b9a0425aa421c91b2f",
    ("linear", "float64"): "dbabaea943eb2b1c7649e9774dce117cf26ebfae99c5b8daa06ceaead3213c27",
    ("relu", "float32"): "5c9dc0aca15b55228a9e92f0f12838f72d6b0db9c89cb95ba08d315e48787b72",
    ("relu", "float64"): "e4e3e22dc31cbd541e96f5c4af76950111b6ba0bc3e097475c5eebfa8eba571b",
    ("tanh", "float32"): "dadf16c37f6fb2e803895679e6f798dff3430a4fefacc3679d697bbdf4db72f1",
    ("tanh", "float64"): "bc8aa2d6c9a39a432d3a0a47e364634ea09b654177783a9a3793cc49674cd7bf",
    ("sigmoid", "float32"): "afbbcf3cdf5e678ba95577262bfb9b6cb8f32323217cf8017f71e7c6317e67f7",
    ("sigmoid", "float64"): "232edabffb7162de792603115c6fecd5b9bde48b76b9d4015e94925e4ee92bdc",
    ("softmax", "float32"): "77cec9e4638c2e01dfb69ddd74a7ae4e213a2c92f2aee2f38f080701b08c76d2",
    ("softmax", "float64"): "999f4361fffa04aef784faeb37f45ba332f6b7eb6638811780501c286a5e9f4b",
    ("step", "float32"): "35f1fa9393ca02ba8dd913854743507280fc5b73ebb4dc308f355d63d7c76820",
    ("step", "float64"): "a04de5fd06481fddb2d791ceb4fe8a2a4dce09abade2f753e361f1f81799f223",
    ("relu6", "float32"): "fa2fa1ee33d04a007e068230c09c4b4f93266247734243efb1da3f4a831afeb2",
    ("relu6", "float64"): "e29008da96dd68f792b7bfdec623e6477ccafd88a10fcc97e74fbe158b86f0f0",
    ("hard_tanh", "float32"): "23470e80a7514d5a2dbc3b7a898c9cc85695e8403addb887bfbc7923d983abc7",
    ("hard_tanh", "float64"): "22b03fdc210f3824f9120ae5ff07219d418a6f56d86e0c013c68e1f043a4a3a9",
    ("hard_sigmoid", "float32"): "9b06efd007ae88790aa5626c3d367f900816917d72cd599bf168c801eeffa190",
    ("hard_sigmoid", "float64"): "c5fea57efbd4b86e161e6521ff2722ee7be905b327401fa8dc7ef7c063aadc29",
    ("softsign", "float32"): "325cffcdcea468592be1829a42bd36cef0f0100e269a21c4b1b223ac0c4ebc13",
    ("softsign", "float64"): "89c472292507dc7401328e1f700666252d256fb0537d485634860cd2de56e655",
    ("leaky_relu", "float32"): "900b4d16774ce7c29658de8c2343895280307e390efe5dc0304471b3f6df7a34",
    ("leaky_relu", "float64"): "8b165a5a00bc95359aa907f92269e527eb5a7452128fd73279fd4524150c357c",
    ("clip", "float32"): "3f5f66d6e1012590c867349e3af7f6e89855a17e189b975cc214ceabd4b91c1f",
    ("clip", "float64"): "350f4dc181e78d485af8a22037f66d6a62c284200b5578ca729036b4b7f97426",
}


def answers_hash(activation, dtype):
    last = activation if activation in ("softmax", "log_softmax") else "linear"
    model = network(SIZES, [activation] * 4 + [last], dtype, seed=7)
    x = uniform(1, (ROWS, SIZES[0]), dtype) * 4
    digest = hashlib.sha256()
    for representation in (*model.representations(x), model.predict(x[:3])):
        digest.update(representation.tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(("activation", "dtype"), GOLDEN.keys())
def test_answers_have_the_bits_they_always_had(activation, dtype, isa):
    assert fastnn.numerics_version == 1
    assert answers_hash(activation, dtype) == GOLDEN[activation, dtype]


if __name__ == "__main__":
    for activation in fastnn._core.activations:
        for dtype in ("float32", "float64"):
            print(f'    ("{activation}", "{dtype}"): "{answers_hash(activation, dtype)}",')
