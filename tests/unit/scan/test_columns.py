import pytest

from core.scan import columns
from core.scan.columns import Column, of_nothing, of_values

VALUES = [3, None, 1, 4, None, 5]


@pytest.fixture
def column(monkeypatch):
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", 4)
    return Column(6, of_values(VALUES))


def test_a_column_is_its_values(column):
    assert list(column) == VALUES
    assert len(column) == 6
    assert [column[row] for row in range(-6, 6)] == VALUES + VALUES
    assert column[1:3] == VALUES[1:3]
    assert column.count(None) == 2


def test_a_row_that_is_not_there_is_an_error(column):
    with pytest.raises(IndexError):
        column[6]


def test_no_more_than_a_part_is_made_at_once(monkeypatch):
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", 4)
    asked = []

    def values_of(rows):
        asked.append(rows)
        return VALUES[rows]

    assert list(Column(6, values_of)) == VALUES
    assert asked == [slice(0, 4), slice(4, 8)]


def test_nothing_is_none_for_each_row():
    assert list(Column(3, of_nothing(3))) == [None] * 3
    assert of_nothing(3)(slice(1, 9)) == [None] * 2
