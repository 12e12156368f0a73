"""The charts of a report: one for each finding that has images."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....core.report.model import Bars, Histogram
from ..runs.scan_report import ScanReport
from ..views.count_queries import histogram
from ..views.finding_views import aggregate
from .report_queries import Shown

_MOST_BARS = 15
_SIZES = (2, 3, 5, 10, 20)
"""Where bins of group sizes begin."""


def bars(title: str, rows: Iterable[tuple[str, int]]) -> tuple[Bars, ...]:
    """Returns numbers as bars, the first ones; nothing for a single one.

    Args:
        title: what they show
        rows: name and number, in their order
    """
    shown = [(name, (number,)) for name, number in rows if number][:_MOST_BARS]
    return (Bars(title, ("",), tuple(shown)),) if len(shown) > 1 else ()


def spread(
    shown: Shown, report: ScanReport, field: str, title: str, setting: str
) -> tuple[Histogram, ...]:
    """Returns how a number is spread over all images, and where its threshold is.

    Args:
        shown: what may be shown
        report: of the scan
        field: of the number, by its plain name
        title: what is counted
        setting: name of its threshold
    """
    found = histogram(shown.reader, field)
    if not found.counts:
        return ()
    threshold = report.thresholds[setting]
    said = "" if threshold is None else f"threshold {threshold:.3g}"
    counts, edges = tuple(found.counts), tuple(found.edges)
    return (Histogram(title, edges, counts, threshold, said),)


def group_sizes(shown: Shown, field: str, title: str) -> tuple[Bars, ...]:
    """Returns how many groups have how many images.

    Args:
        shown: what may be shown
        field: the number of an image's group, by its plain name
        title: what is counted
    """
    group = shown.field(field)
    steps: list[dict[str, Any]] = [
        {"$match": {group: {"$ne": None}}},
        {"$group": {"_id": f"${group}", "images": {"$sum": 1}}},
        {"$group": {"_id": "$images", "groups": {"$sum": 1}}},
    ]
    counts = dict.fromkeys(_SIZES, 0)
    for row in aggregate(shown.reader.dataset, steps):
        if row["_id"] >= _SIZES[0]:
            counts[max(size for size in _SIZES if size <= row["_id"])] += row["groups"]
    ends = [*(size - 1 for size in _SIZES[1:]), None]
    return bars(
        title,
        (
            (_size_words(size, end), counts[size])
            for size, end in zip(_SIZES, ends, strict=True)
        ),
    )


def _size_words(first: int, last: int | None) -> str:
    if last is None:
        return f"{first} images or more"
    return f"{first} images" if first == last else f"{first} to {last} images"
