"""What every result says of itself: to a person, a notebook and a program."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .text import escape_markdown, plain

if TYPE_CHECKING:
    from pandas import DataFrame

_ROWS_SHOWN = 10
_TABLE = "\n| "


class Result:
    """The words that all results share; a dataclass with a ``summary`` has the rest."""

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        raise NotImplementedError

    def details(self) -> Iterable[str]:
        """Returns what else a person should know, a line each."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        assert dataclasses.is_dataclass(self)
        return {
            field.name: json_value(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }

    def to_markdown(self) -> str:
        """Returns the summary and the details, for a card or a notebook."""
        details = [f"* {escape_markdown(line)}" for line in self.details()]
        summary = f"**{escape_markdown(self.summary())}**"
        return "\n".join([summary, "", *details] if details else [summary])

    def __str__(self) -> str:
        return "\n".join(
            [plain(self.summary()), *(f"  {plain(line)}" for line in self.details())]
        )

    def _repr_markdown_(self) -> str:
        """Returns what a notebook shows."""
        return self.to_markdown()


class TableResult(Result):
    """A result with rows."""

    def rows(self) -> Iterable[Mapping[str, Any]]:
        """Yields the rows, each with the same names in the same order."""
        raise NotImplementedError

    def rows_to_show(self) -> Iterable[Mapping[str, Any]]:
        """Returns the rows, or none where they can no longer be read."""
        return self.rows()

    def _repr_markdown_(self) -> str:
        """Returns what a notebook shows: with the first rows, if no table is in it."""
        text = self.to_markdown()
        if _TABLE in text:
            return text
        rows = list(islice(self.rows_to_show(), _ROWS_SHOWN + 1))
        lines = [text, "", *_table(rows[:_ROWS_SHOWN])]
        if len(rows) > _ROWS_SHOWN:
            lines += ["", "All rows: `to_pandas()`"]
        return "\n".join(lines) if rows else text

    def to_pandas(self) -> DataFrame:
        """Returns the rows as a table."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self.rows()])


def _table(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yields rows of the same names as a table of Markdown, a line each."""
    for number, row in enumerate(rows):
        if not number:
            yield f"| {' | '.join(map(escape_markdown, row))} |"
            yield f"|{' :-- |' * len(row)}"
        cells = ("" if cell is None else str(cell) for cell in row.values())
        yield f"| {' | '.join(map(escape_markdown, cells))} |"


def json_value(value: Any) -> Any:
    """Returns a value as JSON has it: dicts of texts, lists, numbers and texts.

    Keys of several words are joined by " -> ". A number that is none or without end
    is None. What JSON has no form for becomes its text.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Result):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: json_value(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        return {_key(key): json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(one) for one in value]
    return str(value) if isinstance(value, Path) else _text(value)


def _key(key: Any) -> str:
    return " -> ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _text(value: Any) -> str:
    return str(getattr(value, "name", None) or value)
