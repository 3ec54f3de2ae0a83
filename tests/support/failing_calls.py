"""A program for test_allocation_failures.py, failing_new.cpp preloaded: `failing_calls.py SHIM MODEL WRONG FOLDER`.

Each C++ allocation of each call fails once: MemoryError, or the answer; nothing leaks, and the model stays as it was.
Prints how many failures each call had.
"""

import ctypes
import gc
import sys
import threading
from pathlib import Path

import numpy as np

import fastnn
from arrays import uniform
from sequentials import network


def calls(path, wrong, folder):
    """Each as a function without arguments; what it returns is the same every time."""
    model = fastnn.load_model(path)
    x = uniform(1, (3000, model.input_shape[1]), "float32")
    weights = [array.astype("float64") for array in model.get_weights()]

    def refused(function, *arguments):
        try:
            function(*arguments)
        except (ValueError, TypeError, OSError) as error:
            return str(error)
        raise AssertionError("no error")

    def on_a_new_thread():  # which has no scratch yet
        answers = []

        def call():
            try:
                answers.append(model.predict(x[:900]).tobytes())
            except MemoryError:
                answers.append(MemoryError)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        if answers == [MemoryError]:
            raise MemoryError
        return answers

    def saved():
        model.save(folder / "saved.safetensors")
        assert len(list(folder.iterdir())) == 1
        return (folder / "saved.safetensors").read_bytes()

    def built():
        new = network([5, 40, 3], ["tanh", "linear"], "float32")
        return new.predict(x[:7, :5]).tobytes()

    def trainable():
        new = network([20, 40, 3], ["tanh", "linear"], "float32")
        new.compile("adam", "mse", metrics=["mae"])
        return new

    trained, stepping = trainable(), trainable()
    weights_before, state_before = stepping.get_weights(), stepping._training_state()

    def fitted():
        new = trainable()
        new.fit(x[:300, :20], x[:300, :3], epochs=2, seed=1, verbose=0)
        return [array.tobytes() for array in new.get_weights()]

    def stepped():  # from the same state, whatever became of the step before
        stepping._set_training_state(state_before)
        stepping.set_weights(weights_before)
        losses = [stepping.train_on_batch(x[:300, :20], x[:300, :3])]
        return losses, [array.tobytes() for array in stepping.get_weights()]

    return {
        "fit": fitted,
        "train_on_batch": stepped,
        "evaluate": lambda: trained.evaluate(x[:, :20], x[:, :3], verbose=0),
        "wrong targets": lambda: refused(trained.train_on_batch, x[:, :20], x[:, :4]),
        "predict": lambda: model.predict(x).tobytes(),
        "one row": lambda: model.predict(x[0]).tobytes(),
        "out": lambda: model.predict(x, out=np.empty((3000, *model.output_shape[1:]), "float32")).tobytes(),
        "float64": lambda: model.predict(x.astype("float64")).tobytes(),
        "three axes": lambda: model.predict(x[None]).tobytes(),
        "list": lambda: model.predict([x[0].tolist()]).tobytes(),
        "representations": lambda: [y.tobytes() for y in model.representations(x)],
        "new thread": on_a_new_thread,
        "load": lambda: fastnn.load_model(path).predict(x[0]).tobytes(),
        "save": saved,
        "build": built,
        "set_weights": lambda: model.set_weights(weights) or model.predict(x[0]).tobytes(),
        "wrong file": lambda: refused(fastnn.load_model, wrong),
        "no file": lambda: refused(fastnn.load_model, folder / "none.safetensors"),
        "wrong shape": lambda: refused(model.predict, x[:, 1:]),
        "wrong out": lambda: refused(lambda: model.predict(x, out=x)),
        "wrong dtype": lambda: refused(model.predict, x.astype(complex)),
        "wrong activation": lambda: refused(fastnn.layers.Dense, 3, "none"),
        "wrong isa": lambda: refused(fastnn.set_isa, "none"),
        "isas": fastnn.isas,
        "threads": lambda: fastnn.set_num_threads(3) or fastnn.get_num_threads(),
    }


def main():
    shim = ctypes.CDLL(sys.argv[1])
    shim.living.restype = ctypes.c_long
    shim.has_failed.restype = ctypes.c_bool
    shim.fail.argtypes = [ctypes.c_long, ctypes.c_bool]
    fastnn.set_num_threads(3)
    for name, call in calls(*map(Path, sys.argv[2:])).items():
        for _ in range(20):
            wanted = call()
        gc.collect()
        living, n, answer = shim.living(), 0, None
        while True:
            shim.fail(n, False)
            try:
                answer = call()
            except MemoryError:
                answer = None
            failed = shim.has_failed()
            shim.fail_no_more()
            assert failed or answer is not None, name
            assert answer in (None, wanted), name
            assert call() == wanted, name
            if not failed:
                break
            n += 1
        gc.collect()
        assert shim.living() <= living, f"{name}: {shim.living() - living} allocations leaked in {n} failures"
        print(f"{name}: {n}")


if __name__ == "__main__":
    main()
