"""The subcommand predict: a model's outputs for the rows of a file."""

import argparse
import io
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from fastnn.arrays import Array
from fastnn.cli import inputs, model_argument
from fastnn.cli.rows import Part, parts, predicted
from fastnn.cli.score import Score, Target
from fastnn.cli.tables import Table, csv_text, writer
from fastnn.cli.unknown import Unknown
from fastnn.models.classes import refuse_nan
from fastnn.models.sequential import Sequential
from fastnn.text import printable

DATA = (
    "a .csv or .tsv file (commas, semicolons or tabs) with or without names, a .npy, .parquet, .feather or .arrow "
    "file, or - for .csv on standard input"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of predict.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["m.safetensors", "rows.csv", "--labels"]).labels
    True
    """
    model_argument.add(parser, "model", "MODEL")
    parser.add_argument("data", metavar="DATA", help=f"rows of numbers, or what the model was trained on: {DATA}")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="write to this .csv, .npy, .parquet, .feather or .arrow file, not to stdout",
    )
    parser.add_argument(
        "--labels",
        action="store_true",
        help="write the class of each row instead of its outputs: the name of the class, or its number from 0 if the "
        "model has no names; NaN in the outputs is an error",
    )
    parser.add_argument(
        "--target",
        metavar="COLUMN",
        help="name or number (from 0) of the column that has the true values and is not an input; prints the accuracy "
        "or the mean absolute error; classes are numbers from 0, or the names of the model's classes",
    )
    inputs.add_arguments(parser)
    parser.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    model = model_argument.load(options)
    for path in (options.model, "/dev/stdin" if options.data == "-" else options.data):
        if options.output is not None and Path(options.output).exists() and Path(options.output).samefile(path):
            raise ValueError(
                f"expected an output that is neither the model nor the data; received {options.output}; "
                "name another file"
            )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="strict")  # as in a .csv file: names may have any characters
    with inputs.open_table(options, options.data) as table:
        _predict_table(options, model, table)


def _predict_table(options: argparse.Namespace, model: Sequential, table: Table) -> None:
    chosen, units = inputs.choose(options, model, table), model.output_shape[1]
    target = None if chosen.target is None else Target(model, table.path)
    score = None if target is None else Score(model, target)
    unknown = Unknown(model)
    rows, seconds_in_model, start = 0, 0.0, time.perf_counter()
    with ExitStack() as stack:
        sample = _written(options, model, np.empty((0, units), model.dtype))
        names = _names(options, model, sample.shape[1])
        file = None if options.output is None else writer(options.output, names, sample.dtype)
        if file is not None:
            stack.enter_context(file)
        for part in progress(parts(model, table, chosen, target), table.rows):
            before = time.perf_counter()
            y = predicted(model, unknown, part, table.path, rows)
            seconds_in_model += time.perf_counter() - before
            if options.labels or (target is not None and target.is_class):
                refuse_nan(y, f"{table.path}: ", rows)
            if score is not None and target is not None and part.target is not None:
                score.add(y, target.truth(part.target, rows))  # before writing, since it may refuse the target
            if file is not None:
                file.write(_written(options, model, y))
            else:
                sys.stdout.write(csv_text(_written(options, model, y)))
            rows += part.rows
        sys.stdout.flush()
    seconds = time.perf_counter() - start
    for note in (*chosen.notes, *unknown.notes(table.path)):
        print(f"fastnn: note: {printable(note)}", file=sys.stderr)
    print(
        f"{rows} rows in {seconds:.3g} s ({seconds_in_model:.3g} s of it in the model), "
        f"{rows / seconds:.0f} rows per second",
        file=sys.stderr,
    )
    if score is not None:
        print(score.text(), file=sys.stderr)


def _written(options: argparse.Namespace, model: Sequential, y: Array) -> Array:
    """Return the columns to write for these outputs: the outputs themselves or, with --labels, the classes."""
    labels = model._labels(y) if options.labels else y
    return labels if labels.ndim == 2 else labels[:, np.newaxis]


def _names(options: argparse.Namespace, model: Sequential, columns: int) -> list[str]:
    """Return the names of the columns to write, for files that have names."""
    if columns == 1:
        return ["class" if options.labels else "prediction"]
    names = list(map(str, model.classes or ()))
    return names if len(set(names)) == columns else [f"output_{i}" for i in range(columns)]


def progress(parts: Iterable[Part], total: int | None) -> Iterator[Part]:
    """Yield the parts. On a terminal, show the progress after a second."""
    if not sys.stderr.isatty():
        yield from parts
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield from _plain_progress(parts, total)
        return
    with tqdm(total=total, unit=" rows", unit_scale=True, delay=1, leave=False) as bar:
        for part in parts:
            yield part
            bar.update(part.rows)


def _plain_progress(parts: Iterable[Part], total: int | None) -> Iterator[Part]:
    rows, shown = 0, time.monotonic()
    try:
        for part in parts:
            yield part
            rows += part.rows
            if time.monotonic() - shown >= 1:
                shown = time.monotonic()
                print(f"\r{rows} rows" + (f" of {total}" if total else ""), end="", file=sys.stderr, flush=True)
    finally:
        print("\r\033[K", end="", file=sys.stderr)
