"""The plan of an action in a form: what it says, with pictures, and one tick."""

from __future__ import annotations

import os
from itertools import islice

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.actions.plan import ActionPlan, PlannedItem
from ....core.common.text import escape_markdown, short_path
from ..views.thumbnails import object_url, thumbnail_url
from .object_updates import OBJECTS
from .plan_report import PlanReport
from .planned_action import ask_tick

PLAN_NAMES = ("plan_text", "whole", "plan_pictures", "limit")
"""What the form shows of a plan; the tick has a name of its own."""

_PICTURES = 12
_MORE_PICTURES = 500


def show_plan(
    inputs: types.Object, ctx: foo.ExecutionContext, report: PlanReport
) -> None:
    """Adds a plan with pictures of what changes, and the tick that agrees to it."""
    plan = report.plan
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
        ask_tick(inputs, ctx, plan)


def _pictures(plan: ActionPlan, most: int) -> str:
    """Returns a table of what changes, beside what stays where a copy does."""
    items = list(islice(plan.items(), most))
    pairs = any(item.kept_copy for item in items)
    lines = ["| changes | stays | why |" if pairs else "| changes | why |"]
    lines.append("| :-- | :-- | :-- |" if pairs else "| :-- | :-- |")
    for item in items:
        cells = [_changes(plan, item)]
        if pairs:
            kept = item.kept_copy
            cells.append(_image(kept.path, short_path(kept.path)) if kept else "")
        lines.append(f"| {' | '.join(cells)} | {escape_markdown(item.why)} |")
    more = plan.count - len(items)
    if more:
        lines += ["", f"and {more:,} more"]
    return "\n".join(lines)


def _changes(plan: ActionPlan, item: PlannedItem) -> str:
    """Returns Markdown of the picture that changes, or of the object."""
    path = os.path.join(plan.root, item.source)
    if not plan.options.get(OBJECTS):
        return _image(path, item.source)
    box = item.records[0]["object"]["box"]
    url = object_url(path, box) if box else None
    return _markdown(url, item.source)


def _image(path: str, name: str) -> str:
    """Returns Markdown of a small picture and its name; of the name alone where the
    file cannot be read."""
    return _markdown(thumbnail_url(path), name)


def _markdown(url: str | None, name: str) -> str:
    name = escape_markdown(name)
    return f"![{name}]({url}) {name}" if url else name
