"""Recordings in the tab of leaks: which splits share them, and what they repeat."""

from __future__ import annotations

import fiftyone.operators.types as types

from ...core.common.text import escape_markdown
from ..adapter.runs.remarks import recordings
from ..adapter.runs.scan_report import report_of
from . import buttons, widgets
from .callbacks import Events
from .state import PanelState


def draw(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws a card of the recordings; nothing where the scan found none."""
    counts = state.tally.counts
    if not counts["sequences"]:
        return
    card = widgets.card(panel, "sequences")
    text = "; ".join(recordings(report_of(state.run)))
    widgets.markdown(
        card, "recordings", f"**Recordings.** {escape_markdown(text).capitalize()}."
    )
    line = widgets.row(card, "recording_buttons")
    leaking = bool(counts["sequence_leaks"])
    widgets.button(
        line,
        "show_recordings",
        "Show recordings in several splits" if leaking else "Show recordings",
        events.show,
        icon="grid_view",
        params={"what": "sequence_leaks" if leaking else "sequences"},
    )
    if leaking:
        by_recording = {"group_field": state.field("winnow_sequence")}
        label = "Propose a split by recording"
        buttons.act(
            line, events, state, "split", by_recording, label, name="split_recordings"
        )
    buttons.act(line, events, state, "thin", {}, "Find frames that show nothing new")
    if counts["bursts"]:
        buttons.action_buttons(
            card,
            events,
            state,
            "bursts",
            ("quarantine", f"Quarantine {counts['bursts']:,} redundant frames"),
            name="burst_buttons",
            show="Show redundant frames",
        )
