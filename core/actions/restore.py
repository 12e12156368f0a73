"""Puts back the files that one action of Winnow moved, without Winnow.

    python3 restore.py           lists what is here and where it came from
    python3 restore.py --apply   moves every file back to its old place

A copy of this script lies beside the journal of each action. It needs Python
3.8 or later and nothing else. It never overwrites a file, reads only the
journal, and may be run again. The samples in FiftyOne are not touched: run
Winnow's undo afterwards, which then finds the files in their places.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from typing import Any, Dict, Iterator, List


def records(path: str) -> Iterator[Dict[str, Any]]:
    """Yields the records of a journal; lines that are damaged are passed over."""
    with open(path, "rb") as file:
        for line in file:
            checksum, _, text = line.partition(b" ")
            if checksum == b"%08x" % zlib.crc32(text[:-1]):
                yield from json.loads(text.decode())


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def put_back(record: Dict[str, Any], root: str, target_root: str, apply: bool) -> str:
    """Returns what happened, or would happen, to one file."""
    target = os.path.join(target_root, record["target"])
    source = os.path.join(root, record["source"])
    if not os.path.lexists(target):
        return "is back" if os.path.lexists(source) else "GONE"
    if os.path.lexists(source):
        return "left: its old place is taken"
    if os.path.islink(target) or sha256_of(target) != record["sha256"]:
        return "left: it was changed"
    if not apply:
        return "can be put back"
    os.makedirs(os.path.dirname(source), exist_ok=True)
    # A link fails where a rename would overwrite
    os.link(target, source)
    os.unlink(target)
    return "put back"


def main(arguments: List[str]) -> int:
    """Returns 0 if every file is, or can be put, in its old place."""
    here = os.path.dirname(os.path.abspath(__file__))
    apply = arguments == ["--apply"]
    if arguments and not apply:
        print(__doc__)
        return 2
    root, target_root = "/", here
    moved = {}
    for record in records(os.path.join(here, "journal.jsonl")):
        if record.get("event") == "started" and "root" in record:
            root = record["root"]
            # Where the files are now, if the quarantine was moved as a whole
            inside = record["action"] == "quarantine"
            target_root = here if inside else record["target_root"]
        elif record.get("state") == "intent" and record["target"] is not None:
            moved[record["item"]] = record
        elif record.get("state") in ("purged", "skipped"):
            moved.pop(record["item"], None)
    failed = 0
    for record in moved.values():
        try:
            outcome = put_back(record, root, target_root, apply)
        except OSError as error:
            outcome = "left: " + str(error.strerror)
        failed += outcome == "GONE" or outcome.startswith("left")
        print(ascii(os.path.join(root, record["source"])), outcome)
    print(len(moved), "files,", failed, "of them cannot be put back")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
