"""The command ``fastnn`` with its subcommands train, predict, evaluate, summary, convert, export, bench and config.

A user's mistake gives one line on stderr and exit code 2, never a traceback.
"""

import argparse
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from fastnn import _core
from fastnn.cli import benchmark, evaluate, model_argument, predict, train
from fastnn.cli.parser import Parser, Print
from fastnn.cli.tables import load_npy
from fastnn.cli.wording import for_command_line
from fastnn.configuration import cmake_dir, show_config
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
        options = _options(arguments)
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


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """Return what the arguments say. Unknown ones are an error of the command, whose help tells what it takes."""
    given = sys.argv[1:] if arguments is None else arguments
    options, unknown = _parser().parse_known_args(given)
    if unknown:
        before = given[: given.index(unknown[0])][-2:]
        is_rest_of_a_list = before and before[0].startswith("--") and not unknown[0].startswith("-")
        advice = "; an option that takes several values takes them as one argument, a,b,c" if is_rest_of_a_list else ""
        options.command.error(f"unrecognized arguments: {' '.join(unknown)}{advice}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fastnn", description="Train and run dense neural networks on this computer's CPU.")
    parser.add_argument("--version", action=Print, nargs=0, const=_version, help="print the version")
    parser.add_argument(
        "--cmake-dir", action=Print, nargs=0, const=cmake_dir, help="print the folder of the C++ package for CMake"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train.add_arguments(commands.add_parser("train", help="train a model on the rows of a file"))
    predict.add_arguments(commands.add_parser("predict", help="compute a model's outputs for the rows of a file"))
    evaluate.add_arguments(
        commands.add_parser("evaluate", help="compute a model's loss and metrics on the rows of a file")
    )

    summary = commands.add_parser("summary", help="print a model's layers, numbers of weights, columns and classes")
    model_argument.add(summary, "model", "MODEL")
    summary.set_defaults(run=_summarize)

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
    for command in commands.choices.values():
        command.set_defaults(command=command)
    return parser


def _summarize(options: argparse.Namespace) -> None:
    """Print the layers, what the model takes, and which output is which class."""
    model = model_argument.load(options)
    model.summary()
    if model.feature_space is not None:
        columns = [f"{name} ({kind})" for name, kind in model.feature_space.features.items()]
        print(printable(f" Columns: {', '.join(columns)}"))
    elif model.feature_names is not None:
        print(printable(f" Columns: {', '.join(model.feature_names)}"))
    if model.classes is not None:
        print(printable(f" Classes, in the order of the outputs: {', '.join(map(str, model.classes))}"))


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
