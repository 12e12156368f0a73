"""Puts image files away, so that they can be brought back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from .adapter.actions.action_reports import ActionReport, PlanReport
from .adapter.actions.forms import action_form, run_form
from .adapter.actions.plan_builder import QUARANTINE, Change
from .adapter.actions.plan_then_apply import carry_out, show_plan
from .adapter.dataset.internals import dataset_of
from .adapter.ui.progress import ProgressOption, progress_bars


class Quarantine(foo.Operator):
    """``@winnow/curate/quarantine``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="quarantine",
            label="Winnow: quarantine images",
            description="Move files to quarantine, reversibly, by a plan shown first",
            icon="inventory_2",
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
        dry_run: bool = True,
        plan_id: str | None = None,
        expect_count: int | None = None,
        progress: ProgressOption = None,
        **options: Any,
    ) -> PlanReport | ActionReport:
        """Quarantines images: the first call plans, the second applies that plan.

        A file is renamed into a folder beside the images' root; nothing is deleted.
        Its sample stays, tagged ``quarantined`` and pointing at the file, or is
        removed too with ``remove_samples=True``. Bad images that only differ from
        their set stay unless ``issues`` names them.

        Args:
            samples: a data set, or a view that limits the action
            what: what to quarantine: ``duplicates`` (all but the keepers; with
                ``kinds``), ``leaks`` (the side to remove, or that of ``split``;
                with ``between`` only those of two splits),
                ``label_issues`` (with ``pair``), ``outliers``, ``image_issues``
                (with ``issues``), ``unreadable``, ``tag`` (with ``tag``), or
                ``view``
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
                change = Change(QUARANTINE)
                return show_plan(samples, change, what, options, on_progress)
            return carry_out(dataset, QUARANTINE, plan_id, expect_count, on_progress)

    def resolve_placement(self, ctx: foo.ExecutionContext) -> types.Placement:
        return types.Placement(
            types.Places.SAMPLES_GRID_SECONDARY_ACTIONS,
            types.Button(
                label="Quarantine images (Winnow)", icon="inventory_2", prompt=True
            ),
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return action_form(ctx, QUARANTINE)

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        yield from run_form(ctx, QUARANTINE)
