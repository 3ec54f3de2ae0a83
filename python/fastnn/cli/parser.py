"""An argparse parser that reports a mistake in one line, and raises an error if it cannot print."""

import argparse
from typing import Any, NoReturn

from fastnn.text import printable


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage that argparse prints before them.

    >>> Parser(prog="fastnn").parse_args(["--no-such-option"])
    Traceback (most recent call last):
    SystemExit: 2
    """

    def error(self, message: str) -> NoReturn:
        """Print the message on one line and exit with code 2."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")

    def print_help(self, file: Any = None) -> None:
        """Print the help. Raises OSError if that fails, which argparse would ignore."""
        print(self.format_help(), end="", file=file, flush=True)


class Print(argparse.Action):
    """Prints the result of `const`, a function, on one line and exits. argparse's "version" would wrap the line."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit. Raises OSError if printing fails."""
        print(self.const(), flush=True)
        parser.exit()
