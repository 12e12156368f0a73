"""Corrects labels, in the data set and in the folders that name classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from .adapter.actions.action_reports import ActionReport, PlanReport
from .adapter.actions.forms import action_form, run_form
from .adapter.actions.plan_builder import RETAG, Change
from .adapter.actions.plan_then_apply import carry_out, show_plan
from .adapter.dataset.internals import dataset_of
from .adapter.ui.progress import ProgressOption, progress_bars


class Retag(foo.Operator):
    """``@winnow/curate/retag``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="retag",
            label="Winnow: correct labels",
            description="Accept suggested labels or set one, also in class folders",
            icon="sell",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.DANGEROUS,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        what: str | None = None,
        *,
        to: str | None = None,
        on_disk: bool = True,
        allow_new_label: bool = False,
        dry_run: bool = True,
        plan_id: str | None = None,
        expect_count: int | None = None,
        progress: ProgressOption = None,
        **options: Any,
    ) -> PlanReport | ActionReport:
        """Corrects labels: the first call plans, the second applies that plan.

        Suggestions are listed most certain first; copies get the same one, or keep
        their labels.

        Args:
            samples: a data set, or a view that limits the action
            what: what to relabel: ``label_issues``, ``outliers``, ``image_issues``,
                ``tag`` (with ``tag``), or ``view``
            to (None): the new label; None for the suggestion of each sample
            on_disk (True): also move files from the folder of their label's name to
                the folder of the new label
            allow_new_label (False): allow a label that no sample has
            dry_run (True): only return the plan; nothing is changed
            plan_id (None): id of the plan to apply, from the first call
            expect_count (None): number of items, as confirmation where the plan
                asks for it
            progress (None): progress bars on or off, or a callback, as for ``scan``
            **options: fields of
                :class:`operators.adapter.actions.selection.Selection` and
                :class:`operators.adapter.actions.plan_builder.ActionOptions`

        Returns:
            the plan; or, if it was applied, what was done and how to undo it

        Raises:
            InputError: an argument is not valid
            ActionError: the plan is outdated, a limit applies, or a folder cannot be
                used
        """
        dataset = dataset_of(samples)
        with progress_bars(progress) as on_progress:
            if dry_run:
                change = Change(
                    RETAG, label=to, on_disk=on_disk, allow_new_label=allow_new_label
                )
                return show_plan(samples, change, what, options, on_progress)
            return carry_out(dataset, RETAG, plan_id, expect_count, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return action_form(ctx, RETAG)

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        yield from run_form(ctx, RETAG)
