"""The way of every action: a plan first, then that plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import fiftyone as fo

from ....core.errors import InputError, PlanOutdatedError
from ....core.progress import OnProgress
from .action_reports import ActionReport, PlanReport
from .execute import apply, waiting_plan
from .plan_builder import ActionOptions, Change, plan_action
from .selection import Selection

_SELECTION = tuple(field.name for field in fields(Selection) if field.name != "what")
_OPTIONS = tuple(field.name for field in fields(ActionOptions))


def show_plan(
    samples: fo.core.collections.SampleCollection,
    change: Change,
    what: str | None,
    options: Mapping[str, Any],
    on_progress: OnProgress,
) -> PlanReport:
    """Makes a plan and returns it for a person to look at.

    Args:
        samples: a data set, or a view to limit the action to
        change: what becomes of the images
        what: a key of :data:`~.selections.WHAT`
        options: by the names of ``Selection`` and ``ActionOptions``
    """
    unknown = [name for name in options if name not in _SELECTION + _OPTIONS]
    if unknown:
        known = ", ".join(_SELECTION + _OPTIONS)
        raise InputError(
            f"There is no option {', '.join(unknown)}. Use any of: {known}."
        )
    if what is None:
        raise InputError("Say what to act on: what='duplicates', for example.")
    selection = Selection(
        what=what, **{name: options[name] for name in _SELECTION if name in options}
    )
    chosen = ActionOptions(
        **{name: options[name] for name in _OPTIONS if name in options}
    )
    plan = plan_action(samples, change, selection, chosen, on_progress)
    count = f", expect_count={plan.count}" if plan.needs_count else ""
    return PlanReport(
        plan, f"{plan.action}(dataset, plan_id='{plan.id}'{count}, dry_run=False)"
    )


def carry_out(
    dataset: fo.Dataset,
    action: str,
    plan_id: str | None,
    expect_count: int | None,
    on_progress: OnProgress,
) -> ActionReport:
    """Applies the plan that was shown."""
    if plan_id is None:
        raise InputError(
            f"Plan first: {action}(dataset, what=...) returns a plan and changes "
            f"nothing. Then {action}(dataset, plan_id=..., dry_run=False) with its id."
        )
    plan = waiting_plan(dataset, plan_id)
    if plan.action != action:
        raise PlanOutdatedError(
            f"The plan {plan_id} is for {plan.action}, not for {action}."
        )
    report = apply(dataset, plan, expect_count, on_progress)
    return ActionReport(report, f"undo(dataset, '{report.key}', dry_run=False)")
