import fcntl
import os

import pytest

from core.actions.filesystem import Disk
from core.actions.quarantine import (
    action_folders,
    check_quarantine,
    is_quarantined,
    locked_quarantine,
    on_one_disk,
    quarantine_of,
)
from core.errors import ActionError


def test_the_quarantine_lies_beside_the_root():
    assert quarantine_of("d1", "/data") == "/data/.winnow-quarantine/d1"


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("/data/.winnow-quarantine/d1/x/files/0.jpg", True),
        ("/data/.winnow-quarantine", False),
        ("/data/my.winnow-quarantine/a.jpg", False),
        ("/data/a.jpg", False),
    ],
)
def test_a_quarantined_path_is_known_by_its_folder(path, inside):
    assert is_quarantined(path) is inside


def test_a_quarantine_that_can_be_used_is_not_made_by_the_question(tmp_path):
    (tmp_path / "data").mkdir()
    check_quarantine(quarantine_of("d1", str(tmp_path)), str(tmp_path / "data"))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_another_disk_is_refused(tmp_path):
    assert on_one_disk(str(tmp_path), str(tmp_path))
    assert not on_one_disk(str(tmp_path), "/proc")
    with pytest.raises(ActionError, match="on another disk than /proc.* Give quar"):
        check_quarantine(quarantine_of("d1", str(tmp_path)), "/proc")


def test_the_lock_says_who_holds_it_and_is_let_go(tmp_path):
    quarantine = quarantine_of("d1", str(tmp_path))
    with locked_quarantine(Disk(), quarantine) as folder:
        assert os.path.samestat(os.fstat(folder), os.stat(quarantine))
        with (
            pytest.raises(ActionError, match=f"process {os.getpid()}, since 20"),
            locked_quarantine(Disk(), quarantine),
        ):
            pass
    with open(f"{quarantine}/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_error_of_the_disk_becomes_a_sentence(tmp_path):
    quarantine = quarantine_of("d1", str(tmp_path))
    with (
        pytest.raises(ActionError, match="The disk failed at 'x': No.*No file is lost"),
        locked_quarantine(Disk(), quarantine),
    ):
        raise FileNotFoundError(2, "No such file", "x")
    with (
        pytest.raises(ActionError, match="The disk failed: broken"),
        locked_quarantine(Disk(), quarantine),
    ):
        raise OSError("broken")


def test_what_is_no_action_is_not_listed(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "half").mkdir()
    (tmp_path / "half/plan.jsonl").write_text('{"format": 1')
    assert action_folders(tmp_path) == []
    assert action_folders(tmp_path / "missing") == []
