"""Text that people read: names from files made harmless, numbers of bytes."""


def printable(text: str) -> str:
    """Return text with control characters escaped: a name from a file must not command the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def bytes_text(size: int) -> str:
    """Return a number of bytes as Keras writes it: 296.00 B, 4.54 KB, 1.20 MB."""
    amount, unit = float(size), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.2f} {unit}"
