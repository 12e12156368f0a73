"""The tab of objects: labeled boxes by finding, filtered by class and split."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types

from ...core.findings.object_registry import OBJECT_FINDINGS
from ..adapter.runs.scan_report import report_of
from ..adapter.views.object_queries import DECIDED, ObjectFilter
from . import buttons, inputs, object_cards, widgets
from .callbacks import Events
from .state import PanelState

SHOWN = "shown"
"""Stands for the objects that the tab shows, by class and split."""

EVERY = "all"
KIND, CLASS, SPLIT = "object_kind", "object_class", "object_split"
"""What the panel's state keeps of the tab."""

A_PAGE = 8


def kind_of(state: PanelState) -> str | None:
    """Returns the finding that is shown: the chosen one, or the first that has any."""
    chosen = state.kept.get(KIND)
    if chosen == DECIDED or chosen in OBJECT_FINDINGS:
        return str(chosen)
    counts = state.object_counts
    return next((name for name in OBJECT_FINDINGS if counts[name]), None)


def filter_of(state: PanelState) -> ObjectFilter:
    """Returns the class and the split that are chosen."""
    return ObjectFilter(state.kept.get(CLASS), state.kept.get(SPLIT))


def grid_view(state: PanelState) -> tuple[fo.DatasetView, str] | None:
    """Returns what the grid shows of this tab, and its name; None for nothing."""
    kind, only = kind_of(state), filter_of(state)
    if state.objects is None or kind is None:
        return None
    words = "decided objects" if kind == DECIDED else OBJECT_FINDINGS[kind].label
    limits = [one for one in (only.label, only.split) if one is not None]
    return state.objects.view(kind, only), ", ".join([words.lower(), *limits])


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws the findings of objects, and a page of the one that is chosen."""
    if state.objects is None:
        widgets.notice(
            panel,
            "none",
            "The scan did not look at objects. Scan again and choose the field that "
            "holds boxes.",
        )
        return
    kind, only = kind_of(state), filter_of(state)
    _draw_kinds(panel, events, state, kind)
    if kind is None:
        widgets.notice(panel, "none", "Nothing was found wrong with objects.")
        return
    classes = state.objects.classes(kind, only.split)
    total = sum(classes.values()) if only.label is None else classes.get(only.label, 0)
    widgets.markdown(panel, "about", _about(kind, total))
    _draw_filters(panel, events, state, classes, only)
    if total and kind != DECIDED:
        _draw_actions(panel, events, state, kind, only, total)
    start = state.start_of_page(total, A_PAGE)
    shown = object_cards.draw(panel, events, state, kind, only, start, A_PAGE)
    widgets.pager(
        panel,
        events,
        shown=shown,
        start=start,
        step=A_PAGE,
        total=total,
        things="objects",
        turns=state.turns,
    )


def _draw_kinds(
    panel: types.Object, events: Events, state: PanelState, shown: str | None
) -> None:
    assert state.objects is not None
    counts = state.object_counts
    kinds = {
        name: f"{finding.label.removeprefix('Object ').capitalize()} {counts[name]:,}"
        for name, finding in OBJECT_FINDINGS.items()
        if counts[name] or name == shown
    }
    decided = sum(state.objects.classes(DECIDED, None).values())
    if decided or shown == DECIDED:
        kinds[DECIDED] = f"Decided {decided:,}"
    line = widgets.row(panel, "kinds", gap=0.5)
    for name, words in kinds.items():
        widgets.button(
            line,
            name,
            words,
            events.choose_object_kind,
            main=name == shown,
            params={"kind": name},
        )
    missing = report_of(state.run).not_looked_for
    ours = [finding.words for finding in OBJECT_FINDINGS.values()]
    text = "; ".join(f"{one}: {missing[one]}" for one in ours if one in missing)
    if text:
        widgets.markdown(panel, "missing", f"Not looked for: {text}.", small=True)


def _about(kind: str, total: int) -> str:
    many = f"**{total:,}** object{'' if total == 1 else 's'}"
    if kind == DECIDED:
        return f"{many} that you decided of. Every scan respects it."
    return f"{many}: {OBJECT_FINDINGS[kind].description}."


def _draw_filters(
    panel: types.Object,
    events: Events,
    state: PanelState,
    classes: dict[str, int],
    only: ObjectFilter,
) -> None:
    choices = {EVERY: f"All classes ({sum(classes.values()):,})"}
    choices |= {name: f"{name} ({count:,})" for name, count in classes.items() if name}
    if only.label is not None:
        choices.setdefault(only.label, f"{only.label} (0)")
    line = widgets.row(panel, "filters")
    inputs.menu(
        line,
        "classes",
        choices,
        only.label or EVERY,
        turns=state.turns,
        on_change=events.choose_object_class,
    )
    splits = _splits(state)
    if splits:
        inputs.menu(
            line,
            "splits",
            {EVERY: "All splits"} | {name: name for name in splits},
            only.split or EVERY,
            turns=state.turns,
            on_change=events.choose_object_split,
        )


def _splits(state: PanelState) -> list[str]:
    split_by = state.run.split_by
    if not isinstance(split_by, str):
        return list(split_by or ())
    return state.reader.cached(
        "splits", lambda: [str(one) for one in state.dataset.distinct(split_by)]
    )


def _draw_actions(
    panel: types.Object,
    events: Events,
    state: PanelState,
    kind: str,
    only: ObjectFilter,
    total: int,
) -> None:
    # Which objects a filter leaves is asked when the button is pressed
    limited = only != ObjectFilter()
    what = {"what": kind, **({"objects": SHOWN} if limited else {})}
    line = widgets.row(panel, "action_buttons")
    widgets.button(line, "show", "Show in grid", events.show_tab, icon="grid_view")
    buttons.act(line, events, state, "tag", what, f"Tag {total:,}")
    if kind == "object_label_issues":
        buttons.act(line, events, state, "retag", what, "Use all suggestions")
    elif kind == "bad_boxes":
        words = f"Remove {'all ' if total > 1 else ''}{total:,}"
        buttons.act(line, events, state, "remove_objects", what, words)
