"""Input declares the number of inputs of a model."""

from fastnn.arguments import positive_integer
from fastnn.layers.arguments import inputs_of_shape, unique_name
from fastnn.strict import Strict


class Input(Strict):
    """Declares the number of inputs of a model, in front of its layers.

    shape: (inputs,), without the batch axis. Raises ValueError for any other.
    batch_size: accepted for programs written for Keras; a model predicts any number of rows.
    name: default "input_layer", then "input_layer_1", ….

    >>> from fastnn import Input
    >>> Sequential([Input((4,)), Dense(3)]).input_shape
    (None, 4)
    """

    def __init__(self, shape: tuple[int], batch_size: int | None = None, *, name: str | None = None) -> None:
        if batch_size is not None:
            positive_integer("batch_size", batch_size)
        self.inputs = inputs_of_shape("shape", shape)
        self.shape = (None, self.inputs)
        self.name = unique_name("input_layer", name)

    def __repr__(self) -> str:
        return f"Input(shape=({self.inputs},))"
