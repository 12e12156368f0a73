"""What a tab shows of its finding: of a class, a split, a kind; and in which order.

The menus count what they would leave. A class and a split hold in all tabs, a kind
and an order in their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types

from ..adapter.views.count_queries import count_values, split_filter
from . import inputs, widgets
from .callbacks import Events
from .state import PanelState

EVERYTHING = "(all)"
"""The value of a menu that leaves nothing out; the App shows none for an empty text."""

_KINDS = {
    "duplicates": ("dup_kind", "kinds of copies"),
    "leaks": ("dup_kind", "kinds of copies"),
    "outliers": ("outlier_cause", "causes"),
    "labels": ("label_suggestion", "suggestions"),
}
"""Of each tab, the field that tells kinds apart, and what they are called."""

_MOST_CHOICES = 200


def match(state: PanelState) -> dict[str, Any]:
    """Returns the filter of MongoDB of what the person wants to see."""
    found: dict[str, Any] = {}
    label, split, kind = (chosen(state, what) for what in ("class", "split", "kind"))
    labels = state.reader.labels
    if label and labels:
        # Of several labels of an image, one is enough
        several = labels.kind is list
        found |= {labels.path: label} if several else labels.matches(label)
    if split and state.reader.split_by:
        found |= split_filter(state.reader, split)
    if kind and state.tab in _KINDS:
        found[state.field(_KINDS[state.tab][0])] = kind
    return found


def chosen(state: PanelState, what: str) -> str:
    """Returns what was chosen of ``class``, ``split`` or ``kind``; empty for all."""
    kept: Mapping[str, str] = state.kept.get("filters") or {}
    picked = kept.get(key(state.tab, what), EVERYTHING)
    return "" if picked == EVERYTHING else picked


def key(tab: str, what: str) -> str:
    """Returns the name under which a choice is kept."""
    return what if what in ("class", "split") else f"{what} of {tab}"


def order(state: PanelState, orders: Sequence[str]) -> str:
    """Returns the order that was chosen in this tab, else the first."""
    kept: Mapping[str, str] = state.kept.get("filters") or {}
    found = kept.get(key(state.tab, "order"))
    return found if found is not None and found in orders else orders[0]


def within(state: PanelState, found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the filter of MongoDB of what the person wants to see of a finding."""
    wanted = match(state)
    return {"$and": [dict(found), wanted]} if wanted else dict(found)


def narrowed(state: PanelState, view: fo.DatasetView) -> fo.DatasetView:
    """Returns what the person wants to see of a view."""
    wanted = match(state)
    return view.match(wanted) if wanted else view


def draw(
    panel: types.Object,
    events: Events,
    state: PanelState,
    found: Mapping[str, Any],
    orders: Sequence[str] = (),
) -> None:
    """Draws the menus of a tab.

    Args:
        panel: to draw on
        events: of the panel
        state: what is drawn
        found: the filter of MongoDB of all images of the finding
        orders: in which the tab can show them, the usual one first
    """
    line = widgets.row(panel, f"menus_{state.tab}", gap=0.5)
    reader = state.reader
    if reader.labels:
        counts = count_values(reader, reader.labels.path, found)
        _menu(line, state, "class", "classes", counts, events.choose_class)
    if reader.split_by:
        _menu(
            line, state, "split", "splits", _splits(state, found), events.choose_split
        )
    if state.tab in _KINDS:
        field, words = _KINDS[state.tab]
        counts = count_values(reader, state.field(field), found)
        _menu(line, state, "kind", words, counts, events.choose_kind)
    if orders:
        choices = {one: f"{one} first" for one in orders}
        place = order(state, orders)
        inputs.menu(
            line,
            "order",
            choices,
            place,
            turns=state.turns,
            on_change=events.choose_order,
        )


def _menu(
    line: types.Object,
    state: PanelState,
    what: str,
    things: str,
    counts: Mapping[Any, int],
    on_change: Any,
) -> None:
    known = {str(value): n for value, n in counts.items() if value not in (None, "")}
    picked = chosen(state, what)
    # What was chosen in another tab may be in none of this one
    if picked:
        known.setdefault(picked, 0)
    elif not known:
        return
    choices = {EVERYTHING: f"All {things}"}
    choices |= {
        value: f"{value} ({count:,})"
        for value, count in list(known.items())[:_MOST_CHOICES]
    }
    inputs.menu(
        line,
        what,
        choices,
        picked or EVERYTHING,
        turns=state.turns,
        on_change=on_change,
    )


def _splits(state: PanelState, found: Mapping[str, Any]) -> dict[str, int]:
    split_by = state.reader.split_by
    path = split_by if isinstance(split_by, str) else "tags"
    counts = count_values(state.reader, path, found)
    if isinstance(split_by, str):
        return counts
    return {name: counts[name] for name in split_by or () if name in counts}
