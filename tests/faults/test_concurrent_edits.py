"""The person, or another program, changes files before, during or after an action."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.checks import Tally
from harness.disks import Fault, FaultyDisk, SimulatedKill
from harness.interference import KEEPER, VICTIM, at_first
from harness.runs import (
    apply,
    check_after,
    settle,
    undo_last,
)
from harness.world import digest_of

from core.actions.apply import apply_plan
from core.actions.filesystem import Disk
from core.actions.plan import open_plan
from core.actions.planner import Rules
from core.actions.quarantine import locked_quarantine
from core.actions.recovery import recover
from core.actions.undo import undo_action
from core.errors import ActionError, Cancelled, PlanOutdatedError

# Between the plan and its application


def test_an_edited_file_is_left_alone(world):
    plan = world.plan_quarantine()
    (world.root / VICTIM).write_bytes(b"an edit")
    report = apply(world, plan, Disk())
    assert report.skipped == {"the file changed since the plan was made": 1}


def test_an_edit_that_keeps_size_and_time_is_noticed(world):
    plan = world.plan_quarantine()
    file = world.root / VICTIM
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    report = apply(world, plan, Disk())
    assert report.skipped == {"the file changed since the plan was made": 1}


def test_a_file_that_changed_since_the_scan_is_left_alone(world):
    request = world.request("train/bird/img_0001.jpg", sha256=digest_of(b"other"))
    report = apply(world, world.plan("quarantine", [request]), Disk())
    assert report.skipped == {"the file changed since it was scanned": 1}


def test_a_deleted_file_is_left_out(world):
    plan = world.plan_quarantine()
    (world.root / VICTIM).unlink()
    report = apply(world, plan, Disk())
    assert report.skipped == {"the file is no longer there": 1}


def test_a_keeper_that_changed_keeps_all_its_copies(world):
    plan = world.plan_quarantine()
    (world.root / KEEPER).write_bytes(b"an edit")
    report = apply(world, plan, Disk())
    assert report.skipped == {"the copy to keep changed since it was scanned": 2}


def test_a_keeper_that_is_gone_keeps_all_its_copies(world):
    plan = world.plan_quarantine()
    (world.root / KEEPER).unlink()
    report = apply(world, plan, Disk())
    assert report.skipped == {"the copy to keep cannot be read any more": 2}


def test_a_keeper_that_became_the_copy_itself_keeps_it(world):
    plan = world.plan_quarantine(rules=Rules(allow_hardlinks=True))
    (world.root / KEEPER).unlink()
    os.link(world.root / VICTIM, world.root / KEEPER)
    report = apply(world, plan, Disk())
    # The link changed the copy's own record, too
    assert report.skipped == {"the file changed since the plan was made": 1}
    assert (world.root / VICTIM).exists()


@pytest.mark.parametrize("folder", ["train", "train/bird"])
def test_a_folder_that_became_a_link_keeps_its_files(world, folder):
    plan = world.plan_quarantine()
    place = world.root / folder
    place.rename(world.base / "elsewhere")
    place.symlink_to(world.base / "elsewhere")
    report = apply(world, plan, Disk())
    assert any("is a symbolic link" in reason for reason in report.skipped)
    place.unlink()
    (world.base / "elsewhere").rename(place)
    tally = Tally()
    check_after(world, tally, folder)
    assert tally.all() == []


def test_a_folder_that_becomes_a_link_at_the_rename_keeps_its_files(world):
    plan = world.plan_retag()

    def swap():
        (world.root / "train/cat").rename(world.base / "elsewhere")
        (world.root / "train/cat").symlink_to(world.base / "elsewhere")

    apply(world, plan, at_first("rename", swap))
    (world.root / "train/cat").unlink()
    (world.base / "elsewhere").rename(world.root / "train/cat")
    tally = Tally()
    check_after(world, tally, "swapped")
    assert tally.all() == []


def test_a_pipe_in_the_place_of_a_file_is_left_alone_and_hangs_nothing(world):
    plan = world.plan_quarantine()
    (world.root / VICTIM).unlink()
    os.mkfifo(world.root / VICTIM)
    report = apply(world, plan, Disk())
    assert report.skipped == {"not a regular file": 1}


def test_a_link_in_the_place_of_a_file_is_left_alone(world):
    plan = world.plan_quarantine()
    (world.root / VICTIM).unlink()
    (world.root / VICTIM).symlink_to(world.root / KEEPER)
    report = apply(world, plan, Disk())
    assert report.skipped == {"too many levels of symbolic links": 1}
    assert (world.root / VICTIM).is_symlink()


def test_a_name_that_was_taken_meanwhile_is_not_overwritten(world):
    plan = world.plan_retag()
    taken = world.root / "train/cat/img_0001-2.jpg"
    taken.write_bytes(b"mine")
    report = apply(world, plan, Disk())
    assert report.skipped == {"there is a file of the new name already": 1}
    assert taken.read_bytes() == b"mine"


def test_a_new_name_is_chosen_beside_one_that_is_taken(world):
    plan = world.plan_retag()
    targets = {item.source: item.target for item in plan.items()}
    assert targets["train/bird/img_0001.jpg"] == "train/cat/img_0001-2.jpg"


def test_a_sample_that_was_deleted_meanwhile_leaves_its_file_alone(world):
    plan = world.plan_quarantine()
    world.dataset.delete(world.ids[VICTIM][0])
    report = apply(world, plan, Disk())
    assert report.skipped == {"its sample was deleted since": 1}
    assert (world.root / VICTIM).exists()


def test_a_copy_at_the_new_place_is_not_taken_for_the_file(world):
    plan = world.plan_retag()
    source, target = "train/bird/img_0001.jpg", "train/cat/img_0001-2.jpg"
    # It dies when the intents are written and nothing is moved
    with pytest.raises(SimulatedKill):
        apply(world, plan, at_first("rename", _die))
    shutil.copy2(world.root / source, world.root / target)
    settle(world)
    assert (
        world.dataset.rows()[world.ids[source][0]] == world.rows[world.ids[source][0]]
    )
    undo_last(world, None, Disk())
    (world.root / target).unlink()
    assert world.differences() == []


def _die():
    raise SimulatedKill


# At the same moment


def test_a_replaced_file_is_moved_back_and_reported(world):
    plan = world.plan_quarantine()
    name = next(plan.items()).source

    def replace():
        (world.root / "new").write_bytes(b"a new one")
        (world.root / "new").rename(world.root / name)

    report = apply(world, plan, at_first("rename", replace))
    assert report.conflicts == {"another file took its place at the same moment": 1}
    assert (world.root / name).read_bytes() == b"a new one"


def test_a_keeper_that_goes_at_the_rename_brings_its_copies_back(world):
    plan = world.plan_quarantine()
    disk = at_first("rename", (world.root / KEEPER).unlink)
    report = apply(world, plan, disk)
    why = "the copy that should stay was removed meanwhile"
    assert report.conflicts == {why: 2}
    assert (world.root / VICTIM).exists()


def test_what_could_not_be_brought_back_is_named_and_undone_later(world):
    plan = world.plan_quarantine()

    def keeper_and_place():
        world.user_deletes(KEEPER)
        disk.hooks["sync"] = lambda *_: (world.root / VICTIM).write_bytes(b"mine")

    disk = at_first("rename", keeper_and_place)
    report = apply(world, plan, disk)
    assert any("it could not be restored" in reason for reason in report.conflicts)
    assert world.lost() == []
    (world.root / VICTIM).unlink()
    undo_last(world, None, Disk())
    assert digest_of((world.root / VICTIM).read_bytes()) == digest_of(
        world.tree[VICTIM][0]
    )


def test_two_actions_at_once_are_one_after_the_other(world):
    plan = world.plan_quarantine()
    with locked_quarantine(Disk(), world.quarantine):
        child = subprocess.run(
            [sys.executable, "-c", _APPLY, str(plan.file), world.dataset.file],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert "Another action is running" in child.stderr
        assert f"process {os.getpid()}" in child.stderr
        with pytest.raises(ActionError, match="Another action is running"):
            apply(world, plan, Disk())
    assert apply(world, plan, Disk()).done == plan.count


_APPLY = """
import sys
sys.path[:0] = [".", "tests/faults"]
from pathlib import Path
from core.actions.apply import apply_plan
from core.actions.plan import open_plan
from harness.dataset import Dataset
apply_plan(open_plan(Path(sys.argv[1])), Dataset(sys.argv[2]).records_of)
"""


def test_the_lock_is_free_after_the_action_even_if_a_child_lives_on(world):
    child = None

    def fork():
        nonlocal child
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)

    try:
        apply(world, world.plan_quarantine(), at_first("rename", fork))
        assert undo_last(world, None, Disk()).stopped is None
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_the_lock_dies_with_its_process(world):
    plan = world.plan_quarantine()
    with locked_quarantine(Disk(), world.quarantine):
        pass
    child = os.fork()
    if child == 0:
        disk = FaultyDisk(Fault("kill", 40))
        apply_plan(plan, world.dataset.records_of, disk=disk)
        os._exit(0)
    os.waitpid(child, 0)
    assert undo_last(world, None, Disk()).recovered != []


def test_an_action_leaves_no_file_open(world):
    before = len(os.listdir("/proc/self/fd"))
    for at in (3, 20, 45, 60, 10_000):
        with contextlib.suppress(SimulatedKill):
            apply(world, world.plan_quarantine(), FaultyDisk(Fault("stop", at)))
        for folder in world.actions():
            undo_action(folder, world.dataset.records_of)
    world.actions()[-1].journal.write_bytes(b"damaged\nvery\n")
    with pytest.raises(ActionError):
        undo_last(world, None, Disk())
    assert len(os.listdir("/proc/self/fd")) == before


# The plan


def test_a_plan_is_applied_once(world):
    plan = world.plan_quarantine()
    apply(world, plan, Disk())
    assert not plan.file.exists()
    with pytest.raises(PlanOutdatedError, match="applied already"):
        apply(world, plan, Disk())
    with pytest.raises(PlanOutdatedError, match="no plan"):
        open_plan(plan.file)


def test_the_same_action_can_be_done_again_after_its_undo(world):
    first = world.plan(
        "retag",
        [world.request(KEEPER, stays=True, keeper=None)],
        target_root=str(world.root),
    )
    apply(world, first, Disk())
    undo_last(world, None, Disk())
    again = world.plan(
        "retag",
        [world.request(KEEPER, stays=True, keeper=None)],
        target_root=str(world.root),
    )
    assert again.id == first.id
    assert apply(world, again, Disk()).done == 1
    undo_last(world, None, Disk())
    assert world.differences() == []


def test_a_plan_that_was_edited_is_refused(world):
    plan = world.plan_quarantine()
    text = plan.file.read_text()
    plan.file.write_text(text.replace(KEEPER.split("/")[-1], "img_0009.jpg", 1))
    with pytest.raises(PlanOutdatedError, match="damaged or was edited"):
        open_plan(plan.file)


def test_a_plan_that_is_edited_after_it_was_opened_is_refused(world):
    plan = world.plan_quarantine()
    lines = plan.file.read_bytes().splitlines(keepends=True)
    plan.file.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(PlanOutdatedError):
        apply(world, plan, Disk())
    assert world.differences() == []


def test_a_plan_that_is_exchanged_after_it_was_opened_is_refused(world):
    plan = world.plan_quarantine()
    other = world.plan("quarantine", [world.request("train/bird/img_0001.jpg")])
    plan.file.write_bytes(other.file.read_bytes())
    with pytest.raises(PlanOutdatedError, match="edited since"):
        apply(world, plan, Disk())
    assert world.differences() == []


def test_two_plans_that_together_take_a_cluster_leave_a_copy(world):
    first = world.plan("quarantine", [world.request(VICTIM)])
    world.ids.setdefault(KEEPER, [])
    other = "train/dog/img_0002.jpg"
    second = world.plan("quarantine", [world.request(KEEPER, keeper=VICTIM)])
    third = world.plan("quarantine", [world.request(other, keeper=KEEPER)])
    assert apply(world, first, Disk()).done == 1
    assert apply(world, second, Disk()).skipped == {
        "the copy to keep cannot be read any more": 1
    }
    assert apply(world, third, Disk()).done == 1
    assert world.without_copy() == []


def test_cancelling_stops_between_two_batches_and_all_is_undone(world):
    plan = world.plan_quarantine()
    reports = []

    def cancel(progress):
        reports.append(progress)
        raise Cancelled("enough")

    report = apply_plan(plan, world.dataset.records_of, on_progress=cancel)
    assert report.stopped == "It was stopped on request."
    assert (report.done, report.not_reached) == (3, plan.count - 3)
    assert reports[0].done == 3
    tally = Tally()
    check_after(world, tally, "cancelled")
    assert tally.all() == []


# The data set's side fails


class _Broken:
    """The data set's side, of which one method stops answering."""

    def __init__(self, whole, method):
        self._whole, self._method = whole, method

    def __getattr__(self, name):
        if name == self._method:
            raise ActionError("The database stopped answering.")
        return getattr(self._whole, name)


@pytest.mark.parametrize("method", ["before", "follow"])
def test_a_database_that_stops_in_an_action_is_brought_in_line_later(world, method):
    plan = world.plan_quarantine()
    with pytest.raises(ActionError, match="stopped answering"):
        apply_plan(plan, lambda plan: _Broken(world.dataset.records_of(plan), method))
    tally = Tally()
    check_after(world, tally, method)
    assert tally.all() == []


def test_a_database_that_stops_in_an_undo_is_brought_in_line_later(world):
    apply(world, world.plan_quarantine(), Disk())
    with pytest.raises(ActionError, match="stopped answering"):
        undo_action(
            world.actions()[-1],
            lambda plan: _Broken(world.dataset.records_of(plan), "go_back"),
        )
    tally = Tally()
    check_after(world, tally, "go_back")
    assert tally.all() == []


def test_a_database_that_stops_in_a_recovery_keeps_the_rest_for_the_next(world):
    plan = world.plan_quarantine()
    with pytest.raises(SimulatedKill):
        apply(world, plan, FaultyDisk(Fault("stop", 60)))
    with locked_quarantine(Disk(), world.quarantine):
        said = recover(
            Disk(),
            world.quarantine,
            lambda plan: _Broken(world.dataset.records_of(plan), "follow"),
        )
    assert "could not be brought to order" in said[0]
    tally = Tally()
    check_after(world, tally, "recovery")
    assert tally.all() == []
