"""Destroys quarantined files for good: the only operator that does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.actions.purge import DEFAULT_AGE_DAYS
from ..core.errors import CurationError, PlanOutdatedError
from ..core.progress import OnProgress
from .adapter.actions.action_reports import ActionReport, PurgeReport
from .adapter.actions.execute import carry_out_purge, plan_next_purge
from .adapter.ui.inputs import show_error
from .adapter.ui.surface import LONG, LongOperator, keywords

_WORD = "destroy"
_TYPED = f"{_WORD}_"
"""The word's name ends with the plan's id: it counts for no other plan."""


@dataclass(frozen=True)
class PurgeOptions:
    """What can be chosen.

    Attributes:
        key (None): key of one action, or id of its plan; None for all
        older_than_days (7): least age of the action in days
        dry_run (True): only return what would be deleted; nothing is changed
        plan_id (None): id of the plan to apply, from the first call
    """

    key: str | None = None
    _: KW_ONLY
    older_than_days: float = float(DEFAULT_AGE_DAYS)
    dry_run: bool = True
    plan_id: str | None = None


class Purge(LongOperator):
    """``@winnow/curate/purge``"""

    form_names = ("problem", "plan", "nothing")
    form_prefix = _TYPED

    @property
    def config(self) -> foo.OperatorConfig:
        # A person is to be there when files are destroyed
        return foo.OperatorConfig(
            name="purge",
            label="Winnow: purge the quarantine",
            description="Delete quarantined files permanently and free their space",
            icon="delete_forever",
            risk_level=types.RiskLevel.DANGEROUS,
            **{**LONG, "allow_delegated_execution": False},
        )

    @keywords(PurgeOptions, long=True, delegated=False)
    def __call__(
        self, dataset: fo.Dataset, options: PurgeOptions, on_progress: OnProgress
    ) -> PurgeReport | ActionReport:
        """Deletes quarantined files permanently. There is no undo.

        The only operator that does. A file stays if it changed in the quarantine, or
        if the copy that it was removed for is gone. Samples that still point at a
        deleted file are removed from the data set.

        Example::

            purge = foo.get_operator("@winnow/curate/purge")
            plan = purge(dataset, older_than_days=30)
            print(plan)
            if plan.count:
                purge(
                    dataset,
                    older_than_days=30,
                    plan_id=plan.plan_id,
                    dry_run=False,
                )

        Args:
            dataset: the data set

        Returns:
            what would be, or was, deleted

        Raises:
            PlanOutdatedError: the quarantine changed since the plan was shown
            ActionError: another action is running
        """
        shown = _shown(dataset, options)
        if options.dry_run:
            return shown
        if not options.plan_id or options.plan_id != shown.plan_id:
            raise PlanOutdatedError(
                f"This is not the plan that was shown (plan_id={options.plan_id!r}): "
                f"now it would be {shown.count:,} files, plan_id='{shown.plan_id}'. "
                "Check it first: nothing was deleted."
            )
        return ActionReport(carry_out_purge(dataset, shown.plan, on_progress), None)

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params = dict(ctx.params)
        typed = [
            name.removeprefix(_TYPED)
            for name, value in params.items()
            if name.startswith(_TYPED) and value == _WORD
        ]
        # Only who typed the word means it without saying so
        if typed:
            params = {"dry_run": False, "plan_id": typed[-1]} | params
        return params

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.float(
            "older_than_days",
            default=PurgeOptions.older_than_days,
            label="Only files quarantined more than this many days ago",
        )
        try:
            shown = _shown(ctx.dataset, self.options(ctx))
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            if shown.count:
                inputs.md(shown.to_markdown(), name="plan")
                _ask_word(inputs, ctx, shown)
            else:
                text = " ".join([shown.summary(), *shown.details()])
                show_error(inputs, "nothing", CurationError(text))
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Purge the quarantine", submit_button_label="Destroy for good"
            ),
        )


def _shown(dataset: fo.Dataset, options: PurgeOptions) -> PurgeReport:
    """Returns what a purge would destroy."""
    plan = plan_next_purge(dataset, options.older_than_days, options.key)
    key = f"'{options.key}', " if options.key else ""
    call = (
        f"purge(dataset, {key}older_than_days={options.older_than_days:g}, "
        f"plan_id='{plan.id}', dry_run=False)"
    )
    return PurgeReport(plan, call)


def _ask_word(
    inputs: types.Object, ctx: foo.ExecutionContext, shown: PurgeReport
) -> None:
    name = f"{_TYPED}{shown.plan_id}"
    # A caller who names the plan has looked at it
    not_needed = bool(
        ctx.params.get("dry_run") or ctx.params.get("plan_id") == shown.plan_id
    )
    word = inputs.str(
        name, required=not not_needed, label=f"Type '{_WORD}': this cannot be undone"
    )
    if ctx.params.get(name) != _WORD and not not_needed:
        word.invalid = True
        word.error_message = f"Type {_WORD}"
