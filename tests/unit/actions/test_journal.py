import errno
import os

import pytest

from core.actions.filesystem import Disk
from core.actions.journal import (
    Journal,
    decode_line,
    encode_line,
    read_journal,
    read_last_line,
)
from core.errors import ActionError

ONE = [{"item": 0, "state": "intent"}]
TWO = [{"item": 0, "state": "done"}]


@pytest.fixture
def folder(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    yield handle
    os.close(handle)


def written(tmp_path):
    return list(read_journal(tmp_path / "journal.jsonl"))


def test_records_are_read_as_they_were_appended(tmp_path, folder):
    with Journal(Disk(), folder) as journal:
        journal.append(ONE + TWO)
        journal.append(TWO)
    with Journal(Disk(), folder) as journal:
        journal.append(ONE)
    assert written(tmp_path) == ONE + TWO + TWO + ONE


def test_names_that_are_not_utf_8_survive():
    line = encode_line([{"source": "bad\udcff\n\u202e.jpg"}])
    assert line.count(b"\n") == 1
    assert decode_line(line) == [{"source": "bad\udcff\n\u202e.jpg"}]


def test_nothing_to_say_is_not_written(tmp_path, folder):
    with Journal(Disk(), folder) as journal:
        journal.append([])
    assert (tmp_path / "journal.jsonl").read_bytes() == b""


def test_an_event_has_its_time(tmp_path, folder):
    with Journal(Disk(), folder) as journal:
        journal.note("started", what="apply")
    [event] = written(tmp_path)
    assert event["event"] == "started"
    assert event["what"] == "apply"
    assert event["at"].endswith("+00:00")


def test_every_torn_last_line_is_cut_off(tmp_path, folder):
    whole, torn = encode_line(ONE), encode_line(TWO)
    for length in range(len(torn)):
        (tmp_path / "journal.jsonl").write_bytes(whole + torn[:length])
        assert written(tmp_path) == ONE
        with Journal(Disk(), folder) as journal:
            journal.append(TWO)
        assert written(tmp_path) == ONE + TWO


def test_damage_in_the_middle_is_an_error_that_names_the_line(tmp_path, folder):
    lines = bytearray(encode_line(ONE) + encode_line(TWO) + encode_line(ONE))
    lines[len(encode_line(ONE)) + 12] ^= 1
    (tmp_path / "journal.jsonl").write_bytes(bytes(lines))
    open_before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ActionError, match="damaged in line 2"):
        written(tmp_path)
    with pytest.raises(ActionError, match="damaged in line 2.*restore.py"):
        Journal(Disk(), folder)
    assert (tmp_path / "journal.jsonl").read_bytes() == bytes(lines)
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_a_journal_that_is_not_there_has_no_records(tmp_path):
    assert written(tmp_path) == []
    assert read_last_line(tmp_path / "journal.jsonl") == []


def test_the_last_line_is_read_alone_if_it_is_short_and_whole(tmp_path):
    file = tmp_path / "journal.jsonl"
    long = [{"item": number} for number in range(1_000)]
    for lines, expected in (
        ([], []),
        ([ONE], ONE),
        ([long, ONE], ONE),
        ([ONE, TWO], TWO),
        ([ONE, long], []),
    ):
        file.write_bytes(b"".join(map(encode_line, lines)))
        assert read_last_line(file) == expected
        file.write_bytes(file.read_bytes()[:-1])
        assert read_last_line(file) == []


class _Full(Disk):
    """Half of a line fits."""

    full = False

    def write(self, file, data):
        if self.full:
            os.write(file, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "full")
        return os.write(file, data[:7])


def test_what_could_not_be_written_whole_is_taken_back(tmp_path, folder):
    disk = _Full()
    with Journal(disk, folder) as journal:
        journal.append(ONE)
        before = (tmp_path / "journal.jsonl").read_bytes()
        disk.full = True
        with pytest.raises(OSError, match="full"):
            journal.append(TWO)
        assert (tmp_path / "journal.jsonl").read_bytes() == before
        disk.full = False
        journal.append(TWO)
    assert written(tmp_path) == ONE + TWO


class _Syncs(Disk):
    def __init__(self):
        self.synced = []

    def sync(self, file):
        self.synced.append(os.fstat(file).st_size)


def test_an_append_waits_for_the_disk_and_a_new_journal_for_its_name(tmp_path, folder):
    disk = _Syncs()
    with Journal(disk, folder) as journal:
        assert len(disk.synced) == 2
        journal.append(ONE)
        assert disk.synced[2] == len(encode_line(ONE))


def test_the_journal_is_no_link(tmp_path, folder):
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "journal.jsonl").symlink_to("elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Journal(Disk(), folder)
