"""The forms of the actions: what to act on, the plan as it is, one tick.

The form makes the plan anew at every change and shows it. The tick's name
holds the plan's id, so that a tick never counts for another plan than the
one that was shown above it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.actions.plan import ActionPlan
from ....core.common.text import escape_markdown
from ....core.errors import CurationError
from ....core.findings.image_issues import ISSUES, SURE_ISSUES
from ....core.progress import OnProgress
from ..dataset.samples import label_path
from ..runs.run_record import ScanRun, complete_run
from ..ui.inputs import ask_several, show_error
from ..ui.stream import Outcome, stream
from ..views.thumbnails import thumbnail_url
from .action_reports import PlanReport
from .plan_builder import MOVE, QUARANTINE, RETAG, ActionOptions, Change, plan_action
from .plan_then_apply import carry_out
from .selection import WHAT, Selection

_TICK = "apply_"
_PICTURES = 12
_MORE_PICTURES = 500
_SUGGESTED = "(suggested)"
_DROPPED = "(the side to remove)"
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


def action_form(ctx: foo.ExecutionContext, action: str) -> types.Property:
    """Returns the form of an action, with its plan."""
    inputs = types.Object()
    inputs.md(_ABOUT[action], name="about")
    # A button that was pressed for some images has said which
    if not ctx.params.get("samples"):
        _ask_what(inputs, ctx, action)
        if action == RETAG:
            inputs.md(_LEAVE_OUT, name="leave_out")
    if action == MOVE:
        inputs.str(
            "to",
            required=True,
            label="To which folder",
            description="Created if needed; a relative path starts at the images' root",
        )
    if action == RETAG:
        _ask_label(inputs, ctx)
    if not ctx.params.get("samples"):
        _ask_more(inputs, ctx, action)
    submit = _TITLES[action]
    try:
        plan = plan_of(ctx, action)
    except CurationError as error:
        show_error(inputs, "problem", error)
    else:
        _show_plan(inputs, ctx, plan)
        if plan.count:
            ask_tick(inputs, ctx, plan)
            submit = _BUTTONS[action].format(_images(plan.count))
    return types.Property(
        inputs,
        view=types.PromptView(label=_TITLES[action], submit_button_label=submit),
    )


def plan_of(ctx: foo.ExecutionContext, action: str) -> ActionPlan:
    """Makes the plan of what the form, or a caller, asks for."""
    params = ctx.params
    what = params.get("what") or _likely(ctx, action)
    samples: Any = ctx.dataset
    if what == "selected":
        samples = ctx.dataset.select(_selected(ctx))
    elif what == "view" and ctx.has_custom_view:
        samples = ctx.view
    given = _given(params, Selection, "what")
    if given.get("split") == _DROPPED:
        del given["split"]
    selection = Selection(what=what, **given)
    change = Change(
        action,
        folder=(params.get("to") or None) if action == MOVE else None,
        label=_label(params) if action == RETAG else None,
        **_given(params, Change, "action", "folder", "label"),
    )
    return plan_action(samples, change, selection, options_of(params))


def options_of(params: Mapping[str, Any]) -> ActionOptions:
    """Returns the options that a form or a caller gave."""
    return ActionOptions(**_given(params, ActionOptions))


def run_form(ctx: foo.ExecutionContext, action: str) -> Iterator[Any]:
    """Applies the plan that was ticked; without a tick, shows a plan."""
    yield from run_ticked(ctx, action, lambda: PlanReport(plan_of(ctx, action), ""))


def run_ticked(
    ctx: foo.ExecutionContext, action: str, show: Callable[[], Outcome]
) -> Iterator[Any]:
    """Applies the plan that was ticked; without a tick, what ``show`` returns."""

    def work(on_progress: OnProgress) -> Outcome:
        ticked = _ticked_plan(ctx.params)
        # Only who ticked the plan means it without saying so
        if ctx.params.get("dry_run", ticked is None):
            return show()
        plan_id = ctx.params.get("plan_id") or ticked
        count = ctx.params.get("expect_count")
        return carry_out(ctx.dataset, action, plan_id, count, on_progress)

    yield from stream(ctx, work)


def _ticked_plan(params: Mapping[str, Any]) -> str | None:
    """Returns the id of the plan that was shown and agreed to."""
    ticked = [
        name.removeprefix(_TICK)
        for name, value in params.items()
        if name.startswith(_TICK) and value
    ]
    return ticked[-1] if ticked else None


def _given(params: Mapping[str, Any], kind: Any, *without: str) -> dict[str, Any]:
    """Returns the values for a dataclass; what is empty keeps its default."""
    names = [field.name for field in fields(kind) if field.name not in without]
    return {
        name: params[name] for name in names if params.get(name) not in (None, "", [])
    }


def _label(params: Mapping[str, Any]) -> str | None:
    label = params.get("to")
    return None if label in (None, "", _SUGGESTED) else label


def _selected(ctx: foo.ExecutionContext) -> list[str]:
    """Returns the samples that a button was pressed for, or those selected."""
    return ctx.params.get("samples") or list(ctx.selected)


def _likely(ctx: foo.ExecutionContext, action: str) -> str:
    if _selected(ctx):
        return "selected"
    return "label_issues" if action == RETAG else "duplicates"


_OF_FILES = ("duplicates", "leaks", "unreadable", "not_read")
"""What says nothing of labels."""


def _ask_what(inputs: types.Object, ctx: foo.ExecutionContext, action: str) -> None:
    choices = types.Dropdown()
    for name, label in WHAT.items():
        if name == "selected" and not _selected(ctx):
            continue
        if name == "view" and not ctx.has_custom_view:
            continue
        if name == "selected":
            label = f"{label} ({len(_selected(ctx)):,})"
        if action == RETAG and name in _OF_FILES:
            continue
        choices.add_choice(name, label=label)
    what = ctx.params.get("what") or _likely(ctx, action)
    inputs.enum(
        "what",
        choices.values(),
        default=_likely(ctx, action),
        required=True,
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
        sides.add_choice(_DROPPED, label="The side to remove")
        for name in _split_names(ctx):
            sides.add_choice(name, label=name)
        inputs.enum(
            "split",
            sides.values(),
            default=_DROPPED,
            label="Take them from which split",
            view=sides,
        )
    elif what == "tag":
        tags = ctx.dataset.distinct("tags")
        inputs.enum("tag", tags, required=True, label="Tag")


def _ask_label(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    choices = types.AutocompleteView()
    choices.add_choice(_SUGGESTED, label="What similar images are called")
    for label in _labels(ctx):
        choices.add_choice(label, label=label)
    inputs.enum(
        "to",
        choices.values(),
        default=ctx.params.get("to") or _SUGGESTED,
        label="New label",
        view=choices,
    )
    inputs.bool(
        "on_disk",
        default=True,
        label="Also move files that lie in a folder of their label's name",
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


def _show_plan(
    inputs: types.Object, ctx: foo.ExecutionContext, plan: ActionPlan
) -> None:
    report = PlanReport(plan, "")
    lines = [f"**{report.summary()}**", ""]
    lines += [f"* {escape_markdown(line)}" for line in report.details()]
    inputs.md("\n".join(lines), name="plan_text")
    if plan.count > _PICTURES:
        most = min(plan.count, _MORE_PICTURES)
        words = f"the first {most}" if most < plan.count else f"all {most}"
        view = types.SwitchView()
        inputs.bool("whole", default=False, label=f"Show {words}", view=view)
    if plan.count:
        shown = _MORE_PICTURES if ctx.params.get("whole") else _PICTURES
        inputs.md(_pictures(plan, shown), name="plan_pictures")


def _pictures(plan: ActionPlan, most: int) -> str:
    """Returns a table of what changes, beside what stays where a copy does."""
    items = list(islice(plan.items(), most))
    pairs = any(item.witness for item in items)
    lines = ["| changes | stays | why |" if pairs else "| changes | why |"]
    lines.append("| :-- | :-- | :-- |" if pairs else "| :-- | :-- |")
    for item in items:
        cells = [_image(os.path.join(plan.root, item.source))]
        if pairs:
            cells.append(_image(item.witness.path) if item.witness else "")
        lines.append(f"| {' | '.join(cells)} | {escape_markdown(item.why)} |")
    more = plan.count - len(items)
    if more:
        lines += ["", f"and {more:,} more"]
    return "\n".join(lines)


def _image(path: str) -> str:
    """Returns Markdown of a small picture, or of a name where there is none."""
    url = thumbnail_url(path)
    name = escape_markdown(Path(path).name)
    return f"![{name}]({url})" if url else name


def ask_tick(inputs: types.Object, ctx: foo.ExecutionContext, plan: ActionPlan) -> None:
    """Asks whether the plan was looked at, and for its number where needed."""
    if plan.needs_count:
        inputs.view("limit", types.Warning(label=plan.needs_count))
        number = inputs.int(
            "expect_count",
            required=True,
            label=f"Type how many images are meant ({plan.count:,} are in the plan)",
        )
        if ctx.params.get("expect_count") != plan.count:
            number.invalid = True
            number.error_message = f"Type {plan.count}"
    name = f"{_TICK}{plan.id}"
    tick = inputs.bool(
        name,
        default=False,
        label=f"I have looked at this plan of {_images(plan.count)}",
        description="It can be undone",
    )
    if not ctx.params.get(name) and not ctx.params.get("dry_run"):
        tick.invalid = True
        tick.error_message = "Look at the plan, then tick this"


def _images(count: int) -> str:
    return f"{count:,} image" + ("" if count == 1 else "s")


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
    field = run and run.label_field
    if not field:
        return []
    return list(ctx.dataset.distinct(label_path(ctx.dataset, field)))


def _run(ctx: foo.ExecutionContext) -> ScanRun | None:
    try:
        return complete_run(ctx.dataset, ctx.params.get("prefix") or None)
    except CurationError:
        return None
