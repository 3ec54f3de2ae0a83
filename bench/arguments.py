"""What may stand behind an option of the programs here: parsers for argparse, whose refusals are one sentence."""

from argparse import ArgumentTypeError
from pathlib import Path


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
    if path.is_dir() or not path.parent.is_dir():
        raise ArgumentTypeError(f"expected a file in an existing folder; received {text!r}")
    return path
