"""The tab of outliers: a histogram with a threshold, each beside its nearest."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types
from fiftyone import ViewField as F

from ...core.common.text import distance_text
from ..adapter.dataset.present import present
from ..adapter.runs.remarks import outlier_expectation
from ..adapter.runs.scan_report import report_of
from ..adapter.views.count_queries import histogram
from ..adapter.views.finding_views import found_view
from ..adapter.views.queries import Picture
from . import buttons, filters, review, thresholds, widgets
from .callbacks import Events
from .state import PanelState

A_PAGE = 8
_ORDERS = {"farthest": -1, "nearest": 1}


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws the distances, and the farthest images beside their nearest."""
    chosen = state.kept.get("outlier_distance")
    in_force = state.threshold("max_outlier_distance")
    limit = _limit_shown(state)
    bars = histogram(state.reader, "outlier_distance")
    if not bars.counts:
        widgets.notice(panel, "none", "No image could be compared with others.")
        return
    if limit is None:
        limit = bars.edges[-1]
    name = state.field("outlier_distance")
    all_beyond = {name: {"$gt": limit}}
    beyond = filters.within(state, all_beyond)
    count = state.reader.count(beyond)
    moved = chosen is not None and chosen != in_force
    sure = [] if moved else outlier_expectation(report_of(state.run))
    widgets.markdown(
        panel,
        "about",
        f"**{count:,}** of {sum(bars.counts):,} images are farther than "
        f"**{distance_text(limit)}** from all similar images. Move the threshold, or "
        "click the diagram; the grid follows."
        + "".join(f" {sentence.capitalize()}." for sentence in sure),
    )
    threshold = thresholds.Threshold(
        "outlier_distance",
        "distance from similar images",
        round(bars.edges[0], 3),
        round(bars.edges[-1], 3),
        0.001,
        True,
        events.move_outlier_distance,
        events.pick_outlier_distance,
    )
    thresholds.draw(panel, threshold, bars, limit, set_data, turns=state.turns)
    line = widgets.row(panel, "action_buttons")
    if state.tally.counts["outliers"]:
        review.button(line, events, "outliers")
    buttons.apply_or_reset(line, events, "outliers", distance_text(limit), moved=moved)
    found = state.tally.counts["outliers"]
    quarantine = ("quarantine", f"Quarantine all {found:,}")
    buttons.action_buttons(panel, events, state, "outliers", quarantine, line=line)
    if moved:
        text = widgets.in_force(None if in_force is None else distance_text(in_force))
        widgets.markdown(panel, "moved", text, small=True)
    filters.draw(panel, events, state, all_beyond, list(_ORDERS))
    start = state.start_of_page(count, A_PAGE)
    page = state.reader.pictures(
        beyond,
        ("outlier_distance", "outlier_cause", "outlier_nearest"),
        sort={name: _ORDERS[filters.order(state, list(_ORDERS))]},
        skip=start,
        limit=A_PAGE,
    )
    _draw_pairs(panel, events, state, page)
    widgets.pager(
        panel,
        events,
        shown=len(page),
        start=start,
        step=A_PAGE,
        total=count,
        things="outliers",
        turns=state.turns,
    )


def grid_view(state: PanelState) -> tuple[fo.DatasetView, str]:
    """Returns what the grid shows of this tab, and what that is called."""
    chosen = state.kept.get("outlier_distance")
    if chosen is None:
        found = found_view(state.dataset, "outliers", state.prefix)
        return filters.narrowed(state, found), "outliers"
    name = state.field("outlier_distance")
    view = (
        present(state.dataset)
        .match(F(name) > float(chosen))
        .sort_by(name, reverse=True)
    )
    return filters.narrowed(state, view), f"images farther than {distance_text(chosen)}"


def _limit_shown(state: PanelState) -> float | None:
    """Returns the threshold that was moved to, else the one in force."""
    chosen = state.kept.get("outlier_distance")
    return (
        float(chosen) if chosen is not None else state.threshold("max_outlier_distance")
    )


def _draw_pairs(
    panel: types.Object, events: Events, state: PanelState, found: list[Picture]
) -> None:
    nearest = [p.values["outlier_nearest"] for p in found]
    others = state.reader.by_id([i for i in nearest if i is not None], ())
    cards = widgets.row(panel, "outliers", gap=1.5, top=True)
    for number, picture in enumerate(found):
        card = widgets.card(cards, f"outlier_{number}")
        pair = widgets.row(card, "pair", top=True)
        own = f"**{distance_text(picture.values['outlier_distance'])}**"
        lines = [own, str(picture.values["outlier_cause"] or ""), picture.label or ""]
        widgets.thumbnail(
            pair, "image", picture, [x for x in lines if x], on_click=events.open_sample
        )
        other = others.get(nearest[number] or "")
        if other is not None:
            lines = ["nearest", other.label or "", other.split or ""]
            widgets.thumbnail(
                pair,
                "nearest",
                other,
                [x for x in lines if x],
                on_click=events.open_sample,
            )
        buttons.keep(card, events, picture.id)
