"""Carries out plans on a data set's files and samples, and goes back."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import fiftyone as fo
from pymongo.errors import PyMongoError

from ....core.actions.apply import apply_plan
from ....core.actions.filesystem import check_system
from ....core.actions.journal import PURGED
from ....core.actions.plan import ActionPlan, open_plan, plan_file
from ....core.actions.purge import PurgePlan, plan_purge, purge
from ....core.actions.quarantine import (
    JOURNAL,
    ActionFolder,
    action_folders,
    quarantine_of,
)
from ....core.actions.recovery import is_unfinished
from ....core.actions.session import UNDOABLE, Report, last_event, states, undoable
from ....core.actions.undo import find_action, undo_action
from ....core.errors import ActionError, CurationError, PlanOutdatedError
from ....core.progress import OnProgress
from ..dataset.internals import dataset_id
from ..runs.count_cache import cached
from ..runs.lock import exclusive_run
from ..runs.paths import plans_folder
from ..runs.reapply import reapply_if_scanned
from ..runs.run_record import complete_run, wait_for_journal
from .object_updates import records_of
from .sample_updates import reload_samples

_QUARANTINES = "winnow_quarantines"


@dataclass(frozen=True)
class PastAction:
    """A line of the history.

    Attributes:
        key: names the action, for its undo
        action: quarantine, move or retag
        what: the selection it was for
        at: when it was ended, ISO 8601, UTC
        items: of the plan
        undoable: items that an undo would put back
        purged: items whose files were destroyed
        bytes: of the files of the plan
        unfinished: True if it was cut short
        folder: with journal and restore.py
        damage: why its journal cannot be read, and nothing more is known of it;
            None if it can
    """

    key: str
    action: str
    what: str
    at: str
    items: int
    undoable: int
    purged: int
    bytes: int
    unfinished: bool
    folder: str
    damage: str | None = None


def waiting_plan(dataset: fo.Dataset, plan_id: str) -> ActionPlan:
    """Returns a plan that was shown and not yet applied.

    Raises:
        PlanOutdatedError: there is none of this id, or the data set was
            scanned again since
    """
    check_system()
    if not plan_id.isalnum():
        raise PlanOutdatedError(f"'{plan_id}' is not the id of a plan.")
    for past in _folders(dataset):
        if past.plan.id == plan_id and undoable(past):
            raise PlanOutdatedError(
                f"The plan {plan_id} was applied already, as {past.key}: nothing was "
                "done now. Make a new plan, or undo that action."
            )
    plan = open_plan(plan_file(plans_folder(dataset), plan_id))
    if plan.options["dataset"] != dataset_id(dataset):
        raise PlanOutdatedError(f"The plan {plan_id} is of another data set.")
    if plan.options["scanned_at"] != _scanned_at(dataset, plan.options["prefix"]):
        raise PlanOutdatedError(
            f"'{dataset.name}' was scanned again since the plan {plan_id} was made. "
            "Make the plan again and look at it."
        )
    return plan


def apply(
    dataset: fo.Dataset,
    plan: ActionPlan,
    expect_count: int | None,
    on_progress: OnProgress,
) -> Report:
    """Applies a plan that was shown."""
    if not plan.count:
        return apply_plan(plan, records_of, expect_count=expect_count)
    with _acting_on(dataset):
        _remember(dataset, plan.quarantine)
        report = apply_plan(
            plan, records_of, expect_count=expect_count, on_progress=on_progress
        )
    reapply_if_scanned(dataset, plan.options["prefix"], on_progress)
    return report


def undo(dataset: fo.Dataset, past: ActionFolder, on_progress: OnProgress) -> Report:
    """Undoes an action."""
    with _acting_on(dataset):
        report = undo_action(past, records_of, on_progress=on_progress)
    reapply_if_scanned(dataset, past.plan.options["prefix"], on_progress)
    return report


def find_past(dataset: fo.Dataset, key: str | None) -> ActionFolder:
    """Returns an action by its key or its plan's id; None for the last one.

    Raises:
        ActionError: there is none, or files are left alone on this system
    """
    check_system()
    found = []
    for quarantine in _quarantines(dataset):
        # One without it says so, which is no answer for the others
        with contextlib.suppress(ActionError):
            found.append(find_action(quarantine, key))
    if not found:
        what = f"no action '{key}'" if key else "nothing to undo"
        raise ActionError(f"There is {what} on '{dataset.name}'.")
    return max(found, key=lambda folder: folder.key)


def plan_next_purge(
    dataset: fo.Dataset, older_than_days: float, key: str | None
) -> PurgePlan:
    """Returns what would be destroyed in the first quarantine that has something.

    Raises:
        ActionError: the data set has no quarantine, or files are left alone on
            this system
    """
    check_system()
    plans = [
        plan_purge(quarantine, older_than_days=older_than_days, key=key)
        for quarantine in _quarantines(dataset)
    ]
    if not plans:
        raise ActionError(f"Nothing of '{dataset.name}' is in quarantine.")
    return next((plan for plan in plans if plan.count), plans[0])


def carry_out_purge(
    dataset: fo.Dataset, plan: PurgePlan, on_progress: OnProgress
) -> Report:
    """Destroys the files of a plan that was shown."""
    with _acting_on(dataset):
        report = purge(plan, records_of, on_progress=on_progress)
    for prefix in {folder.plan.options["prefix"] for folder in plan.folders}:
        reapply_if_scanned(dataset, prefix, on_progress)
    return report


def history(dataset: fo.Dataset) -> list[PastAction]:
    """Returns what was done to a data set's files and labels, newest first.

    Journals are read again when any of them has changed.
    """
    return cached(dataset, "history", _stamp(dataset), lambda: _read_history(dataset))


def _read_history(dataset: fo.Dataset) -> list[PastAction]:
    return [
        _past(folder)
        for folder in sorted(_folders(dataset), key=lambda one: one.key, reverse=True)
        if folder.journal.exists()
    ]


def _stamp(dataset: fo.Dataset) -> Hashable:
    """Returns what differs if an action was begun, went on or was undone."""
    found = []
    for quarantine in _quarantines(dataset):
        for path in sorted(Path(quarantine).glob(f"*/{JOURNAL}")):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                found.append((str(path), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def _past(folder: ActionFolder) -> PastAction:
    past = PastAction(
        key=folder.key,
        action=folder.plan.action,
        what=folder.plan.options["what"],
        at="",
        items=folder.plan.count,
        undoable=0,
        purged=0,
        bytes=folder.plan.bytes,
        unfinished=False,
        folder=str(folder.path),
    )
    try:
        event = last_event(folder) or {"at": ""}
        last = states(folder).values()
        return replace(
            past,
            at=event["at"],
            undoable=sum(value in UNDOABLE for value in last),
            purged=sum(value == PURGED for value in last),
            unfinished=is_unfinished(folder),
        )
    # One that cannot be read must not hide the others
    except (ActionError, OSError) as error:
        return replace(past, damage=str(error))


@contextlib.contextmanager
def _acting_on(dataset: fo.Dataset) -> Iterator[None]:
    check_system()
    with exclusive_run(dataset):
        try:
            yield
        finally:
            # A database that is gone has been spoken of by then
            with contextlib.suppress(PyMongoError):
                reload_samples(dataset)


def _folders(dataset: fo.Dataset) -> list[ActionFolder]:
    return [
        folder
        for quarantine in _quarantines(dataset)
        for folder in action_folders(quarantine)
    ]


def _quarantines(dataset: fo.Dataset) -> list[str]:
    # Another process, such as the App's, may have acted since it was loaded
    dataset.reload()
    known = list(dataset.info.get(_QUARANTINES, []))
    # Beside a root that was moved together with its quarantine, or a data set
    # whose info was replaced
    root = dataset.info.get("root")
    if root:
        known.append(quarantine_of(dataset_id(dataset), str(Path(root).parent)))
    return [one for one in dict.fromkeys(known) if Path(one).is_dir()]


def _remember(dataset: fo.Dataset, quarantine: str) -> None:
    """Notes on the data set where its files go, before any goes."""
    known = list(dataset.info.get(_QUARANTINES, []))
    if quarantine not in known:
        dataset.info[_QUARANTINES] = [*known, quarantine]
        dataset.save()
        wait_for_journal(dataset)


def _scanned_at(dataset: fo.Dataset, prefix: str | None) -> str | None:
    try:
        return complete_run(dataset, prefix).completed_at
    except CurationError:
        return None
