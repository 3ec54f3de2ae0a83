"""What an exporter asks of a model. Sequential imports the exporters, so they cannot import Sequential."""

from typing import Any, Protocol

from fastnn.layers.layer import Layer


class Model(Protocol):
    """A Sequential, as exporters see it."""

    dtype: str

    @property
    def layers(self) -> list[Layer]:
        """The layers."""

    @property
    def input_shape(self) -> tuple[None, int]:
        """(None, inputs)."""

    @property
    def output_shape(self) -> tuple[None, int]:
        """(None, units)."""

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """What the outputs stand for, if known."""

    def build(self) -> None:
        """Make the weights; ValueError if the number of inputs is not known."""

    def fingerprint(self) -> str:
        """Return the digest of all that decides the answers."""
