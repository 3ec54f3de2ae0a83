"""Argument types for argparse and exit codes, shared by the benchmark programs.

A bad argument gives one sentence: what was expected, what was received.
"""

import os
import sys
from argparse import ArgumentTypeError
from pathlib import Path


def exit_code(program, run):
    """Return run(), or the exit code of its failure: 2 for an error of the system, 130 for Ctrl-C, 1 for a closed pipe.

    An error of the system is printed as one sentence.
    """
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except (OSError, MemoryError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code


def between(kind, least, most):
    """Return an argument type for an int or a float from `least` to `most`; `kind` is int or float."""

    def parse(text):
        try:
            number = kind(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            name = "an integer" if kind is int else "a number"
            raise ArgumentTypeError(f"expected {name} from {least} to {most}; received {text!r:.60}")
        return number

    return parse


def numbers(most=2**31):
    """Return an argument type for comma-separated integers from 1 to `most`."""
    one = between(int, 1, most)
    return lambda text: [one(each) for each in text.split(",")]


def one_of(valid):
    """Return an argument type for comma-separated names, each of which must be in `valid`."""

    def parse(text):
        names = text.split(",")
        if unknown := [name for name in names if name not in valid]:
            raise ArgumentTypeError(f"expected names among {','.join(valid)}; received {','.join(unknown)}")
        return names

    return parse


def new_file(text):
    """Return a path that can be written, as an argument type."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"expected a file that can be written, in an existing folder; received {text!r}")
    return path
