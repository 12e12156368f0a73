"""The findings as a table for a spreadsheet: a line per image and finding."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TextIO

Value = str | int | float | bool | None | Sequence[str]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would calculate."""


def write_csv(
    file: TextIO, headers: Sequence[str], rows: Iterable[Sequence[Value]]
) -> None:
    """Writes rows of values as CSV.

    Texts that a spreadsheet would take for a formula get an apostrophe in front:
    names of files and classes are not to be trusted.

    Args:
        file: opened with ``newline=""``
        headers: one per column
        rows: as many values each; a list becomes its texts, joined by ", "
    """
    lines = csv.writer(file)
    lines.writerow(headers)
    lines.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Value) -> str | int | float | None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(value)
    if isinstance(value, str):
        # No spreadsheet can hold it, and the csv of Python 3.10 cannot write it
        value = value.replace("\0", "")
        return f"'{value}" if value.startswith(_FORMULA) else value
    return value
