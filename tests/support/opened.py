"""Readers that importers have for open files, as functions of a path."""

import os

import pytest

from fastnn import ModelFormatError
from fastnn.files import open_regular
from fastnn.importers.keras import file as keras
from fastnn.importers.onnx import file as onnx
from fastnn.importers.torch import pickle
from keras_files import saved


def load_keras(path, **options):
    with open_regular(os.fspath(path)) as file:
        return keras.load(file, **options)


def refusal_of_keras(path, content, error=ModelFormatError):
    """The sentence that refuses a file, by exactly this class of errors."""
    with pytest.raises(error) as raised:
        load_keras(saved(path, content))
    assert type(raised.value) is error
    assert str(path) in str(raised.value)
    return str(raised.value)


def load_onnx(path, **options):
    with open_regular(os.fspath(path)) as file:
        return onnx.load(file, **options)


def read_pickle(path):
    with open_regular(os.fspath(path)) as file:
        return pickle.read(file)
