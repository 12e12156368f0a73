"""What can be done with the images that are selected in the grid."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone.operators.types as types

from . import buttons, widgets
from .callbacks import Events
from .state import PanelState

SELECTED = {"what": "selected"}
OBJECTS = "selected"
"""Stands for the ids of the objects that are selected."""

_LOOKED_AT = 1_000
"""Images of a large selection by which is told what can be decided of it."""


def draw(
    panel: types.Object, events: Events, state: PanelState, ids: Sequence[str]
) -> None:
    """Draws a row of buttons that are about the selection and nothing else.

    Args:
        panel: to draw on
        events: of the panel
        state: what is drawn
        ids: what is selected: images, or in a grid of objects their labels
    """
    if not ids:
        return
    found = state.reader.by_id(list(ids)[:_LOOKED_AT], ("dup_cluster", "dup_kind"))
    if not found:
        _draw_objects(panel, events, state, ids)
        return
    line = widgets.row(panel, "selected")
    widgets.markdown(line, "count", f"**{len(ids):,} selected**")
    _decide(line, events, "keep", "Keep", "They are fine. Never flagged again.")
    clusters = [one.values["dup_cluster"] for one in found.values()]
    if None not in clusters and len(set(clusters)) == len(ids):
        hint = "This copy stays, the others of its cluster go."
        _decide(line, events, "keeper", "The one to keep", hint)
    if any(one.values["dup_kind"] == "near" for one in found.values()):
        hint = "They only look alike. Holds in all later scans."
        _decide(line, events, "not_duplicate", "Not duplicates", hint)
    if state.reader.labels:
        hint = "Remembered in all later scans, as long as the label stays."
        _decide(line, events, "label_verified", "Label is right", hint)
        buttons.act(line, events, state, "retag", SELECTED, "Relabel")
    buttons.act(line, events, state, "quarantine", SELECTED, "Quarantine")
    buttons.act(line, events, state, "move", SELECTED, "Move")
    widgets.button(
        line, "tag", "Tag", events.tag, icon="sell", params={"what": "selected"}
    )
    widgets.button(line, "none", "Select none", events.select_none, plain=True)


def _draw_objects(
    panel: types.Object, events: Events, state: PanelState, ids: Sequence[str]
) -> None:
    if state.objects is None or not state.objects.by_id(list(ids)[:_LOOKED_AT]):
        return
    line = widgets.row(panel, "selected")
    things = f"object{'' if len(ids) == 1 else 's'}"
    widgets.markdown(line, "count", f"**{len(ids):,} {things} selected**")
    for what, label, hint in (
        ("keep", "Keep", "They are fine. Never flagged again."),
        (
            "label_verified",
            "Label is right",
            "Remembered in all later scans, as long as the label stays.",
        ),
    ):
        buttons.decide_on_objects(line, events, what, OBJECTS, label, hint)
    named = {"objects": OBJECTS}
    buttons.act(line, events, state, "retag", named, "Relabel")
    buttons.act(line, events, state, "remove_objects", named, "Remove")
    buttons.act(line, events, state, "tag", {"what": "view", **named}, "Tag")
    widgets.button(line, "none", "Select none", events.select_none, plain=True)


def _decide(
    line: types.Object, events: Events, what: str, label: str, hint: str
) -> None:
    # Which images is asked when it is pressed: a list of thousands in each button
    # would go to the browser with everything that is drawn
    buttons.decide(line, events, what, None, label, hint)
