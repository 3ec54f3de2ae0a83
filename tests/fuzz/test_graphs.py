"""Random valid graphs are converted rightly or refused: a short run of the target "graphs", on the same graphs."""

import random

import pytest

pytest.importorskip("onnx", reason="onnx is not installed")

from fastnn import ModelFormatError
from fastnn.importers.onnx.file import from_proto
from fastnn.importers.verification import DifferentAnswersError
from graphs import graph_of


def test_no_random_graph_is_converted_wrongly():
    verified = refused = 0
    for seed in range(300):
        proto = graph_of(random.Random(seed).randbytes(200))
        if proto is None:
            continue
        try:
            report = from_proto(proto).conversion.verification
        except ModelFormatError as error:
            assert not isinstance(error, DifferentAnswersError), (seed, error)
            refused += 1
            continue
        assert report.reason is None, seed
        verified += 1
    assert verified > 100
    assert refused > 100
