"""What all results say in the same words."""

import json
from dataclasses import dataclass
from pathlib import Path

from core.common.result import Result, TableResult, json_value


@dataclass(frozen=True)
class Found(TableResult):
    count: int
    name: str
    share: float = float("nan")

    def summary(self):
        return f"{self.count} in {self.name}"

    def details(self):
        yield f"share {self.share}"

    def rows(self):
        return [{"row": row, "name": self.name} for row in range(self.count)]


def test_a_result_is_text_markdown_json_and_a_table():
    found = Found(2, "a*b\u202e")

    assert str(found) == "2 in a*b\\u202e\n  share nan"
    assert found.to_markdown() == "**2 in a\\*b\\u202e**\n\n* share nan"
    assert found.to_dict() == {"count": 2, "name": "a*b\u202e", "share": None}
    assert found.to_pandas()["row"].tolist() == [0, 1]


def test_a_notebook_shows_the_first_rows_as_a_table():
    shown = Found(12, "a|b")._repr_markdown_()

    lines = shown.splitlines()
    start = lines.index("| row | name |")
    assert lines[start + 1] == "| :-- | :-- |"
    assert lines[start + 2] == "| 0 | a\\|b |"
    assert lines[start + 11 :] == ["| 9 | a\\|b |", "", "All rows: `to_pandas()`"]


def test_a_notebook_shows_no_table_of_nothing_and_none_twice():
    class Tabled(Found):
        def to_markdown(self):
            return "**told**\n\n| row |\n| :-- |\n| 0 |"

    assert Found(0, "a")._repr_markdown_() == Found(0, "a").to_markdown()
    assert Tabled(2, "a")._repr_markdown_() == Tabled(2, "a").to_markdown()


def test_values_become_what_every_program_reads():
    value = {
        ("train", "test"): Path("a"),
        "more": (1, float("inf"), Found(1, "x", 0.5)),
        "none": None,
    }

    assert json.loads(json.dumps(json_value(value), allow_nan=False)) == {
        "train -> test": "a",
        "more": [1, None, {"count": 1, "name": "x", "share": 0.5}],
        "none": None,
    }


def test_a_result_without_details_is_one_line():
    class Short(Result):
        def summary(self):
            return "done"

    assert str(Short()) == "done" and Short().to_markdown() == "**done**"
