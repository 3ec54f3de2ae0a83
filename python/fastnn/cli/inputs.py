"""Which columns of a table are inputs, target, weights of rows: --columns, --drop, --target, --weights.

Also how a table is read: --header, --separator.
"""

import argparse
import csv
from dataclasses import dataclass, field

from fastnn.cli import features
from fastnn.cli.raw_table import names_of
from fastnn.cli.tables import Table
from fastnn.models.frames import places_of
from fastnn.models.sequential import Sequential
from fastnn.text import did_you_mean

# A note about a first line that may have been meant to name the columns.
FIRST_ROW = "line 1 is taken as a row, since {}; if it names the columns, use --header"
_WITHOUT_NAMES = "; the file names no columns: write their names as its first line (--header, if they are there)"
_ADVICE = "; --drop and --target leave a column out, --columns takes the inputs alone"


_UNKNOWN = (
    "none of --columns is among the model's feature_names; they are taken in this order as the inputs of the model"
)


@dataclass(frozen=True)
class Chosen:
    """The numbers of the columns: inputs in the model's order, target, weights; and notes for the user."""

    inputs: list[int]
    target: int | None
    weights: int | None = None
    notes: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --columns, --drop, --header and --separator.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["--drop", "id,name", "--separator", ";"])
    Namespace(columns=None, drop=['id,name'], header=None, separator=';')
    """
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--columns",
        metavar="A,B,…",
        help="names or numbers (from 0) of the columns that are inputs; a model with feature_names among them takes "
        "them by name, in any order, another one in this order",
    )
    either.add_argument(
        "--drop",
        metavar="A,B,…",
        action="append",
        help="names or numbers (from 0) of columns that are no inputs, such as a row number; may be repeated",
    )
    parser.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="the first line of a .csv file names the columns (default: if none of its fields is a number)",
    )
    parser.add_argument(
        "--separator",
        type=_separator,
        metavar="CHARACTER",
        help="what separates the columns of a .csv file, such as ';', or 'tab' (default: found in its first lines)",
    )


def _separator(text: str) -> str:
    separator = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(separator) == 1 and not separator.isalnum() and separator not in '"\r\n.-+\0':
        return separator
    raise argparse.ArgumentTypeError(f"expected one character, or tab; received {text!r:.60}")


def open_table(options: argparse.Namespace, path: str) -> Table:
    """Open a table as --header and --separator say."""
    return Table(path, options.header, options.separator)


def dropped(options: argparse.Namespace, table: Table) -> set[int]:
    """Return the numbers of the columns of --drop. A name with a comma stands alone, or in quotes."""
    return {each for text in options.drop or () for each in _listed(text, table, "--drop")}


def columns(options: argparse.Namespace, table: Table) -> list[int]:
    """Return the numbers of the columns of --columns."""
    return _listed(options.columns, table, "--columns")


def _listed(text: str, table: Table, option: str) -> list[int]:
    names = [text] if table.names is not None and text in table.names else next(csv.reader([text]), [])
    return [table.column(each, option) for each in names]


def choose(options: argparse.Namespace, model: Sequential, table: Table) -> Chosen:
    """Return which columns are what. Raises ValueError for columns that do not fit the model."""
    notes: list[str] = []
    target, weights = special(options, table)
    wanted = features.columns_of(model)
    if wanted is not None:
        return Chosen(_of_table(options, wanted, table, {target, weights}), target, weights)
    if options.columns is not None:
        inputs = columns(options, table)
        twice = next((each for each in inputs if inputs.count(each) > 1 or each in (target, weights)), None)
        if twice is not None:
            special_name = {target: "no target", weights: "no weights"}.get(twice)
            said = f"that is {special_name}" if special_name else "once"
            raise ValueError(f"{table.path}: expected each of --columns {said}; received column {twice}")
        if model.feature_names is not None and table.names is not None:
            if any(table.names[each] in model.feature_names for each in inputs):
                inputs = _by_name(model.feature_names, inputs, table.names, table.path)
            else:
                notes.append(f"{table.path}: {_UNKNOWN}")
    else:
        out = {target, weights, *dropped(options, table)}
        inputs = [each for each in range(table.columns) if each not in out]
        if model.feature_names is not None and table.names is not None:
            inputs = _by_name(model.feature_names, inputs, table.names, table.path)
    if len(inputs) != model.input_shape[1]:
        raise ValueError(_wrong_count(model.input_shape[1], inputs, target, table))
    if options.columns is None and (said := _unnamed(inputs, table.names)):
        notes.append(f"{table.path}: {said}; it is taken as an input")
    if table.counts:
        notes.append(f"{table.path}: {FIRST_ROW.format('its fields are numbers')}")
    return Chosen(inputs, target, weights, notes)


def special(options: argparse.Namespace, table: Table) -> tuple[int | None, int | None]:
    """Return the numbers of the columns of --target and --weights, None for one that is not given."""
    target, weights = (
        None if (name := getattr(options, option, None)) is None else table.column(name, f"--{option}")
        for option in ("target", "weights")
    )
    if target is not None and target == weights:
        raise ValueError(
            f"{table.path}: expected --weights to be another column than --target; received both as {target}"
        )
    return target, weights


def _of_table(options: argparse.Namespace, wanted: list[str], table: Table, out: set[int | None]) -> list[int]:
    """Return the columns that a model takes by name from a raw table. Others may be there too."""
    left = set(columns(options, table) if options.columns is not None else range(table.columns)) - out
    left -= dropped(options, table)
    places = [i for i, name in enumerate(names_of(table)) if i in left and name in wanted]
    names = [names_of(table)[i] for i in places]
    for name in wanted:
        if names.count(name) != 1:
            others = [names_of(table)[i] for i in sorted(left)]
            advice = did_you_mean(name, others) if table.names is not None else _WITHOUT_NAMES
            expected = f"expected one column {name!r}, an input of the model"
            if name in (names_of(table)[i] for i in range(table.columns) if i not in left):
                advice = ": it cannot be left out, or be the target or the weights"
            raise ValueError(f"{table.path}: {expected}; received {names.count(name) or 'none'}{advice}")
    return places


def _by_name(wanted: tuple[str, ...], inputs: list[int], names: list[str], path: str) -> list[int]:
    """Return the columns that a model takes by name, in its order. Others may be there too, as in frames."""
    labels = [names[each] for each in inputs]
    try:
        return [inputs[place] for place in places_of(wanted, labels)]
    except ValueError as error:
        gone = next((name for name in wanted if name not in labels), None)
        advice = _ADVICE if gone is None else did_you_mean(gone, labels)
        if not set(wanted).intersection(labels):
            advice = "; --columns takes columns of other names, in the order of the model's inputs"
        raise ValueError(f"{path}: {error}{advice}") from None


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
