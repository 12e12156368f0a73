"""The tab of duplicates: clusters as rows of thumbnails."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .._fo.gallery import clusters
from . import buttons, layout
from .clusters import draw_cluster
from .events import Events
from .scene import Scene

_A_PAGE = 6
_PICTURES = 8
_SURE, _LARGE = "surest", "largest"


def draw(panel: types.Object, events: Events, scene: Scene, set_data: Any) -> None:
    """Draws one page of clusters, conflicts first."""
    counts = scene.tally.counts
    if not counts["duplicates"]:
        layout.tell(panel, "none", "No image has a copy here.")
        return
    surest = scene.state.get("order") == _SURE
    text = (
        f"{counts['duplicates']:,} images in {counts['clusters']:,} clusters. The copy "
        "to keep has a green frame."
    )
    if counts["conflicts"]:
        many = counts["conflicts"] > 1
        text += f" {counts['conflicts']:,} " + (
            "clusters carry two labels; they come first."
            if many
            else "cluster carries two labels; it comes first."
        )
    layout.say(panel, "about", text)
    line = buttons.ways(
        panel,
        events,
        scene,
        "duplicates",
        ("quarantine", "Quarantine extra copies"),
        tag="Tag extra copies",
        tagged="extra_copies",
    )
    layout.button(
        line,
        "order",
        "Largest first" if surest else "Surest first",
        events.choose_order,
        icon="sort",
        params={"order": _LARGE if surest else _SURE},
    )
    page = clusters(
        scene.reader,
        skip=scene.start,
        limit=_A_PAGE,
        most_shown=_PICTURES,
        surest_first=surest,
    )
    cards = layout.row(panel, "clusters", gap=1.5)
    for cluster in page:
        draw_cluster(cards, events, cluster)
    layout.pager(
        panel,
        events.page,
        shown=len(page),
        start=scene.start,
        step=_A_PAGE,
        total=counts["clusters"],
        things="clusters",
    )
