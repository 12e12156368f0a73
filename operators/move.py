"""Moves image files to another folder, and the samples' paths with them."""

from __future__ import annotations

from dataclasses import dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from .adapter.actions.action_options import MOVE, Change
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.file_action import FileAction, FileOptions
from .adapter.actions.plan_report import PlanReport
from .adapter.ui.surface import LONG, keywords


@dataclass(frozen=True, kw_only=True)
class MoveOptions(FileOptions):
    """What can be chosen.

    Attributes:
        output_dir (None): the new folder, on the same disk; a relative one starts at
            the images' root
    """

    output_dir: str | None = None


class Move(FileAction):
    """``@winnow/curate/move``"""

    action = MOVE

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="move",
            label="Winnow: move images to a folder",
            description="Move files, and their samples' paths, by a plan shown first",
            icon="drive_file_move",
            risk_level=types.RiskLevel.DANGEROUS,
            **LONG,
        )

    @keywords(MoveOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: MoveOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Moves images to a folder: the first call plans, the second applies that plan.

        Subfolders of the images' root are kept in the new folder, so that files of
        the same name stay separate; nothing is overwritten.

        Example::

            move = foo.get_operator("@winnow/curate/move")
            plan = move(dataset.limit(1), "view", output_dir="set-aside")
            print(plan.to_pandas())
            done = move(dataset, plan_id=plan.plan_id, dry_run=False)

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

    def change(self, options: MoveOptions) -> Change:
        return Change(MOVE, folder=options.output_dir)
