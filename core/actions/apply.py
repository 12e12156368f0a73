"""Carries out a plan: verify, write down, move, look again, tell the data set.

Items go in batches. Within one, every file is compared with the plan and
read again, the intents are on the disk before the first rename, and the
renames are on the disk before a sample changes. A crash at any point leaves
something that :mod:`.recovery` can tell by looking.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ..errors import ActionError, Cancelled, PlanOutdatedError, UnsafePathError
from ..progress import OnProgress, Progress, silent
from .dataset_side import Change, Records
from .filesystem import Disk, FileIdentity, Tree
from .journal import CONFLICT, DONE, SKIPPED, Record
from .plan import ActionPlan, KeptCopy, PlannedItem, batches, open_plan
from .quarantine import PLAN, RESTORE, ActionFolder, action_folders, locked_quarantine
from .recovery import recover
from .session import (
    OpenAction,
    Report,
    intent,
    open_action,
    state,
    undoable,
    why_not,
    why_stopped,
)

_RESTORE_SCRIPT = Path(__file__).with_name("restore.py")
_COPIED_AT_ONCE = 2**20
_TIME = "%Y%m%d-%H%M%S"
_ACTION_NAME = re.compile(r"(\d{8}-\d{6})-")
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOTSUP)
"""Errors that the next file would meet too."""


def apply_plan(
    plan: ActionPlan,
    records_of: Callable[[ActionPlan], Records],
    *,
    expect_count: int | None = None,
    disk: Disk | None = None,
    on_progress: OnProgress = silent,
) -> Report:
    """Applies a plan, once.

    Args:
        plan: that was shown
        records_of: the data set's side of an action
        expect_count: the number of items, where the plan needs it repeated
        disk: the system calls
        on_progress: told after each batch; may raise ``Cancelled`` to stop

    Returns:
        what was done, nothing for an empty plan; files that changed since the plan
        are left alone

    Raises:
        PlanOutdatedError: it was applied before
        ActionError: a limit, a lock, a folder that cannot be used
    """
    disk = disk or Disk()
    check_count(plan, expect_count)
    if not plan.count:
        # Its id is that of no action, so that no undo takes it for the last one
        return Report("apply", plan.action, plan.id, "", 0)
    with locked_quarantine(disk, plan.quarantine) as quarantine:
        for earlier in action_folders(plan.quarantine):
            if earlier.plan.id == plan.id and undoable(earlier):
                raise PlanOutdatedError(
                    f"The plan {plan.id} was applied already, as {earlier.key}. "
                    "Nothing was done now. Make a new plan, or undo that action."
                )
        recovered = recover(disk, plan.quarantine, records_of)
        folder = _new_folder(disk, quarantine, plan)
        with open_action(disk, folder, records_of(folder.plan)) as action:
            report = _run(action, on_progress)
    plan.file.unlink(missing_ok=True)
    report.recovered = recovered
    return report


def check_count(plan: ActionPlan, expect_count: int | None) -> None:
    """Raises :class:`ActionError` if a number must be repeated and was not."""
    if expect_count is not None and expect_count != plan.count:
        raise ActionError(
            f"expect_count={expect_count}, but the plan has {plan.count:,} items. "
            "Look at the plan again."
        )
    if plan.needs_count and expect_count is None:
        raise ActionError(
            f"{plan.needs_count} To go on all the same, repeat the number of items: "
            f"expect_count={plan.count}."
        )


def _new_folder(disk: Disk, quarantine: int, plan: ActionPlan) -> ActionFolder:
    """Makes the action's folder, with the plan and restore.py on the disk."""
    name = f"{_next_time(quarantine)}-{plan.id}"
    path = Path(plan.quarantine) / name
    disk.make_folder(name, quarantine, 0o700)
    folder = disk.open_folder(name, quarantine)
    try:
        for source, target in ((_RESTORE_SCRIPT, RESTORE), (plan.file, PLAN)):
            _copy(disk, source, target, folder)
        disk.sync(folder)
        disk.sync(quarantine)
    finally:
        os.close(folder)
    copied = open_plan(path / PLAN)
    if copied.id != plan.id:
        raise PlanOutdatedError(
            f"The plan {plan.id} was edited since it was looked at, so it is not "
            "applied. Make the plan again and look at it."
        )
    return ActionFolder(path, copied)


def _next_time(quarantine: int) -> str:
    """Returns the time, or a second after the last action if that is later.

    The names of actions sort in their order, whatever the clock does.
    """
    now = f"{datetime.now(timezone.utc):{_TIME}}"
    times = (_ACTION_NAME.match(name) for name in os.listdir(quarantine))
    last = max((time[1] for time in times if time), default="")
    if now > last:
        return now
    return f"{datetime.strptime(last, _TIME) + timedelta(seconds=1):{_TIME}}"


def _copy(disk: Disk, source: Path, name: str, folder: int) -> None:
    target = disk.open_new(name, folder)
    try:
        with source.open("rb") as file:
            while part := file.read(_COPIED_AT_ONCE):
                disk.write_all(target, part)
        disk.sync(target)
    finally:
        os.close(target)


def _run(action: OpenAction, on_progress: OnProgress) -> Report:
    plan = action.plan
    report = Report(
        "apply", plan.action, action.folder.key, str(action.folder.path), plan.count
    )
    action.journal.note(
        "started",
        what="apply",
        action=plan.action,
        root=plan.root,
        target_root=action.target.root,
    )
    with _KeptCopies(action.source.disk) as kept_copies:
        try:
            for batch in batches(plan.items()):
                _apply_batch(action, batch, kept_copies, report)
                if report.stopped:
                    break
                reached = plan.count - report.not_reached
                on_progress(Progress("Applying the plan", reached, plan.count))
        except Cancelled:
            report.stopped = "It was stopped on request."
        except (OSError, UnsafePathError) as error:
            # No "finished": the next action looks at the disk again
            report.stopped = why_stopped(error)
            return report
    action.journal.note("finished", what="apply", done=report.done)
    return report


def _apply_batch(
    action: OpenAction,
    batch: list[PlannedItem],
    kept_copies: _KeptCopies,
    report: Report,
) -> None:
    entries: list[Record] = []
    ready: list[Change] = []
    kept_copies.forget()
    for item, before in zip(batch, action.records.before(batch), strict=True):
        found = before
        if not isinstance(before, str):
            found = _verify(action, item, kept_copies)
        if isinstance(found, str):
            entries.append(state(item, SKIPPED, found))
            report.count_skipped(item.source, found)
        else:
            entries.append(intent(found, before))
            ready.append(Change(found, before))
    action.journal.append(entries)

    moved: list[Change] = []
    entries = []
    for change in ready:
        problem = _move(action, change.item, report)
        if problem is None:
            moved.append(change)
        else:
            entries.append(problem)
    action.sync()
    stay = []
    for change in moved:
        if kept_copies.stands(change.item.kept_copy):
            stay.append(change)
        else:
            reason = "the copy that should stay was removed meanwhile"
            reason += _move_back(action, change.item)
            report.count_conflict(change.item.source, reason)
            entries.append(state(change.item, CONFLICT, reason))
    action.sync()
    action.records.follow(stay)
    for change in stay:
        report.count_done(change.item)
        entries.append(state(change.item, DONE))
    action.journal.append(entries)


def _verify(
    action: OpenAction, item: PlannedItem, kept_copies: _KeptCopies
) -> PlannedItem | str:
    """Returns the item with the file as it is now, or why it is left alone."""
    if item.target is None:
        return item
    try:
        identity, sha256 = action.source.read_identity(item.source)
    except FileNotFoundError:
        return "the file is no longer there"
    except UnsafePathError as error:
        return str(error)
    except OSError as error:
        return why_not(error)
    if identity != item.identity:
        return "the file changed since the plan was made"
    if item.sha256 not in (None, sha256):
        return "the file changed since it was scanned"
    problem = kept_copies.problem(item.kept_copy, identity)
    return problem or replace(item, identity=identity, sha256=sha256)


def _move(action: OpenAction, item: PlannedItem, report: Report) -> Record | None:
    """Moves the item's file and looks at what was moved.

    Returns:
        None, or the record of why the file is still where it was
    """
    if item.target is None or item.identity is None:
        return None
    problem = None
    try:
        action.source.rename(item.source, action.target, item.target)
    except FileExistsError:
        problem = "there is a file of the new name already"
    except UnsafePathError as error:
        problem = str(error)
    except OSError as error:
        problem = why_not(error)
        if error.errno in _HOPELESS:
            report.stopped = f"The disk failed: {problem}."
    # Also after an error: a disk on a network may say no to what it has done
    found = action.target.identity(item.target)
    if found is not None and item.identity.same_but_renamed(found):
        return None
    if problem is not None:
        report.count_skipped(item.source, problem)
        return state(item, SKIPPED, problem)
    reason = "another file took its place at the same moment"
    reason += _move_back(action, item)
    report.count_conflict(item.source, reason)
    return state(item, CONFLICT, reason)


def _move_back(action: OpenAction, item: PlannedItem) -> str:
    """Returns what to add to the reason."""
    assert item.target is not None
    try:
        action.target.rename(item.target, action.source, item.source)
    except (OSError, UnsafePathError) as error:
        why = why_not(error) if isinstance(error, OSError) else str(error)
        where = os.path.join(action.target.root, item.target)
        return f"; it could not be restored ({why}) and is in {where}"
    return ""


class _KeptCopies:
    """Looks whether the copies that should stay are there, and are the same."""

    def __init__(self, disk: Disk) -> None:
        self._tree = Tree(disk, "/")
        self._seen: dict[str, FileIdentity | str] = {}

    def __enter__(self) -> _KeptCopies:
        return self

    def __exit__(self, *error: object) -> None:
        self._tree.__exit__()

    def forget(self) -> None:
        """Makes the next question look again."""
        self._seen.clear()

    def problem(self, kept_copy: KeptCopy | None, victim: FileIdentity) -> str | None:
        """Returns why a kept copy does not justify that its copy goes."""
        if kept_copy is None:
            return None
        found = self._seen.get(kept_copy.path)
        if found is None:
            found = self._seen[kept_copy.path] = self._read(kept_copy)
        if isinstance(found, str):
            return found
        if found.same_file(victim):
            return "it and the copy to keep are one file"
        return None

    def stands(self, kept_copy: KeptCopy | None) -> bool:
        """True if a kept copy is still what :meth:`problem` saw."""
        if kept_copy is None:
            return True
        try:
            now = self._tree.identity(kept_copy.path[1:])
        except (OSError, UnsafePathError):
            return False
        return now == self._seen[kept_copy.path]

    def _read(self, kept_copy: KeptCopy) -> FileIdentity | str:
        try:
            identity, sha256 = self._tree.read_identity(kept_copy.path[1:])
        except (OSError, UnsafePathError):
            return "the copy to keep cannot be read any more"
        if sha256 != kept_copy.sha256:
            return "the copy to keep changed since it was scanned"
        return identity
