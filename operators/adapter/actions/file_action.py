"""What the actions on files have in common: quarantine, move and retag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.progress import OnProgress, silent
from ..ui.surface import read_options
from .action_options import ActionOptions, Change
from .forms import (
    DROPPED,
    FORM_NAMES,
    SUGGESTED,
    action_form,
    likely,
    of_objects,
    selected,
)
from .plan_builder import plan_action
from .plan_report import PlanReport
from .planned_action import PlannedAction, PlanOptions
from .selection import Selection


@dataclass(frozen=True, kw_only=True)
class FileOptions(Selection, ActionOptions, PlanOptions):
    """The choices of every action on files: which images, how, and the plan."""


class FileAction(PlannedAction):
    """An action on the files of images, with a form that shows its plan."""

    form_names = FORM_NAMES

    def change(self, options: Any) -> Change:
        """Returns what becomes of the files."""
        return Change(self.action)

    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: Any,
        on_progress: OnProgress = silent,
    ) -> PlanReport:
        change = self.change(options)
        return PlanReport(plan_action(samples, change, options, options, on_progress))

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params = dict(super().chosen(ctx))
        for name, nothing in (("split", DROPPED), ("label", SUGGESTED)):
            if params.get(name) == nothing:
                del params[name]
        if params.get("samples") and not params.get("what"):
            params["what"] = "selected"
        return params

    def target(self, ctx: foo.ExecutionContext) -> Any:
        what = ctx.params.get("what") or likely(ctx, self.action)
        if of_objects(ctx):
            return ctx.dataset
        if ctx.params.get("samples") or what == "selected":
            return ctx.dataset.select(selected(ctx))
        return ctx.view if what == "view" and ctx.has_custom_view else ctx.dataset

    def plan_to_show(self, ctx: foo.ExecutionContext) -> PlanReport:
        if any(ctx.params.get(name) for name in ("plan_id", "what", "objects")):
            return super().plan_to_show(ctx)
        # Nothing is chosen yet: the plan of what the form proposes
        self.check_params(ctx.params)
        proposed = {"what": likely(ctx, self.action)} | dict(self.chosen(ctx))
        options = read_options(self.call().options, proposed)
        return self.plan(self.target(ctx), options)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return action_form(ctx, self.action, lambda: self.plan_to_show(ctx))
