"""Stretches of videos in the tab of bad files."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import escape_markdown
from ...core.findings.registry import SEGMENTS, VIDEO_ISSUES
from ...core.scan.video_findings import VIDEO_ISSUES as ALL_ISSUES
from ..adapter.runs.remarks import video_remarks
from . import widgets
from .callbacks import Events
from .state import PanelState


def draw(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws a card of the stretches; nothing where the scan was of images."""
    counts = state.run.report["counts"]
    if VIDEO_ISSUES.name not in counts:
        return
    card = widgets.card(panel, "stretches")
    issues = ", ".join(
        f"{name.replace('_', ' ')} {counts[f'video_{name}']:,}"
        for name in ALL_ISSUES
        if counts[f"video_{name}"]
    )
    text = "; ".join([issues or "no video has a bad stretch", *video_remarks(counts)])
    widgets.markdown(
        card, "stretches", f"**Stretches of videos.** {escape_markdown(text)}."
    )
    line = widgets.row(card, "stretch_buttons")
    for what, label in (
        (SEGMENTS, "Show each stretch as a clip"),
        (VIDEO_ISSUES.name, "Show videos with bad stretches"),
    ):
        widgets.button(
            line, what, label, events.show, icon="grid_view", params={"what": what}
        )
