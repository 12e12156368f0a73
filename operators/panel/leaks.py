"""The tab of leaks: which split holds copies of which."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import fiftyone.operators.types as types

from ..adapter.dataset.samples import kind_of
from ..adapter.views.cluster_queries import CLUSTER_ORDERS, cluster_order
from ..adapter.views.count_queries import split_filter
from ..adapter.views.finding_views import aggregate
from . import buttons, filters, scenes, sequences, widgets
from .callbacks import Events
from .cluster_cards import draw_page
from .state import PanelState

A_PAGE = 24


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws recordings, scenes, the matrix of splits, the copies of the pair chosen."""
    sequences.draw(panel, events, state)
    scenes.draw_leaks(panel, events, state)
    names = split_names(state)
    if not names:
        widgets.notice(
            panel,
            "none",
            "The scan had no splits. Scan again and choose what names them (tags or "
            "a field) to find copies between train and test.",
        )
        return
    kind = kind_of(state.dataset)
    if not state.tally.counts["leaks"]:
        text = f"None of the {kind} has a copy in another split."
        widgets.notice(panel, "none", text)
        return
    widgets.markdown(
        panel,
        "about",
        f"**{state.tally.counts['leaks']:,}** {kind} have a copy in another split. How "
        f"many {kind} of the split on the left have one in the split above:",
    )
    counted = _matrix(state, names)
    widgets.table(
        panel,
        "leak_matrix",
        {"split": "", **{name: name for name in names}},
        [
            {"split": one}
            | {o: "" if o == one else f"{counted.get((one, o), 0):,}" for o in names}
            for one in names
        ],
        set_data,
        on_click_cell=events.choose_leak_cell,
    )
    only = state.kept.get("only")
    pairs = widgets.row(panel, "pairs")
    widgets.markdown(pairs, "see", "Look at", small=True)
    for one, other in combinations(names, 2):
        total = counted.get((one, other), 0) + counted.get((other, one), 0)
        if total:
            widgets.button(
                pairs,
                f"pair_{names.index(one)}_{names.index(other)}",
                f"{one} and {other} ({total:,})",
                events.choose_leak,
                main=only == [one, other],
                params={"one": one, "other": other},
            )
    between = only if isinstance(only, list) else None
    side = f"Quarantine one side of {' and '.join(between)}" if between else None
    line = buttons.action_buttons(
        panel,
        events,
        state,
        "leaks",
        ("quarantine", side or "Quarantine one side of each"),
        show="Show all in grid",
        more={"between": between} if between else None,
    )
    buttons.act(line, events, state, "split", {}, "Propose a split without leaks")
    widgets.markdown(
        panel,
        "sides",
        f"**{_should_go(state, between):,}** of them should go; what stays "
        "has a green frame. Test and validation splits stay, or the smaller of two.",
        small=True,
    )
    _draw_pairs(panel, events, state, between)


def _should_go(state: PanelState, between: list[str] | None) -> int:
    """Returns how many images a plan would take, of two splits or of all."""
    if between is None:
        return state.tally.counts["leaks_to_remove"]
    one, other = between
    copies = state.field("leak_splits")
    sides = [
        {**split_filter(state.reader, one), copies: other},
        {**split_filter(state.reader, other), copies: one},
    ]
    return state.reader.count({state.field("leak_remove"): True, "$or": sides})


def split_names(state: PanelState) -> list[str]:
    """Returns the splits of the run, in the order of the matrix."""
    names = {
        name for kinds in state.run.report["leak_matrix"].values() for name in kinds
    }
    return sorted(names, key=_place(state))


def _draw_pairs(
    panel: types.Object,
    events: Events,
    state: PanelState,
    between: list[str] | None,
) -> None:
    match: dict[str, Any] = {state.field("leak"): True}
    if between is not None:
        one, other = between
        match = {**split_filter(state.reader, one), state.field("leak_splits"): other}
    filters.draw(panel, events, state, match, CLUSTER_ORDERS)
    order = filters.order(state, CLUSTER_ORDERS)
    wanted = filters.within(state, match)
    numbers = cluster_order(state.reader, order, only=wanted)
    draw_page(panel, events, state, numbers, step=A_PAGE, shown="leaks")


def _matrix(state: PanelState, names: list[str]) -> dict[tuple[str, str], int]:
    """Counts images by their split and the other split that holds a copy."""
    return state.reader.cached("leak matrix", lambda: _count_leaks(state, names))


def _count_leaks(state: PanelState, names: list[str]) -> dict[tuple[str, str], int]:
    leak_splits = state.field("leak_splits")
    split_by = state.reader.split_by
    own = f"${split_by}" if isinstance(split_by, str) else "$tags"
    rows = aggregate(
        state.dataset,
        [
            {"$match": {state.field("leak"): True}},
            {"$project": {"own": own, "other": f"${leak_splits}"}},
            {"$unwind": "$own"},
            {"$match": {"own": {"$in": names}}},
            {"$unwind": "$other"},
            {"$group": {"_id": {"a": "$own", "b": "$other"}, "count": {"$sum": 1}}},
        ],
    )
    return {(row["_id"]["a"], row["_id"]["b"]): row["count"] for row in rows}


def _place(state: PanelState) -> Any:
    """Returns the sort key that keeps the order in which splits were given."""
    split_by = state.run.split_by
    order = list(split_by) if isinstance(split_by, list) else []
    return lambda name: (order.index(name) if name in order else len(order), name)
