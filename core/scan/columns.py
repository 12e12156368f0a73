"""Columns of findings that are made when they are read, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, overload

_ROWS_AT_ONCE = 2**16

ColumnOf: TypeAlias = Callable[[slice], list[Any]]
"""Rows -> the values of a field."""


class Column(Sequence[Any]):
    """The values of a field, which are Python objects only while they are looked at.

    Args:
        count: number of rows
        values_of: what makes the values of some
    """

    def __init__(self, count: int, values_of: ColumnOf) -> None:
        self._count = count
        self._values_of = values_of

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, rows: int) -> Any: ...
    @overload
    def __getitem__(self, rows: slice) -> list[Any]: ...
    def __getitem__(self, rows: int | slice) -> Any:
        if isinstance(rows, slice):
            return self._values_of(rows)
        row = range(self._count)[rows]
        return self._values_of(slice(row, row + 1))[0]

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, self._count, _ROWS_AT_ONCE):
            yield from self._values_of(slice(start, start + _ROWS_AT_ONCE))


def of_values(values: Sequence[Any]) -> ColumnOf:
    """Returns what takes parts of values that are there."""
    return lambda rows: list(values[rows])


def of_nothing(count: int) -> ColumnOf:
    """Returns what makes a column of so many rows without a value."""
    return lambda rows: [None] * len(range(count)[rows])
