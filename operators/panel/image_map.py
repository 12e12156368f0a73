"""The tab of the map: all images by their embeddings, colored by finding."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from ..adapter.views.map_points import NOTHING, map_points
from . import widgets
from .callbacks import Events
from .state import PanelState

_MARKS = (
    ("#d55e00", "circle"),
    ("#e69f00", "square"),
    ("#cc79a7", "diamond"),
    ("#56b4e9", "triangle-up"),
    ("#009e73", "cross"),
)
"""Kinds differ in form as well as in color (the palette of Okabe and Ito)."""


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws the map, on which images are selected by drawing around them."""
    points = map_points(state.reader)
    if not points:
        widgets.markdown(
            panel,
            "none",
            "The map puts similar images side by side, by the embeddings of the scan.",
        )
        line = widgets.row(panel, "make")
        widgets.button(
            line,
            "make",
            "Make the map",
            events.use_embeddings,
            main=True,
            icon="workspaces",
        )
        return
    widgets.markdown(
        panel,
        "about",
        "Similar images lie side by side. Draw around some to select them: what can be "
        "done with them then stands above.",
    )
    panel.plot(
        "map",
        layout={
            "height": 520,
            "dragmode": "lasso",
            "showlegend": True,
            "legend": {"orientation": "h"},
            "margin": {"t": 8, "l": 8, "r": 8, "b": 8},
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
        },
        config={"displayModeBar": False, "scrollZoom": True},
        on_selected=events.choose_on_map,
    )
    marks = iter(_MARKS)
    traces = []
    for name, some in points.items():
        nothing = name == NOTHING
        color, form = ("#8a8a8a", "circle") if nothing else next(marks)
        of_all = f" ({some.total:,})"
        traces.append(
            {
                "type": "scattergl",
                "mode": "markers",
                "name": name + of_all,
                "ids": some.ids,
                "x": some.x,
                "y": some.y,
                "hoverinfo": "name",
                "marker": {
                    "color": color,
                    "symbol": form,
                    "size": 4 if nothing else 7,
                    "opacity": 0.4 if nothing else 0.9,
                },
            }
        )
    set_data("map", traces)
