"""The command ``fastnn`` with its subcommands predict, summary, convert, export, bench and config.

A user's mistake gives one line on stderr and exit code 2, never a traceback.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TextIO

import numpy as np

from fastnn import _core
from fastnn.arrays import Array
from fastnn.cli import benchmark, inputs, model_argument
from fastnn.cli.parser import Parser, Print
from fastnn.cli.score import Score
from fastnn.cli.tables import Table, Writer, csv_text, load_npy
from fastnn.cli.wording import for_command_line
from fastnn.configuration import cmake_dir, show_config
from fastnn.models.classes import refuse_nan
from fastnn.models.sequential import Sequential
from fastnn.text import printable

_MAX_ULPS = 100  # docs/numerics.md#ulp: some are roundings, a wrong layer makes thousands


def main(arguments: list[str] | None = None) -> int:
    """Run the command line with these arguments (default: sys.argv) and return the exit code.

    0: success. 2: a user's mistake or an error of the system, with one line on stderr. 1: the answers that convert
    checked differ too much, or the reader of stdout has closed it. 130: Ctrl-C.

    >>> main(["config"])
    fastnn:           ...
    0
    """
    if sys.stderr is None:  # the parent process has closed it
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    if sys.stdout is None:
        print("fastnn: standard output is closed", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the encoding may lack the line-drawing characters of summary
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options) or 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of stdout, for example head, has ended
        _end(sys.stdout)
        return 1
    except KeyboardInterrupt:
        return 130
    except (OSError, ValueError, TypeError, MemoryError, ImportError) as error:
        with suppress(OSError):
            print(f"fastnn: {_one_line(error)}", file=sys.stderr)
        _end(sys.stderr)
        _end(sys.stdout)
        return 2
    return code


def _end(stream: TextIO) -> None:
    """Discard output that cannot be written. Otherwise Python tries again at its end and exits with code 120."""
    try:
        stream.flush()
    except OSError:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        name = error.filename
        name = name.decode(errors="replace") if isinstance(name, bytes) else name
        return printable(f"{name or repr(name)}: {error.strerror}")
    return printable(for_command_line(" ".join(str(error).split()))) or type(error).__name__


def _version() -> str:
    return f"fastnn {_core.__version__}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fastnn", description="Run dense neural networks on this computer's CPU.")
    parser.add_argument("--version", action=Print, nargs=0, const=_version, help="print the version")
    parser.add_argument(
        "--cmake-dir", action=Print, nargs=0, const=cmake_dir, help="print the folder of the C++ package for CMake"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    predict = commands.add_parser("predict", help="compute a model's outputs for the rows of a file")
    model_argument.add(predict, "model", "MODEL")
    predict.add_argument(
        "data",
        metavar="DATA",
        help="rows of numbers: a .csv file (commas, semicolons or tabs) with or without names, a .npy file, "
        "or - for .csv on standard input",
    )
    predict.add_argument("-o", "--output", metavar="OUT", help="write to this .csv or .npy file, not to stdout")
    predict.add_argument(
        "--labels",
        action="store_true",
        help="write the class of each row instead of its outputs: the name of the class, or its number from 0 if the "
        "model has no names; NaN in the outputs is an error",
    )
    predict.add_argument(
        "--target",
        metavar="COLUMN",
        help="name or number (from 0) of the column that has the true values and is not an input; prints the accuracy "
        "or the mean absolute error; classes are numbers from 0, or the names of the model's classes",
    )
    inputs.add_arguments(predict)
    predict.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="the first line of a .csv file names the columns (default: if none of its fields is a number)",
    )
    predict.set_defaults(run=_predict)

    summary = commands.add_parser("summary", help="print a model's layers, output shapes and numbers of weights")
    model_argument.add(summary, "model", "MODEL")
    summary.set_defaults(run=lambda options: model_argument.load(options).summary())

    convert = commands.add_parser("convert", help="convert another tool's model to fastnn, or any model to ONNX")
    model_argument.add(convert, "model", "IN")
    convert.add_argument("output", metavar="OUT", help="a .safetensors or an .onnx file")
    convert.add_argument(
        "--check",
        nargs=2,
        metavar=("X", "Y"),
        help="two .npy files: rows, and the other tool's outputs for them; prints the largest difference to fastnn's, "
        "and writes nothing if it is above --max-ulps (exit code 1)",
    )
    convert.add_argument(
        "--max-ulps",
        type=_ulps,
        metavar="N",
        help=f"the largest difference that --check allows (default: {_MAX_ULPS}); docs/numerics.md says what an ulp is",
    )
    convert.add_argument(
        "--no-fold", action="store_true", help="keep BatchNormalization, scalers and the like as separate layers"
    )
    convert.set_defaults(run=_convert)

    export = commands.add_parser("export", help="write a model as ONNX, or as a C++ header that needs no library")
    model_argument.add(export, "model", "MODEL")
    export.add_argument("output", metavar="OUT", help="an .onnx file, or a C++ header ending in .hpp or .h")
    export.add_argument("--name", help="namespace of the C++ header (default: the name of the file)")
    export.set_defaults(run=_export)

    bench = commands.add_parser("bench", help="measure how fast a model is here, and what bounds it")
    model_argument.add(bench, "model", "MODEL")
    benchmark.add_arguments(bench)

    config = commands.add_parser("config", help="print versions, compiler and instruction sets")
    config.set_defaults(run=lambda options: show_config())
    return parser


def _ulps(text: str) -> float:
    with suppress(ValueError):
        if (ulps := float(text)) >= 0:
            return ulps
    raise argparse.ArgumentTypeError(f"expected a number from 0; received {text!r:.60}")


def _convert(options: argparse.Namespace) -> int:
    suffix = Path(options.output).suffix
    if suffix not in (".safetensors", ".onnx"):
        raise ValueError(f"expected an output that ends in .safetensors or .onnx; received {options.output}")
    if options.max_ulps is not None and options.check is None:
        raise ValueError("expected --max-ulps together with --check X.npy Y.npy; received it alone")
    _refuse_to_overwrite_the_model(options)
    check = None if options.check is None else tuple(map(load_npy, options.check))
    model = model_argument.load(options, check=check, fold=not options.no_fold)
    bound = _MAX_ULPS if options.max_ulps is None else options.max_ulps
    difference = None if model.conversion is None else model.conversion.difference
    is_right = difference is None or difference.ulps <= bound  # not of NaN
    if is_right:
        (model.export if suffix == ".onnx" else model.save)(options.output)
    print(model.conversion or f"fastnn model {printable(options.model)}")
    if is_right:
        return 0
    said = f"expected answers within {bound:g} ulp of those to check with; received the difference above"
    print(f"fastnn: {printable(options.model)}: {said}; nothing is written; --max-ulps N allows more", file=sys.stderr)
    return 1


def _export(options: argparse.Namespace) -> None:
    _refuse_to_overwrite_the_model(options)
    model_argument.load(options).export(options.output, name=options.name)


def _refuse_to_overwrite_the_model(options: argparse.Namespace) -> None:
    if Path(options.output).exists() and Path(options.output).samefile(options.model):
        raise ValueError(
            f"expected an output that is not the model itself; received {options.output}; name another file"
        )


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
    with Table(options.data, options.header) as table:
        _predict_table(options, model, table)


def _predict_table(options: argparse.Namespace, model: Sequential, table: Table) -> None:
    chosen, units = inputs.choose(options, model, table), model.output_shape[1]
    everything = list(range(table.columns))
    readers: dict[int, Callable[[str], float]] = {each: lambda _: 0.0 for each in {*everything} - {*chosen.inputs}}
    score = None
    if chosen.target is not None:
        score = Score(model, units, table.path)
        readers[chosen.target] = score.number
    rows, seconds_in_model, start = 0, 0.0, time.perf_counter()
    with ExitStack() as stack:
        sample = _written(options, model, np.empty((0, units), model.dtype))
        writer = (
            None
            if options.output is None
            else stack.enter_context(Writer(options.output, sample.shape[1], sample.dtype))
        )
        for chunk in _progress(table.chunks(readers), table.rows):
            x = chunk if chosen.inputs == everything else chunk[:, chosen.inputs]
            before = time.perf_counter()
            y = model.predict(x)
            seconds_in_model += time.perf_counter() - before
            if options.labels or (score is not None and score.is_accuracy):
                refuse_nan(y, f"{table.path}: ", rows)
            if score is not None:  # before writing, since it may refuse the target
                score.add(y, chunk[:, chosen.target], rows)
            if writer is not None:
                writer.write(_written(options, model, y))
            else:
                sys.stdout.write(csv_text(_written(options, model, y)))
            rows += len(chunk)
        sys.stdout.flush()
    seconds = time.perf_counter() - start
    for note in chosen.notes:
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


def _progress(chunks: Iterable[Array], total: int | None) -> Iterator[Array]:
    """Yield the chunks. On a terminal, show the progress after a second."""
    if not sys.stderr.isatty():
        yield from chunks
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield from _plain_progress(chunks, total)
        return
    with tqdm(total=total, unit=" rows", unit_scale=True, delay=1, leave=False) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))


def _plain_progress(chunks: Iterable[Array], total: int | None) -> Iterator[Array]:
    rows, shown = 0, time.monotonic()
    try:
        for chunk in chunks:
            yield chunk
            rows += len(chunk)
            if time.monotonic() - shown >= 1:
                shown = time.monotonic()
                print(f"\r{rows} rows" + (f" of {total}" if total else ""), end="", file=sys.stderr, flush=True)
    finally:
        print("\r\033[K", end="", file=sys.stderr)
