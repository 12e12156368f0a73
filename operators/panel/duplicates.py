"""The tab of duplicates: clusters as rows of thumbnails."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types
from fiftyone import ViewField as F

from ..adapter.dataset.present import present
from ..adapter.views.cluster_queries import CLUSTER_ORDERS, cluster_order
from ..adapter.views.count_queries import histogram
from ..adapter.views.finding_views import found_view, grouped_view
from . import buttons, filters, review, scenes, thresholds, widgets
from .callbacks import Events
from .cluster_cards import draw_page
from .state import PanelState

A_PAGE = 24


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws one page of clusters, conflicts first."""
    counts = state.tally.counts
    if counts["scenes"]:
        _draw_lists(panel, events, state)
        if _lists_scenes(state):
            scenes.draw(panel, events, state, A_PAGE)
            return
    if not counts["duplicates"] and not _open(state):
        widgets.notice(panel, "none", "No image has a copy here.")
        _draw_threshold_button(widgets.row(panel, "action_buttons"), events, state)
        return
    widgets.markdown(panel, "about", _about(state))
    line = widgets.row(panel, "action_buttons")
    if counts["duplicates"]:
        review.button(line, events, "duplicates")
        buttons.action_buttons(
            panel,
            events,
            state,
            "duplicates",
            ("quarantine", "Quarantine extra copies"),
            line=line,
            tag="Tag extra copies",
            tagged="redundant_copies",
        )
    _draw_threshold_button(line, events, state)
    if _open(state):
        _draw_threshold(panel, events, state, set_data)
    found = _found(state)
    filters.draw(panel, events, state, found, CLUSTER_ORDERS)
    order = filters.order(state, CLUSTER_ORDERS)
    wanted = filters.within(state, found)
    limits = wanted if wanted != found or _moved(state) else None
    numbers = cluster_order(state.reader, order, only=limits)
    draw_page(panel, events, state, numbers, step=A_PAGE, shown="duplicates")


def grid_view(state: PanelState) -> tuple[fo.DatasetView, str]:
    """Returns what the grid shows of this tab, and what that is called."""
    if not _moved(state):
        if not filters.match(state):
            return grouped_view(state.dataset, "duplicates", state.prefix), "duplicates"
        # What is left out is left out before copies are put behind one tile
        found = found_view(state.dataset, "duplicates", state.prefix)
        return filters.narrowed(state, found), "duplicates"
    name, limit = state.field("copy_score"), _limit_shown(state)
    view = present(state.dataset).match(F(name) >= limit).sort_by(name)
    return filters.narrowed(state, view), f"images with a copy that scores {limit:.3f}"


def _limit_shown(state: PanelState) -> float:
    """Returns the threshold that was moved to, else the one in force."""
    chosen = state.kept.get("copy_score")
    return float(chosen) if chosen is not None else _in_force(state)


def _in_force(state: PanelState) -> float:
    return state.threshold("min_copy_score") or 0.0


def _lists_scenes(state: PanelState) -> bool:
    # Where there is nothing to choose from, what there is
    first = "copies" if state.tally.counts["duplicates"] else "scenes"
    return bool(state.kept.get("list", first) == "scenes")


def _draw_lists(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws the two lists of this tab."""
    counts, line = state.tally.counts, widgets.row(panel, "lists", gap=0.5)
    for name, label in (
        ("copies", f"Copies {counts['duplicates']:,}"),
        ("scenes", f"Same scene {counts['scenes']:,}"),
    ):
        widgets.button(
            line,
            name,
            label,
            events.choose_list,
            main=_lists_scenes(state) == (name == "scenes"),
            params={"list": name},
        )


def _open(state: PanelState) -> bool:
    return bool(state.kept.get("copy_score_open"))


def _moved(state: PanelState) -> bool:
    chosen = state.kept.get("copy_score")
    return chosen is not None and chosen != _in_force(state)


def _found(state: PanelState) -> dict[str, Any]:
    found: dict[str, Any] = {state.field("dup_cluster"): {"$ne": None}}
    if _moved(state):
        found[state.field("copy_score")] = {"$gte": _limit_shown(state)}
    return found


def _about(state: PanelState) -> str:
    counts = state.tally.counts
    if _moved(state):
        limit = _limit_shown(state)
        count = state.reader.count({state.field("copy_score"): {"$gte": limit}})
        return (
            f"**{count:,}** images have a copy that scores **{limit:.3f}** or more. "
            "The grid follows; clusters are made anew once you apply."
        )
    text = (
        f"{counts['duplicates']:,} images in {counts['clusters']:,} "
        f"cluster{'' if counts['clusters'] == 1 else 's'}. The copy to keep has a "
        "green frame."
    )
    if counts["conflicts"]:
        many = counts["conflicts"] > 1
        text += f" {counts['conflicts']:,} " + (
            "clusters carry two labels; they come first."
            if many
            else "cluster carries two labels; it comes first."
        )
    return text


def _draw_threshold_button(
    line: types.Object, events: Events, state: PanelState
) -> None:
    known = state.dataset.has_sample_field(state.field("copy_score"))
    if not known or state.threshold("min_copy_score") is None:
        return
    widgets.button(
        line,
        "threshold",
        f"Threshold {_in_force(state):.2f}",
        events.open_copy_score,
        icon="tune",
        main=_open(state),
        hint="How surely two images must be copies, with the count at each value.",
    )


def _draw_threshold(
    panel: types.Object, events: Events, state: PanelState, set_data: Any
) -> None:
    bars = histogram(state.reader, "copy_score")
    if not bars.counts:
        widgets.notice(panel, "no_scores", "No two images come near to being copies.")
        return
    limit = _limit_shown(state)
    threshold = thresholds.Threshold(
        "copy_score",
        "how surely an image is a copy",
        0,
        1,
        0.001,
        True,
        events.move_copy_score,
        events.pick_copy_score,
    )
    thresholds.draw(panel, threshold, bars, limit, set_data, turns=state.turns)
    if _moved(state):
        line = widgets.row(panel, "threshold_buttons")
        buttons.apply_or_reset(line, events, "duplicates", f"{limit:.3f}", moved=True)
        text = widgets.in_force(f"{_in_force(state):.3f}")
        widgets.markdown(panel, "moved", text, small=True)
