"""The way of every action: a plan first, then that plan."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.actions.plan import ActionPlan
from ....core.errors import InputError, PlanOutdatedError
from ....core.progress import OnProgress, silent
from ..dataset.internals import dataset_of
from ..ui.surface import LongOperator
from .action_reports import ActionReport, thing_of
from .execute import apply, waiting_plan
from .plan_report import PlanReport

TICK = "apply_"
"""The tick's name ends with the plan's id: a tick counts for no other plan than
the one that was shown above it."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """Whether to plan or to apply.

    Attributes:
        dry_run (True): only return the plan; nothing is changed
        plan_id (None): id of the plan to apply, from the first call
        expect_count (None): number of items, as confirmation where the plan asks
            for it
    """

    dry_run: bool = True
    plan_id: str | None = None
    expect_count: int | None = None


class PlannedAction(LongOperator):
    """An action whose first call plans, and whose second applies that plan."""

    action: ClassVar[str]
    form_prefix = TICK

    @abstractmethod
    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: Any,
        on_progress: OnProgress = silent,
    ) -> PlanReport:
        """Makes the plan; nothing but the plan is written."""

    def plan_or_apply(
        self,
        samples: fo.core.collections.SampleCollection,
        options: Any,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Plans; or applies the plan that was shown."""
        if options.dry_run:
            return self.plan(samples, options, on_progress)
        dataset, plan_id = dataset_of(samples), options.plan_id
        if plan_id is None:
            raise InputError(
                f"Plan first: {self.action}(dataset, ...) returns a plan and changes "
                f"nothing. Then {self.action}(dataset, plan_id=..., dry_run=False) "
                "with its id."
            )
        plan = waiting_plan(dataset, plan_id)
        if plan.action != self.action:
            raise PlanOutdatedError(
                f"The plan {plan_id} is for {plan.action}, not for {self.action}."
            )
        outcome = apply(dataset, plan, options.expect_count, on_progress)
        undo_call = None
        if outcome.planned:
            undo_call = f"undo(dataset, '{outcome.key}', dry_run=False)"
        return ActionReport(outcome, undo_call, thing_of(plan))

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params = dict(ctx.params)
        # Only who ticked the plan means it without saying so
        if ticked := _ticked_plan(params):
            params = {"dry_run": False, "plan_id": ticked} | params
        return params

    def plan_to_show(self, ctx: foo.ExecutionContext) -> PlanReport:
        """Returns the plan that ``params`` name, or makes that of the form."""
        options = self.options(ctx)
        if ctx.params.get("plan_id"):
            return PlanReport(waiting_plan(ctx.dataset, options.plan_id))
        return self.plan(self.target(ctx), options)


def ask_tick(inputs: types.Object, ctx: foo.ExecutionContext, plan: ActionPlan) -> None:
    """Asks whether the plan was looked at, and for its number where needed."""
    # A caller who names the plan has looked at it; applying checks its number
    named = ctx.params.get("plan_id") == plan.id
    if plan.needs_count and not named:
        inputs.view("limit", types.Warning(label=plan.needs_count))
        number = inputs.int(
            "expect_count",
            required=True,
            label=f"Type how many {thing_of(plan)}s are meant ({plan.count:,} are in "
            "the plan)",
        )
        if ctx.params.get("expect_count") != plan.count:
            number.invalid = True
            number.error_message = f"Type {plan.count}"
    name = f"{TICK}{plan.id}"
    tick = inputs.bool(
        name,
        default=False,
        label=f"I have looked at this plan of {count_text(plan)}",
        description="It can be undone",
    )
    if not ctx.params.get(name) and not ctx.params.get("dry_run") and not named:
        tick.invalid = True
        tick.error_message = "Look at the plan, then tick this"


def count_text(plan: ActionPlan) -> str:
    """Returns "1 object" or "1,234 images"."""
    return f"{plan.count:,} {thing_of(plan)}" + ("" if plan.count == 1 else "s")


def _ticked_plan(params: Mapping[str, Any]) -> str | None:
    """Returns the id of the plan that was shown and agreed to."""
    ticked = [
        name.removeprefix(TICK)
        for name, value in params.items()
        if name.startswith(TICK) and value
    ]
    return ticked[-1] if ticked else None
