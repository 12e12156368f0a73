from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.actions.apply import apply_plan, check_count
from core.actions.filesystem import FileIdentity
from core.actions.plan import ActionPlan, PlannedItem
from core.actions.session import Report
from core.errors import ActionError

PLAN = ActionPlan(
    "0123", Path("/p"), "quarantine", "/r", None, "/q", {}, 1_500, 1_500, 9,
    Counter(), Counter(), Counter(), [], None,
)  # fmt: skip
ITEM = PlannedItem(
    0, "a.jpg", "files/0.jpg", FileIdentity(1, 2, 30, 4, 5, 6, 1), "ab", None, "",
    None, None, [],
)  # fmt: skip


def test_a_plan_of_nothing_is_applied_to_nothing():
    nothing = replace(PLAN, count=0)

    report = apply_plan(nothing, records_of=None)

    assert (report.planned, report.done, report.folder) == (0, 0, "")
    with pytest.raises(ActionError, match="but the plan has 0 items"):
        apply_plan(nothing, records_of=None, expect_count=3)


def test_a_count_that_is_said_must_be_right():
    check_count(PLAN, None)
    check_count(PLAN, 1_500)
    for wrong in (0, 1_499):
        with pytest.raises(ActionError, match="but the plan has 1,500 items"):
            check_count(PLAN, wrong)


def test_a_count_that_is_needed_must_be_said():
    much = replace(PLAN, needs_count="It takes much.")
    with pytest.raises(ActionError, match="It takes much. .* expect_count=1500"):
        check_count(much, None)
    check_count(much, 1_500)


def test_a_report_counts_every_item_once():
    report = Report("apply", "quarantine", "k", "/f", planned=6)
    report.count_done(ITEM)
    report.count_done(replace(ITEM, target=None, identity=None))
    report.count_skipped("b.jpg", "gone")
    report.count_skipped("c.jpg", "gone")
    report.count_conflict("d.jpg", "taken")
    assert (report.done, report.moves, report.bytes) == (2, 1, 30)
    assert report.skipped == {"gone": 2}
    assert report.conflicts == {"taken": 1}
    assert report.not_reached == 1
    assert report.examples == [("b.jpg", "gone"), ("c.jpg", "gone"), ("d.jpg", "taken")]


def test_a_report_shows_the_first_reasons_and_counts_all():
    report = Report("apply", "quarantine", "k", "/f", planned=1_000)
    for number in range(1_000):
        report.count_skipped(f"{number}.jpg", "gone")
    assert len(report.examples) == 200
    assert report.skipped == {"gone": 1_000}
