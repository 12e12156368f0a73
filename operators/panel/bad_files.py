"""The tab of bad files: by issue, and those that cannot be read with reasons."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from ...core.common.text import short_path
from ...core.findings.schema import QUARANTINED
from ..adapter.views.count_queries import count_values
from ..adapter.views.queries import Picture
from . import buttons, filters, stretches, widgets
from .callbacks import Events
from .state import PanelState

A_PAGE = 18
_UNREADABLE_SHOWN = 50
_MISSING = (
    "There is no file to quarantine. To remove such samples, select them, press the "
    "key **`** in the grid and run FiftyOne's *Delete selected samples*."
)
_WAYS = {"unreadable": "damaged and empty files", "not_read": "what is not read"}
_MEASURES = {
    "dark": ("brightest", 1),
    "bright": ("darkest", -1),
    "blurry": ("sharpness", 1),
    "low_information": ("information", 1),
}
"""Of issues that are a matter of degree, the field and which end is worst."""
_STATUS = {
    "missing": "the file is not there",
    "no_permission": "the file may not be read",
    "not_regular": "not an ordinary file",
    "empty": "the file is empty",
    "unsupported": "of no kind that is known",
    "too_large": "more pixels than the limit",
    "truncated": "cut off: the end of the file is missing",
    "corrupt": "damaged inside",
    "nonfinite": "its numbers are not finite",
    "read_error": "the disk could not read it",
    "bad_name": "its name is not valid text",
}


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws bad images by issue, and unreadable files."""
    counts = state.tally.counts
    stretches.draw(panel, events, state)
    unread = counts["unreadable"] + counts["not_read"]
    if not counts["image_issues"] and not unread:
        text = "Every file can be read, and none looks bad as a whole."
        widgets.notice(panel, "none", text)
        return
    if counts["image_issues"]:
        _draw_bad(panel, events, state)
    if unread:
        _draw_unreadable(panel, events, state, set_data)


def _draw_bad(panel: types.Object, events: Events, state: PanelState) -> None:
    name = state.field("image_issues")
    words = count_values(state.reader, name, {name: {"$ne": None}})
    kept = state.kept.get("only")
    only = str(kept if kept in words else next(iter(words)))
    widgets.markdown(
        panel,
        "about",
        f"**{state.tally.counts['image_issues']:,}** images have issues. Many of them "
        "may be fine: check them.",
    )
    issues = widgets.row(panel, "issues", gap=0.5)
    for issue, count in words.items():
        widgets.button(
            issues,
            issue,
            f"{issue.replace('_', ' ')} {count:,}",
            events.choose_issue,
            main=issue == only,
            params={"issue": issue},
        )
    buttons.action_buttons(
        panel,
        events,
        state,
        "image_issues",
        ("quarantine", f"Quarantine {only.replace('_', ' ')}"),
        show="Show all in grid",
        tag="Tag all",
        more={"issues": [only]},
    )
    measure = _MEASURES.get(only)
    orders = {"worst": {state.field(measure[0]): measure[1]}} if measure else {}
    orders["file name"] = {"filepath": 1}
    filters.draw(panel, events, state, {name: only}, list(orders))
    wanted = filters.within(state, {name: only})
    count = state.reader.count(wanted)
    start = state.start_of_page(count, A_PAGE)
    found = state.reader.pictures(
        wanted,
        ("damage_reason",),
        sort=orders[filters.order(state, list(orders))],
        skip=start,
        limit=A_PAGE,
    )
    pictures = widgets.row(panel, "pictures", top=True)
    for number, picture in enumerate(found):
        card = widgets.thumbnail(
            pictures,
            f"bad_{number}",
            picture,
            _lines(picture, only),
            on_click=events.open_sample,
        )
        buttons.keep(card, events, picture.id)
    widgets.pager(
        panel,
        events,
        shown=len(found),
        start=start,
        step=A_PAGE,
        total=count,
        things=f"{only.replace('_', ' ')} images",
        turns=state.turns,
    )


def _lines(picture: Picture, issue: str) -> list[str]:
    """Returns what stands below a picture: why it is damaged, and its label."""
    why = picture.values["damage_reason"] if issue == "damaged" else None
    return [line for line in (why, picture.label) if line]


def _draw_unreadable(
    panel: types.Object, events: Events, state: PanelState, set_data: Any
) -> None:
    status = state.field("scan_status")
    counts = state.tally.counts
    count = counts["unreadable"] + counts["not_read"]
    reasons = {bad["path"]: bad["reason"] for bad in state.run.report["unreadable"]}
    found = state.reader.pictures(
        {status: {"$nin": [None, "ok", QUARANTINED]}},
        ("scan_status",),
        sort={status: 1},
        limit=_UNREADABLE_SHOWN,
    )
    more = f"; the first {len(found)} are listed" if count > len(found) else ""
    files = "file cannot" if count == 1 else "files cannot"
    widgets.markdown(panel, "unreadable", f"**{count:,}** {files} be read{more}:")
    widgets.table(
        panel,
        "unreadable_files",
        {"file": "File", "why": "Why it cannot be read"},
        [
            {"file": short_path(p.values["filepath"]), "why": _why(p.values, reasons)}
            for p in found
        ],
        set_data,
    )
    # What may be whole is never taken for what is damaged
    for what, label in _WAYS.items():
        if counts[what]:
            buttons.action_buttons(
                panel,
                events,
                state,
                what,
                ("quarantine", f"Quarantine {label} ({counts[what]:,})"),
                name=f"{what}_buttons",
            )
    missing = state.reader.count({status: "missing"})
    if missing:
        line = widgets.row(panel, "missing")
        widgets.button(
            line,
            "show",
            f"Show what is missing ({missing:,})",
            events.show_missing,
            icon="grid_view",
        )
        widgets.markdown(line, "how", _MISSING, small=True)


def _why(values: Any, reasons: dict[str, str]) -> str:
    status = values["scan_status"]
    return reasons.get(values["filepath"]) or _STATUS.get(status, str(status))
