"""Kills the process, or fails the disk, at every system call of every action."""

import inspect

import pytest
from harness.disks import CALLS
from harness.runs import ACTS, SCENARIOS, count_calls, run_scenario

from core.actions.filesystem import Disk


def test_no_system_call_of_the_disk_is_missed():
    public = [name for name in vars(Disk) if not name.startswith("_")]
    assert sorted(public) == sorted([*CALLS, "write_all"])
    # ... which is made of another one
    assert "self.write(" in inspect.getsource(Disk.write_all)


def test_the_scenarios_reach_every_system_call_that_changes_something():
    reached = {name for scenario in SCENARIOS for name in count_calls(scenario)}
    assert reached == {*CALLS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_kill_or_an_error_at_any_call_loses_nothing(scenario, tally, at_most):
    run_scenario(scenario, at_most(28), tally)
    assert tally.all() == []
    assert sum(tally.points.values()) >= 28


def test_the_scenarios_are_of_every_action():
    assert {name.split()[0] for name in ACTS} == {"apply", "undo", "purge"}
