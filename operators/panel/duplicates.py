"""The tab of duplicates: clusters as rows of thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fiftyone.operators.types as types

from .._fo.gallery import Cluster, Picture, clusters
from . import actions, layout
from .scene import Scene

if TYPE_CHECKING:
    from .panel import WinnowPanel

_A_PAGE = 6
_PICTURES = 8
_SURE, _LARGE = "surest", "largest"


def draw(panel: types.Object, events: WinnowPanel, scene: Scene, set_data: Any) -> None:
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
    line = layout.row(panel, "ways")
    layout.button(
        line,
        "show",
        "Show in grid",
        events.show,
        icon="grid_view",
        params={"what": "duplicates"},
    )
    layout.button(
        line,
        "tag",
        "Tag extra copies",
        events.tag,
        icon="sell",
        params={"what": "extra_copies"},
    )
    actions.button(
        line,
        events,
        scene,
        "quarantine",
        {"what": "duplicates"},
        "Quarantine extra copies",
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


def draw_cluster(cards: types.Object, events: WinnowPanel, cluster: Cluster) -> None:
    """Draws a cluster: its keeper, its copies, and what can be decided."""
    frame = layout.card(cards, f"cluster_{cluster.number}")
    head = layout.row(frame, "head")
    title = f"**{cluster.size:,} copies**"
    if cluster.conflict:
        title += " · **two labels**"
    layout.say(head, "title", title)
    layout.button(
        head,
        "show",
        "Show",
        events.show_cluster,
        icon="grid_view",
        params={"number": cluster.number},
    )
    number = {"number": cluster.number}
    if any(picture.values["dup_kind"] == "near" for picture in cluster.pictures):
        layout.button(
            head,
            "part",
            "Not duplicates",
            events.decide,
            icon="call_split",
            params={"what": "not_duplicate", **number},
            hint="They only look alike. Remembered in all later scans.",
        )
    layout.button(
        head,
        "keep",
        "Keep all",
        events.decide,
        icon="favorite_border",
        params={"what": "keep", **number},
        hint="They are copies and stay all the same. Never flagged again.",
    )
    pictures = layout.row(frame, "pictures")
    for number, picture in enumerate(cluster.pictures):
        layout.thumbnail(
            pictures,
            f"picture_{number}",
            picture,
            _lines(picture, cluster),
            on_click=events.open_sample,
            marked=bool(picture.values["dup_keeper"]),
        )
    more = cluster.size - len(cluster.pictures)
    if more > 0:
        layout.say(pictures, "more", f"and {more:,} more", small=True)


def _lines(picture: Picture, cluster: Cluster) -> list[str]:
    values = picture.values
    if values["dup_keeper"]:
        first = "**keep**"
        second = _why_kept(picture)
    else:
        kind = {"bytes": "same file", "pixels": "same pixels"}.get(values["dup_kind"])
        first = kind or str(values["dup_relation"] or "changed copy")
        second = f"similarity {values['dup_similarity']:.2f}"
    own = " · ".join(part for part in (picture.label, picture.split) if part)
    if own and cluster.conflict:
        own = f"**{own}**"
    return [line for line in (first, second, own) if line]


def _why_kept(picture: Picture) -> str:
    reason = str(picture.values["keeper_reason"] or "")
    if reason == "protected":
        return f"in {picture.split}" if picture.split else "kept by you"
    return reason
