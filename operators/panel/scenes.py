"""Scenes in the tabs of duplicates and leaks: what is no copy, and stays."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import escape_markdown
from ..adapter.runs.scan_report import report_of
from . import buttons, widgets
from .callbacks import Events
from .state import PanelState

_SCENES = 3
_PICTURES = 6


def draw(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws a card of the largest scenes; nothing where the scan found none."""
    images, groups = state.tally.counts["scenes"], _scene_count(state)
    if not images:
        return
    card = widgets.card(panel, "scenes")
    widgets.markdown(
        card,
        "about",
        f"**Same scene.** {images:,} images are other moments or views of {groups:,} "
        f"scene{'' if groups == 1 else 's'}, or frames of recordings. They are no "
        "copies, and nothing removes them.",
    )
    line = widgets.row(card, "scene_buttons")
    widgets.button(
        line,
        "show_scenes",
        "Show scenes",
        events.show,
        icon="grid_view",
        params={"what": "scenes"},
    )
    buttons.act(line, events, state, "thin", {}, "Find images that show nothing new")
    group = state.field("scene_group")
    for number in range(min(_SCENES, groups)):
        pictures = state.reader.pictures(
            {group: number}, ("scene_size",), sort={"filepath": 1}, limit=_PICTURES
        )
        if not pictures:  # they were put away since
            continue
        shown = widgets.row(card, f"scene_{number}", top=True)
        for place, picture in enumerate(pictures):
            lines = [line for line in (picture.label, picture.split) if line]
            widgets.thumbnail(
                shown, f"moment_{place}", picture, lines, on_click=events.open_sample
            )
        more = pictures[0].values["scene_size"] - len(pictures)
        if more > 0:
            widgets.markdown(shown, "more", f"and {more:,} more", small=True)


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


def _scene_count(state: PanelState) -> int:
    count: int = report_of(state.run).counts["scene_groups"]
    return count
