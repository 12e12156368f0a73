"""Corrects labels, in the data set and in the folders that name classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.findings.object_registry import OBJECT_FINDINGS
from ..core.progress import OnProgress, silent
from .adapter.actions.action_options import RETAG, Change
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.file_action import FileAction, FileOptions
from .adapter.actions.forms import ON_DISK
from .adapter.actions.object_plan import ObjectChoice, plan_objects
from .adapter.actions.plan_report import PlanReport
from .adapter.dataset.internals import shows_objects
from .adapter.ui.panel_jobs import remember_choice
from .adapter.ui.stream import Outcome
from .adapter.ui.surface import LONG, keywords


@dataclass(frozen=True, kw_only=True)
class RetagOptions(FileOptions):
    """What can be chosen.

    Attributes:
        label (None): the new label; None for the suggestion of each sample
        on_disk (False): also move files from the folder of their label's name to the
            folder of the new label
        allow_new_label (False): allow a label that no sample has
        objects (None): ids of labels: those objects get the label, or of a finding of
            objects only they; files stay as they are
    """

    takes_objects = True

    label: str | None = None
    on_disk: bool = False
    allow_new_label: bool = False
    objects: Sequence[str] | None = None


class Retag(FileAction):
    """``@winnow/curate/retag``"""

    action = RETAG

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="retag",
            label="Winnow: correct labels",
            description="Accept suggested labels or set one, also in class folders",
            icon="sell",
            risk_level=types.RiskLevel.DANGEROUS,
            **LONG,
        )

    @keywords(RetagOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: RetagOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Corrects labels: the first call plans, the second applies that plan.

        Suggestions are listed most certain first; copies get the same one, or keep
        their labels. Of ``what``, those apply that say something of labels:
        ``label_issues``, ``outliers``, ``image_issues``, ``tag`` and ``view``. Findings
        of objects, such as ``object_label_issues``, change the labels of objects in the
        data set; files stay as they are.

        Example::

            retag = foo.get_operator("@winnow/curate/retag")
            plan = retag(dataset, "label_issues")
            print(plan)
            plan = retag(dataset.limit(1), "view", label="b")
            done = retag(dataset, plan_id=plan.plan_id, dry_run=False)

        Args:
            samples: a data set, or a view that limits the action

        Returns:
            the plan; or, if it was applied, what was done and how to undo it

        Raises:
            InputError: an argument is not valid
            ActionError: the plan is outdated, a limit applies, or a folder cannot be
                used
        """
        return self.plan_or_apply(samples, options, on_progress)

    def work(self, ctx: foo.ExecutionContext, on_progress: OnProgress) -> Outcome:
        outcome = super().work(ctx, on_progress)
        remember_choice(ctx.dataset, ON_DISK, self.options(ctx).on_disk)
        return outcome

    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: RetagOptions,
        on_progress: OnProgress = silent,
    ) -> PlanReport:
        named = options.what is None and shows_objects(samples)
        if options.what not in OBJECT_FINDINGS and not options.objects and not named:
            return super().plan(samples, options, on_progress)
        change = self.change(options)
        choice = ObjectChoice(
            what=options.what,
            ids=options.objects,
            pair=options.pair,
            prefix=options.prefix,
        )
        return PlanReport(plan_objects(samples, change, choice, options, on_progress))

    def change(self, options: RetagOptions) -> Change:
        return Change(
            RETAG,
            label=options.label,
            on_disk=options.on_disk,
            allow_new_label=options.allow_new_label,
        )
