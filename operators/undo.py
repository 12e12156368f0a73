"""Puts back what an action moved or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress
from .adapter.actions.action_reports import ActionReport, UndoReport, past_text
from .adapter.actions.execute import find_past, history, undo
from .adapter.dataset.internals import dataset_of
from .adapter.ui.inputs import show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import Outcome, stream


class Undo(foo.Operator):
    """``@winnow/curate/undo``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="undo",
            label="Winnow: undo an action",
            description="Restore files, paths, tags and labels",
            icon="undo",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.DANGEROUS,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        key: str | None = None,
        *,
        dry_run: bool = True,
        progress: ProgressOption = None,
    ) -> UndoReport | ActionReport:
        """Undoes an action: restores files, paths, tags and labels.

        What changed since is left as it is and reported. It may be called again, also
        after a crash. Without ``dry_run=False`` it lists the history.

        Args:
            samples: the data set
            key (None): key of the action, or id of its plan; None for the last one
            dry_run (True): only return what would be restored; nothing is changed
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            what would be, or was, restored

        Raises:
            ActionError: there is no such action, or another one is running
        """
        dataset = dataset_of(samples)
        if dry_run:
            return shown_undo(dataset, key)
        with progress_bars(progress) as on_progress:
            return run_undo(dataset, key, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        choices = types.RadioGroup()
        for past in history(ctx.dataset):
            if past.undoable:
                choices.add_choice(past.key, label=past_text(past))
        if choices.values():
            inputs.enum(
                "key",
                choices.values(),
                default=choices.values()[0],
                label="What to undo",
                view=choices,
            )
        else:
            show_error(inputs, "nothing", CurationError("There is nothing to undo."))
        # Without it, as from Python, nothing is undone
        inputs.bool("dry_run", default=False, label="Only show what would be put back")
        return types.Property(
            inputs, view=types.PromptView(label="Undo", submit_button_label="Undo")
        )

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> Outcome:
            key = ctx.params.get("key")
            if ctx.params.get("dry_run", True):
                return shown_undo(ctx.dataset, key)
            return run_undo(ctx.dataset, key, on_progress)

        yield from stream(ctx, work)


def shown_undo(dataset: fo.Dataset, key: str | None) -> UndoReport:
    """Returns what an undo would put back."""
    return UndoReport(history(dataset), find_past(dataset, key).key)


def run_undo(
    dataset: fo.Dataset, key: str | None, on_progress: OnProgress
) -> ActionReport:
    """Undoes an action; None for the last."""
    return ActionReport(undo(dataset, find_past(dataset, key), on_progress), None)
