"""Puts back the files that one action of Winnow moved, without Winnow.

    python3 restore.py           lists what is here and where it came from
    python3 restore.py --apply   moves every file back to its old place

A copy of this script lies beside the journal of each action. It needs Python
3.8 or later and nothing else. It never overwrites a file, reads only the
journal (and the plan beside it, where the journal is damaged), and may be run
again. The samples in FiftyOne are not touched: run Winnow's undo afterwards,
which then finds the files in their places.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from typing import Any, Dict, List, Optional

Line = Dict[str, Any]

GONE = "is at neither place: perhaps a later action moved it on, restore that first"


def journal_line(line: bytes) -> Optional[List[Line]]:
    """Returns the records of a line of the journal; None for a damaged one."""
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text[:-1]):
        return None
    records: List[Line] = json.loads(text.decode())
    return records


def lines_of(path: bytes) -> List[bytes]:
    if not os.path.exists(path):
        return []
    with open(path, "rb") as file:
        return file.readlines()


def plan_lines(here: bytes) -> List[Line]:
    """Returns the header and the items of the plan, as far as they are whole."""
    found = []
    for line in lines_of(os.path.join(here, b"plan.jsonl")):
        if line.startswith((b'{"format"', b'{"item"')):
            try:
                found.append(json.loads(line.decode()))
            except ValueError:
                continue
    return found


def moved_files(here: bytes) -> List[Line]:
    """Returns a record of each file that was moved, with its two whole paths."""
    root, target_root = "/", None
    moved: Dict[int, Line] = {}
    known = set()
    damaged = False
    lines = lines_of(os.path.join(here, b"journal.jsonl"))
    for line in lines:
        records = journal_line(line)
        damaged = damaged or records is None
        for record in records or []:
            if record.get("event") == "started" and "root" in record:
                root = record["root"]
                # Otherwise here, also if the quarantine was moved as a whole
                if record["action"] != "quarantine":
                    target_root = record["target_root"]
            elif record.get("state") == "intent":
                moved[record["item"]] = record
            elif record.get("state") in ("purged", "skipped"):
                moved.pop(record["item"], None)
            known.add(record.get("item"))
    if damaged or not lines:
        for planned in plan_lines(here):
            if "format" in planned:
                root, target_root = planned["root"], planned["target_root"]
            elif planned["item"] not in known:
                moved[planned["item"]] = planned
    for record in moved.values():
        if record["target"] is not None:
            base = here if target_root is None else name(target_root)
            record["there"] = os.path.join(base, name(record["target"]))
            record["here"] = os.path.join(name(root), name(record["source"]))
    return [record for record in moved.values() if record["target"] is not None]


def name(text: str) -> bytes:
    """Returns a name as the file system has it, whatever the locale."""
    return text.encode("utf-8", "surrogateescape")


def is_as_moved(record: Line, path: bytes) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    if record["sha256"] is None:
        status = os.stat(path)
        return bool([status.st_size, status.st_mtime_ns] == record["identity"][2:4])
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return bool(digest.hexdigest() == record["sha256"])


def put_back(record: Line, apply: bool) -> str:
    """Returns what happened, or would happen, to one file."""
    there, here = record["there"], record["here"]
    if not os.path.lexists(there):
        return "is back" if os.path.lexists(here) else GONE
    if not is_as_moved(record, there):
        return "left: it was changed"
    half_done = os.path.lexists(here) and os.path.samefile(there, here)
    if os.path.lexists(here) and not half_done:
        return "left: its old place is taken"
    if not apply:
        return "can be restored"
    if not half_done:
        os.makedirs(os.path.dirname(here), exist_ok=True)
        try:
            # A link fails where a rename would overwrite
            os.link(there, here)
        except FileExistsError:
            raise
        except OSError:
            # No links on this disk, or none to another user's file
            os.rename(there, here)
            return "put back"
    os.unlink(there)
    return "put back"


def main(arguments: List[str]) -> int:
    """Returns 0 if every file is, or can be put, in its old place."""
    apply = arguments == ["--apply"]
    if arguments and not apply:
        print(__doc__)
        return 2
    moved = moved_files(os.fsencode(os.path.dirname(os.path.abspath(__file__))))
    failed = 0
    for record in moved:
        try:
            outcome = put_back(record, apply)
        except OSError as error:
            outcome = "left: " + str(error.strerror)
        failed += outcome.startswith("left") or outcome == GONE
        print(ascii(os.fsdecode(record["here"])), outcome)
    print(len(moved), "files,", failed, "of them cannot be restored")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
