"""Puts everything back that an action moved or changed, from any state."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from functools import cached_property
from itertools import islice

from ..errors import ActionError, Cancelled, UnsafePathError
from ..progress import OnProgress, Progress, silent
from .dataset_side import Change, Records
from .filesystem import Disk
from .journal import DONE, UNDONE, Record
from .plan import ActionPlan, PlannedItem
from .quarantine import ActionFolder, action_folders, locked_quarantine
from .recovery import recover
from .session import (
    ALTERED,
    BACK,
    MOVED,
    UNDOABLE,
    OpenAction,
    Report,
    changes,
    open_action,
    state,
    undoable,
    why_not,
    why_stopped,
)


def undo_action(
    folder: ActionFolder,
    records_of: Callable[[ActionPlan], Records],
    *,
    disk: Disk | None = None,
    on_progress: OnProgress = silent,
) -> Report:
    """Undoes an action; may be called again, and after a crash.

    A file that was changed since, or whose old place is taken, is left where
    it is and reported: nothing is ever overwritten.

    Args:
        folder: of the action
        records_of: the data set's side of an action
        disk: the system calls
        on_progress: told after each batch; may raise ``Cancelled`` to stop

    Raises:
        ActionError: another action is at work, or a folder cannot be used
    """
    disk = disk or Disk()
    quarantine = str(folder.path.parent)
    with locked_quarantine(disk, quarantine):
        recovered = recover(disk, quarantine, records_of)
        with open_action(disk, folder, records_of(folder.plan)) as action:
            report = _run(action, on_progress)
    report.recovered = recovered
    return report


def _run(action: OpenAction, on_progress: OnProgress) -> Report:
    folder = action.folder
    planned = undoable(folder)
    report = Report("undo", folder.plan.action, folder.key, str(folder.path), planned)
    if not planned:
        # An undo that was cut short may have left them
        _remove_created_folders(action)
        return report
    later = _LaterActions(folder)
    action.journal.note("started", what="undo")
    try:
        for batch in changes(folder, UNDOABLE):
            _undo_batch(action, batch, later, report)
            reached = planned - report.not_reached
            on_progress(Progress("Putting back", reached, planned))
        _remove_created_folders(action)
    except Cancelled:
        report.stopped = "It was stopped on request."
    except (OSError, UnsafePathError) as error:
        report.stopped = why_stopped(error)
        return report
    action.journal.note("finished", what="undo", done=report.done)
    return report


def _undo_batch(
    action: OpenAction, batch: list[Change], later: _LaterActions, report: Report
) -> None:
    back: list[Change] = []
    for change in batch:
        problem = _put_back(action, change.item, later)
        if problem is None:
            back.append(change)
        else:
            report.count_conflict(change.item.source, problem)
    action.sync()
    entries: list[Record] = []
    for change, kept in zip(back, action.records.go_back(back), strict=True):
        entries.append(state(change.item, UNDONE, kept))
        if kept is None:
            report.count_done(change.item)
        else:
            report.count_conflict(change.item.source, kept)
    action.journal.append(entries)


def _put_back(
    action: OpenAction, item: PlannedItem, later: _LaterActions
) -> str | None:
    """Returns why the file is not where it was, or None if it is."""
    if item.target is None:
        return None
    there = os.path.join(action.target.root, item.target)
    try:
        place = action.look(item)
        if place == BACK:
            return None
        if place != MOVED:
            mover = later.that_moved(there)
            if mover:
                return f"it was moved on by {mover}: undo that first"
            if place == ALTERED:
                return f"{there} was changed since"
            return f"it is gone from {there}"
        _, sha256 = action.target.read_identity(item.target)
        if sha256 != item.sha256:
            return f"{there} was changed since"
        action.target.rename(item.target, action.source, item.source)
    except FileExistsError:
        return f"its old place is taken; it stays in {there}"
    except UnsafePathError as error:
        return str(error)
    except OSError as error:
        # A disk on a network may say no to what it has done
        with contextlib.suppress(OSError):
            if action.look(item) == BACK:
                return None
        return why_not(error)
    return None


def _remove_created_folders(action: OpenAction) -> None:
    created = action.plan.options.get("creates", [])
    for folder in sorted(created, key=len, reverse=True):
        action.target.remove_empty_folder(folder)
    action.target.sync()


class _LaterActions:
    """Which files were moved on by actions after this one."""

    def __init__(self, folder: ActionFolder) -> None:
        self._folder = folder

    def that_moved(self, path: str) -> str | None:
        """Returns the key of the later action that moved a file from here."""
        return self._moved_from.get(path)

    @cached_property
    def _moved_from(self) -> dict[str, str]:
        moved: dict[str, str] = {}
        for folder in action_folders(self._folder.path.parent):
            if folder.key <= self._folder.key:
                continue
            with contextlib.suppress(ActionError):
                for batch in changes(folder, (DONE,)):
                    for change in batch:
                        source = os.path.join(folder.plan.root, change.item.source)
                        moved[source] = folder.key
        return moved


def find_action(quarantine: str, key: str | None) -> ActionFolder:
    """Returns an action by its key or its plan's id; the last for None.

    Raises:
        ActionError: there is no such action
    """
    folders = action_folders(quarantine)
    if key is None:
        # From the end: a long journal takes a second to read
        folders = list(islice(filter(_can_be_undone, reversed(folders)), 1))
    else:
        folders = [folder for folder in folders if key in (folder.key, folder.plan.id)]
    if not folders:
        what = f"action {key}" if key else "action that could be undone"
        raise ActionError(
            f"There is no {what} in {quarantine}. If the plan or the journal of an "
            "action is damaged, the restore.py in its folder puts its files back."
        )
    return folders[-1]


def _can_be_undone(folder: ActionFolder) -> bool:
    with contextlib.suppress(ActionError):
        return undoable(folder) > 0
    return False
