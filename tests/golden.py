"""SHA-256 of fixed networks' outputs on fixed inputs. To print the table: python tests/golden.py."""

import hashlib

import fastnn
from arrays import uniform
from sequentials import network

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
    ("exponential", "float32"): "f998b462c16e718944a50f93fbb782a483775850dc0481fdcbdc72e1e27f8d44",
    ("exponential", "float64"): "cec33c9fea3bb3351f160d43945439e1ee86a25422ecc02988e5299febea9502",
    ("elu", "float32"): "2d53707609f2a75b9f205af097cbcab25e84a1181439419c38d116612b9a3986",
    ("elu", "float64"): "a818197d22a5cdebb65975c40ffb5c64b6fa40f04d1199b18ab38601e1ca0d1a",
    ("celu", "float32"): "11657618d35968dcdf61e8ae62a659e5347eff7f78221cb6a54324c9cdf5e0df",
    ("celu", "float64"): "cf2ac43e6a32e5318ea302d8ecb8a409f8ea6a59d0b92f848979a48be4ab8891",
    ("selu", "float32"): "c8b0ac0078518664f9a4f56039d2be493ccbbf34877f5d401b6e1398010baaf8",
    ("selu", "float64"): "d20cd49dad25c924ee07cb33a0c55a673675a92246cebf55c15ef89768c039ca",
    ("silu", "float32"): "b29a1095308f0c58c5be6adc049b083908612c728b7595631ffef782af038026",
    ("silu", "float64"): "a2e9172189a835658ae50ad302f501c23fee7ae29fc1bdf1aef78c1b00c9d3cc",
    ("hard_swish", "float32"): "df36ced9ea9e536b82eaee62eb51ade224149698e0b5ceae0b97cb32390d707a",
    ("hard_swish", "float64"): "f3736f709921cb14f65ae8fe4575b61635ff2d200130a8222dcdc87fab9167c3",
    ("softplus", "float32"): "a97f3f2c58d561be2eaa67eaa507397d5be080715687b37fd5090de33519f645",
    ("softplus", "float64"): "a00532ed45e3ec404bd76e11e8868d0cd4f19a46c3c92faadcbdd223593a565a",
    ("mish", "float32"): "09971a916faf4221654211b1ab7a96d6d3d2b5ca172e6a1f4bbbfa54ec017640",
    ("mish", "float64"): "663fd43c208ec32cbdf79c9da9b0a840af2029fe56d99d99d941ede0da657ad4",
    ("gelu", "float32"): "6cf7380d6a306f1a168f0af1f56f956f0f3f8979b74e1481d36dc0f91fc0f242",
    ("gelu", "float64"): "2c9af2d408a7c0f57db22183186457598aa77b9edd28a8b98266780e1acb56cd",
    ("gelu_tanh", "float32"): "d4807a646859b15654d365218be7d28913f97f99b8e48caf557a6a56f2c3ee5f",
    ("gelu_tanh", "float64"): "7690e6d275df134532f653a577835ce58cbb63506e345c0d9276a10059ee1f09",
    ("log_softmax", "float32"): "8a0e87180b841ffe6a4da8955f1fe47e820db78dcd092ff22d3fc0ff21098b10",
    ("log_softmax", "float64"): "64a6616514724f282cc7022fc86d97763ce3ee1c4b6c546371566960c8b3eaa7",
}


def model_and_rows(activation, dtype):
    last = activation if activation in ("softmax", "log_softmax") else "linear"
    return network(SIZES, [activation] * 4 + [last], dtype, seed=7), uniform(1, (ROWS, SIZES[0]), dtype) * 4


def answers_hash(activation, dtype):
    model, x = model_and_rows(activation, dtype)
    digest = hashlib.sha256()
    for representation in (*model.representations(x), model.predict(x[:3])):
        digest.update(representation.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    for activation in fastnn._core.activations:
        for dtype in ("float32", "float64"):
            print(f'    ("{activation}", "{dtype}"): "{answers_hash(activation, dtype)}",')
