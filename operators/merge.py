"""Joins what copies carry into the copy to keep, before they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.forms import ask_tick, run_ticked
from .adapter.actions.merge_plan import (
    CONFLICT_TAG,
    MERGE,
    MergeReport,
    mergeable_fields,
    plan_merge,
)
from .adapter.actions.plan_then_apply import carry_out
from .adapter.dataset.internals import dataset_of
from .adapter.ui.inputs import ask_prefix, ask_several, prefix_of, show_error
from .adapter.ui.progress import ProgressOption, progress_bars


class Merge(foo.Operator):
    """``@winnow/curate/merge``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="merge",
            label="Winnow: merge copies into the one to keep",
            description="Merge tags, labels and fields of duplicates into the keeper",
            icon="merge",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.HIGH,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        fields: Sequence[str] = (),
        *,
        conflict_tag: str | None = CONFLICT_TAG,
        dry_run: bool = True,
        plan_id: str | None = None,
        expect_count: int | None = None,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> MergeReport | ActionReport:
        """Merges tags, labels and fields of duplicates into the copy that is kept.

        The first call plans, the second applies that plan. Tags and lists become
        their union; tags that name splits do not change. A label or a value is copied
        where the keeper has none; where it has another one, it keeps it and the
        conflict is listed. The copies themselves do not change. ``undo`` reverts it.

        Args:
            samples: a scanned data set, or a view that limits the action
            fields: fields to merge in addition to tags and labels
            conflict_tag ("merge conflict"): tag of keepers with a conflict; None for
                no tag
            dry_run (True): only return the plan; nothing is changed
            plan_id (None): id of the plan to apply, from the first call
            expect_count (None): number of items, as confirmation where the plan
                asks for it
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            the plan, with its ``conflicts``; or, if it was applied, what was done and
            how to undo it

        Raises:
            InputError: an argument is not valid
            ActionError: the plan is outdated, or a folder cannot be used
        """
        with progress_bars(progress) as on_progress:
            if dry_run:
                return plan_merge(
                    samples,
                    fields,
                    conflict_tag=conflict_tag,
                    prefix=prefix,
                    on_progress=on_progress,
                )
            return carry_out(
                dataset_of(samples), MERGE, plan_id, expect_count, on_progress
            )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        ask_several(
            inputs,
            "fields",
            mergeable_fields(ctx.dataset),
            label="Fields to merge, beside tags and labels",
        )
        inputs.bool(
            "tag_conflicts",
            default=True,
            label=f"Tag images with a conflict '{CONFLICT_TAG}'",
        )
        submit = "Merge"
        try:
            report = _plan(ctx)
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

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        yield from run_ticked(ctx, MERGE, lambda: _plan(ctx))


def _plan(ctx: foo.ExecutionContext) -> MergeReport:
    samples = ctx.view if ctx.has_custom_view else ctx.dataset
    return plan_merge(
        samples,
        ctx.params.get("fields") or (),
        conflict_tag=ctx.params.get("conflict_tag", CONFLICT_TAG)
        if ctx.params.get("tag_conflicts", True)
        else None,
        prefix=prefix_of(ctx.params),
    )
