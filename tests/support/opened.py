"""Readers that importers have for open files, as functions of a path."""

import os

from fastnn.files import open_regular
from fastnn.importers.keras import file as keras
from fastnn.importers.onnx import file as onnx
from fastnn.importers.torch import pickle


def load_keras(path, **options):
    with open_regular(os.fspath(path)) as file:
        return keras.load(file, **options)


def load_onnx(path, **options):
    with open_regular(os.fspath(path)) as file:
        return onnx.load(file, **options)


def read_pickle(path):
    with open_regular(os.fspath(path)) as file:
        return pickle.read(file)
