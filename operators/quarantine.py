"""Puts image files away, so that they can be brought back."""

from __future__ import annotations

from dataclasses import dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from .adapter.actions.action_options import QUARANTINE, Change
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.file_action import FileAction, FileOptions
from .adapter.actions.plan_report import PlanReport
from .adapter.ui.surface import LONG, keywords


@dataclass(frozen=True, kw_only=True)
class QuarantineOptions(FileOptions):
    """What can be chosen.

    Attributes:
        remove_samples (False): remove the samples from the data set as well
    """

    remove_samples: bool = False


class Quarantine(FileAction):
    """``@winnow/curate/quarantine``"""

    action = QUARANTINE

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="quarantine",
            label="Winnow: quarantine images",
            description="Move files to quarantine, reversibly, by a plan shown first",
            icon="inventory_2",
            risk_level=types.RiskLevel.DANGEROUS,
            **LONG,
        )

    @keywords(QuarantineOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: QuarantineOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Quarantines images: the first call plans, the second applies that plan.

        A file is renamed into a folder beside the images' root; nothing is deleted.
        Its sample stays, tagged ``quarantined`` and pointing at the file, or is
        removed too with ``remove_samples=True``. Bad images that only differ from
        their set stay unless ``issues`` names them.

        Example::

            quarantine = foo.get_operator("@winnow/curate/quarantine")
            plan = quarantine(dataset, "duplicates")
            print(plan)
            done = quarantine(dataset, plan_id=plan.plan_id, dry_run=False)

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

    def change(self, options: QuarantineOptions) -> Change:
        return Change(QUARANTINE, remove_samples=options.remove_samples)

    def resolve_placement(self, ctx: foo.ExecutionContext) -> types.Placement:
        return types.Placement(
            types.Places.SAMPLES_GRID_SECONDARY_ACTIONS,
            types.Button(
                label="Quarantine images (Winnow)", icon="inventory_2", prompt=True
            ),
        )
