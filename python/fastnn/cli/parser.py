"""argparse's parser, with one line for a mistake, and an error where it cannot print."""

import argparse
from typing import Any, NoReturn

from fastnn.text import printable


class Parser(argparse.ArgumentParser):
    """A mistake gives one line, without the usage that argparse puts before it."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with code 2."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")

    def print_help(self, file: Any = None) -> None:
        """Print the help; OSError where that fails, which argparse ignores."""
        print(self.format_help(), end="", file=file, flush=True)


class Print(argparse.Action):
    """Prints what `const` returns, on a line of its own that argparse's "version" would wrap, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit; OSError where that fails."""
        print(self.const(), flush=True)
        parser.exit()
