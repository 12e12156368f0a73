"""Joins what copies carry into the copy to keep, before they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress, silent
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.merge_plan import (
    CONFLICT_TAG,
    MERGE,
    MergeReport,
    mergeable_fields,
    plan_merge,
)
from .adapter.actions.plan_report import PlanReport
from .adapter.actions.planned_action import PlannedAction, PlanOptions, ask_tick
from .adapter.ui.inputs import ask_prefix, ask_several, show_error
from .adapter.ui.surface import LONG, keywords


@dataclass(frozen=True)
class MergeFields:
    """What is merged.

    Attributes:
        fields: fields to merge in addition to tags and labels
        conflict_tag ("merge conflict"): tag of keepers with a conflict; None for no
            tag
        prefix (None): prefix of the scan's fields
    """

    fields: Sequence[str] = ()
    _: KW_ONLY
    conflict_tag: str | None = CONFLICT_TAG
    prefix: str | None = None


@dataclass(frozen=True, kw_only=True)
class MergeOptions(MergeFields, PlanOptions):
    """What can be chosen."""


class Merge(PlannedAction):
    """``@winnow/curate/merge``"""

    action = MERGE
    form_names = ("problem", "plan_text", "limit")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="merge",
            label="Winnow: merge copies into the one to keep",
            description="Merge tags, labels and fields of duplicates into the keeper",
            icon="merge",
            risk_level=types.RiskLevel.HIGH,
            **LONG,
        )

    @keywords(MergeOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: MergeOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Merges tags, labels and fields of duplicates into the copy that is kept.

        The first call plans, the second applies that plan. Tags and lists become
        their union; tags that name splits do not change. A label or a value is copied
        where the keeper has none; where it has another one, it keeps it and the
        conflict is listed. The copies themselves do not change. ``undo`` reverts it.

        Example::

            merge = foo.get_operator("@winnow/curate/merge")
            plan = merge(dataset)
            print(plan.conflicts)
            if plan.count:
                done = merge(dataset, plan_id=plan.plan_id, dry_run=False)

        Args:
            samples: a scanned data set, or a view that limits the action

        Returns:
            the plan, with its ``conflicts``; or, if it was applied, what was done and
            how to undo it

        Raises:
            InputError: an argument is not valid
            ActionError: the plan is outdated, or a folder cannot be used
        """
        return self.plan_or_apply(samples, options, on_progress)

    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: MergeOptions,
        on_progress: OnProgress = silent,
    ) -> MergeReport:
        return plan_merge(
            samples,
            options.fields,
            conflict_tag=options.conflict_tag,
            prefix=options.prefix,
            on_progress=on_progress,
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        ask_several(
            inputs,
            "fields",
            mergeable_fields(ctx.dataset),
            label="Fields to merge, beside tags and labels",
        )
        inputs.str(
            "conflict_tag",
            default=CONFLICT_TAG,
            label="Tag of images with a conflict",
            description="Empty for no tag",
        )
        submit = "Merge"
        try:
            report = self.plan_to_show(ctx)
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            inputs.md(report.to_markdown(), name="plan_text")
            if report.count:
                ask_tick(inputs, ctx, report.plan)
                submit = f"Merge into {report.count:,} images"
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Merge copies into the one to keep", submit_button_label=submit
            ),
        )
