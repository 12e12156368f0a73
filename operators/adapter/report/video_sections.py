"""What a report says of videos beyond what it says of images."""

from __future__ import annotations

from typing import Any

from ....core.report.model import Cell, Table
from ..runs.scan_report import ScanReport
from .report_queries import Shown

_VIDEOS_LISTED, _STRETCHES_LISTED = 200, 100


def stretch_tables(shown: Shown, report: ScanReport) -> tuple[Table, ...]:
    """Returns a table of the stretches that were found; none for images."""
    if not report.of_videos:
        return ()
    name = shown.field("winnow_segments")
    found = shown.reader.pictures(
        {f"{name}.detections.0": {"$exists": True}},
        ("winnow_segments",),
        limit=_VIDEOS_LISTED,
    )
    stretches = [
        (one.values["filepath"], stretch)
        for one in found
        for stretch in one.values["winnow_segments"]["detections"]
    ]
    listed = stretches[:_STRETCHES_LISTED]
    others = {stretch.get("of") for _, stretch in listed} - {None}
    paths = shown.reader.paths(sorted(others))
    rows = [_row(shown, path, stretch, paths) for path, stretch in listed]
    headers = ("Video", "Stretch", "First frame", "Last frame", "Also in")
    count = sum(n for key, n in report.counts.items() if key.startswith("segments_"))
    return (Table("stretches", "Stretches of videos", headers, tuple(rows), count),)


def _row(
    shown: Shown, path: str, stretch: dict[str, Any], paths: dict[str, str]
) -> tuple[Cell, ...]:
    first, last = stretch["support"]
    other = paths.get(stretch.get("of", ""))
    where = shown.relative(other) if other else ""
    return shown.relative(path), stretch["label"], first, last, where
