"""Undo, purge and restore.py, after the person or a disk changed things."""

import os
import subprocess
import sys
from datetime import datetime

import pytest
from harness.checks import Tally, check_settled
from harness.disks import Fault, FaultyDisk, SimulatedKill
from harness.interference import KEEPER, VICTIM, at_first
from harness.runs import (
    apply,
    purge_planned,
    run_restore_scripts,
    settle,
    undo_last,
)
from harness.world import snapshot

import core.actions.apply
from core.actions.filesystem import Disk
from core.actions.purge import plan_purge
from core.actions.quarantine import RESTORE
from core.actions.undo import find_action, undo_action
from core.errors import ActionError, PlanOutdatedError


def in_quarantine(world, path):
    """Returns where the file of a path of the root was put."""
    for folder in world.actions():
        for item in folder.plan.items():
            if item.source == path:
                return folder.path / item.target
    raise AssertionError(path)


def restore(folder, *arguments):
    command = [sys.executable, "-I", "-S", str(folder.path / RESTORE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


# Undo


def test_undo_makes_an_old_folder_again(world):
    plan = world.plan("quarantine", [world.request(VICTIM)])
    apply(world, plan, Disk())
    (world.root / "val/cat").rmdir()
    (world.root / "val").rmdir()
    undo_last(world, None, Disk())
    assert world.differences() == []


def test_undo_leaves_what_took_the_old_place(world):
    apply(world, world.plan_quarantine(), Disk())
    (world.root / VICTIM).write_bytes(b"mine")
    report = undo_last(world, None, Disk())
    [(reason, count)] = report.conflicts.items()
    assert "its old place is taken; it stays in" in reason
    assert count == 1
    assert (world.root / VICTIM).read_bytes() == b"mine"
    # Once the place is free, the rest is undone
    (world.root / VICTIM).unlink()
    assert undo_last(world, None, Disk()).done == 1
    assert world.differences() == []


def test_undo_leaves_what_took_the_old_place_at_the_same_moment(world):
    apply(world, world.plan_quarantine(), Disk())
    disk = at_first("rename", lambda: (world.root / VICTIM).write_bytes(b"mine"))
    undo_last(world, None, disk)
    assert world.lost() == [] or (world.root / VICTIM).read_bytes() == b"mine"
    assert in_quarantine(world, VICTIM).exists()


@pytest.mark.parametrize("keep_time", [False, True])
def test_undo_leaves_a_file_that_was_changed_in_the_quarantine(world, keep_time):
    apply(world, world.plan_quarantine(), Disk())
    file = in_quarantine(world, VICTIM)
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    if keep_time:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = undo_last(world, None, Disk())
    [(reason, _)] = report.conflicts.items()
    assert "was changed since" in reason
    assert not (world.root / VICTIM).exists()


def test_undo_names_a_file_that_is_gone(world):
    apply(world, world.plan_quarantine(), Disk())
    in_quarantine(world, VICTIM).unlink()
    report = undo_last(world, None, Disk())
    [(reason, _)] = report.conflicts.items()
    assert reason.startswith("it is gone from")
    assert report.done == report.planned - 1


def test_undo_goes_on_past_a_folder_that_became_a_link(world):
    apply(world, world.plan_quarantine(), Disk())
    (world.root / "val").rename(world.base / "elsewhere")
    (world.root / "val").symlink_to(world.base / "elsewhere")
    report = undo_last(world, None, Disk())
    [(reason, count)] = report.conflicts.items()
    assert "symbolic link" in reason
    assert (count, report.done) == (1, report.planned - 1)
    (world.root / "val").unlink()
    (world.base / "elsewhere").rename(world.root / "val")
    undo_last(world, None, Disk())
    assert world.differences() == []


def test_undo_twice_changes_nothing_the_second_time(world):
    apply(world, world.plan_quarantine(), Disk())
    assert undo_last(world, None, Disk()).done == 8
    again = undo_last(world, None, Disk())
    assert (again.planned, again.done) == (0, 0)
    assert world.differences() == []


def test_undo_of_a_relabeling_removes_the_folders_it_made_and_no_others(world):
    apply(world, world.plan_retag(), Disk())
    assert (world.root / "new/deep/fox").is_dir()
    (world.root / "train/fox/mine.jpg").write_bytes(b"mine")
    undo_last(world, None, Disk())
    assert not (world.root / "new").exists()
    assert (world.root / "train/fox/mine.jpg").read_bytes() == b"mine"


def test_undo_keeps_a_label_that_the_person_gave_since(world):
    apply(world, world.plan_retag(), Disk())
    key = world.ids[KEEPER][0]
    world.dataset.set(key, "label", "wolf")
    report = undo_last(world, None, Disk())
    assert report.conflicts == {"its label was changed since": 1}
    assert world.dataset.rows()[key][1] == "wolf"


def test_two_actions_on_one_file_are_undone_in_the_order_that_makes_sense(world):
    path = "train/bird/img_0001.jpg"
    moved = "train/fox/img_0001.jpg"
    roots = {"target_root": str(world.root)}
    apply(
        world, world.plan("retag", [world.request(path, target=moved)], **roots), Disk()
    )
    world.ids[moved] = world.ids[path]
    apply(world, world.plan("quarantine", [world.request(moved)]), Disk())
    first, second = world.actions()
    report = undo_action(first, world.dataset.records_of)
    assert report.conflicts == {f"it was moved on by {second.key}: undo that first": 1}
    assert undo_action(second, world.dataset.records_of).done == 1
    assert undo_action(first, world.dataset.records_of).done == 1
    assert world.differences() == []


def test_actions_keep_their_order_when_the_clock_goes_backwards(world, monkeypatch):
    class Backwards(datetime):
        times = iter([datetime(2026, 5, 2), datetime(2026, 5, 2), datetime(2025, 1, 1)])

        @classmethod
        def now(cls, zone=None):
            return next(cls.times)

    monkeypatch.setattr(core.actions.apply, "datetime", Backwards)
    paths = [f"train/{name}/img_0001.jpg" for name in ("cat", "dog", "bird")]
    for path in paths:
        apply(world, world.plan("quarantine", [world.request(path)]), Disk())
    folders = world.actions()
    assert [next(folder.plan.items()).source for folder in folders] == paths
    assert find_action(world.quarantine, None).key == folders[-1].key


def test_a_quarantine_that_was_moved_as_a_whole_is_undone_from_there(world):
    apply(world, world.plan_quarantine(), Disk())
    elsewhere = world.base / "elsewhere"
    elsewhere.mkdir()
    (world.base / ".winnow-quarantine").rename(elsewhere / ".winnow-quarantine")
    quarantine = str(elsewhere / ".winnow-quarantine" / "d1")
    folder = find_action(quarantine, None)
    undo_action(folder, world.dataset.records_of)
    found, _ = snapshot(world.root)
    assert found == world.tree


def test_sidecars_stay_where_they_are(world):
    apply(world, world.plan_quarantine(), Disk())
    for name in ("train/dog/img_0002.txt", "train/bird/img_0001.xml"):
        assert (world.root / name).read_bytes() == world.tree[name][0]


def test_an_action_without_a_whole_plan_is_not_one(world):
    apply(world, world.plan_quarantine(), Disk())
    folder = world.actions()[-1]
    (folder.path / "plan.jsonl").unlink()
    with pytest.raises(ActionError, match="restore.py"):
        find_action(world.quarantine, folder.key)
    assert restore(folder, "--apply").returncode == 0
    assert not world.lost()
    assert snapshot(world.root)[0] == world.tree


# The journal


def test_a_torn_last_line_of_the_journal_is_cut_off(world):
    apply(world, world.plan_quarantine(), Disk())
    folder = world.actions()[-1]
    whole = folder.journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    tally = Tally()
    for cut in range(len(whole) - len(lines[-1]), len(whole)):
        folder.journal.write_bytes(whole[:cut])
        settle(world)
        check_settled(world, tally, f"cut at {cut}")
    assert tally.all() == []
    undo_last(world, None, Disk())
    assert world.differences() == []


def test_a_damaged_journal_stops_its_undo_and_nothing_else(world):
    apply(world, world.plan_quarantine(), Disk())
    folder = world.actions()[-1]
    data = bytearray(folder.journal.read_bytes())
    data[200] ^= 1
    folder.journal.write_bytes(bytes(data))
    with pytest.raises(ActionError, match="damaged in line"):
        undo_last(world, None, Disk())
    with pytest.raises(ActionError, match="restore.py"):
        find_action(world.quarantine, None)
    kept = plan_purge(world.quarantine, older_than_days=0).kept
    assert kept == {"its journal is damaged": 1}
    other = world.plan("quarantine", [world.request("train/bird/img_0001.jpg")])
    report = apply(world, other, Disk())
    assert report.done == 1
    assert report.recovered == []
    undo_last(world, None, Disk())
    # ... nor does one that was cut short, which is said
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(lines[:-1]))
    said = settle(world)
    assert "damaged in line" in said[0]
    # ... and the script puts its files back, by the plan
    assert restore(folder, "--apply").returncode == 0
    assert world.lost() == []
    assert (world.root / VICTIM).read_bytes() == world.tree[VICTIM][0]


def test_every_flipped_byte_of_a_journal_is_noticed_or_harmless(world):
    apply(world, world.plan_quarantine(), Disk())
    folder = world.actions()[-1]
    whole = folder.journal.read_bytes()
    last = len(whole) - len(whole.splitlines(keepends=True)[-1])
    for place in range(0, last, 37):
        data = bytearray(whole)
        data[place] ^= 0x10
        folder.journal.write_bytes(bytes(data))
        with pytest.raises(ActionError, match="damaged"):
            undo_last(world, None, Disk())
    folder.journal.write_bytes(whole)
    undo_last(world, None, Disk())
    assert world.differences() == []


def test_a_line_that_is_there_twice_changes_nothing(world):
    apply(world, world.plan_quarantine(), Disk())
    journal = world.actions()[-1].journal
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line * 2 for line in lines))
    undo_last(world, None, Disk())
    assert world.differences() == []


# restore.py


def test_the_script_lists_and_changes_nothing_before_it_is_told(world):
    apply(world, world.plan_quarantine(), Disk())
    before = world.contents(), os.listdir(world.root / "train/bird")
    listed = restore(world.actions()[-1])
    assert listed.returncode == 0
    assert listed.stdout.count("can be restored") == 8
    assert (world.contents(), os.listdir(world.root / "train/bird")) == before
    assert restore(world.actions()[-1], "--help").returncode == 2


def test_the_script_and_undo_together_bring_everything_back(world):
    apply(world, world.plan_retag(), Disk())
    apply(
        world,
        world.plan("quarantine", [world.request("train/dog/img_0002.jpg")]),
        Disk(),
    )
    run_restore_scripts(world)
    for folder in reversed(world.actions()):
        assert undo_action(folder, world.dataset.records_of).conflicts == {}
    assert world.differences() == []


def test_the_script_never_overwrites_and_says_what_it_left(world):
    apply(world, world.plan_quarantine(), Disk())
    (world.root / VICTIM).write_bytes(b"mine")
    in_quarantine(world, "train/dog/img_0002.jpg").write_bytes(b"changed")
    in_quarantine(world, "train/bird/img_0002.jpg").unlink()
    done = restore(world.actions()[-1], "--apply")
    assert done.returncode == 1
    assert "left: its old place is taken" in done.stdout
    assert "left: it was changed" in done.stdout
    assert "is at neither place" in done.stdout
    assert "8 files, 3 of them cannot be restored" in done.stdout
    assert (world.root / VICTIM).read_bytes() == b"mine"


def test_the_script_ends_what_it_began_when_it_was_killed(world):
    apply(world, world.plan_quarantine(), Disk())
    # As it is killed between the link and the removal of the other name
    os.link(in_quarantine(world, VICTIM), world.root / VICTIM)
    assert restore(world.actions()[-1], "--apply").returncode == 0
    undo_last(world, None, Disk())
    assert world.differences() == []
    assert (world.root / VICTIM).stat().st_nlink == 1


def test_the_script_works_from_where_the_quarantine_was_moved_to(world):
    apply(world, world.plan_quarantine(), Disk())
    folder = world.actions()[-1]
    elsewhere = world.base / "elsewhere"
    folder.path.rename(elsewhere)
    command = [sys.executable, "-I", "-S", str(elsewhere / RESTORE), "--apply"]
    assert subprocess.run(command, capture_output=True).returncode == 0
    assert (world.root / VICTIM).read_bytes() == world.tree[VICTIM][0]


def test_the_script_knows_what_was_purged(world):
    apply(world, world.plan_quarantine(), Disk())
    purge_planned(world, plan_purge(world.quarantine, older_than_days=0), Disk())
    done = restore(world.actions()[-1])
    assert done.returncode == 0
    assert done.stdout.startswith("0 files")


# Purge


def purge_all(world):
    plan = plan_purge(world.quarantine, older_than_days=0)
    return purge_planned(world, plan, Disk())


def test_a_purge_destroys_what_it_lists_and_forgets_its_samples(world):
    apply(world, world.plan_quarantine(), Disk())
    plan = plan_purge(world.quarantine, older_than_days=0)
    assert plan.count == 8
    report = purge_planned(world, plan, Disk())
    assert (report.done, report.not_reached) == (8, 0)
    assert sorted(world.dataset.rows()) == sorted(
        key
        for path, keys in world.ids.items()
        if (world.root / path).exists()
        for key in keys
    )
    assert purge_all(world).planned == 0


def test_a_purge_keeps_a_file_that_was_changed_or_that_it_does_not_know(world):
    apply(world, world.plan_quarantine(), Disk())
    changed = in_quarantine(world, VICTIM)
    changed.write_bytes(b"changed")
    foreign = changed.with_name("mine.jpg")
    foreign.write_bytes(b"mine")
    report = purge_all(world)
    assert report.skipped == {"it was changed in the quarantine": 1}
    assert report.done == 7
    assert changed.read_bytes() == b"changed"
    assert foreign.read_bytes() == b"mine"


@pytest.mark.parametrize("what", ["gone", "changed", "quarantined"])
def test_a_purge_keeps_what_may_be_the_last_copy(world, what):
    apply(world, world.plan_quarantine(), Disk())
    if what == "gone":
        (world.root / KEEPER).unlink()
    elif what == "changed":
        (world.root / KEEPER).write_bytes(b"changed")
    else:
        apply(world, world.plan("quarantine", [world.request(KEEPER)]), Disk())
    report = purge_all(world)
    why = "the copy it was removed for is gone or changed: it may be the last one"
    assert report.skipped == {why: 2}
    assert in_quarantine(world, VICTIM).exists()


def test_a_purge_finds_the_copy_that_stayed_where_it_was_moved_to(world):
    apply(world, world.plan_quarantine(), Disk())
    request = world.request(KEEPER, target="train/fox/there.jpg")
    apply(world, world.plan("retag", [request], target_root=str(world.root)), Disk())
    report = purge_all(world)
    assert (report.done, report.skipped) == (8, {})


def test_a_purge_keeps_what_is_young(world):
    apply(world, world.plan_quarantine(), Disk())
    plan = plan_purge(world.quarantine, older_than_days=1)
    assert (plan.count, plan.kept) == (0, {"younger than 1 days": 1})


def test_a_purge_of_a_quarantine_that_changed_destroys_nothing(world):
    apply(world, world.plan_quarantine(), Disk())
    plan = plan_purge(world.quarantine, older_than_days=0)
    undo_last(world, None, Disk())
    with pytest.raises(PlanOutdatedError, match="Nothing was destroyed"):
        purge_planned(world, plan, Disk())
    assert world.differences() == []


def test_a_purge_of_a_relabeling_destroys_nothing(world):
    apply(world, world.plan_retag(), Disk())
    assert plan_purge(world.quarantine, older_than_days=0).count == 0


def test_a_purge_that_was_cut_short_is_ended_by_the_next(world):
    apply(world, world.plan_quarantine(), Disk())
    plan = plan_purge(world.quarantine, older_than_days=0)
    with pytest.raises(SimulatedKill):
        purge_planned(world, plan, FaultyDisk(Fault("stop", 40)))
    assert plan_purge(world.quarantine, older_than_days=0).kept == {"not finished": 1}
    assert purge_all(world).recovered != []
    assert purge_all(world).not_reached == 0
    assert plan_purge(world.quarantine, older_than_days=0).count == 0


def test_after_a_purge_undo_brings_back_the_rest(world):
    apply(world, world.plan_quarantine(), Disk())
    (world.root / KEEPER).rename(world.base / "hidden")
    purge_all(world)
    (world.base / "hidden").rename(world.root / KEEPER)
    report = undo_last(world, None, Disk())
    assert (report.planned, report.done) == (2, 2)
    assert (world.root / VICTIM).read_bytes() == world.tree[VICTIM][0]
