"""What a person without privileges meets. Run as nobody where tests run as root."""

import os
import stat
import subprocess

import pytest
from harness.checks import Tally
from harness.children import NOBODY, become_nobody, in_child
from harness.runs import apply, check_after, undo_last

from core.actions.filesystem import Disk
from core.errors import ActionError, UnsafePathError

VICTIM = "train/bird/$(x) `y`.jpg"


def as_nobody(world, function):
    """Calls a function as the owner of the world, without any privilege."""
    if os.geteuid() == 0:
        for folder, _, names in os.walk(world.base):
            for path in (folder, *(f"{folder}/{name}" for name in names)):
                os.chown(path, NOBODY, NOBODY)
    in_child(function, become_nobody)


def test_a_read_only_file_is_protected(world):
    (world.root / VICTIM).chmod(0o444)
    world.remember()

    def check():
        plan = world.plan_quarantine()
        assert plan.refused == {"it is read-only, which protects it": 1}

    as_nobody(world, check)


def test_a_file_that_cannot_be_read_is_skipped(world):
    def check():
        (world.root / VICTIM).chmod(0o200)
        plan = world.plan("quarantine", [world.request(VICTIM)])
        report = apply(world, plan, Disk())
        assert report.skipped == {"permission denied": 1}

    as_nobody(world, check)


def test_a_folder_that_cannot_be_written_is_skipped_and_the_rest_is_moved(world):
    def check():
        plan = world.plan_quarantine()
        (world.root / "train/bird").chmod(0o555)
        report = apply(world, plan, Disk())
        assert set(report.skipped) == {"permission denied"}
        assert 0 < report.done < report.planned
        (world.root / "train/bird").chmod(0o755)
        undo_last(world, None, Disk())
        assert world.differences() == []

    as_nobody(world, check)


def test_an_undo_into_a_folder_that_cannot_be_written_is_done_later(world):
    def check():
        apply(world, world.plan_quarantine(), Disk())
        (world.root / "train/bird").chmod(0o555)
        report = undo_last(world, None, Disk())
        assert set(report.conflicts) == {"permission denied"}
        assert 0 < report.done < report.planned
        (world.root / "train/bird").chmod(0o755)
        undo_last(world, None, Disk())
        assert world.differences() == []

    as_nobody(world, check)


def test_an_undo_is_not_stopped_by_a_folder_that_cannot_be_entered(world):
    def check():
        apply(world, world.plan_quarantine(), Disk())
        (world.root / "train/bird").chmod(0)
        report = undo_last(world, None, Disk())
        assert set(report.conflicts) == {"permission denied"}
        assert report.stopped is None
        assert 0 < report.done < report.planned
        (world.root / "train/bird").chmod(0o755)
        undo_last(world, None, Disk())
        assert world.differences() == []

    as_nobody(world, check)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: needs a second user")
def test_a_sticky_folder_of_another_user_keeps_its_files(world):
    def check():
        plan = world.plan_quarantine()
        report = apply(world, plan, Disk())
        assert set(report.skipped) == {"operation not permitted"}
        assert report.done + sum(report.skipped.values()) == report.planned
        undo_last(world, None, Disk())
        assert world.differences() == []

    for folder, _, names in os.walk(world.base):
        os.chown(folder, NOBODY, NOBODY)
        for name in names:
            os.chown(f"{folder}/{name}", NOBODY, NOBODY)
    bird = world.root / "train/bird"
    os.chown(bird, 0, 0)
    for file in os.listdir(bird):
        os.chown(f"{bird}/{file}", 0, 0)
        os.chmod(f"{bird}/{file}", 0o666)
    bird.chmod(0o1777)
    world.remember()
    in_child(check, become_nobody)


def test_an_immutable_file_is_skipped(build, tmp_path):
    world = build(tmp_path / "on-disk")
    file = str(world.root / VICTIM)
    done = subprocess.run(["chattr", "+i", file], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"NOT TESTED, the system does not permit it: {done.stderr}")
    try:
        report = apply(world, world.plan_quarantine(), Disk())
    finally:
        subprocess.run(["chattr", "-i", file], check=True)
    assert report.skipped == {"operation not permitted": 1}
    tally = Tally()
    check_after(world, tally, "immutable")
    assert tally.all() == []


def test_a_quarantine_that_is_a_link_is_refused(world):
    plan = world.plan_quarantine()
    elsewhere = world.base / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    os.symlink(elsewhere, world.base / ".winnow-quarantine")
    with pytest.raises(UnsafePathError, match="not a real folder"):
        apply(world, plan, Disk())
    assert world.differences() == []
    assert os.listdir(elsewhere) == []


def test_a_quarantine_that_others_can_write_is_refused(world):
    plan = world.plan_quarantine()
    (world.base / ".winnow-quarantine").mkdir()
    (world.base / ".winnow-quarantine").chmod(0o777)
    with pytest.raises(UnsafePathError, match="somebody else"):
        apply(world, plan, Disk())
    assert world.differences() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: needs a second user")
def test_a_quarantine_of_another_user_is_refused(world):
    plan = world.plan_quarantine()
    (world.base / ".winnow-quarantine").mkdir(mode=0o700)
    os.chown(world.base / ".winnow-quarantine", NOBODY, NOBODY)
    with pytest.raises(UnsafePathError, match="somebody else"):
        apply(world, plan, Disk())


def test_a_base_that_cannot_be_written_is_said_when_planning(world):
    def check():
        world.base.chmod(0o555)
        try:
            with pytest.raises(ActionError, match="Nothing can be written"):
                world.plan_quarantine()
        finally:
            world.base.chmod(0o755)

    as_nobody(world, check)


def test_the_quarantine_is_closed_to_others_whatever_the_umask(world):
    before = os.umask(0)
    try:
        apply(world, world.plan_quarantine(), Disk())
    finally:
        os.umask(before)
    for folder in (world.base / ".winnow-quarantine", world.actions()[-1].path):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
