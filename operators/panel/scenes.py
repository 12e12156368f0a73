"""The list of scenes in the tab of duplicates: other moments and views, no copies."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import counted
from ..adapter.views.scene_queries import count_scenes, scenes
from . import buttons, filters, widgets
from .callbacks import Events
from .state import PanelState

_PICTURES = 8
_SIDE = 68


def draw(panel: types.Object, events: Events, state: PanelState, step: int) -> None:
    """Draws what can be done with scenes, and one page of them."""
    found = {state.field("scene_group"): {"$ne": None}}
    widgets.markdown(
        panel,
        "about",
        "Other moments or views of one scene, and frames of one recording. They are no "
        "copies: nothing here goes by default.",
    )
    line = widgets.row(panel, "action_buttons")
    widgets.button(
        line,
        "show",
        "Show in grid",
        events.show,
        icon="grid_view",
        params={"what": "scenes"},
    )
    buttons.act(line, events, state, "thin", {}, "Find images that show nothing new")
    by_scene = {"group_field": state.field("scene_group")}
    buttons.act(line, events, state, "split", by_scene, "Propose a split by scene")
    filters.draw(panel, events, state, found)
    wanted = filters.match(state)
    total = count_scenes(state.reader, wanted)
    start = state.start_of_page(total, step)
    page = scenes(state.reader, wanted, skip=start, limit=step, most_shown=_PICTURES)
    cards = widgets.row(panel, "scenes", top=True)
    for scene in page:
        frame = widgets.card(cards, f"scene_{scene.number}")
        title = f"**{counted(scene.size, 'image')}**"
        if scene.leaks:
            title += " · in several splits"
        widgets.markdown(frame, "title", title, small=True)
        pictures = widgets.row(frame, "pictures", top=True)
        for place, picture in enumerate(scene.pictures):
            own = " · ".join(part for part in (picture.label, picture.split) if part)
            widgets.thumbnail(
                pictures,
                f"picture_{place}",
                picture,
                [own] if own else [],
                on_click=events.open_sample,
                side=_SIDE,
            )
        more = scene.size - len(scene.pictures)
        if more > 0:
            widgets.markdown(pictures, "more", f"and {more:,} more", small=True)
    widgets.pager(
        panel,
        events,
        shown=len(page),
        start=start,
        step=step,
        total=total,
        things="scenes",
    )
