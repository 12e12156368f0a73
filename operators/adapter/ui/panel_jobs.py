"""What the panel has other operators do, without a dialog in the way.

A form that the panel opens only asks. Once it is submitted, the panel calls the
operator again, to do it: the panel shows the progress, and what came of it stays
there as a notice. Who opens the operator elsewhere sees dialogs of the App.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from bson import ObjectId
from fiftyone.operators.store import ExecutionStore

from ....core.progress import Progress
from ..dataset.internals import dataset_id

STEP = "panel_step"
"""The param by which the panel says what the operator is called for."""
ASK, DO = "ask", "do"

_OF_THE_APP = ("panel_id", "panel_state")
_STORE, _NOTICE = "winnow_panel", "notice"

_BEGUN = Progress("At work", 0, 0)
_SECONDS_TO_BEGIN = 30
_SECONDS_TO_SETTLE = 3
_ended: dict[str, float] = {}
_at_work: dict[str, tuple[Progress, float]] = {}
"""Where the job of the panel is on each data set, and since when: the App calls
panel and operators in one process."""
_undoable: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Notice:
    """What came of a job.

    Attributes:
        text: a sentence
        details: what else a person should know, a line each
        failed: whether it was not done
    """

    text: str
    details: tuple[str, ...] = ()
    failed: bool = False


def is_asking(ctx: foo.ExecutionContext) -> bool:
    """Returns whether the panel only asks, and will call again to do it."""
    return ctx.params.get(STEP) == ASK and not ctx.delegated


def is_job_of_panel(ctx: foo.ExecutionContext) -> bool:
    """Returns whether the panel shows the progress and the outcome."""
    return ctx.params.get(STEP) == DO and not ctx.delegated


def agreed_params(ctx: foo.ExecutionContext) -> dict[str, Any] | None:
    """Returns the params of a form of the panel that was submitted.

    None if it was queued instead, so that there is nothing left to do.
    """
    if ctx.params.get("result"):
        return None
    return {**original_params(ctx), STEP: DO}


def original_params(ctx: foo.ExecutionContext) -> dict[str, Any]:
    """Returns what an operator was called with, of the event of its success."""
    params: Mapping[str, Any] = ctx.params.get("original_params") or {}
    return {name: params[name] for name in params if name not in _OF_THE_APP}


def begin(dataset: fo.Dataset) -> None:
    """Notes that the panel asks for a job."""
    show_at_work(dataset, _BEGUN)


def at_work(dataset: fo.Dataset) -> Progress | None:
    """Returns where the job of the panel is, None without one.

    Of one that does not know yet, the total is 0.
    """
    progress, since = _at_work.get(dataset_id(dataset), (_BEGUN, -math.inf))
    # One that was asked for and refused before it began ends nowhere
    lost = progress is _BEGUN and time.monotonic() - since > _SECONDS_TO_BEGIN
    return None if lost else progress


def show_at_work(dataset: fo.Dataset, progress: Progress) -> None:
    """Notes where the job of the panel is."""
    _at_work[dataset_id(dataset)] = progress, time.monotonic()


def end(dataset: fo.Dataset) -> None:
    """Notes that the job of the panel is over."""
    if _at_work.pop(dataset_id(dataset), None):
        _ended[dataset_id(dataset)] = time.monotonic()


def just_ended(dataset: fo.Dataset) -> bool:
    """Returns whether the panel should look once more.

    What it drew while the job was at work may reach the browser after what it drew
    at the end.
    """
    ended = _ended.get(dataset_id(dataset), -math.inf)
    return time.monotonic() - ended < _SECONDS_TO_SETTLE


def undo_offered(dataset: fo.Dataset) -> dict[str, Any] | None:
    """Returns the decision that the panel offers to take back, None for none."""
    return _undoable.get(dataset_id(dataset))


def offer_undo(dataset: fo.Dataset, decision: dict[str, Any] | None) -> None:
    """Offers to take a decision back; None withdraws the offer.

    It is kept here: whenever the state of a panel changes, the App reads the whole
    data set anew.
    """
    if decision is None:
        _undoable.pop(dataset_id(dataset), None)
    else:
        _undoable[dataset_id(dataset)] = decision


def notice_of(dataset: fo.Dataset) -> Notice | None:
    """Returns what came of the last job, until it was dismissed."""
    kept = _store(dataset).get(_NOTICE)
    return (
        Notice(kept["text"], tuple(kept["details"]), kept["failed"]) if kept else None
    )


def leave_notice(dataset: fo.Dataset, notice: Notice) -> None:
    """Keeps what came of a job, for the panel to show."""
    _store(dataset).set(_NOTICE, asdict(notice))


def dismiss_notice(dataset: fo.Dataset) -> None:
    """Forgets what came of the last job."""
    _store(dataset).delete(_NOTICE)


def last_choice(dataset: fo.Dataset, name: str, otherwise: bool) -> bool:
    """Returns what a person chose last in a form."""
    kept = _store(dataset).get(name)
    return otherwise if kept is None else bool(kept)


def remember_choice(dataset: fo.Dataset, name: str, chosen: bool) -> None:
    """Keeps what a person chose in a form, for the next time."""
    _store(dataset).set(name, chosen)


def _store(dataset: fo.Dataset) -> ExecutionStore:
    return ExecutionStore.create(_STORE, ObjectId(dataset_id(dataset)))
