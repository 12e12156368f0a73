"""What to do next, on the first page: one plan by proof, and what needs a person."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import counted
from ...core.curation.review_time import total_minutes
from ..adapter.curation.needs_eyes import needs_eyes, proven
from ..adapter.dataset.decisions import MAY_GO, RELABEL, waiting
from ..adapter.views.review_queue import QUEUES
from . import buttons, review, widgets
from .callbacks import Events
from .state import TABS, PanelState

_TABS = {"image_issues": "bad_files", "scene_leaks": "leaks"}
"""Where a finding is looked at that has no review."""


def draw(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws what waits to be done, what may go by proof, and what needs eyes."""
    _draw_decided(panel, events, state)
    _draw_proven(panel, events, state)
    _draw_reviews(panel, events, state)


def _draw_decided(panel: types.Object, events: Events, state: PanelState) -> None:
    label_field = state.run.label_field if state.reader.labels else None
    waits = state.reader.cached(
        "waiting decisions", lambda: waiting(state.dataset, label_field)
    )
    if not any(waits.values()):
        return
    line = widgets.row(panel, "decided_waits")
    widgets.markdown(line, "words", "**You decided, and nothing is changed yet:**")
    if waits[RELABEL]:
        words = f"Correct {counted(waits[RELABEL], 'label')}"
        buttons.act(line, events, state, "retag", {"what": RELABEL}, words)
    if waits[MAY_GO]:
        words = f"Quarantine {counted(waits[MAY_GO], 'image')}"
        buttons.act(line, events, state, "quarantine", {"what": MAY_GO}, words)


def _draw_proven(panel: types.Object, events: Events, state: PanelState) -> None:
    counts = proven(state.reader)
    if not counts or "clean" not in state.operators:
        return
    line = widgets.row(panel, "proven")
    buttons.act(line, events, state, "clean", {}, "Clean", main=True)
    parts = ", ".join(f"{words} ({count:,})" for words, count in counts.items())
    widgets.markdown(line, "words", f"**May go by proof:** {parts}.")


def _draw_reviews(panel: types.Object, events: Events, state: PanelState) -> None:
    reviews = needs_eyes(state.reader)
    if not reviews:
        return
    line = widgets.row(panel, "reviews", gap=0.5)
    minutes = total_minutes(reviews)
    widgets.markdown(
        line,
        "words",
        f"**Needs your eyes,** about {counted(minutes, 'minute')}:",
    )
    for one in reviews:
        time = "under 1 min" if one.is_short else f"{one.minutes:,} min"
        words = f"{one.count:,} {one.label}, {time}"
        if one.finding in QUEUES:
            review.button(line, events, one.finding, words, main=False)
            continue
        tab = _TABS[one.finding]
        widgets.button(
            line,
            one.finding,
            words,
            events.choose_tab,
            params={"tab": tab},
            hint=f"In the tab {TABS[tab]}.",
        )
