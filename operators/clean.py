"""One recommended plan: what may go by proof; the rest is listed for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import json_value
from ..core.common.text import counted
from ..core.curation.review_time import ToReview, total_minutes
from ..core.progress import OnProgress, silent
from .adapter.actions.action_options import QUARANTINE, ActionOptions, Change
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.forms import FORM_NAMES, plan_form
from .adapter.actions.plan_builder import plan_action
from .adapter.actions.plan_report import PlanReport
from .adapter.actions.planned_action import PlannedAction, PlanOptions
from .adapter.actions.selection import PROVEN, Selection
from .adapter.curation.needs_eyes import needs_eyes
from .adapter.dataset.internals import dataset_of
from .adapter.runs.run_record import complete_run
from .adapter.ui.surface import LONG, keywords
from .adapter.views.queries import SampleQueries


@dataclass(frozen=True, kw_only=True)
class CleanOptions(ActionOptions, PlanOptions):
    """What can be chosen.

    Attributes:
        remove_samples (False): remove the samples from the data set as well
        prefix (None): prefix of the scan's fields
    """

    remove_samples: bool = False
    prefix: str | None = None


@dataclass(frozen=True)
class CleanReport(PlanReport):
    """The recommended plan, and what a person should look at besides.

    Attributes:
        reviews: what no proof settles
    """

    reviews: tuple[ToReview, ...] = ()

    @property
    def minutes(self) -> int:
        """Minutes that a review of all of it takes."""
        return total_minutes(self.reviews)

    def details(self) -> Iterator[str]:
        """Yields what is in the plan, and what needs a person, a line each."""
        yield from super().details()
        for one in self.reviews:
            minutes = counted(one.minutes, "minute")
            yield f"Needs your eyes: {one.count:,} {one.label}, about {minutes}"
        if len(self.reviews) > 1:
            yield f"Review in all: about {counted(self.minutes, 'minute')}"

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the single images as plain JSON values."""
        reviews = [{**json_value(one), "minutes": one.minutes} for one in self.reviews]
        return {**super().to_dict(), "reviews": reviews, "minutes": self.minutes}


class Clean(PlannedAction):
    """``@winnow/curate/clean``"""

    action = QUARANTINE
    form_names = FORM_NAMES

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="clean",
            label="Winnow: clean",
            description="Quarantine what may go by proof; list what needs a person",
            icon="auto_fix_high",
            risk_level=types.RiskLevel.DANGEROUS,
            **LONG,
        )

    @keywords(CleanOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: CleanOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Recommends what to do: the first call plans, the second applies that plan.

        The plan quarantines what may go by proof: exact copies beside one that stays
        (same bytes or same pixels, of one label), files that are damaged or empty, and
        of exact copies in two splits the side to remove. Near copies, labels, outliers
        and the rest are listed with the minutes that it takes to look at them.

        Example::

            clean = foo.get_operator("@winnow/curate/clean")
            plan = clean(dataset)
            print(plan)
            done = clean(dataset, plan_id=plan.plan_id, dry_run=False)

        Args:
            samples: a scanned data set, or a view that limits the action

        Returns:
            the plan, a :class:`CleanReport`; or, if it was applied, what was done and
            how to undo it

        Raises:
            InputError: an argument is not valid
            ScanNotFoundError: it was not scanned yet
            ActionError: the plan is outdated, a limit applies, or a folder cannot be
                used
        """
        return self.plan_or_apply(samples, options, on_progress)

    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: CleanOptions,
        on_progress: OnProgress = silent,
    ) -> CleanReport:
        dataset = dataset_of(samples)
        run = complete_run(dataset, options.prefix)
        change = Change(QUARANTINE, remove_samples=options.remove_samples)
        selection = Selection(PROVEN, prefix=options.prefix)
        plan = plan_action(samples, change, selection, options, on_progress)
        reviews = needs_eyes(SampleQueries(dataset, run, options.prefix))
        return CleanReport(plan, tuple(reviews))

    def default_target(self, ctx: foo.ExecutionContext) -> fo.Dataset:
        return ctx.dataset

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return plan_form(ctx, "Clean", lambda: self.plan_to_show(ctx))
