"""Scenes in the tabs of duplicates and leaks: what is no copy, and stays."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import counted, escape_markdown
from ..adapter.runs.scan_report import report_of
from ..adapter.views.scene_queries import count_scenes, scenes
from . import buttons, filters, widgets
from .callbacks import Events
from .cluster_cards import PICTURES, SIDE
from .state import PanelState


def draw(panel: types.Object, events: Events, state: PanelState, step: int) -> None:
    """Draws what can be done with scenes, and one page of them."""
    found = {state.field("scene_group"): {"$ne": None}}
    widgets.markdown(
        panel,
        "about",
        f"{state.tally.counts['scenes']:,} images are other moments or views of "
        f"{counted(report_of(state.run).counts['scene_groups'], 'scene')}, or frames "
        "of recordings. They are no copies, and nothing removes them.",
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
    page = scenes(state.reader, wanted, skip=start, limit=step, most_shown=PICTURES)
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
                side=SIDE,
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
        turns=state.turns,
    )


def draw_leaks(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws a card of scenes that splits share; nothing where they share none."""
    leaks = state.tally.counts["scene_leaks"]
    if not leaks:
        return
    card = widgets.card(panel, "scene_leaks")
    pairs = ", ".join(
        f"{escape_markdown(one)} in {escape_markdown(other)} {count:,}"
        for one, others in report_of(state.run).scene_matrix.items()
        for other, count in others.items()
        if count
    )
    widgets.markdown(
        card,
        "about",
        f"**Same scene.** {leaks:,} images have another moment or view of their scene "
        f"in another split, and no copy ({pairs}). They stay.",
    )
    line = widgets.row(card, "scene_leak_buttons")
    widgets.button(
        line,
        "show_scene_leaks",
        "Show them",
        events.show,
        icon="grid_view",
        params={"what": "scene_leaks"},
    )
    by_scene = {"group_field": state.field("scene_group")}
    label = "Propose a split by scene"
    buttons.act(line, events, state, "split", by_scene, label, name="split_scenes")
