"""Clusters of copies, as the tabs of duplicates and leaks draw them."""

from __future__ import annotations

from typing import Literal

import fiftyone.operators.types as types
import numpy as np
from numpy.typing import NDArray

from ..adapter.views.cluster_queries import (
    Cluster,
    clusters,
    kind_of_copy,
    likeness,
    why_kept,
)
from ..adapter.views.queries import Picture
from . import widgets
from .callbacks import Events
from .state import PanelState

PICTURES = 8
SIDE = 68
"""Pixels of a picture: three pairs fit side by side into half of a laptop's screen."""

Shown = Literal["duplicates", "leaks"]
"""Of duplicates one stays, of leaks all of one side."""


def draw_page(
    panel: types.Object,
    events: Events,
    state: PanelState,
    numbers: NDArray[np.int64],
    *,
    step: int,
    shown: Shown,
) -> None:
    """Draws one page of clusters and the way to the others."""
    start = state.start_of_page(len(numbers), step)
    page = clusters(
        state.reader, numbers[start : start + step].tolist(), most_shown=PICTURES
    )
    cards = widgets.row(panel, "clusters", top=True)
    for cluster in page:
        _draw_cluster(cards, events, state, cluster, shown)
    widgets.pager(
        panel,
        events,
        shown=len(page),
        start=start,
        step=step,
        total=len(numbers),
        things="clusters",
        turns=state.turns,
    )


def _draw_cluster(
    cards: types.Object,
    events: Events,
    state: PanelState,
    cluster: Cluster,
    shown: Shown,
) -> None:
    """Draws a cluster: what stays, its copies, and what can be decided."""
    frame = widgets.card(cards, f"cluster_{cluster.number}")
    head = widgets.row(frame, "head", gap=0.25)
    title = f"**{cluster.size:,} copies**"
    if cluster.conflict:
        title = f"**{cluster.size:,}, two labels**"
    widgets.markdown(head, "title", title, small=True)
    number = {"number": cluster.number}
    actions = [
        ("show", "grid_view", "Show these copies in the grid", events.show_cluster)
    ]
    if any(picture.values["dup_kind"] == "near" for picture in cluster.pictures):
        hint = "Not duplicates: they only look alike. Holds in all later scans."
        actions.append(("not_duplicate", "call_split", hint, events.decide))
    hint = "Keep all: they are copies and stay all the same. Never flagged again."
    actions.append(("keep", "favorite_border", hint, events.decide))
    for what, icon, hint, event in actions:
        widgets.button(
            head,
            what,
            None,
            event,
            plain=True,
            icon=icon,
            params={**number, "what": what},
            hint=hint,
        )
    pictures = widgets.row(frame, "pictures", top=True)
    for place, picture in enumerate(cluster.pictures):
        stays = _stays(picture, shown)
        card = widgets.thumbnail(
            pictures,
            f"picture_{place}",
            picture,
            _lines(picture, cluster, shown, stays=stays),
            on_click=events.open_sample,
            marked=stays,
            side=SIDE,
        )
        buttons = widgets.row(card, "buttons", gap=0.25)
        if shown == "duplicates" and not stays:
            widgets.button(
                buttons,
                "keep",
                None,
                events.decide,
                plain=True,
                icon="star_border",
                params={"what": "keeper", "samples": [picture.id]},
                hint="Keep this: it stays, the others go. Holds in all later scans.",
            )
        if cluster.conflict and cluster.size == len(cluster.pictures):
            _draw_label(buttons, events, state, cluster, picture)
    more = cluster.size - len(cluster.pictures)
    if more > 0:
        widgets.markdown(pictures, "more", f"and {more:,} more", small=True)


def _draw_label(
    buttons: types.Object,
    events: Events,
    state: PanelState,
    cluster: Cluster,
    picture: Picture,
) -> None:
    """Draws the way to give all copies the label of one."""
    label = picture.label
    others = [one.id for one in cluster.pictures if one.label != label]
    if label is None or "retag" not in state.operators:
        return
    params = {"what": "selected", "samples": others, "label": label}
    widgets.button(
        buttons,
        "label",
        None,
        events.act,
        plain=True,
        icon="label",
        params={"operator": "retag", "with": params},
        hint=f"All are {label}: the other copies get this label. Shows its plan first.",
    )


def _stays(picture: Picture, shown: Shown) -> bool:
    if shown == "leaks":
        return not picture.values["leak_remove"]
    return bool(picture.values["dup_keeper"])


def _lines(
    picture: Picture, cluster: Cluster, shown: Shown, *, stays: bool
) -> list[str]:
    values = picture.values
    if shown == "leaks" and not stays:
        first = "should go"
    elif values["dup_keeper"] or shown == "leaks":
        why = why_kept(picture) if values["dup_keeper"] else ""
        first = "**keep**" if shown == "duplicates" else "**stays**"
        first += f" · {why}" * bool(why)
    else:
        first = " · ".join(filter(None, (kind_of_copy(picture), likeness(picture))))
    own = " · ".join(part for part in (picture.label, picture.split) if part)
    if own and cluster.conflict:
        own = f"**{own}**"
    return [line for line in (first, own) if line]
