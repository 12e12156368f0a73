"""What was done, written down before and after it is done.

Append only. A line is the CRC-32 of its JSON, a blank, the JSON: a list of
records that were appended together. A line that was cut off by a crash is
therefore the last one, and nothing was done yet on its account: it is cut
off. A bad line in the middle is damage, and nothing is changed then.

States of an item: ``intent`` (about to move), then ``done``, ``skipped`` or
``conflict``; later ``undone``, or ``purging`` and ``purged``.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import ActionError
from .filesystem import Disk

INTENT, DONE, SKIPPED, CONFLICT = "intent", "done", "skipped", "conflict"
UNDONE, PURGING, PURGED = "undone", "purging", "purged"

_LAST_LINE_BYTES = 4_096

Record = Mapping[str, Any]


class Journal:
    """The journal of one action, open for appending."""

    def __init__(self, disk: Disk, folder: int, name: str = "journal.jsonl") -> None:
        self._disk = disk
        self._file = disk.open_append(name, folder)
        try:
            self._end = self._cut_torn_tail()
            # Its name must outlive a power cut as much as its lines, and so must
            # a last line that a killed process did not wait for
            disk.sync(self._file)
            disk.sync(folder)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)

    def append(self, records: Iterable[Record]) -> None:
        """Appends records; returns when they are on the disk.

        What could not be written whole is taken back.
        """
        if not (entries := list(records)):
            return
        line = encode_line(entries)
        try:
            self._disk.write_all(self._file, line)
            self._disk.sync(self._file)
        except OSError:
            self._disk.truncate(self._file, self._end)
            raise
        self._end += len(line)

    def note(self, event: str, **facts: Any) -> None:
        """Appends what is true of the whole action, with the time."""
        self.append([{"event": event, "at": now(), **facts}])

    def _cut_torn_tail(self) -> int:
        good = bad = 0
        with open(self._file, "rb", closefd=False) as file:
            file.seek(0)
            for number, line in enumerate(file, 1):
                if bad:
                    raise damaged(bad)
                if decode_line(line) is None:
                    bad = number
                else:
                    good += len(line)
        if bad:
            self._disk.truncate(self._file, good)
        return good


def read_journal(path: Path) -> Iterator[Record]:
    """Yields the records of a journal; a torn last line is passed over.

    A journal that is not there has none: nothing was begun.

    Raises:
        ActionError: a line in the middle is damaged
    """
    if not path.exists():
        return
    bad = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if bad:
                raise damaged(bad)
            records = decode_line(line)
            if records is None:
                bad = number
                continue
            yield from records


def read_last_line(path: Path) -> list[Record]:
    """Returns the records of the last line, if it is a short one and whole.

    The end of a journal says whether its action was ended, without a look at
    the 70 MB before it that 100,000 items have.
    """
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LAST_LINE_BYTES))
        lines = file.read().splitlines(keepends=True)
    return (decode_line(lines[-1]) if lines else None) or []


def encode_line(records: list[Record]) -> bytes:
    text = json.dumps(records).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_line(line: bytes) -> list[Record] | None:
    """Returns a line's records; None for a line that is not whole."""
    checksum, _, text = line.partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text[:-1]):
        return None
    records: list[Record] = json.loads(text)
    return records


def damaged(line: int) -> ActionError:
    return ActionError(
        f"The journal of this action is damaged in line {line}, so Winnow changes "
        "nothing by it. Its files are safe where they are: the restore.py beside "
        "the journal lists them and can put them back."
    )


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
