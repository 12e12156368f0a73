"""The tab of duplicates: clusters as rows of thumbnails."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from ..adapter.views.queries import CLUSTER_ORDERS, cluster_order
from . import buttons, review, scenes, widgets
from .callbacks import Events
from .cluster_cards import draw_page
from .state import PanelState

_A_PAGE = 6


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws one page of clusters, conflicts first, then scenes."""
    if state.tally.counts["duplicates"]:
        _draw_clusters(panel, events, state)
    else:
        widgets.notice(panel, "none", "No image has a copy here.")
    scenes.draw(panel, events, state)


def _draw_clusters(panel: types.Object, events: Events, state: PanelState) -> None:
    counts = state.tally.counts
    order_by = state.kept.get("order")
    if order_by not in CLUSTER_ORDERS:
        order_by = CLUSTER_ORDERS[0]
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
    widgets.markdown(panel, "about", text)
    line = widgets.row(panel, "action_buttons")
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
    orders = widgets.row(panel, "orders", gap=0.5)
    widgets.markdown(orders, "first", "First the", small=True)
    for order in CLUSTER_ORDERS:
        widgets.button(
            orders,
            order.replace(" ", "_"),
            order,
            events.choose_order,
            main=order == order_by,
            params={"order": order},
        )
    draw_page(
        panel,
        events,
        state,
        cluster_order(state.reader, order_by),
        step=_A_PAGE,
        shown="duplicates",
    )
