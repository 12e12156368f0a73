"""What an action would do, written down before it is done.

A plan is a file of JSON lines: a header, one line an item, one line a
refusal, and a seal with the SHA-256 of all lines before it. Its first twelve
hexadecimal digits are the plan's id, so that equal plans have equal ids and
an edited plan is noticed. Names that are not UTF-8 survive as escaped
surrogates.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import PlanOutdatedError
from .filesystem import FileIdentity

FORMAT = 1
ITEMS_A_BATCH = 256
"""Items that share their waits for the disk: 0.3 ms an item, 16 ms one by one."""

_REFUSALS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """The copy that stays and so justifies that another goes.

    Attributes:
        path: absolute, its folders free of symbolic links
        identity: when the plan was made
        sha256: of its bytes when the two were compared
        sample: id of its sample
    """

    path: str
    identity: FileIdentity
    sha256: str
    sample: str


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One file, or one label, that the action changes.

    Attributes:
        number: place in the plan, from 0
        source: of the file, relative to the plan's root
        target: where the file goes, relative to the plan's target root; None
            if it stays
        identity: of the file when the plan was made; None if it stays
        sha256: of its bytes as scanned; None if it was not scanned
        kept_copy: None for an action that needs no copy to stay
        why: a few words
        label: of its samples, for the summary
        split: likewise
        records: what the data set's side needs to know; JSON
    """

    number: int
    source: str
    target: str | None
    identity: FileIdentity | None
    sha256: str | None
    kept_copy: KeptCopy | None
    why: str
    label: str | None
    split: str | None
    records: list[Any]

    def to_json(self) -> dict[str, Any]:
        kept_copy = self.kept_copy
        return {
            "item": self.number,
            "source": self.source,
            "target": self.target,
            "identity": self.identity and self.identity.to_json(),
            "sha256": self.sha256,
            "kept_copy": kept_copy
            and [
                kept_copy.path,
                kept_copy.identity.to_json(),
                kept_copy.sha256,
                kept_copy.sample,
            ],
            "why": self.why,
            "label": self.label,
            "split": self.split,
            "records": self.records,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> PlannedItem:
        kept_copy = line["kept_copy"]
        if kept_copy:
            path, identity, sha256, sample = kept_copy
            kept_copy = KeptCopy(path, FileIdentity.from_json(identity), sha256, sample)
        return cls(
            line["item"],
            line["source"],
            line["target"],
            line["identity"] and FileIdentity.from_json(line["identity"]),
            line["sha256"],
            kept_copy,
            line["why"],
            line["label"],
            line["split"],
            line["records"],
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file of the selection that the plan leaves alone."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class ActionPlan:
    """A plan's header and counts; the items stay in its file.

    Attributes:
        id: twelve hexadecimal digits
        file: of the plan
        action: quarantine, move or retag
        root: the folder the files lie in
        target_root: where the targets lie; None for the action's own folder
        quarantine: where the journal, and files without a place, go
        options: of the data set's side; JSON
        count: items
        moves: items whose file moves
        bytes: of the files that move
        classes: items by label
        splits: items by split
        refused: files left alone, by reason
        refusals: the first of them
        needs_count: why the number of items must be repeated to apply; or None
    """

    id: str
    file: Path
    action: str
    root: str
    target_root: str | None
    quarantine: str
    options: Mapping[str, Any]
    count: int
    moves: int
    bytes: int
    classes: Counter[str]
    splits: Counter[str]
    refused: Counter[str]
    refusals: list[Refusal]
    needs_count: str | None

    def items(self) -> Iterator[PlannedItem]:
        """Reads the items from the plan's file."""
        return read_items(self.file)


@dataclass
class PlanSummary:
    """Counts that grow while a plan is written."""

    count: int = 0
    moves: int = 0
    bytes: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, line: PlannedItem | Refusal) -> None:
        if isinstance(line, Refusal):
            self.refused[line.reason] += 1
            return
        self.count += 1
        if line.identity is not None:
            self.moves += 1
            self.bytes += line.identity.size
        if line.label is not None:
            self.classes[line.label] += 1
        if line.split is not None:
            self.splits[line.split] += 1


def write_plan(
    folder: Path,
    header: Mapping[str, Any],
    lines: Iterable[PlannedItem | Refusal],
    needs_count: str | None,
) -> ActionPlan:
    """Writes a plan and returns it, opened."""
    folder.mkdir(parents=True, exist_ok=True)
    # Threads of one process may plan at the same time
    part = folder / f"{os.getpid()}-{threading.get_ident()}.part"
    digest, summary = hashlib.sha256(), PlanSummary()
    with part.open("wb") as file:

        def write(line: Mapping[str, Any]) -> None:
            data = json.dumps(line).encode() + b"\n"
            digest.update(data)
            file.write(data)

        write({"format": FORMAT, **header, "needs_count": needs_count})
        for line in lines:
            summary.add(line)
            if isinstance(line, Refusal):
                write({"refused": line.path, "reason": line.reason})
            else:
                write(line.to_json())
        seal = {"seal": digest.hexdigest(), **vars(summary)}
        file.write(json.dumps(seal).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    path = plan_file(folder, digest.hexdigest()[:12])
    part.replace(path)
    return open_plan(path)


def plan_file(folder: Path, plan_id: str) -> Path:
    """Returns where a plan waits until it is applied."""
    return folder / f"{plan_id}.jsonl"


def open_plan(path: Path) -> ActionPlan:
    """Reads a plan's header and counts, and checks its seal.

    Raises:
        PlanOutdatedError: it is gone, damaged or was edited
    """
    digest, refusals, previous = hashlib.sha256(), list[Refusal](), b""
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline())
            file.seek(0)
            for data in file:
                digest.update(previous)
                previous = data
                if data.startswith(b'{"refused"') and len(refusals) < _REFUSALS_SHOWN:
                    line = json.loads(data)
                    refusals.append(Refusal(line["refused"], line["reason"]))
        seal = json.loads(previous)
        if seal["seal"] != digest.hexdigest() or header["format"] != FORMAT:
            raise ValueError("the seal is of other lines")
    except FileNotFoundError:
        raise PlanOutdatedError(
            f"There is no plan {path.stem} that waits to be applied: it was applied, "
            "or replaced by a newer one. Make the plan again and look at it."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise PlanOutdatedError(
            f"The plan in {path} is damaged or was edited, so it is not applied. "
            "Make the plan again and look at it."
        ) from error
    return ActionPlan(
        id=seal["seal"][:12],
        file=path,
        action=header["action"],
        root=header["root"],
        target_root=header["target_root"],
        quarantine=header["quarantine"],
        options=header["options"],
        count=seal["count"],
        moves=seal["moves"],
        bytes=seal["bytes"],
        classes=Counter(seal["classes"]),
        splits=Counter(seal["splits"]),
        refused=Counter(seal["refused"]),
        refusals=refusals,
        needs_count=header["needs_count"],
    )


def read_items(file: Path) -> Iterator[PlannedItem]:
    """Yields the items of a plan's file."""
    with file.open("rb") as lines:
        for line in lines:
            if line.startswith(b'{"item"'):
                yield PlannedItem.from_json(json.loads(line))


def batches(items: Iterable[PlannedItem]) -> Iterator[list[PlannedItem]]:
    """Yields the items in lists of :data:`ITEMS_A_BATCH`."""
    iterator = iter(items)
    while batch := list(islice(iterator, ITEMS_A_BATCH)):
        yield batch


def forget_other_plans(folder: Path, keep: int = 20) -> None:
    """Removes the oldest plans that wait, which nobody will apply any more."""
    with suppress(FileNotFoundError):
        plans = sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        for path in plans[:-keep]:
            path.unlink(missing_ok=True)
