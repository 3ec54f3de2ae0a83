"""Fuzz the ONNX importer with valid graphs: none may be converted wrongly, by what onnx's own evaluator says."""

import judge
from fastnn.importers.onnx.file import from_proto
from fastnn.importers.verification import DifferentAnswersError
from graphs import graph_of


def test_one_input(data):
    proto = graph_of(data)
    if proto is None:
        return
    try:
        verified = from_proto(proto).conversion.verification
    except DifferentAnswersError as error:
        raise judge.FindingError(str(error)) from error
    except judge.fastnn.ModelFormatError:
        return
    if verified.reason is not None and "flows for all rows" not in verified.reason:
        raise judge.FindingError(str(verified))


if __name__ == "__main__":
    judge.run(test_one_input)
