"""One action, open: its journal, and the two trees its files move between."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..errors import ActionError, UnsafePathError
from .dataset_side import Change, Records
from .filesystem import Disk, FileIdentity, Tree
from .journal import (
    CONFLICT,
    DONE,
    INTENT,
    Journal,
    Record,
    read_journal,
    read_last_line,
)
from .plan import ITEMS_A_BATCH, ActionPlan, PlannedItem
from .quarantine import ActionFolder

MOVED, BACK, ALTERED, GONE = "moved", "back", "altered", "gone"

UNDOABLE = (INTENT, DONE, CONFLICT)
"""States of items that may be elsewhere than they were."""

_REASONS_SHOWN = 200


@dataclass(frozen=True, eq=False)
class OpenAction:
    """The trees and the journal of an action.

    Attributes:
        folder: of the action
        source: the tree of the plan's root
        target: the tree the files go to
        journal: open for appending
        records: the data set's side
    """

    folder: ActionFolder
    source: Tree
    target: Tree
    journal: Journal
    records: Records

    @property
    def plan(self) -> ActionPlan:
        return self.folder.plan

    def look(self, item: PlannedItem) -> str:
        """Returns where the item's file is: by looking, not by the journal.

        ``MOVED`` (its old name may be taken by something else) or ``BACK``;
        ``ALTERED`` if another file has the place it was moved to, ``GONE`` if
        it is at neither.
        """
        if item.target is None or item.identity is None:
            return MOVED
        there = _seen_at(self.target, item.target)
        here = _seen_at(self.source, item.source)
        itself = item.identity.same_but_renamed
        if here and itself(here) and not (there and itself(there)):
            # What is there is a copy that somebody made, time and all
            return BACK
        if there and item.identity.same_content(there):
            return MOVED
        if here and item.identity.same_content(here):
            return BACK
        return ALTERED if there else GONE

    def sync(self) -> None:
        """Returns when all renames are on the disk."""
        self.source.sync()
        self.target.sync()


@dataclass
class Report:
    """What an action, its undoing or a purge did to each item.

    ``planned`` is always the sum of ``done``, ``skipped``, ``conflicts`` and
    ``not_reached``.

    Attributes:
        what: apply, undo or purge
        action: quarantine, move or retag
        key: of the action, for its undo; the plan's id if that was empty
        folder: with the journal and restore.py; empty if nothing was planned
        planned: items
        done: items
        moves: files among them
        bytes: of those files
        skipped: items left as they were, by reason
        conflicts: items in which something else came between, by reason
        examples: paths and reasons of the first skipped or conflicting
        stopped: why the rest was not reached; None if all was
        recovered: a sentence on each earlier action that was cut short
    """

    what: str
    action: str
    key: str
    folder: str
    planned: int
    done: int = 0
    moves: int = 0
    bytes: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    conflicts: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[str, str]] = field(default_factory=list)
    stopped: str | None = None
    recovered: list[str] = field(default_factory=list)

    @property
    def not_reached(self) -> int:
        return (
            self.planned
            - self.done
            - sum(self.skipped.values())
            - sum(self.conflicts.values())
        )

    def count_done(self, item: PlannedItem) -> None:
        self.done += 1
        if item.target is not None:
            self.moves += 1
            self.bytes += item.identity.size if item.identity else 0

    def count_skipped(self, path: str, reason: str) -> None:
        self._count(self.skipped, path, reason)

    def count_conflict(self, path: str, reason: str) -> None:
        self._count(self.conflicts, path, reason)

    def _count(self, counts: dict[str, int], path: str, reason: str) -> None:
        counts[reason] = counts.get(reason, 0) + 1
        if len(self.examples) < _REASONS_SHOWN:
            self.examples.append((path, reason))


@contextlib.contextmanager
def open_action(
    disk: Disk, folder: ActionFolder, records: Records
) -> Iterator[OpenAction]:
    """Opens an action's trees and journal.

    Raises:
        ActionError: a folder is gone, or the journal is damaged
    """
    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(Tree(disk, folder.plan.root))
            own = stack.enter_context(Tree(disk, str(folder.path)))
            target = own
            if folder.plan.target_root is not None:
                target = stack.enter_context(Tree(disk, folder.plan.target_root))
            _, inside = own.place("journal")
            journal = stack.enter_context(Journal(disk, inside))
        except OSError as error:
            raise ActionError(
                f"The action of {folder.key} cannot be opened: {error.filename}: "
                f"{error.strerror}. Nothing was changed."
            ) from error
        yield OpenAction(folder, source, target, journal, records)


def states(folder: ActionFolder) -> dict[int, str]:
    """Returns the last state of each item that has one."""
    found: dict[int, str] = {}
    for record in read_journal(folder.journal):
        if "state" in record:
            found[record["item"]] = record["state"]
    return found


def last_event(folder: ActionFolder) -> Record | None:
    """Returns the last event of an action: what was started or finished."""
    event = None
    for read in (read_last_line, read_journal):
        for record in read(folder.journal):
            if "event" in record:
                event = record
        if event is not None:
            break
    return event


def changes(folder: ActionFolder, in_states: Collection[str]) -> Iterator[list[Change]]:
    """Yields the changes whose last state is one of some, in batches."""
    last = states(folder)
    found = (
        Change(PlannedItem.from_json(record), record["before"])
        for record in read_journal(folder.journal)
        if record.get("state") == INTENT and last[record["item"]] in in_states
    )
    while batch := list(islice(found, ITEMS_A_BATCH)):
        yield batch


def undoable(folder: ActionFolder) -> int:
    """Returns how many items an undo would look at."""
    return sum(value in UNDOABLE for value in states(folder).values())


def intent(item: PlannedItem, before: Any) -> Record:
    """Returns the record of what is about to happen to an item."""
    return {**item.to_json(), "state": INTENT, "before": before}


def state(item: PlannedItem, value: str, why: str | None = None) -> Record:
    """Returns the record of what became of an item."""
    record: dict[str, Any] = {"item": item.number, "state": value}
    if why is not None:
        record["why"] = why
    return record


def why_not(error: OSError) -> str:
    """Returns an error as a reason, for a list of many."""
    return (error.strerror or str(error)).lower()


def why_stopped(error: OSError | UnsafePathError) -> str:
    """Returns an error as the sentence that ends a report."""
    what = str(error)
    if isinstance(error, OSError):
        what = f"The disk failed: {why_not(error)}."
    return f"{what} The next action, or undo, completes or reverts what was started."


def _seen_at(tree: Tree, path: str) -> FileIdentity | None:
    """Returns what is at a path; None also if its folder became a link."""
    with contextlib.suppress(UnsafePathError):
        return tree.identity(path)
    return None
