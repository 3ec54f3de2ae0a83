"""Input, the declaration of a model's inputs."""

from fastnn.layers.arguments import inputs_of_shape, unique_name


class Input:
    """The declaration of a model's inputs: ``Sequential([Input((4,)), Dense(3)])``.

    shape: (inputs,), without the batch axis.
    """

    def __init__(self, shape: tuple[int], name: str | None = None) -> None:
        self.inputs = inputs_of_shape("shape", shape)
        self.shape = (None, self.inputs)
        self.name = unique_name("input_layer", name)

    def __repr__(self) -> str:
        return f"Input(shape=({self.inputs},))"
