"""Ends what a crash cut short, by looking where the files are.

The data set follows the disk: a file that was moved is moved, one that was
not stays, and the rest of the plan is not carried on with.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import ActionError
from .dataset_side import Change, Records
from .filesystem import Disk
from .journal import CONFLICT, DONE, INTENT, PURGED, PURGING, SKIPPED, UNDONE, Record
from .plan import ActionPlan
from .quarantine import ActionFolder, action_folders
from .session import (
    ALTERED,
    BACK,
    GONE,
    UNDOABLE,
    OpenAction,
    changes,
    last_event,
    open_action,
    state,
)

_IN_DOUBT = {"apply": (INTENT,), "undo": UNDOABLE, "purge": (PURGING,)}


def recover(
    disk: Disk, quarantine: str, records_of: Callable[[ActionPlan], Records]
) -> list[str]:
    """Settles every action that was cut short. Call it under the lock.

    Returns:
        a sentence for each such action
    """
    sentences = []
    for folder in action_folders(quarantine):
        try:
            if is_unfinished(folder):
                with open_action(disk, folder, records_of(folder.plan)) as action:
                    sentences.append(settle(action))
        except (ActionError, OSError) as error:
            # One that cannot be settled does not keep others from being undone
            sentences.append(
                f"The action {folder.key} was cut short and could not be brought to "
                f"order; that is tried again with the next action. {error}"
            )
    return sentences


def is_unfinished(folder: ActionFolder) -> bool:
    """True for an action that was begun, or undone, and not ended."""
    event = last_event(folder)
    return event is not None and event["event"] != "finished"


def settle(action: OpenAction) -> str:
    """Brings journal and data set in line with the disk.

    Returns:
        a sentence that says what was found
    """
    event = last_event(action.folder)
    what = event["what"] if event else "apply"
    moved = unclear = 0
    for batch in changes(action.folder, _IN_DOUBT[what]):
        if what == "purge":
            entries = _settle_purge(action, batch)
        else:
            entries = _settle_moves(action, batch, what)
        action.journal.append(entries)
        moved += sum(entry["state"] in (DONE, PURGED) for entry in entries)
        unclear += sum(entry["state"] == CONFLICT for entry in entries)
    action.journal.note("finished", what=what, interrupted=True)
    sentence = (
        f"The {what} of {action.folder.key} had been cut short; it was brought to "
        f"order ({moved:,} items were in doubt and are done"
    )
    if unclear:
        sentence += f"; {unclear:,} files are not where they were put: see its journal"
    return sentence + ")."


def _settle_moves(action: OpenAction, batch: list[Change], what: str) -> list[Record]:
    moved, back, entries = [], [], list[Record]()
    for change in batch:
        place = action.look(change.item)
        if what == "undo" and change.item.target is None:
            # Nothing to look at: what was asked for is done
            back.append(change)
            entries.append(state(change.item, UNDONE))
        elif place == BACK:
            action.source.sync_later(change.item.source, above=True)
            back.append(change)
            entries.append(state(change.item, UNDONE if what == "undo" else SKIPPED))
        elif place in (GONE, ALTERED):
            entries.append(state(change.item, CONFLICT, f"the file is {place}"))
        else:
            if change.item.target is not None:
                action.target.sync_later(change.item.target, above=True)
            moved.append(change)
            entries.append(state(change.item, DONE))
    # The renames of the process that died may not be on the disk yet
    action.sync()
    if what == "apply":
        action.records.follow(moved)
    action.records.go_back(back)
    return entries


def _settle_purge(action: OpenAction, batch: list[Change]) -> list[Record]:
    gone = [
        change
        for change in batch
        if action.target.identity(change.item.target or "") is None
    ]
    for change in gone:
        action.target.sync_later(change.item.target or "")
    action.sync()
    action.records.forget(gone)
    numbers = {change.item.number for change in gone}
    return [
        state(change.item, PURGED if change.item.number in numbers else DONE)
        for change in batch
    ]
