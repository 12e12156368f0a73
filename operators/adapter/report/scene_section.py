"""The section of a report on scenes: other moments and views, and recordings."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.findings.finding import Finding
from ....core.report.model import Gallery, Section, Table
from ..runs.remarks import recordings
from ..runs.scan_report import ScanReport
from ..views.count_queries import count_values
from ..views.queries import Picture
from ..views.scene_queries import scenes
from . import charts
from .report_queries import Shown, not_looked_for

_LOOKED_AT = 8
"""Images of a scene among which its first two photographs are looked for."""


def scenes_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Two photographs of each scene, which splits share scenes, and recordings."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    if finding.words in report.not_looked_for:
        return not_looked_for(key, title, report, finding)
    if not count:
        return Section(key, title, 0, ("Nothing was found.",))
    total = report.counts["scene_groups"]
    text = (
        "Other moments and views of one scene, the largest scenes first. They are no "
        "copies, and no default removes them.",
        *(f"{one[0].upper()}{one[1:]}." for one in recordings(report)),
    )
    pairs = tuple(
        shown.pair(
            one,
            other,
            None,
            (f"scene of {one.values['scene_size']:,} images",),
            {"scene": one.values["scene_group"], "size": one.values["scene_size"]},
        )
        for one, other in _first_two(shown)
    )
    columns = ("An image", "Another of its scene")
    gallery = Gallery(finding.name, "", columns, "scenes", total, pairs)
    tables = tuple(
        table for table in (_leaks(report), _recordings(shown)) if table.rows
    )
    bars = charts.group_sizes(shown, "scene_group", "Scenes by number of images")
    return Section(key, title, count, text, tables, (gallery,), bars=bars)


def _first_two(shown: Shown) -> Iterator[tuple[Picture, Picture | None]]:
    """Yields of each scene an image and the next that is no copy of it."""
    for scene in scenes(
        shown.reader,
        {},
        skip=0,
        limit=shown.top,
        most_shown=_LOOKED_AT,
        fields=("scene_group", "scene_size", "dup_cluster"),
    ):
        first, *others = scene.pictures
        cluster = first.values["dup_cluster"]
        fresh = (
            one
            for one in others
            if cluster is None or one.values["dup_cluster"] != cluster
        )
        yield first, next(fresh, None)


def _leaks(report: ScanReport) -> Table:
    rows = tuple(
        (one, other, count)
        for one, others in report.scene_matrix.items()
        for other, count in others.items()
        if count
    )
    title = "Scenes in two splits"
    columns = ("Images of", "Another moment is in", "Images")
    return Table("scene_leaks", title, columns, rows, len(rows))


def _recordings(shown: Shown) -> Table:
    name = shown.field("winnow_sequence")
    frames = count_values(shown.reader, name, {name: {"$ne": None}})
    longest = tuple(frames.items())[: shown.top]
    columns = ("Recording", "Images")
    return Table("recordings", "Recordings", columns, longest, len(frames))
