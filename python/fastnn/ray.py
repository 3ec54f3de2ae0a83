"""A model as a class that Ray Data's actors hold: the rows of a dataset are predicted batch by batch."""

from __future__ import annotations

from typing import Any

try:
    import ray.data  # noqa: F401  # only to say what is missing
except ImportError:
    raise ImportError("fastnn.ray needs Ray Data: pip install 'ray[data]'") from None

from fastnn.answers import Answers, with_none
from fastnn.models.sequential import Sequential

__all__ = ["Predictor"]


class Predictor:
    """A function of batches, for map_batches(): it adds a column "prediction" with the answers of a model.

    model: a Sequential with feature_names or a FeatureSpace, whose columns each batch must have; as it is now.
    classes: True for predict_classes(), with None where an output is NaN.
    Raises ValueError for a model without names, TypeError for other objects; what predict() raises, in the actors.

    Four actors that load the model once each: ``ds.map_batches(fastnn.ray.Predictor, fn_constructor_args=(model,),
    compute=ray.data.ActorPoolStrategy(size=4))``. Ray gives each actor one thread, or num_cpus of map_batches().

    >>> import fastnn.ray
    >>> model = Sequential([Dense(1, use_bias=False, input_shape=(2,))])
    >>> model.set_weights([[[1], [10]]])
    >>> model.feature_names = ["age", "height"]
    >>> batch = {"id": np.array([7, 8]), "height": np.array([1.5, 2.0]), "age": np.array([30, 40])}
    >>> fastnn.ray.Predictor(model)(batch)["prediction"]
    array([45., 60.], dtype=float32)
    """

    def __init__(self, model: Sequential, classes: bool = False) -> None:
        self._answers, self._classes = Answers(model, classes), classes

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the batch, a dict of columns, with one more. Raises TypeError for batches of another format."""
        if not isinstance(batch, dict):
            raise TypeError(
                "expected batches in map_batches' default format, dicts of NumPy arrays; "
                f"received {type(batch).__name__}: leave out batch_format"
            )
        made, gaps = self._answers(batch)
        return {**batch, "prediction": with_none(made, gaps) if self._classes else made}


def __dir__() -> list[str]:
    return __all__
