"""Model files: fastnn's own format, and the choice of the reader for a file."""

from typing import TYPE_CHECKING

from fastnn.names import missing

if not TYPE_CHECKING:  # type checkers would take it for leave to use any name
    __getattr__ = missing(__name__)  # programs for Keras look for keras.saving.load_model
