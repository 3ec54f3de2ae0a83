"""Text: whether a file can hold it, printable names, sizes with units, suggestions."""

import difflib
from collections.abc import Iterable

# Arguments of earlier versions of Keras, by their names of today.
_FORMER = {"lr": "learning_rate", "alpha": "negative_slope", "init": "kernel_initializer", "output_dim": "units"}


def printable(text: str) -> str:
    r"""Return text with unprintable characters escaped: a name from a file must not command the terminal.

    >>> printable("dense\x1b[2J")
    'dense\\x1b[2J'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def is_text(string: str) -> bool:
    r"""Whether a model file can hold the string: no NUL, no lone surrogate.

    >>> is_text("Größe"), is_text("\0"), is_text("\ud800")
    (True, False, False)
    """
    return not any(c == "\0" or 0xD800 <= ord(c) < 0xE000 for c in string)


def bytes_text(size: int) -> str:
    """Return a number of bytes in Keras' format, with two digits after the point.

    >>> bytes_text(296), bytes_text(4648)
    ('296.00 B', '4.54 KB')
    """
    amount, unit = float(size), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.2f} {unit}"


def nearest(given: object, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the known name that is most like the given one, None if none is like it.

    cutoff: how like it must be, from 0 to 1. At 0.7, the default, 'rely' is like 'relu'; at 0.6 'line' is like 'silu'.

    >>> nearest("Relu", ["relu", "tanh"]), nearest("adma", ["adamax", "adam"])
    ('relu', 'adam')
    """
    spellings = {name.lower(): name for name in known}
    word = str(given)[:100].lower()
    if word in spellings:
        return spellings[word]
    swapped = (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(len(word) - 1))
    found = [each for each in swapped if each in spellings]  # two neighbours in each other's place
    found = found or difflib.get_close_matches(word, spellings, n=1, cutoff=cutoff)
    return spellings[found[0]] if found else None


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """Return the end of an error, "; did you mean 'relu'?"; empty if no known name is like the given one.

    >>> did_you_mean("Relu", ["relu", "tanh"]), did_you_mean("banana", ["relu", "tanh"])
    ("; did you mean 'relu'?", '')
    """
    names = list(known)
    former = _FORMER.get(str(given))
    found = former if former in names else nearest(given, names)
    return f"; did you mean {found!r}?" if found and found != given else ""
