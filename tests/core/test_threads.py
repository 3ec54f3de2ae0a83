"""One model and many threads: the same bits as alone, and nothing left behind."""

import os
import threading

import numpy as np
import pytest

import fastnn
from arrays import same_bits
from calls import repeated, together
from fastnn.initializers import GlorotUniform
from fastnn.layers import Dense
from fastnn.models import Sequential
from sequentials import network

pytestmark = pytest.mark.usefixtures("frequent_switches")

THREADS = 16
ACTIVATIONS = ["tanh", "sigmoid", "softmax"]


def rows_of(thread, inputs=33, dtype="float32"):
    """Another number of rows for each thread: 1, 2, 4, 7, 11, …"""
    return np.random.default_rng(thread).normal(size=(1 + thread * (thread + 1) // 2, inputs)).astype(dtype)


def test_one_model_in_many_threads_gives_the_bits_it_gives_alone(dtype, isa):
    model = network([33, 65, 17, 9], ACTIVATIONS, dtype)
    alone = [model.predict(rows_of(i)) for i in range(THREADS)]
    hidden = [model.representations(rows_of(i))[0] for i in range(THREADS)]

    def predict(thread):
        for _ in range(20):
            out = np.full_like(alone[thread], np.nan)  # the last answers would hide a row left out
            assert same_bits(model.predict(rows_of(thread), out=out), alone[thread])
            assert same_bits(model.representations(rows_of(thread))[0], hidden[thread])
        return True

    assert all(together(predict, THREADS))


@repeated(64, 1000)
def test_very_many_threads_on_one_model_give_the_bits_it_gives_alone(times):
    model = network([33, 65, 17, 9], ACTIVATIONS, "float32")
    x = rows_of(63)
    alone = model.predict(x)

    def predict(thread):
        first = thread % len(x)
        return all(same_bits(model.predict(x[first:]), alone[first:]) for _ in range(20))

    assert all(together(predict, times))


def test_models_of_many_sizes_share_a_threads_scratch():
    models = [network([n, m, n], ["tanh", "linear"], d) for n, m in ((1, 300), (70, 2), (33, 33)) for d in ("f4", "f8")]
    inputs = [rows_of(7, model.input_shape[1], model.dtype) for model in models]
    alone = [model.predict(x) for model, x in zip(models, inputs, strict=True)]

    def predict(thread):
        order = np.random.default_rng(thread).integers(0, len(models), 200)
        return all(same_bits(models[i].predict(inputs[i]), alone[i]) for i in order)

    assert all(together(predict, THREADS))


class Drawing(GlorotUniform):
    """Draws that let the other threads run first, and are counted."""

    def __init__(self):
        super().__init__()
        self.draws = 0

    def __call__(self, shape):
        self.draws += 1
        threading.Event().wait(0.01)
        return super().__call__(shape)


def test_first_calls_from_many_threads_build_one_set_of_weights():
    kernels = [Drawing(), Drawing()]
    model = Sequential([Dense(5, "tanh", kernel_initializer=kernels[0]), Dense(3, kernel_initializer=kernels[1])])
    x = rows_of(5)
    answers = together(lambda _: model.predict(x), THREADS)
    assert [kernel.draws for kernel in kernels] == [1, 1]
    wanted = model.predict(x)
    assert all(same_bits(answer, wanted) for answer in answers)
    model.set_weights(model.get_weights())  # what is answered is what get_weights() says
    assert same_bits(model.predict(x), wanted)


def test_first_calls_from_many_threads_build_a_whole_model():
    x = rows_of(5)
    for _ in range(100):
        model = Sequential([Dense(5, "tanh"), Dense(3)])
        answers = together(lambda _, model=model: model.predict(x), 4)
        assert all(same_bits(answer, model.predict(x)) for answer in answers)


def test_a_first_call_may_call_the_model_itself():
    model = Sequential([Dense(2)])

    class Recursive:
        def __array__(self, dtype=None, copy=None):
            return model.predict([[1.0, 2.0]])

    answers = []
    thread = threading.Thread(target=lambda: answers.append(model.predict(Recursive())), daemon=True)
    thread.start()
    thread.join(20)  # for ever, were the building's lock not re-entrant
    assert [answer.shape for answer in answers] == [(1, 2)]


class Interrupted(Dense):
    """A layer during whose reading another thread does something."""

    meanwhile = None

    def _state_for(self, *arguments):
        read = super()._state_for(*arguments)
        thread, self.meanwhile = self.meanwhile, None
        if thread is not None:
            thread.start()
            thread.join(0.2)  # a model with a lock makes it wait longer; then it comes after this reading
        return read


def test_weights_set_while_a_model_is_being_built_are_not_lost():
    layer = Interrupted(1, input_shape=(1,))
    model = Sequential([layer])
    thread = threading.Thread(target=lambda: layer.set_weights([[[2.0]], [1.0]]))
    layer.meanwhile = thread
    model.predict([1.0])  # the old or the new weights
    thread.join()
    assert model.predict([1.0]).tolist() == [3.0]


def test_set_isa_while_others_predict_changes_no_bit():
    model = network([33, 65, 17, 9], ACTIVATIONS, "float32")
    alone = [model.predict(rows_of(i)) for i in range(THREADS)]
    before = fastnn.isa()

    def work(thread):
        if thread == 0:
            for _ in range(300):
                for isa in fastnn.isas():
                    fastnn.set_isa(isa)
            return True
        return all(same_bits(model.predict(rows_of(thread)), alone[thread]) for _ in range(50))

    try:
        assert all(together(work, THREADS))
    finally:
        fastnn.set_isa(before)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux' /proc")  # noqa: PTH110
def test_threads_that_end_leave_no_memory_behind():
    model = network([50_000, 1], ["linear"], "float32")
    x = np.ones((16, 50_000), "float32")
    expected = model.predict(x)

    def resident():
        with open("/proc/self/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def threads(count):
        for _ in range(count):
            thread = threading.Thread(target=lambda: results.append(same_bits(model.predict(x), expected)))
            thread.start()
            thread.join()

    results = []
    # The C library keeps freed memory in arenas, a few to a core; after this many threads there are no more of them.
    threads(300)
    before = resident()
    threads(300)
    assert all(results)
    # A thread's scratch is two blocks of 16 rows of 50,000 numbers of 4 bytes at most; a twentieth of what 300 threads
    # would keep is left to the C library's moods.
    assert resident() - before < 300 * (2 * 16 * 50_000 * 4) / 20
