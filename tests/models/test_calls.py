"""One call, however short: its arguments in every form, references and memory as they were, errors from anywhere."""

import contextlib
import gc
import inspect
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from arrays import same_bits
from fastnn._core import Network32
from fastnn.layers import Dense
from fastnn.models import Sequential
from processes import run_python
from sequentials import network

INPUTS, UNITS = 5, 3
MODEL = network([INPUTS, 9, UNITS], ["tanh", "linear"], "float32")
X = np.random.default_rng(1).normal(size=(4, INPUTS)).astype("float32")
READ_ONLY = np.zeros((4, UNITS), "float32")
READ_ONLY.flags.writeable = False


class Named(np.ndarray):
    """A sub-class, as users make them."""


# -- the forms of a call

FORMS = {
    "predict": lambda m, x: m.predict(x),
    "x=": lambda m, x: m.predict(x=x),
    "batch_size": lambda m, x: m.predict(x, 32),
    "verbose": lambda m, x: m.predict(x, None, 0),
    "out-positional": lambda m, x: m.predict(x, None, 0, None, None, np.empty((*x.shape[:-1], UNITS), m.dtype)),
    "as-in-keras": lambda m, x: m.predict(x, 32, "auto", None, None),
    "out=": lambda m, x: m.predict(x, out=np.empty((*x.shape[:-1], UNITS), m.dtype)),
    "out=sub-class": lambda m, x: m.predict(x, out=np.empty((*x.shape[:-1], UNITS), m.dtype).view(Named)),
    "out=None": lambda m, x: m.predict(x, out=None),
    "all-by-name": lambda m, x: m.predict(out=None, callbacks=None, steps=None, verbose=0, batch_size=None, x=x),
    "call": lambda m, x: m(x),
    "call-x=": lambda m, x: m(x=x),
    "unbound": lambda m, x: Sequential.predict(m, x),
    "bound-earlier": lambda m, x: (lambda call: call(x))(m.predict),
    "star": lambda m, x: m.predict(*[x], **{"verbose": 0}),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_of_a_call_gives_the_same_bits(form, dtype):
    model = network([INPUTS, 9, UNITS], ["tanh", "linear"], dtype)
    for x in (X, X.astype("float64"), X[0], X[:0], X[:, None], X[::2], X[:, ::-1], X.astype(">f4"), X.view(Named)):
        wanted = model.representations(np.array(x, dtype))[-1]
        assert same_bits(np.asarray(form(model, x)), wanted)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: MODEL(), id="call-nothing"),
        pytest.param(lambda: MODEL(X, X), id="call-two"),
        pytest.param(lambda: MODEL(X, out=None), id="call-out"),
        pytest.param(lambda: MODEL(y=X), id="call-unknown-name"),
        pytest.param(lambda: MODEL.predict(), id="predict-nothing"),
        pytest.param(lambda: MODEL.predict(X, x=X), id="predict-x-twice"),
        pytest.param(lambda: MODEL.predict(X, None, 0, None, None, None, None), id="predict-seven"),
        pytest.param(lambda: MODEL._network.predict(), id="network-nothing"),
        pytest.param(lambda: MODEL._network.predict(X), id="network-one"),
        pytest.param(lambda: MODEL._network.predict(X, None, None), id="network-three"),
        pytest.param(lambda: MODEL._network.predict(X, out=None), id="network-names"),
        pytest.param(lambda: Network32.predict(), id="no-network"),
        pytest.param(lambda: Network32.predict(object(), X, None), id="object-as-network"),
        pytest.param(lambda: Network32.predict(Sequential(dtype="float64"), X, None), id="model-as-network"),
        pytest.param(lambda: Network32.predict(NETWORK64, X, None), id="network-of-float64"),
        pytest.param(lambda: Network32.predict(Network32.__new__(Network32), X, None), id="network-not-made"),
        pytest.param(lambda: Network32.__new__(Network32).representations(X), id="network-not-made-representations"),
        pytest.param(lambda: Network32.__new__(Network32).blocks(1), id="network-not-made-blocks"),
        pytest.param(lambda: MODEL._network.representations(X, X), id="representations-two"),
        pytest.param(lambda: MODEL._network.blocks("many"), id="blocks-text"),
        pytest.param(lambda: MODEL._network.blocks(), id="blocks-nothing"),
        pytest.param(lambda: type("Sub", (Network32,), {}), id="sub-class-of-network"),
    ],
)
def test_wrong_arguments_are_type_errors(call):
    with pytest.raises(TypeError):
        call()


NETWORK64 = network([INPUTS, UNITS], ["relu"], "float64")
NETWORK64.predict(X)
NETWORK64 = NETWORK64._network
MODEL.predict(X)


def test_signatures_can_be_read():
    in_order = ["self", "x", "batch_size", "verbose", "steps", "callbacks", "out"]
    assert list(inspect.signature(Sequential.predict).parameters) == in_order
    assert list(inspect.signature(Sequential.__call__).parameters) == ["self", "x", "training"]
    assert list(inspect.signature(Network32.predict).parameters) == ["self", "x", "out"]


def test_a_model_called_follows_a_subclass_that_predicts_otherwise():
    class Doubled(Sequential):
        def predict(self, x, *arguments, **named):
            return 2 * super().predict(x, *arguments, **named)

    model = Doubled([Dense(UNITS, input_shape=(INPUTS,))])
    for _ in range(3):  # the first call builds the network
        assert same_bits(model(X), model.predict(X))
        assert same_bits(model(X), 2 * Sequential.predict(model, X))


def test_a_model_called_first_is_built():
    model = Sequential([Dense(2)])
    assert model(X).shape == (4, 2)
    assert model.input_shape == (None, INPUTS)


@pytest.mark.parametrize("call", [MODEL.predict, MODEL], ids=["predict", "call"])
def test_new_weights_are_used_by_the_next_call(call):
    before, weights = call(X), MODEL.get_weights()
    try:
        MODEL.set_weights([weights[0], weights[1], 2 * weights[2], 2 * weights[3]])
        assert same_bits(call(X), 2 * before)
    finally:
        MODEL.set_weights(weights)
    assert same_bits(call(X), before)


# -- references and memory

OUT = np.empty((4, UNITS), "float32")
CALLS = {
    "predict": lambda: MODEL.predict(X),
    "call": lambda: MODEL(X),
    "out": lambda: MODEL.predict(X, out=OUT),
    "out-overlapping": lambda: MODEL.predict(OVERLAPPED[:20].reshape(4, 5), out=OVERLAPPED[:12].reshape(4, 3)),
    "one-row": lambda: MODEL.predict(X[0]),
    "no-rows": lambda: MODEL.predict(X[:0]),
    "three-axes": lambda: MODEL.predict(X[None]),
    "strided": lambda: MODEL.predict(X[::2, ::-1]),
    "float64": lambda: MODEL.predict(X.astype("float64")),
    "big-endian": lambda: MODEL.predict(X.astype(">f4")),
    "sub-class": lambda: MODEL.predict(X.view(Named)),
    "list": lambda: MODEL.predict([[1, 2, 3, 4, 5]]),
    "long": lambda: MODEL.predict(LONG),
    "representations": lambda: MODEL.representations(X),
    "wrong-columns": lambda: MODEL.predict(X[:, :4]),
    "wrong-dtype": lambda: MODEL.predict(X.astype(complex)),
    "out-of-other-shape": lambda: MODEL.predict(X, out=OUT[:3]),
    "out-of-other-dtype": lambda: MODEL.predict(X, out=OUT.astype("float64")),
    "out-read-only": lambda: MODEL.predict(X, out=READ_ONLY),
    "out-no-array": lambda: MODEL.predict(X, out=[1]),
    "too-few-arguments": lambda: MODEL._network.predict(X),
}
OVERLAPPED = np.ones(20, "float32")
LONG = np.ones((5000, INPUTS), "float32")  # so long that the GIL is released


@pytest.fixture
def only_new_objects():
    """Collections look at new objects alone, not at those of every library that the tests have imported."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.slow
@pytest.mark.usefixtures("only_new_objects")
def test_a_call_keeps_no_reference_and_no_memory(call):
    kept = [X, OUT, READ_ONLY, OVERLAPPED, LONG, MODEL, MODEL._network, None, X.dtype, np.dtype("float64"), np.ndarray]

    def calls(count):
        for _ in range(count):
            with contextlib.suppress(TypeError, ValueError):
                call()

    calls(20)
    gc.collect()
    before = [sys.getrefcount(thing) for thing in kept]
    calls(300)
    gc.collect()
    grown = [sys.getrefcount(thing) - count for thing, count in zip(kept, before, strict=True)]
    assert max(map(abs, grown)) < 100, grown  # caches of the interpreter move by a few
    tracemalloc.start()
    try:
        calls(20)
        gc.collect()
        memory = tracemalloc.get_traced_memory()[0]
        calls(3000)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - memory < 3000 * 16  # the smallest object, once a call
    finally:
        tracemalloc.stop()


def test_an_answer_belongs_to_its_caller():
    first, second = MODEL.predict(X), MODEL.predict(X)
    assert sys.getrefcount(first) == 2
    assert first.flags.owndata
    assert not np.may_share_memory(first, second)


# -- errors and the GIL


class Failing:
    def __array__(self, dtype=None, copy=None):
        raise ZeroDivisionError("from inside")


@pytest.mark.parametrize("call", [MODEL.predict, MODEL, MODEL.representations], ids=["predict", "call", "layers"])
def test_what_an_argument_raises_comes_out_as_it_is(call):
    with pytest.raises(ZeroDivisionError, match="from inside"):
        call(Failing())
    assert same_bits(MODEL.predict(X), MODEL(X))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits the address space")
def test_memory_that_is_short_is_a_memory_error_and_the_next_call_works():
    code = """
        import numpy as np
        from fastnn.layers import Activation
        from fastnn.models import Sequential
        from processes import limit_memory

        wide, small = Sequential([Activation("relu")]), Sequential([Activation("relu")])
        x = np.broadcast_to(np.float32(1), (1, 2**28))
        out = np.empty(x.shape, "float32")
        wide.predict(np.empty((0, 2**28), "float32"))  # builds the network
        limit_memory(2**26)
        for call in (
            lambda: wide.predict(x, out=out),  # the scratch, without the GIL
            lambda: wide.predict(x),  # the answer
            lambda: wide(x),
            lambda: wide.predict(np.broadcast_to(1.0, x.shape)),  # the converted copy
        ):
            try:
                call()
            except MemoryError:
                pass
            else:
                raise AssertionError("there is too much memory")
            assert small.predict([[-1.0, 2.0]]).tolist() == [[0.0, 2.0]]
    """
    run_python(code)


def gives_the_gil_away(call):
    """Whether another thread runs during some of many calls, when Python itself would not let it for an hour."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    started, gate, progress = threading.Event(), threading.Lock(), []
    gate.acquire()

    def other():
        started.set()
        with gate:
            progress.append(1)

    thread = threading.Thread(target=other)
    try:
        thread.start()
        started.wait()
        gate.release()
        for _ in range(20_000):
            call()
            if progress:
                return True
        return False
    finally:
        sys.setswitchinterval(before)
        thread.join()


def test_only_long_calls_give_the_gil_away():
    model = network([100, 100, 1], ["relu", "linear"], "float32")  # some 11,700 multiply-adds and activations a row
    few, many = np.ones((5, 100), "float32"), np.ones((3000, 100), "float32")
    for x in (few, many):
        model.predict(x)
    assert not gives_the_gil_away(lambda: model.predict(few))
    assert not gives_the_gil_away(lambda: model(few))
    assert not gives_the_gil_away(lambda: model.representations(few))
    assert gives_the_gil_away(lambda: model.predict(many))
    assert gives_the_gil_away(lambda: model.representations(many))
