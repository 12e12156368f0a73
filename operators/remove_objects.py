"""Removes labeled objects from the data set, and can put them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.findings.registry import OBJECT_FINDINGS
from ..core.progress import OnProgress, silent
from .adapter.actions.action_reports import ActionReport, PlanReport
from .adapter.actions.object_plan import REMOVE_OBJECTS, plan_objects
from .adapter.actions.plan_builder import KEEP_TAG, ActionOptions, Change
from .adapter.actions.planned_action import PlannedAction, PlanOptions, ask_tick
from .adapter.actions.selection import Selection
from .adapter.ui.inputs import ask_prefix, show_error
from .adapter.ui.surface import LONG, keywords

_TAG = "tag"


@dataclass(frozen=True)
class ObjectSelection:
    """What is removed.

    Attributes:
        what (None): a finding of objects, such as ``bad_boxes``; or ``tag``, for
            objects whose label has the ``tag``
        tag (None): of the labels
        protect_tags ("keep"): tags of labels that stay
        prefix (None): prefix of the scan's fields
    """

    what: str | None = None
    _: KW_ONLY
    tag: str | None = None
    protect_tags: Sequence[str] = (KEEP_TAG,)
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what not in (None, _TAG, *OBJECT_FINDINGS):
            raise InputError(
                f"what={self.what!r} is no finding of objects. Use one of: "
                f"{', '.join(OBJECT_FINDINGS)}; or tag."
            )
        if self.what == _TAG and not self.tag:
            raise InputError("Say which tag of labels: tag='outdated', for example.")


@dataclass(frozen=True, kw_only=True)
class RemoveObjectsOptions(ObjectSelection, PlanOptions):
    """What can be chosen."""


class RemoveObjects(PlannedAction):
    """``@winnow/curate/remove_objects``"""

    action = REMOVE_OBJECTS
    form_names = ("problem", "plan_text", "limit")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="remove_objects",
            label="Winnow: remove labeled objects",
            description="Remove boxes from the data set; files stay as they are",
            icon="layers_clear",
            risk_level=types.RiskLevel.HIGH,
            **LONG,
        )

    @keywords(RemoveObjectsOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: RemoveObjectsOptions,
        on_progress: OnProgress,
    ) -> PlanReport | ActionReport:
        """Removes objects from the data set: the first call plans, the second applies.

        Images and annotation files stay as they are; ``undo`` puts the objects back,
        each at its place. A class never loses its last object.

        Example::

            remove_objects = foo.get_operator("@winnow/curate/remove_objects")
            plan = remove_objects(dataset, "bad_boxes")
            print(plan)
            if plan.count:
                done = remove_objects(
                    dataset,
                    plan_id=plan.plan_id,
                    expect_count=plan.count,
                    dry_run=False,
                )

        Args:
            samples: a data set whose objects were scanned, or a view that limits the
                action

        Returns:
            the plan; or, if it was applied, what was done and how to undo it

        Raises:
            InputError: an argument is not valid
            ActionError: the plan is outdated, or a limit applies
        """
        return self.plan_or_apply(samples, options, on_progress)

    def plan(
        self,
        samples: fo.core.collections.SampleCollection,
        options: RemoveObjectsOptions,
        on_progress: OnProgress = silent,
    ) -> PlanReport:
        selection = _Objects(options.what, tag=options.tag, prefix=options.prefix)
        how = ActionOptions(protect_tags=options.protect_tags)
        change = Change(REMOVE_OBJECTS)
        return PlanReport(plan_objects(samples, change, selection, how, on_progress))

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        choices = types.Dropdown()
        for name, finding in OBJECT_FINDINGS.items():
            choices.add_choice(name, label=finding.label)
        choices.add_choice(_TAG, label="Objects with a tag")
        inputs.enum("what", choices.values(), required=True, label="What", view=choices)
        if ctx.params.get("what") == _TAG:
            inputs.str("tag", required=True, label="Tag of the labels")
        submit = "Remove"
        if ctx.params.get("what") or ctx.params.get("plan_id"):
            try:
                report = self.plan_to_show(ctx)
            except CurationError as error:
                show_error(inputs, "problem", error)
            else:
                inputs.md(report.to_markdown(), name="plan_text")
                if report.count:
                    ask_tick(inputs, ctx, report.plan)
                    submit = f"Remove {report.count:,} objects"
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Remove labeled objects", submit_button_label=submit
            ),
        )


class _Objects(Selection):
    takes_objects = True
