"""The tab of the set as a whole: what was found of it, in words and as plots.

Plots are FiftyOne's own, in its theme's colors but for the marks, which differ in
form as well as in color (the palette of Okabe and Ito).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import fiftyone.operators.types as types

from ...core.common.text import escape_markdown
from ...core.findings.set_registry import SET_FINDINGS
from . import widgets
from .callbacks import Events
from .state import PanelState

SetData = Callable[[str, Any], None]

_COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_MOST_CLASSES = 20
_PLAIN = {"displayModeBar": False, "scrollZoom": False}


def draw(
    panel: types.Object, events: Events, state: PanelState, set_data: SetData
) -> None:
    """Draws the findings of the set, and what they are about."""
    overview = state.run.report.get("overview") or {}
    if not overview:
        widgets.notice(
            panel, "none", "The scan did not look at the set as a whole. Scan again."
        )
        return
    findings = overview["findings"]
    if not findings:
        widgets.notice(panel, "none", "Nothing stands out in the set as a whole.")
    for number, one in enumerate(findings):
        _draw_finding(panel, events, number, one)
    _draw_classes(panel, overview, set_data)
    _draw_matrix(panel, overview, set_data)


def _draw_finding(
    panel: types.Object, events: Events, number: int, finding: Mapping[str, Any]
) -> None:
    card = widgets.card(panel, f"set_finding_{number}")
    label = SET_FINDINGS[finding["kind"]].label
    text = escape_markdown(f"{finding['text']}.")
    widgets.markdown(card, "text", f"**{label}**: {text}")
    more = escape_markdown(f"{finding['meaning']}. {finding['advice']}.")
    widgets.markdown(card, "more", more, small=True)
    if finding["count"]:
        widgets.button(
            card,
            "show",
            f"Show {finding['count']:,} in grid",
            events.show_of_set,
            icon="grid_view",
            params={"key": finding["key"]},
        )


def _draw_classes(
    panel: types.Object, overview: Mapping[str, Any], set_data: SetData
) -> None:
    """Draws the effective images of the largest and the smallest classes by split."""
    rows = sorted(
        zip(overview["classes"], overview["effective"], strict=True),
        key=lambda row: (-sum(row[1]), row[0]),
    )
    if len(rows) < 2:
        return
    if len(rows) > _MOST_CLASSES:
        rows = rows[: _MOST_CLASSES // 2] + rows[-_MOST_CLASSES // 2 :]
    names = [name for name, _ in rows]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": split or "images",
            "y": names,
            "x": [counts[code] for _, counts in rows],
            "marker": {"color": _COLORS[code % len(_COLORS)]},
            "hovertemplate": "%{y}: %{x}<extra>" + (split or "") + "</extra>",
        }
        for code, split in enumerate(overview["splits"])
    ]
    many = len(traces) > 1
    _plot(
        panel,
        "set_classes",
        "**Effective images of the classes**: copies and moments of one scene count "
        "once",
        traces,
        {
            "height": 90 + len(rows) * (12 + 10 * len(traces)),
            "barmode": "group",
            "showlegend": many,
            # Beside the bars, where the App puts it, it would take their room
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
            },
            "yaxis": {"autorange": "reversed", "automargin": True, "type": "category"},
        },
        set_data,
    )


def _draw_matrix(
    panel: types.Object, overview: Mapping[str, Any], set_data: SetData
) -> None:
    """Draws how many images of a class look like each class."""
    found = overview.get("looks_like") or {"classes": []}
    names = found["classes"]
    if len(names) < 2:
        return
    counts = found["images"]
    shares = [[one / max(1, sum(row)) for one in row] for row in counts]
    trace = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": shares,
        "text": counts,
        "texttemplate": "%{text}",
        "colorscale": "Cividis",
        "showscale": False,
        "hovertemplate": "%{text} images of %{y} look like %{x}<extra></extra>",
    }
    axis = {"automargin": True, "type": "category"}
    _plot(
        panel,
        "set_matrix",
        "**Images of a class (rows) that look like a class (columns)**",
        [trace],
        {
            "height": 130 + 30 * len(names),
            "xaxis": axis,
            "yaxis": {**axis, "autorange": "reversed"},
        },
        set_data,
    )


def _plot(
    panel: types.Object,
    name: str,
    title: str,
    traces: list[dict[str, Any]],
    layout: Mapping[str, Any],
    set_data: SetData,
) -> None:
    widgets.markdown(panel, f"{name}_title", title)
    margin = {"t": 8, "l": 12, "r": 12, "b": 36}
    panel.plot(name, layout={"margin": margin, **layout}, config=_PLAIN)
    set_data(name, traces)
