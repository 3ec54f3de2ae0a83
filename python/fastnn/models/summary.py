"""The table that ``model.summary()`` prints, in the format of Keras 3."""

from typing import Any

from fastnn.text import bytes_text, printable

_WIDTHS = (33, 24, 15, 11)  # Keras' columns on an 80-column terminal
_SIDES = "<<>^"


def _line(left: str, fill: str, cross: str, right: str, widths: list[int]) -> str:
    return left + cross.join(fill * width for width in widths) + right


def _cells(bar: str, cells: tuple[str, ...], widths: list[int]) -> str:
    texts = (f" {cell:{side}{width - 2}} " for cell, side, width in zip(cells, _SIDES, widths, strict=False))
    return bar + bar.join(texts) + bar


def summary_lines(
    name: str, rows: list[tuple[str, ...]], params: int, not_trained: int, bytes_per_param: int
) -> list[str]:
    """Return the lines of a summary; rows are (layer (type), output shape, params[, whether it is trainable]).

    >>> summary_lines("m", [("dense (Dense)", "(None, 3)", "9")], 9, 0, 4)[3:5]
    ['┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩',
     '│ dense (Dense)                   │ (None, 3)              │             9 │']
    """
    heads = ("Layer (type)", "Output Shape", "Param #", "Trainable")
    table = [heads[: len(rows[0]) if rows else 3], *((printable(layer), *others) for layer, *others in rows)]
    columns: Any = zip(*table, strict=True)
    widths = [max(least, *(len(cell) + 2 for cell in column)) for least, column in zip(_WIDTHS, columns, strict=False)]
    lines = [
        f'Model: "{printable(name)}"',
        _line("┏", "━", "┳", "┓", widths),
        _cells("┃", table[0], widths),
        _line("┡", "━", "╇", "┩", widths),
    ]
    for i, row in enumerate(table[1:]):
        if i:
            lines.append(_line("├", "─", "┼", "┤", widths))
        lines.append(_cells("│", row, widths))
    lines.append(_line("└", "─", "┴", "┘", widths))
    totals = {"Total": params, "Trainable": params - not_trained, "Non-trainable": not_trained}
    return lines + [f" {kind} params: {n:,} ({bytes_text(n * bytes_per_param)})" for kind, n in totals.items()]
