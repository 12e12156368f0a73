"""A threshold to move: a diagram of all values, a slider, and a number to type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone.operators.types as types

from ..adapter.views.count_queries import Histogram
from . import inputs, widgets
from .callbacks import Event

_BLUE, _ORANGE = "#6d8fc7", "#f58518"


@dataclass(frozen=True)
class Threshold:
    """What a threshold is about.

    Attributes:
        name: of its parts in the panel
        axis: what the values are, in words
        low: the smallest that it can be
        high: the largest
        step: between two values
        flags_above: whether it flags what lies above it; else what lies below
        on_move: called with ``value``
        on_pick: called with ``x``, where the diagram was clicked
    """

    name: str
    axis: str
    low: float
    high: float
    step: float
    flags_above: bool
    on_move: Event
    on_pick: Event


def draw(
    panel: types.Object,
    threshold: Threshold,
    bars: Histogram,
    limit: float,
    set_data: Any,
    *,
    turns: Mapping[str, int],
) -> None:
    """Draws the values, with those that are flagged in another color, and the ways to
    move the limit; ``turns`` is how often each input was changed."""
    _draw_histogram(panel, threshold, bars, limit, set_data)
    line = widgets.row(panel, f"{threshold.name}_buttons")
    inputs.slider(
        line,
        f"{threshold.name}_slider",
        limit,
        threshold.low,
        threshold.high,
        threshold.step,
        turns=turns,
        on_change=threshold.on_move,
    )
    digits = DIGITS[threshold.name]
    shown = f"{limit:.{digits}f}"
    inputs.number(line, threshold.name, shown, turns=turns, on_change=threshold.on_move)


DIGITS = {"copy_score": 3, "outlier_distance": 3, "label_score": 1}
"""To which a threshold is shown, and moved."""


def number_in(value: Any, digits: int) -> float | None:
    """Returns a number to some digits; None for a text that is none."""
    try:
        return round(float(value), digits)
    except (TypeError, ValueError, OverflowError):
        return None


def _draw_histogram(
    panel: types.Object,
    threshold: Threshold,
    bars: Histogram,
    limit: float,
    set_data: Any,
) -> None:
    middle = [(a + b) / 2 for a, b in zip(bars.edges, bars.edges[1:], strict=False)]
    name = f"{threshold.name}_bars"
    panel.plot(
        name,
        layout={
            "height": 150,
            "bargap": 0.05,
            "margin": {"t": 8, "l": 44, "r": 12, "b": 36},
            "xaxis": {"title": {"text": threshold.axis}},
            # Most images are fine: a plain scale would hide those that are not
            "yaxis": {"type": "log", "title": {"text": "images"}, "dtick": 1},
            "shapes": [
                {
                    "type": "line",
                    "x0": limit,
                    "x1": limit,
                    "y0": 0,
                    "y1": 1,
                    "yref": "paper",
                    "line": {"color": _ORANGE, "width": 2, "dash": "dash"},
                }
            ],
        },
        config={"displayModeBar": False, "scrollZoom": False},
        on_click=threshold.on_pick,
    )
    above = threshold.flags_above
    colors = [_ORANGE if (x > limit) == above else _BLUE for x in middle]
    set_data(
        name,
        [
            {
                "type": "bar",
                "x": middle,
                "y": bars.counts,
                "marker": {"color": colors},
                "hovertemplate": "%{y} images at %{x:.3f}<extra></extra>",
            }
        ],
    )
