"""Removes labeled objects from the data set, and can put them back."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.findings.object_registry import OBJECT_FINDINGS
from ..core.progress import OnProgress, silent
from .adapter.actions.action_options import KEEP_TAG, ActionOptions, Change
from .adapter.actions.action_reports import ActionReport
from .adapter.actions.object_plan import (
    REMOVE_OBJECTS,
    TAG,
    ObjectChoice,
    plan_objects,
)
from .adapter.actions.plan_preview import PLAN_NAMES, show_plan
from .adapter.actions.plan_report import PlanReport
from .adapter.actions.planned_action import PlannedAction, PlanOptions, count_text
from .adapter.ui.inputs import ask_prefix, object_choices, show_error
from .adapter.ui.surface import LONG, keywords

_ABOUT = (
    "Boxes are removed from the data set; images and annotation files stay as they "
    "are. *Undo*, in the panel's tab *Actions*, puts the boxes back."
)


@dataclass(frozen=True)
class ObjectSelection:
    """What is removed.

    Attributes:
        what (None): a finding of objects, such as ``bad_boxes``; or ``tag``, for
            objects whose label has the ``tag``; None for all that ``objects`` names
        objects (None): ids of the labels that it is limited to
        tag (None): of the labels
        protect_tags ("keep"): tags of labels that stay
        prefix (None): prefix of the scan's fields
    """

    what: str | None = None
    _: KW_ONLY
    objects: Sequence[str] | None = None
    tag: str | None = None
    protect_tags: Sequence[str] = (KEEP_TAG,)
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.what not in (None, TAG, *OBJECT_FINDINGS):
            raise InputError(
                f"what={self.what!r} is no finding of objects. Use one of: "
                f"{', '.join(OBJECT_FINDINGS)}; or tag."
            )
        if self.what == TAG and not self.tag:
            raise InputError("Say which tag of labels: tag='outdated', for example.")


@dataclass(frozen=True, kw_only=True)
class RemoveObjectsOptions(ObjectSelection, PlanOptions):
    """What can be chosen."""


class RemoveObjects(PlannedAction):
    """``@winnow/curate/remove_objects``"""

    action = REMOVE_OBJECTS
    form_names = ("about", "problem", *PLAN_NAMES)

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
        choice = ObjectChoice(
            what=options.what,
            ids=options.objects,
            tag=options.tag,
            prefix=options.prefix,
        )
        how = ActionOptions(protect_tags=options.protect_tags)
        change = Change(REMOVE_OBJECTS)
        return PlanReport(plan_objects(samples, change, choice, how, on_progress))

    def default_target(self, ctx: foo.ExecutionContext) -> fo.Dataset:
        return ctx.dataset

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.md(_ABOUT, name="about")
        # A button that was pressed for some objects has said which
        if not ctx.params.get("objects"):
            self._ask_what(inputs, ctx)
        submit = "Remove"
        if any(ctx.params.get(name) for name in ("what", "objects", "plan_id")):
            try:
                report = self.plan_to_show(ctx)
            except CurationError as error:
                show_error(inputs, "problem", error)
            else:
                show_plan(inputs, ctx, report)
                if report.count:
                    submit = f"Remove {count_text(report.plan)}"
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Remove labeled objects", submit_button_label=submit
            ),
        )

    def _ask_what(self, inputs: types.Object, ctx: foo.ExecutionContext) -> None:
        choices = types.Dropdown()
        with contextlib.suppress(CurationError):
            object_choices(ctx, choices)
        choices.add_choice(TAG, label="Objects with a tag")
        inputs.enum("what", choices.values(), required=True, label="What", view=choices)
        if ctx.params.get("what") == TAG:
            inputs.str("tag", required=True, label="Tag of the labels")
