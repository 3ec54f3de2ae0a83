"""Models, with Keras' names: Sequential, and files of models."""

from fastnn.models.sequential import Sequential
from fastnn.saving.api import load_model, save_model

__all__ = ["Sequential", "load_model", "save_model"]
