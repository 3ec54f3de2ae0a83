"""What the programs here owe who runs them: parsers for argparse, whose refusals are one sentence, and exit codes."""

import os
import sys
from argparse import ArgumentTypeError
from pathlib import Path


def exit_code(program, run):
    """Return what run() does; 2 after a sentence for what the system refuses, 130 after Ctrl-C, 1 if nobody reads."""
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
    """Return a parser of an int or a float from `least` to `most`."""

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
    """Return a parser of integers from 1 with commas between them."""
    one = between(int, 1, most)
    return lambda text: [one(each) for each in text.split(",")]


def one_of(valid):
    """Return a parser of names with commas between them."""

    def parse(text):
        names = text.split(",")
        if unknown := [name for name in names if name not in valid]:
            raise ArgumentTypeError(f"expected some of {','.join(valid)}; received {','.join(unknown)}")
        return names

    return parse


def new_file(text):
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ArgumentTypeError(f"expected a file that can be written, in an existing folder; received {text!r}")
    return path
