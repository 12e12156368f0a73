"""Takes back what was not synced, as a power cut does, at every call."""

import os
import random

import pytest
from harness.disks import PowerCutDisk
from harness.runs import (
    ACTS,
    SCENARIOS,
    run_kill_then_power_cut,
    run_kills_then_power_cuts,
    run_power_cuts,
)

from core.actions.filesystem import Disk


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_power_cut_at_any_call_loses_nothing(scenario, tally, at_most):
    run_power_cuts(scenario, at_most(12), tally)
    assert tally.all() == []
    assert sum(tally.points.values()) >= 20


@pytest.mark.parametrize("name", ACTS)
def test_a_power_cut_while_a_kill_is_recovered_from_loses_nothing(name, tally, at_most):
    run_kills_then_power_cuts(name, min(at_most(5), 24), tally)
    assert tally.all() == []
    assert sum(tally.points.values()) >= 20


def test_a_line_that_a_killed_process_did_not_wait_for_is_not_built_on(tally):
    # Killed before the sync of a whole line; cut while the next line is written
    for at in range(38, 44):
        for then in range(15, 20):
            run_kill_then_power_cut("purge", at, then, 4117, tally)
    assert tally.all() == []


def test_the_cut_takes_back_what_was_not_synced_and_nothing_else(tmp_path):
    disk = PowerCutDisk()
    top = disk.open_folder(str(tmp_path))
    (tmp_path / "old").mkdir()
    for name in ("kept", "moved"):
        (tmp_path / name).write_bytes(b"x")
    disk.rename("kept", top, "kept-2", top)
    file = disk.open_new("log", top)
    disk.write(file, b"one")
    disk.sync(file)
    disk.sync(top)
    disk.write(file, b"two")
    disk.make_folder("new", top)
    disk.rename("moved", top, "moved-2", top)
    disk.remove_empty_folder("old", top)
    disk.cut(random.Random(0), keep_some=False)
    for handle in (file, top):
        os.close(handle)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kept-2",
        "log",
        "moved",
        "old",
    ]
    assert (tmp_path / "log").read_bytes() == b"one"


def test_the_cut_brings_a_removed_file_back(tmp_path):
    (tmp_path / "gone").write_bytes(b"x")
    disk = PowerCutDisk()
    top = Disk().open_folder(str(tmp_path))
    disk.remove("gone", top)
    assert not (tmp_path / "gone").exists()
    disk.cut(random.Random(0), keep_some=False)
    os.close(top)
    assert (tmp_path / "gone").read_bytes() == b"x"
