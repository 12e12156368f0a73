"""The forms of the actions: what to act on, the plan as it is, one tick.

The form makes the plan anew at every change and shows it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.errors import CurationError
from ....core.findings.image_issues import ISSUES, SURE_ISSUES
from ....core.findings.object_registry import OBJECT_FINDINGS
from ..dataset.internals import shows_objects
from ..dataset.labels import label_field_of
from ..dataset.objects import objects_path
from ..runs.run_record import ScanRun, complete_run
from ..ui.inputs import ask_several, object_choices, show_error
from ..ui.panel_jobs import last_choice
from ..views.object_views import scanned_objects
from .action_options import MOVE, QUARANTINE, RETAG, ActionOptions, Change
from .plan_preview import PLAN_NAMES, show_plan
from .plan_report import PlanReport
from .planned_action import count_text
from .selection import PROVEN, WHAT

ON_DISK = "on_disk"
SUGGESTED = "(suggested)"
"""Stands for no label: the suggestion of each sample."""

DROPPED = "(the side to remove)"
"""Stands for no split: the side of each leak that the scan marks."""

FORM_NAMES = frozenset(
    [
        "about",
        "leave_out",
        "problem",
        "more",
        *PLAN_NAMES,
        "only_pair",
        "only_between",
    ]
)
"""What the form shows or folds, beside the options."""

_TITLES = {
    QUARANTINE: "Quarantine images",
    MOVE: "Move images to a folder",
    RETAG: "Correct labels",
}
_BUTTONS = {
    QUARANTINE: "Quarantine {}",
    MOVE: "Move {}",
    RETAG: "Relabel {}",
}


_ABOUT = {
    QUARANTINE: (
        "The files are moved to the folder *.winnow-quarantine* beside the images, and "
        "nothing is deleted. *Undo*, in the panel's tab *Actions*, brings them back."
    ),
    MOVE: (
        "The files are moved on disk, and their samples follow them. *Undo*, in the "
        "panel's tab *Actions*, brings them back."
    ),
    RETAG: (
        "Labels are changed in the data set. *Undo*, in the panel's tab *Actions*, "
        "restores them."
    ),
}
_LEAVE_OUT = (
    "The surest come first. To leave one out, close this and press *... is right* "
    "below it, in the panel's tab *Labels*."
)
_KIND_LABELS = {
    "bytes": "same file",
    "pixels": "same pixels in another file",
    "near": "changed copy",
}


def action_form(
    ctx: foo.ExecutionContext, action: str, make_plan: Callable[[], PlanReport]
) -> types.Property:
    """Returns the form of an action, with its plan.

    Args:
        ctx: what was chosen so far
        action: quarantine, move or retag
        make_plan: makes the plan of what was chosen
    """
    inputs = types.Object()
    inputs.md(_ABOUT[action], name="about")
    # A button that was pressed for some images, or objects, has said which
    named = ctx.params.get("samples") or ctx.params.get("objects")
    objects = of_objects(ctx)
    if not named:
        _ask_what(inputs, ctx, action)
        if action == RETAG and not objects:
            inputs.md(_LEAVE_OUT, name="leave_out")
    if action == MOVE:
        inputs.str(
            "output_dir",
            required=not ctx.params.get("plan_id"),
            label="To which folder",
            description="Created if needed; a relative path starts at the images' root",
        )
    if action == RETAG:
        _ask_label(inputs, ctx)
        if not objects:
            _ask_on_disk(inputs, ctx)
    if not named and not objects:
        _ask_more(inputs, ctx, action)
    return _with_plan(inputs, ctx, action, _TITLES[action], make_plan)


def plan_form(
    ctx: foo.ExecutionContext, label: str, make_plan: Callable[[], PlanReport]
) -> types.Property:
    """Returns the form of a quarantine that leaves nothing to choose.

    Args:
        ctx: what was chosen so far
        label: what it is called
        make_plan: makes the plan
    """
    inputs = types.Object()
    inputs.md(_ABOUT[QUARANTINE], name="about")
    return _with_plan(inputs, ctx, QUARANTINE, label, make_plan)


def _with_plan(
    inputs: types.Object,
    ctx: foo.ExecutionContext,
    action: str,
    label: str,
    make_plan: Callable[[], PlanReport],
) -> types.Property:
    """Ends a form with the plan, or with why there is none."""
    submit = label
    try:
        report = make_plan()
    except CurationError as error:
        show_error(inputs, "problem", error)
    else:
        show_plan(inputs, ctx, report)
        if report.count:
            submit = _BUTTONS[action].format(count_text(report.plan))
    return types.Property(
        inputs, view=types.PromptView(label=label, submit_button_label=submit)
    )


def of_objects(ctx: foo.ExecutionContext) -> bool:
    """Returns whether what is chosen so far are objects, not images."""
    return bool(ctx.params.get("objects")) or ctx.params.get("what") in OBJECT_FINDINGS


def selected(ctx: foo.ExecutionContext) -> list[str]:
    """Returns the samples that a button was pressed for, or those selected.

    In a grid of objects no image is selected.
    """
    if ctx.params.get("samples"):
        return list(ctx.params["samples"])
    return [] if not ctx.selected or shows_objects(ctx.view) else list(ctx.selected)


def likely(ctx: foo.ExecutionContext, action: str) -> str:
    """Returns what the form proposes to act on."""
    if selected(ctx):
        return "selected"
    return "label_issues" if action == RETAG else "duplicates"


_OF_FILES = (PROVEN, "duplicates", "leaks", "unreadable", "not_read", "may_go")
"""What says nothing of labels."""


def _ask_what(inputs: types.Object, ctx: foo.ExecutionContext, action: str) -> None:
    choices = types.Dropdown()
    for name, label in WHAT.items():
        if name == "selected" and not selected(ctx):
            continue
        if name == "view" and not ctx.has_custom_view:
            continue
        if name == "selected":
            label = f"{label} ({len(selected(ctx)):,})"
        if name in (_OF_FILES if action == RETAG else ("relabel",)):
            continue
        choices.add_choice(name, label=label)
    if action == RETAG:
        with contextlib.suppress(CurationError):
            object_choices(ctx, choices)
    what = ctx.params.get("what") or likely(ctx, action)
    inputs.enum(
        "what",
        choices.values(),
        default=likely(ctx, action),
        required=not ctx.params.get("plan_id"),
        label="What",
        view=choices,
    )
    if what == "duplicates":
        ask_several(
            inputs,
            "kinds",
            _KIND_LABELS,
            default=list(_KIND_LABELS),
            label="Kinds of copies",
        )
    elif what == "image_issues":
        issues = {issue: issue.replace("_", " ") for issue in ISSUES}
        ask_several(inputs, "issues", issues, default=list(SURE_ISSUES), label="Issues")
    elif what == "label_issues" and ctx.params.get("pair"):
        given, suggested = ctx.params["pair"]
        text = f"Only {given} that similar images call {suggested}"
        inputs.view("only_pair", types.Notice(label=text))
    elif what == "leaks" and ctx.params.get("between"):
        one, other = ctx.params["between"]
        text = f"Only copies of {one} and {other}; the side to remove"
        inputs.view("only_between", types.Notice(label=text))
    elif what == "leaks":
        sides = types.Dropdown()
        sides.add_choice(DROPPED, label="The side to remove")
        for name in _split_names(ctx):
            sides.add_choice(name, label=name)
        inputs.enum(
            "split",
            sides.values(),
            default=DROPPED,
            label="Take them from which split",
            view=sides,
        )
    elif what == "tag":
        tags = ctx.dataset.distinct("tags")
        inputs.enum("tag", tags, required=True, label="Tag")


def _ask_label(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    choices = types.AutocompleteView()
    things = "objects" if of_objects(ctx) else "images"
    choices.add_choice(SUGGESTED, label=f"What similar {things} are called")
    for label in _labels(ctx):
        choices.add_choice(label, label=label)
    inputs.enum(
        "label",
        choices.values(),
        default=ctx.params.get("label") or SUGGESTED,
        label="New label",
        view=choices,
    )


def _ask_on_disk(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    inputs.bool(
        ON_DISK,
        default=last_choice(ctx.dataset, ON_DISK, otherwise=Change.on_disk),
        label="Move the files too, where they lie in a folder of their label's name",
        description="Remembered for the next time",
    )


def _ask_more(inputs: types.Object, ctx: foo.ExecutionContext, action: str) -> None:
    if action == QUARANTINE:
        inputs.bool(
            "remove_samples",
            default=False,
            label="Remove the samples from the data set too",
            description="Undo restores them. Otherwise they stay, tagged 'quarantined'",
        )
    inputs.bool(
        "more", default=False, label="Show protection and more", view=types.SwitchView()
    )
    if not ctx.params.get("more"):
        return
    ask_several(
        inputs,
        "protect_tags",
        [*ActionOptions.protect_tags, *ctx.dataset.distinct("tags")],
        default=list(ActionOptions.protect_tags),
        label="Leave alone what has one of these tags",
    )
    if _split_names(ctx):
        ask_several(
            inputs,
            "protect_splits",
            _split_names(ctx),
            label="Leave alone what is in these splits",
        )
    inputs.bool(
        "allow_hardlinks", default=False, label="Files with other hard links too"
    )
    inputs.bool(
        "update_all_references",
        default=False,
        label="Files that other data sets use too, and change those",
    )
    inputs.str("root", label="Folder of the images", description="Empty to find out")
    inputs.str(
        "quarantine",
        label="Folder for the quarantine",
        description="On the same disk; empty for a folder beside the images",
    )
    inputs.str("prefix", label="Prefix of the scan's fields")


def _split_names(ctx: foo.ExecutionContext) -> list[str]:
    run = _run(ctx)
    split_by = run and run.split_by
    if not split_by:
        return []
    names = split_by
    if isinstance(split_by, str):
        names = ctx.dataset.distinct(split_by)
    return list(names)


def _labels(ctx: foo.ExecutionContext) -> list[str]:
    run = _run(ctx)
    if run and of_objects(ctx):
        path = objects_path(ctx.dataset, scanned_objects(ctx.dataset, run.prefix))
        return list(ctx.dataset.distinct(f"{path}.label"))
    field = run and run.label_field
    if not field:
        return []
    return label_field_of(ctx.dataset, field).distinct(ctx.dataset)


def _run(ctx: foo.ExecutionContext) -> ScanRun | None:
    try:
        return complete_run(ctx.dataset, ctx.params.get("prefix") or None)
    except CurationError:
        return None
