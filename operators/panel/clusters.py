"""A cluster of copies, as the tabs of duplicates and leaks draw it."""

from __future__ import annotations

import fiftyone.operators.types as types

from .._fo.gallery import Cluster, Picture
from . import layout
from .events import Events


def draw_cluster(cards: types.Object, events: Events, cluster: Cluster) -> None:
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
