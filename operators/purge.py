"""Destroys quarantined files for good: the only operator that does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.actions.purge import DEFAULT_AGE_DAYS
from ..core.errors import CurationError, PlanOutdatedError
from ..core.progress import OnProgress
from .adapter.actions.action_reports import ActionReport, PurgeReport
from .adapter.actions.execute import carry_out_purge, plan_next_purge
from .adapter.dataset.internals import dataset_of
from .adapter.ui.inputs import show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import Outcome, stream

_WORD = "destroy"


class Purge(foo.Operator):
    """``@winnow/curate/purge``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="purge",
            label="Winnow: purge the quarantine",
            description="Delete quarantined files permanently and free their space",
            icon="delete_forever",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=False,
            risk_level=types.RiskLevel.DANGEROUS,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        key: str | None = None,
        *,
        older_than_days: float = DEFAULT_AGE_DAYS,
        dry_run: bool = True,
        plan_id: str | None = None,
        progress: ProgressOption = None,
    ) -> PurgeReport | ActionReport:
        """Deletes quarantined files permanently. There is no undo.

        The only operator that does. A file stays if it changed in the quarantine, or
        if the copy that it was removed for is gone. Samples that still point at a
        deleted file are removed from the data set.

        Args:
            samples: the data set
            key (None): key of one action, or id of its plan; None for all
            older_than_days (7): least age of the action in days
            dry_run (True): only return what would be deleted; nothing is changed
            plan_id (None): id of the plan to apply, from the first call
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            what would be, or was, deleted

        Raises:
            PlanOutdatedError: the quarantine changed since the plan was shown
            ActionError: another action is running
        """
        dataset = dataset_of(samples)
        if dry_run:
            return shown_purge(dataset, older_than_days, key)
        with progress_bars(progress) as on_progress:
            return run_purge(dataset, older_than_days, key, plan_id, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.float(
            "older_than_days",
            default=float(DEFAULT_AGE_DAYS),
            label="Only files quarantined more than this many days ago",
        )
        try:
            shown = shown_purge(ctx.dataset, _age(ctx), ctx.params.get("key"))
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

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> Outcome:
            age, key = _age(ctx), ctx.params.get("key")
            typed = [
                name.removeprefix(f"{_WORD}_")
                for name, value in ctx.params.items()
                if name.startswith(f"{_WORD}_") and value == _WORD
            ]
            # Only who typed the word means it without saying so
            if ctx.params.get("dry_run", not typed):
                return shown_purge(ctx.dataset, age, key)
            plan_id = typed[-1] if typed else ctx.params.get("plan_id")
            return run_purge(ctx.dataset, age, key, plan_id, on_progress)

        yield from stream(ctx, work)


def shown_purge(
    dataset: fo.Dataset, older_than_days: float, key: str | None
) -> PurgeReport:
    """Returns what a purge would destroy."""
    plan = plan_next_purge(dataset, older_than_days, key)
    call = (
        f"purge(dataset, older_than_days={older_than_days:g}, plan_id='{plan.id}', "
        "dry_run=False)"
    )
    return PurgeReport(plan, call)


def run_purge(
    dataset: fo.Dataset,
    older_than_days: float,
    key: str | None,
    plan_id: str | None,
    on_progress: OnProgress,
) -> ActionReport:
    """Destroys what was shown, if it is still the same."""
    shown = shown_purge(dataset, older_than_days, key)
    if not plan_id or plan_id != shown.plan_id:
        raise PlanOutdatedError(
            f"This is not the plan that was shown (plan_id={plan_id!r}): now it would "
            f"be {shown.count:,} files, plan_id='{shown.plan_id}'. Check it first: "
            "nothing was deleted."
        )
    return ActionReport(carry_out_purge(dataset, shown.plan, on_progress), None)


def _age(ctx: foo.ExecutionContext) -> float:
    age = ctx.params.get("older_than_days")
    return float(DEFAULT_AGE_DAYS) if age is None else age


def _ask_word(
    inputs: types.Object, ctx: foo.ExecutionContext, shown: PurgeReport
) -> None:
    name = f"{_WORD}_{shown.plan_id}"
    only_shown = bool(ctx.params.get("dry_run"))
    word = inputs.str(
        name, required=not only_shown, label=f"Type '{_WORD}': this cannot be undone"
    )
    if ctx.params.get(name) != _WORD and not only_shown:
        word.invalid = True
        word.error_message = f"Type {_WORD}"
