"""The subcommand evaluate: the loss and the metrics of a model on the rows of a file."""

import argparse
import sys

import numpy as np

from fastnn.arrays import Array
from fastnn.cli import inputs, model_argument
from fastnn.cli.predict import DATA, progress
from fastnn.cli.rows import parts, predicted
from fastnn.cli.score import Score, Target
from fastnn.cli.unknown import Unknown
from fastnn.models.classes import refuse_nan
from fastnn.text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of evaluate.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["m.safetensors", "rows.csv", "--target", "y"]).target
    'y'
    """
    model_argument.add(parser, "model", "MODEL")
    parser.add_argument("data", metavar="DATA", help=f"rows of numbers, or what the model was trained on: {DATA}")
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        required=True,
        help="name or number (from 0) of the column that has the true values",
    )
    parser.add_argument(
        "--weights", metavar="COLUMN", help="name or number (from 0) of the column of the rows' weights"
    )
    inputs.add_arguments(parser)
    parser.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    model = model_argument.load(options)
    with inputs.open_table(options, options.data) as table:
        chosen, target = inputs.choose(options, model, table), Target(model, table.path)
        score, unknown, rows = Score(model, target), Unknown(model), 0
        for part in progress(parts(model, table, chosen, target), table.rows):
            assert part.target is not None
            _refuse_missing(part.target, table.path, rows)
            y = predicted(model, unknown, part, table.path, rows)
            refuse_nan(y, f"{table.path}: ", rows)
            score.add(y, target.truth(part.target, rows), part.weights)
            rows += part.rows
    texts = score.shown()
    for note in (*chosen.notes, *unknown.notes(table.path)):
        print(f"fastnn: note: {printable(note)}", file=sys.stderr)
    width = max(map(len, texts))
    print(f"{'rows':{width}}  {rows}")
    for name, text in texts.items():
        print(f"{name:{width}}  {text}")


def _refuse_missing(truth: Array, path: str, first_row: int) -> None:
    """Raise ValueError if the true value of a row is missing.

    >>> _refuse_missing(np.array([1.0, np.nan]), "rows.csv", 0)
    Traceback (most recent call last):
    ValueError: rows.csv: expected a value of --target in every row; received none in row 1; leave such rows out
    """
    missing = np.isnan(truth) if truth.dtype.kind == "f" else np.zeros(len(truth), bool)
    if missing.any():
        row = first_row + int(np.argmax(missing))
        raise ValueError(
            f"{path}: expected a value of --target in every row; received none in row {row}; leave such rows out"
        )
