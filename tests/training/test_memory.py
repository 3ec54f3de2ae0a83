"""What training leaves in memory: nothing. bench/train.py --fits 10000 measures the memory of a process."""

import pickle
import weakref

from training import model_of, rows


def test_fitted_models_are_freed_with_their_last_name():
    """Not when Python next collects cycles: a trainer's memory, which Python does not see, would pile up till then."""
    x, y = rows()
    model = model_of(x)
    history = model.fit(x, y, validation_split=0.2, verbose=0)
    assert history.model is model
    gone = weakref.ref(model)
    del model
    assert gone() is None
    assert history.model is None
    assert pickle.loads(pickle.dumps(history)).history == history.history
