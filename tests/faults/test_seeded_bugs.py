"""The test of the tests: bugs put in on purpose must be found."""

import pytest
from harness.interference import MEETINGS
from harness.seeded import SEEDED, harness_finds, with_bug


@pytest.mark.parametrize("bug", SEEDED, ids=lambda bug: bug.__name__)
def test_a_seeded_bug_is_caught(bug):
    assert with_bug(bug).violations[SEEDED[bug]] != []


def test_without_a_bug_the_same_harness_finds_nothing():
    assert harness_finds(all_of_it=True).all() == []


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_a_person_who_interferes_loses_nothing(meeting, tally):
    meeting(tally)
    assert tally.all() == []
