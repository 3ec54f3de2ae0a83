"""Text that people read: printable names, sizes with units."""


def printable(text: str) -> str:
    r"""Return text with unprintable characters escaped: a name from a file must not command the terminal.

    >>> printable("dense\x1b[2J")
    'dense\\x1b[2J'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


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
