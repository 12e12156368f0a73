"""Puts back what an action moved or changed."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress
from .adapter.actions.action_reports import (
    ActionReport,
    UndoReport,
    past_text,
    thing_of,
)
from .adapter.actions.execute import find_past, history, undo
from .adapter.ui.inputs import show_error
from .adapter.ui.panel_jobs import is_asking
from .adapter.ui.surface import LONG, LongOperator, keywords


@dataclass(frozen=True)
class UndoOptions:
    """What can be chosen.

    Attributes:
        key (None): key of the action, or id of its plan; None for the last one
        dry_run (True): only return what would be restored; nothing is changed
    """

    key: str | None = None
    _: KW_ONLY
    dry_run: bool = True


class Undo(LongOperator):
    """``@winnow/curate/undo``"""

    form_names = ("nothing",)

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="undo",
            label="Winnow: undo an action",
            description="Restore files, paths, tags and labels",
            icon="undo",
            risk_level=types.RiskLevel.DANGEROUS,
            **LONG,
        )

    @keywords(UndoOptions, long=True)
    def __call__(
        self, dataset: fo.Dataset, options: UndoOptions, on_progress: OnProgress
    ) -> UndoReport | ActionReport:
        """Undoes an action: restores files, paths, tags and labels.

        What changed since is left as it is and reported. It may be called again, also
        after a crash. Without ``dry_run=False`` it lists the history.

        Example::

            undo = foo.get_operator("@winnow/curate/undo")
            print(undo(dataset))
            done = undo(dataset, dry_run=False)

        Args:
            dataset: the data set

        Returns:
            what would be, or was, restored

        Raises:
            ActionError: there is no such action, or another one is running
        """
        past = find_past(dataset, options.key)
        if options.dry_run:
            return UndoReport(history(dataset), past.key)
        outcome = undo(dataset, past, on_progress)
        return ActionReport(outcome, None, thing_of(past.plan))

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        key = ctx.params.get("key")
        choices = types.RadioGroup()
        for past in history(ctx.dataset):
            # The panel asks for the line whose button was pressed
            if past.undoable and (past.key == key or not is_asking(ctx) or not key):
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
