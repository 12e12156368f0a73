"""Full disks, read-only disks, other disks: real ones, in memory."""

import os

import pytest
from harness.checks import Tally
from harness.children import (
    in_child,
    mount_again,
    mount_memory,
    own_mounts,
    remount,
)
from harness.runs import apply, check_after, settle, undo_last

from core.actions.filesystem import Disk
from core.errors import ActionError

PAGE = 4096


def on_a_disk_of_its_own(tmp_path, build, function, options="size=400k"):
    """Calls ``function(world)`` with a world on a small disk.

    Its samples are elsewhere: a database on a full disk is another fault.
    """
    base = tmp_path / "disk"
    base.mkdir()

    def prepare():
        own_mounts()
        mount_memory(base, options)

    in_child(lambda: function(build(base, tmp_path / "samples.db")), prepare)


def fill(world, pages_left):
    with open(world.base / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError:
            size = file.tell() // PAGE - pages_left
        file.truncate(max(0, size) * PAGE)


@pytest.mark.parametrize("pages_left", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
def test_a_full_disk_stops_an_action_at_a_good_state(tmp_path, build, pages_left):
    def check(world):
        tally = Tally()
        plan = world.plan_quarantine()
        fill(world, pages_left)
        try:
            report = apply(world, plan, Disk())
            assert report.stopped or report.done == report.planned
        except ActionError as error:
            assert "no space left" in str(error).lower()
        tally.add("lost", "full", world.lost())
        os.unlink(world.base / "filler")
        check_after(world, tally, f"{pages_left} pages")
        assert tally.all() == []

    on_a_disk_of_its_own(tmp_path, build, check)


@pytest.mark.parametrize("pages_left", [0, 1, 2])
def test_an_undo_on_a_full_disk_goes_on_when_there_is_space(
    tmp_path, build, pages_left
):
    def check(world):
        apply(world, world.plan_quarantine(), Disk())
        fill(world, pages_left)
        try:
            undo_last(world, None, Disk())
        except ActionError as error:
            assert "no space left" in str(error).lower()
        assert world.lost() == []
        os.unlink(world.base / "filler")
        settle(world)
        undo_last(world, None, Disk())
        assert world.differences() == []

    on_a_disk_of_its_own(tmp_path, build, check)


def test_a_disk_without_inodes_stops_an_action_at_a_good_state(tmp_path, build):
    def check(world):
        tally = Tally()
        plan = world.plan_quarantine()
        with pytest.raises(OSError, match="No space"):
            for number in range(1000):
                (world.base / f"filler-{number}").touch()
        with pytest.raises(ActionError, match="No file is lost"):
            apply(world, plan, Disk())
        for file in world.base.glob("filler-*"):
            file.unlink()
        check_after(world, tally, "no inodes")
        assert tally.all() == []

    on_a_disk_of_its_own(tmp_path, build, check, "size=800k,nr_inodes=60")


def test_a_disk_that_became_read_only_is_a_sentence(tmp_path, build):
    def check(world):
        plan = world.plan_quarantine()
        remount(world.base, read_only=True)
        with pytest.raises(ActionError, match="Read-only"):
            apply(world, plan, Disk())
        assert world.differences() == []
        remount(world.base, read_only=False)
        apply(world, plan, Disk())
        remount(world.base, read_only=True)
        with pytest.raises(ActionError, match="Read-only"):
            undo_last(world, None, Disk())
        assert world.lost() == []
        remount(world.base, read_only=False)
        undo_last(world, None, Disk())
        assert world.differences() == []

    on_a_disk_of_its_own(tmp_path, build, check)


def test_a_quarantine_on_another_disk_is_refused_before_anything_is_planned(
    tmp_path, build
):
    def check(world):
        # A bind mount has the same device number and is another disk to a rename
        mount_again(world.root, world.root)
        assert os.stat(world.root).st_dev == os.stat(world.base).st_dev
        with pytest.raises(ActionError, match="another disk"):
            world.plan_quarantine()

    on_a_disk_of_its_own(tmp_path, build, check)


def test_a_class_folder_on_another_disk_is_skipped_and_the_rest_is_moved(
    tmp_path, build
):
    def check(world):
        plan = world.plan_quarantine()
        mount_again(world.root / "val", world.root / "val")
        report = apply(world, plan, Disk())
        assert report.skipped == {"invalid cross-device link": 1}
        assert report.done == report.planned - 1
        undo_last(world, None, Disk())
        assert world.differences() == []

    on_a_disk_of_its_own(tmp_path, build, check)


def test_one_file_by_two_mounts_is_not_its_own_copy(tmp_path, build):
    def check(world):
        (world.root / "again").mkdir()
        mount_again(world.root / "train", world.root / "again")
        world.remember()
        keeper = "again/dog/img_0002.jpg"
        world.ids[keeper] = ["s99"]
        request = world.request("train/dog/img_0002.jpg", keeper=keeper)
        plan = world.plan("quarantine", [request])
        assert plan.refused == {"it and the copy to keep are one file": 1}
        assert plan.count == 0

    on_a_disk_of_its_own(tmp_path, build, check)


def test_a_keeper_that_became_the_copy_itself_by_a_mount_keeps_it(tmp_path, build):
    def check(world):
        plan = world.plan("quarantine", [world.request("val/cat/img_0001.jpg")])
        # The keeper's path leads to the copy now, and has the right bytes
        mount_again(world.root / "val/cat", world.root / "train/cat")
        report = apply(world, plan, Disk())
        assert report.skipped == {"it and the copy to keep are one file": 1}
        assert world.without_copy() == []

    on_a_disk_of_its_own(tmp_path, build, check)
