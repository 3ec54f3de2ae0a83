"""Which columns of a table are the model's inputs, and which is the target: --columns, --drop, --target."""

import argparse
import csv
from dataclasses import dataclass, field

from fastnn.cli.tables import Table
from fastnn.models.frames import places_of
from fastnn.models.sequential import Sequential

_ADVICE = "; --drop and --target leave a column out, --columns takes the inputs alone"


_UNKNOWN = (
    "none of --columns is among the model's feature_names; they are taken in this order as the inputs of the model"
)


@dataclass(frozen=True)
class Chosen:
    """The numbers of the columns that are inputs, in the model's order, that of the target, and notes for the user."""

    inputs: list[int]
    target: int | None
    notes: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --columns and --drop.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["--drop", "id", "--drop", "name"])
    Namespace(columns=None, drop=['id', 'name'])
    """
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--columns",
        metavar="A,B,…",
        help="names or numbers (from 0) of the columns that are inputs; by name, in any order, if the model has "
        "feature_names that are among them, else in the order of the model's inputs",
    )
    either.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        help="name or number (from 0) of a column that is no input, such as a name or a row number; may be repeated",
    )


def choose(options: argparse.Namespace, model: Sequential, table: Table) -> Chosen:
    """Return which columns are what. Raises ValueError for columns that do not fit the model."""
    notes: list[str] = []
    target = None if options.target is None else table.column(options.target, "--target")
    if options.columns is not None:
        inputs = [table.column(each, "--columns") for each in next(csv.reader([options.columns]), [])]
        twice = next((each for each in inputs if inputs.count(each) > 1 or each == target), None)
        if twice is not None:
            said = "that is no target" if twice == target else "once"
            raise ValueError(f"{table.path}: expected each of --columns {said}; received column {twice}")
        if model.feature_names is not None and table.names is not None:
            if any(table.names[each] in model.feature_names for each in inputs):
                inputs = _by_name(model.feature_names, inputs, table.names, table.path)
            else:
                notes.append(f"{table.path}: {_UNKNOWN}")
    else:
        out = {target, *(table.column(each, "--drop") for each in options.drop or ())}
        inputs = [each for each in range(table.columns) if each not in out]
        if model.feature_names is not None and table.names is not None:
            inputs = _by_name(model.feature_names, inputs, table.names, table.path)
    if len(inputs) != model.input_shape[1]:
        raise ValueError(_wrong_count(model.input_shape[1], inputs, target, table))
    if options.columns is None and (said := _unnamed(inputs, table.names)):
        notes.append(f"{table.path}: {said}; it is taken as an input")
    if table.counts:
        said = "line 1 is taken as a row, since its fields are numbers; if it names the columns, use --header"
        notes.append(f"{table.path}: {said}")
    return Chosen(inputs, target, notes)


def _by_name(wanted: tuple[str, ...], inputs: list[int], names: list[str], path: str) -> list[int]:
    try:
        return [inputs[place] for place in places_of(wanted, [names[each] for each in inputs], "")]
    except ValueError as error:
        said = _unnamed(inputs, names)
        raise ValueError(f"{path}: {error}{f'; {said}' if said else _ADVICE}") from None


def _wrong_count(expected: int, inputs: list[int], target: int | None, table: Table) -> str:
    text = f"{table.path}: expected {expected} columns, the model's input size; received {len(inputs)}"
    if target is not None:
        text += " besides the target"
    if said := _unnamed(inputs, table.names):
        return f"{text}; {said}"
    if table.columns == 1:
        return f"{text}; columns are separated by ',', ';' or a tab"
    return text + _ADVICE if len(inputs) > expected else text


def _unnamed(inputs: list[int], names: list[str] | None) -> str:
    """Return what an input column without a name is, or ''. pandas calls it "Unnamed: 0" when it reads the file."""
    found = next((each for each in inputs if names is not None and names[each] in ("", "Unnamed: 0")), None)
    if found is None:
        return ""
    return f"column {found} has no name, as the row numbers that pandas writes; --drop {found} leaves it out"
