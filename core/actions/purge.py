"""Destroys quarantined files: the only code by which bytes disappear.

A file goes if the journal says that it was quarantined long enough ago, if it is
still the file that was quarantined, and if the copy that justified it is still
there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from ..errors import ActionError, Cancelled, PlanOutdatedError, UnsafePathError
from ..progress import OnProgress, Progress, silent
from .dataset_side import Change, Records
from .filesystem import Disk, Tree
from .journal import DONE, PURGED, PURGING, Record
from .plan import ActionPlan, PlannedItem
from .quarantine import ActionFolder, action_folders, is_quarantined, locked_quarantine
from .recovery import recover
from .session import (
    OpenAction,
    Report,
    changes,
    last_event,
    open_action,
    state,
    why_not,
    why_stopped,
)

DEFAULT_AGE_DAYS = 7


@dataclass(frozen=True, eq=False)
class PurgePlan:
    """Which quarantined files would be destroyed.

    Attributes:
        id: twelve hexadecimal digits over the files
        quarantine: the folder
        folders: actions with files that would go
        count: files
        bytes: of them
        kept: actions whose files stay, by reason
    """

    id: str
    quarantine: str
    folders: list[ActionFolder]
    count: int
    bytes: int
    kept: Counter[str]


def plan_purge(
    quarantine: str,
    *,
    older_than_days: float = DEFAULT_AGE_DAYS,
    key: str | None = None,
) -> PurgePlan:
    """Lists what a purge would destroy. Changes nothing.

    Args:
        quarantine: the data set's
        older_than_days: since the action was finished
        key: of one action, or its plan's id; None for all
    """
    if not older_than_days >= 0:
        raise ActionError(f"older_than_days={older_than_days} must be 0 or more.")
    before = datetime.now(timezone.utc) - timedelta(days=older_than_days)
    digest, folders, count, size, kept = hashlib.sha256(), [], 0, 0, Counter[str]()
    for folder in action_folders(quarantine):
        if folder.plan.action != "quarantine":
            continue
        if key is not None and key not in (folder.key, folder.plan.id):
            continue
        try:
            event = last_event(folder)
            files = _quarantined(folder)
        except ActionError:
            kept["its journal is damaged"] += 1
            continue
        if not files:
            continue
        if event is None or event["event"] != "finished":
            kept["not finished"] += 1
        elif datetime.fromisoformat(event["at"]) > before:
            kept[f"younger than {older_than_days:g} days"] += 1
        else:
            folders.append(folder)
            count += len(files)
            size += sum(files.values())
            digest.update(f"{folder.key}:{sorted(files)}".encode())
    return PurgePlan(digest.hexdigest()[:12], quarantine, folders, count, size, kept)


def purge(
    plan: PurgePlan,
    records_of: Callable[[ActionPlan], Records],
    *,
    disk: Disk | None = None,
    on_progress: OnProgress = silent,
) -> Report:
    """Destroys the files of a plan that was shown. There is no undo.

    Args:
        plan: that was shown
        records_of: the data set's side of an action
        disk: the system calls
        on_progress: told after each batch; may raise ``Cancelled`` to stop

    Raises:
        PlanOutdatedError: an action was undone or purged since
        ActionError: another action is at work
    """
    disk = disk or Disk()
    report = Report("purge", "quarantine", plan.id, plan.quarantine, plan.count)
    with locked_quarantine(disk, plan.quarantine), Tree(disk, "/") as everything:
        report.recovered = recover(disk, plan.quarantine, records_of)
        if sum(len(_quarantined(folder)) for folder in plan.folders) != plan.count:
            raise PlanOutdatedError(
                "The quarantine changed since this plan was made. Make it again and "
                "look at it. Nothing was destroyed."
            )
        try:
            for folder in plan.folders:
                with open_action(disk, folder, records_of(folder.plan)) as action:
                    _purge_action(action, everything, report, on_progress)
        except Cancelled:
            report.stopped = "It was stopped on request."
        except (OSError, UnsafePathError) as error:
            report.stopped = why_stopped(error)
    return report


def _purge_action(
    action: OpenAction, everything: Tree, report: Report, on_progress: OnProgress
) -> None:
    action.journal.note("started", what="purge")
    for batch in changes(action.folder, (DONE,)):
        ready = []
        for change in batch:
            if change.item.target is None:
                continue
            problem = _why_kept(action, everything, change)
            if problem is None:
                ready.append(change)
            else:
                report.count_skipped(change.item.source, problem)
        action.journal.append([state(change.item, PURGING) for change in ready])
        gone, entries = [], list[Record]()
        for change in ready:
            problem = _remove(action, change.item)
            if problem is None:
                gone.append(change)
                report.count_done(change.item)
                entries.append(state(change.item, PURGED))
            else:
                report.count_skipped(change.item.source, problem)
                entries.append(state(change.item, DONE, problem))
        action.sync()
        action.records.forget(gone)
        action.journal.append(entries)
        reached = report.planned - report.not_reached
        on_progress(Progress("Purging", reached, report.planned))
    action.journal.note("finished", what="purge")


def _remove(action: OpenAction, item: PlannedItem) -> str | None:
    """Returns why the file is still there, or None if it is gone."""
    assert item.target is not None
    try:
        action.target.remove(item.target)
    except OSError as error:
        # A disk on a network may say no to what it has done
        if action.target.identity(item.target) is not None:
            return why_not(error)
    return None


def _why_kept(action: OpenAction, everything: Tree, change: Change) -> str | None:
    item, kept_copy = change.item, change.item.kept_copy
    try:
        _, sha256 = action.target.read_identity(item.target or "")
    except FileNotFoundError:
        return "it is no longer in the quarantine"
    except (OSError, UnsafePathError) as error:
        return str(error)
    if sha256 != item.sha256:
        return "it was changed in the quarantine"
    if kept_copy is None:
        return None
    now_at = action.records.places([kept_copy.sample]).get(kept_copy.sample)
    for path in (kept_copy.path, now_at):
        if path and not is_quarantined(path):
            try:
                if everything.read_identity(path[1:])[1] == kept_copy.sha256:
                    return None
            except (OSError, UnsafePathError):
                continue
    return "the copy it was removed for is gone or changed: it may be the last one"


def _quarantined(folder: ActionFolder) -> dict[int, int]:
    """Returns the bytes of each quarantined file of an action, by its number."""
    return {
        change.item.number: change.item.identity.size
        for batch in changes(folder, (DONE,))
        for change in batch
        if change.item.identity is not None
    }
