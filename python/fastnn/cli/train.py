"""The subcommand train: from a table to a model file, with rows held out that say how good the model is."""

import argparse
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.arrays import Array
from fastnn.callbacks.monitor import EarlyStopping
from fastnn.cli import features, inputs, presets, training_data
from fastnn.cli.curve import EpochLines, emphasized, learning_curve
from fastnn.cli.features import Features
from fastnn.cli.predict import DATA
from fastnn.cli.presets import PRESETS
from fastnn.cli.score import Score, Target
from fastnn.cli.training_data import Data, Kind
from fastnn.files import WholeFile
from fastnn.layers.preprocessing import Rescaling
from fastnn.models.checks import check_spread
from fastnn.models.sequential import Sequential
from fastnn.text import printable
from fastnn.utils import set_random_seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of train.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["rows.csv", "--target", "y", "-o", "m.safetensors", "--layers", "32,16"]).layers
    (32, 16)
    """
    parser.add_argument("data", metavar="DATA", help=f"a table with text, numbers and gaps: {DATA}")
    parser.add_argument(
        "--target", metavar="COLUMN", required=True, help="name or number (from 0) of the column to predict"
    )
    parser.add_argument("-o", "--output", metavar="MODEL", required=True, help="the .safetensors file to write")
    inputs.add_arguments(parser)
    parser.add_argument(
        "--types", metavar="NAME=TYPE,…", help="number or category, for columns where the text does not say it"
    )
    parser.add_argument(
        "--weights", metavar="COLUMN", help="name or number (from 0) of the column of the rows' weights"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--classification", dest="is_class", action="store_const", const=True, help="the target is a class"
    )
    kind.add_argument(
        "--regression",
        dest="is_class",
        action="store_const",
        const=False,
        help="the target is an amount (default: a class if it is text, or whole numbers with at most "
        f"{training_data.MOST_CLASSES} values)",
    )
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--validation", metavar="FILE", help="a table of rows to hold out, instead of a fifth of DATA"
    )
    held_out.add_argument(
        "--time-order", action="store_true", help="hold out the last fifth of the rows, not drawn ones"
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default="default",
        help="layers, batch size, epochs, learning rate; realmlp is a slower recipe that is good on most tables",
    )
    parser.add_argument("--layers", type=_layers, metavar="N,N,…", help="units of the hidden layers")
    parser.add_argument("--epochs", type=_whole, metavar="N", help="the most epochs")
    parser.add_argument("--batch-size", type=_whole, metavar="N", help="rows of a step")
    parser.add_argument("--learning-rate", type=_positive, metavar="RATE", help="of Adam, at most")
    parser.add_argument(
        "--seed", type=_seed, metavar="N", help="0 to 4294967295; a run with the same seed gives the same bits"
    )
    parser.add_argument("--quiet", action="store_true", help="write no line for each epoch")
    parser.add_argument(
        "--keep-interrupted",
        action="store_true",
        help="after Ctrl-C write the best model so far (default: write nothing)",
    )
    parser.set_defaults(run=_train)


def _layers(text: str) -> tuple[int, ...]:
    return tuple(_whole(part) for part in text.split(","))


def _whole(text: str) -> int:
    with suppress(ValueError):
        if 1 <= (number := int(text)) < 2**31:
            return number
    raise argparse.ArgumentTypeError(f"expected a whole number from 1; received {text!r:.60}")


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < (number := float(text)) < float("inf"):
            return number
    raise argparse.ArgumentTypeError(f"expected a number above 0; received {text!r:.60}")


def _seed(text: str) -> int:
    with suppress(ValueError):
        if 0 <= (number := int(text)) < 2**32:
            return number
    raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {2**32 - 1}; received {text!r:.60}")


def _train(options: argparse.Namespace) -> int:
    _check_output(options)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    data = training_data.read(options, options.data)
    types = training_data.types_of(options.types, data)
    kind = training_data.kind_of(data.target, options.is_class, data.path)
    training_data.refuse_equal(data.inputs, data.path)
    what = f"{data.path}, column {options.target!r}"
    if options.validation is None:
        y = kind.numbers(data.target, what)
        rows = training_data.split(y, kind, seed, in_time=options.time_order, path=data.path)
        part, held_out = (data.take(each) for each in rows)
    else:
        part, held_out = data, training_data.read(options, options.validation, data)
    prepared = features.prepare(data.inputs, part.inputs, types, PRESETS[options.preset].numbers)
    _print_data(options, data, part, held_out, kind, prepared.categories)
    print(f"seed {seed}", flush=True)
    run = _Run(part, held_out, kind, prepared, what)
    model, is_interrupted = run.fit(options, seed)
    print(run.scores(model))
    model.save(options.output, include_optimizer=False)
    print(f"wrote {printable(options.output)}" + ("; the training was interrupted" if is_interrupted else ""))
    return 0


def _check_output(options: argparse.Namespace) -> None:
    """Raise ValueError or OSError if the model could not be written, before time is spent on it."""
    if Path(options.output).suffix != ".safetensors":
        raise ValueError(
            f"expected an output that ends in .safetensors; received {options.output}; fastnn export writes others"
        )
    for path in (options.data, options.validation):
        if (
            path is not None
            and Path(options.output).exists()
            and Path(path).exists()
            and Path(options.output).samefile(path)
        ):
            raise ValueError(f"expected an output that is not the data; received {options.output}; name another file")
    with suppress(InterruptedError), WholeFile(options.output):
        raise InterruptedError  # so that the file is opened and not written


def _print_data(
    options: argparse.Namespace, data: Data, part: Data, held_out: Data, kind: Kind, categories: list[str]
) -> None:
    classes = ", ".join(map(str, kind.classes))
    said = f"classification, {len(kind.classes)} classes: {classes:.100}" if kind.is_class else "regression"
    print(f"target {printable(options.target)}: {printable(said)} ({kind.why})")
    for line in training_data.described(data.inputs, categories):
        print(f"  {printable(line)}")
    where = "drawn, a fifth" + (" of each class" if kind.is_class else "")
    if options.validation is not None:
        where = f"those of {printable(options.validation)}"
    elif options.time_order:
        where = "the last fifth"
    print(f"{part.rows} rows to train on, {held_out.rows} held out ({where})")


class _Run:
    """A training: its data as a network takes them, and its scores.

    Numbers are learned with mean 0 and standard deviation 1; a last layer turns outputs back.
    """

    def __init__(self, part: Data, held_out: Data, kind: Kind, prepared: Features, what: str) -> None:
        self._part, self._held_out, self._kind, self._features = part, held_out, kind, prepared
        self._y = kind.numbers(part.target, what)
        self._y_held_out = kind.numbers(held_out.target, f"{held_out.path}, the target")
        self._x, self._x_held_out = part.inputs, held_out.inputs
        weights = np.ones(part.rows) if part.weights is None else part.weights
        if not weights.any():
            raise ValueError(f"{part.path}: expected --weights above 0 in the rows to train on; received 0 in all")
        if held_out.weights is not None and not held_out.weights.any():
            raise ValueError(f"{held_out.path}: expected --weights above 0 in the held-out rows; received 0 in all")
        self._mean = float(np.average(self._y, weights=weights))
        spread = float(np.sqrt(np.average((self._y - self._mean) ** 2, weights=weights)))
        spread *= self._y.min() < self._y.max()  # rounded, that of equal targets would not be 0
        if not kind.is_class:
            try:
                check_spread(self._mean, spread)
            except ValueError as error:
                raise ValueError(f"{part.path}: {error}") from None
        self._scale = spread if spread > 0 else 1.0
        self._shares = np.bincount(self._y, weights, len(kind.classes)) / weights.sum() if kind.is_class else None

    def fit(self, options: argparse.Namespace, seed: int) -> tuple[Sequential, bool]:
        """Return the trained model, with its best weights, and whether Ctrl-C has ended the training."""
        set_random_seed(seed)
        training = presets.training(options, self._features.layer, self._kind, self._part.rows, seed)
        model, stopping = training.model, training.best
        y, y_held_out = (training.targets(self._scaled(y), self._kind) for y in (self._y, self._y_held_out))
        lines = EpochLines(training.epochs, stopping)
        is_interrupted = False
        try:
            model.fit(
                self._x,
                y,
                batch_size=training.batch_size,
                epochs=training.epochs,
                verbose=0,
                callbacks=[stopping] if options.quiet else [stopping, lines],
                validation_data=(self._x_held_out, y_held_out, self._held_out.weights),
                sample_weight=self._part.weights,
                seed=seed,
            )
        except KeyboardInterrupt:
            if not options.keep_interrupted or stopping.best_weights is None:
                raise
            stopping.on_train_end()
            is_interrupted = True
        finally:
            lines.end()
        self._print_curve(model, stopping)
        if not self._kind.is_class:
            model.add(Rescaling(self._scale, self._mean))
        else:
            model.classes = self._kind.classes
        return model, is_interrupted

    def _scaled(self, y: Array) -> Array:
        return y if self._kind.is_class else (y - self._mean) / self._scale

    def _print_curve(self, model: Sequential, stopping: EarlyStopping) -> None:
        assert model.history is not None
        history = model.history.history
        if sys.stdout.isatty():
            print(learning_curve(history["loss"], history["val_loss"], stopping.best_epoch))
        print(f"best epoch {stopping.best_epoch + 1} of {len(history['val_loss'])}")

    def scores(self, model: Sequential) -> str:
        """Return a table of the scores on the held-out rows, beside those of the trivial answer."""
        target = Target(model, self._held_out.path)
        if self._shares is not None:
            name, trivial = "most frequent class", np.tile(self._shares, (self._held_out.rows, 1))
        else:
            name, trivial = "mean", np.full((self._held_out.rows, 1), self._mean)
        columns = []
        table: Any = self._x_held_out
        for y in (model.predict(table), trivial):
            score = Score(model, target)
            score.add(y, self._y_held_out, self._held_out.weights)
            columns.append(score.shown())
        width = max(map(len, ("held-out rows", *columns[0])))
        second = max(len("model"), *map(len, columns[0].values()))
        lines = [f"{'held-out rows':{width}}  {'model':{second}}  {name}"]
        lines += [f"{key:{width}}  {text:{second}}  {columns[1][key]}" for key, text in columns[0].items()]
        return "\n".join([lines[0], *(emphasized(line, sys.stdout) for line in lines[1:])])
