"""The sections of a report on findings, by finding."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ....core.common.text import distance_text, score_text
from ....core.findings.finding import Finding
from ....core.findings.image_issues import ISSUES
from ....core.findings.schema import QUARANTINED
from ....core.report.model import Cell, Gallery, Section, Table
from ..runs.remarks import label_expectation, outlier_expectation
from ..runs.scan_report import ScanReport
from ..views import queries
from ..views.count_queries import count_pairs, count_values
from ..views.expressions import found_expression
from . import charts, copy_sections
from .report_queries import Shown, not_looked_for, words_of
from .scene_section import scenes_section
from .video_sections import stretch_tables

_FILES_LISTED = 100


def labels_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Labels that similar images contradict, the worst first."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    if not report.counts["labeled"]:
        return not_looked_for(key, title, report, finding)
    if not count:
        limit = report.thresholds.get("min_label_score")
        below = f" (no score is below {score_text(limit)})" if limit is not None else ""
        text = (f"Similar images surely contradict no label{below}.",)
        said = label_expectation(report)
        return Section(
            key, title, 0, (*text, *(f"Of all labels {one}." for one in said))
        )
    text = (
        "Images whose label similar images contradict, the worst first, each beside "
        "the image most like it that is not its copy. The score is 0 where nothing "
        "supports the label and 100 where all does.",
    )
    names = ("label_score", "label_suggestion", "outlier_nearest")
    sort = {shown.field("label_score"): 1}
    match = {shown.field("label_issue"): True}
    pairs = [
        shown.pair(
            one,
            nearest,
            None,
            (
                f"labeled {one.label}, looks like {one.values['label_suggestion']}"
                if one.values["label_suggestion"]
                else f"labeled {one.label}",
                f"score {score_text(one.values['label_score'])}",
            ),
            {
                "label": one.label,
                "suggestion": one.values["label_suggestion"],
                "score": one.values["label_score"],
            },
        )
        for one, nearest in _beside_nearest(shown, match, names, sort)
    ]
    columns = ("Label in doubt", "Most similar image")
    galleries = (Gallery("labels", "", columns, "images", count, tuple(pairs)),)
    score = charts.spread(
        shown, report, "label_score", "Label scores of all images", "min_label_score"
    )
    tables = (_confused(shown),)
    return Section(key, title, count, text, tables, galleries, histograms=score)


def _confused(shown: Shown) -> Table:
    pairs = count_pairs(shown.reader, {shown.field("label_issue"): True})
    return Table(
        "confused",
        "Which class is taken for which",
        ("Labeled", "Similar images are", "Images"),
        tuple(pairs[: shown.top]),
        len(pairs),
    )


def outliers_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Images unlike all others, each beside the one most like it."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    if finding.words in report.not_looked_for:
        return not_looked_for(key, title, report, finding)
    if not count:
        return Section(key, title, 0, ("No image is far from all others.",))
    names = ("outlier_distance", "outlier_cause", "outlier_nearest")
    match = {shown.field("outlier"): True}
    sort = {shown.field("outlier_distance"): -1}
    pairs = [
        shown.pair(
            one,
            nearest,
            None,
            (
                f"distance {distance_text(one.values['outlier_distance'])}",
                *(
                    (one.values["outlier_cause"],)
                    if one.values["outlier_cause"]
                    else ()
                ),
            ),
            {
                "distance": one.values["outlier_distance"],
                "cause": one.values["outlier_cause"],
            },
        )
        for one, nearest in _beside_nearest(shown, match, names, sort)
    ]
    text = (
        "Images far from all similar ones that are not their copies, the most unusual "
        "first, each beside the most similar image. A larger distance is more unusual; "
        f"those above {report.thresholds['max_outlier_distance']:.3g} are listed.",
        *(f"{said.capitalize()}." for said in outlier_expectation(report)),
    )
    columns = ("Outlier", "Most similar image")
    galleries = (Gallery("outliers", "", columns, "images", count, tuple(pairs)),)
    distance = charts.spread(
        shown,
        report,
        "outlier_distance",
        "Outlier distances of all images",
        "max_outlier_distance",
    )
    return Section(key, title, count, text, galleries=galleries, histograms=distance)


def bad_images_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Damaged, dark, bright, blurry and odd images, by issue."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    odd = report.counts.get("odd_images", 0)
    tables = stretch_tables(shown, report)
    if not count:
        none = ("No image is damaged, dark, bright, blurry or odd.",)
        return Section(key, title, 0, none, tables)
    name = shown.field("image_issues")
    words = count_values(shown.reader, name, {name: {"$ne": None}})
    galleries = []
    for issue in ISSUES:
        if issue not in words:
            continue
        why = ("damage_reason",) if issue == "damaged" else ()
        found = shown.reader.pictures({name: issue}, why, limit=shown.top)
        pairs = [
            shown.pair(one, None, None, [one.values[name] for name in why], {})
            for one in found
        ]
        things = issue.replace("_", " ")
        galleries.append(
            Gallery(
                issue,
                things.capitalize(),
                ("Image", ""),
                "images",
                words[issue],
                tuple(pairs),
            )
        )
    text = ["Many of them may be fine: check them. An image may be in several."]
    if odd:
        text.append(f"{odd:,} are only unlike most others in size, shape or color.")
    bars = charts.bars("Images by issue", ((one.title, one.total) for one in galleries))
    return Section(key, title, count - odd, tuple(text), tables, tuple(galleries), bars)


def _beside_nearest(
    shown: Shown, match: Mapping[str, Any], names: tuple[str, ...], sort: dict[str, int]
) -> Iterable[tuple[queries.Picture, queries.Picture | None]]:
    found = shown.reader.pictures(match, names, sort=sort, limit=shown.top)
    ids = [one.values["outlier_nearest"] for one in found]
    nearest = shown.reader.by_id([one for one in ids if one], ())
    for one in found:
        yield one, nearest.get(one.values["outlier_nearest"])


def unreadable_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Files that cannot be read, by reason."""
    key, title, count = finding.section, "Unreadable files", report.counts[finding.name]
    if not count:
        return Section(key, title, 0, ("Every file can be read.",))
    status = shown.field("scan_status")
    found = shown.reader.pictures(
        {status: {"$nin": [None, "ok", QUARANTINED]}},
        ("scan_status",),
        sort={status: 1},
        limit=_FILES_LISTED,
    )
    why = {bad["path"]: bad["reason"] for bad in report.unreadable}
    files: list[tuple[Cell, ...]] = [
        (
            shown.relative(one.values["filepath"]),
            words_of(one.values["scan_status"]),
            why.get(one.values["filepath"], "").replace(shown.root + os.sep, ""),
        )
        for one in found
    ]
    files += [
        (shown.relative(bad["path"]), words_of(bad["status"]), bad["reason"])
        for bad in shown.not_held[: _FILES_LISTED - len(files)]
    ]
    reasons = tuple(
        (words_of(name.removeprefix("status_")), number)
        for name, number in report.counts.items()
        if name.startswith("status_") and number
    )
    tables = (
        Table("reasons", "By reason", ("Reason", "Files"), reasons, len(reasons)),
        Table(
            "files", "The files", ("File", "Reason", "In words"), tuple(files), count
        ),
    )
    text = ("They were not compared and have no findings.",)
    bars = charts.bars("Files by reason", reasons)
    return Section(key, title, count, text, tables, bars=bars)


def pictures_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Images of a finding that has no section of its own kind."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    if finding.words in report.not_looked_for:
        return not_looked_for(key, title, report, finding)
    if not count:
        return Section(key, title, 0, ("Nothing was found.",))
    found = shown.reader.pictures(
        {"$expr": found_expression(finding.name, shown.reader.prefix).to_mongo()},
        (),
        sort={shown.field(finding.sort_by): -1 if finding.descending else 1},
        limit=shown.top,
    )
    pairs = tuple(shown.pair(one, None, None, (), {}) for one in found)
    gallery = Gallery(finding.name, "", ("Image", ""), "images", count, pairs)
    return Section(key, title, count, (finding.note,), galleries=(gallery,))


_SECTIONS = {
    "duplicates": copy_sections.duplicates_section,
    "conflicts": copy_sections.conflicts_section,
    "leaks": copy_sections.leaks_section,
    "label_issues": labels_section,
    "outliers": outliers_section,
    "scenes": scenes_section,
    "image_issues": bad_images_section,
    "unreadable": unreadable_section,
}
"""By finding; all others show their pictures, no more."""


def finding_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Returns the section of a finding that has a line in the summary."""
    return _SECTIONS.get(finding.name, pictures_section)(shown, report, finding)
