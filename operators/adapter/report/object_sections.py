"""The sections of a report on labeled objects, by finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....core.common.text import distance_text, score_text
from ....core.findings.finding import Finding
from ....core.objects.agreement import DISAGREEMENTS
from ....core.reading.thumbnails import boxes_thumbnail, crop_thumbnail
from ....core.report.model import Gallery, Pair, Picture, Section
from ..runs.finding_lines import finding_lines
from ..runs.paths import thumbnails_folder
from ..runs.scan_report import ScanReport
from ..views.object_copies import boxes_to_draw, copies_of
from ..views.object_queries import ObjectQueries, ShownObject
from . import charts
from .report_queries import Shown, not_looked_for

Told = tuple[tuple[str, ...], Picture | None]


def object_section(shown: Shown, report: ScanReport, finding: Finding) -> Section:
    """Returns the section of a finding of objects: the first ones, as crops."""
    key, title, count = finding.section, finding.label, report.counts[finding.name]
    if finding.words in report.not_looked_for:
        return not_looked_for(key, title, report, finding)
    if not count:
        return Section(key, title, 0, ("Nothing was found.",))
    what = _SECTIONS[finding.name]
    reader = ObjectQueries(shown.reader.dataset, shown.reader.run, shown.reader.prefix)
    found = reader.page(finding.name, what.fields, 0, shown.top)
    told = what.tell(shown, reader, found)
    pairs = tuple(
        Pair(_crop(shown, one), target, None, says, {"object": one.id, "says": says[0]})
        for one, (says, target) in zip(found, told, strict=True)
    )
    line = next(one for one in finding_lines(report) if one.finding is finding)
    remarks = tuple(f"{remark.capitalize()}." for remark in line.remarks)
    gallery = Gallery(finding.name, "", what.columns, "objects", count, pairs)
    classes = reader.classes(finding.name, None).items()
    by_class = ((name or "no label", number) for name, number in classes)
    bars = charts.bars("Objects by class", by_class)
    text = (what.text, *remarks)
    return Section(key, title, count, text, galleries=(gallery,), bars=bars)


@dataclass(frozen=True)
class _What:
    """What a section says of a finding.

    Attributes:
        text: a paragraph
        columns: what From and To are
        fields: attributes that are shown
        tell: objects -> for each what is said of it, and what it is shown beside
    """

    text: str
    columns: tuple[str, str]
    fields: Sequence[str]
    tell: Callable[[Shown, ObjectQueries, Sequence[ShownObject]], Iterable[Told]]


def _labels(
    shown: Shown, reader: ObjectQueries, found: Sequence[ShownObject]
) -> Iterable[Told]:
    ids = [str(one.values["label_counterexample"]) for one in found]
    beside = reader.by_id([one for one in ids if one != "None"])
    for one, other in zip(found, ids, strict=True):
        suggestion, score = one.values["label_suggestion"], one.values["label_score"]
        looks = f", looks like {suggestion}" if suggestion else ""
        nearest = beside.get(other)
        yield (
            (f"labeled {one.label}{looks}", f"score {score_text(score)}"),
            _crop(shown, nearest) if nearest else None,
        )


def _outliers(
    shown: Shown, reader: ObjectQueries, found: Sequence[ShownObject]
) -> Iterable[Told]:
    for one in found:
        yield (f"distance {distance_text(one.values['outlier_distance'])}",), None


def _clusters(
    shown: Shown, reader: ObjectQueries, found: Sequence[ShownObject]
) -> Iterable[Told]:
    for one in found:
        splits = one.values["leak_splits"]
        says = [f"cluster {one.values['dup_cluster']}", str(one.values["dup_kind"])]
        yield (*says, *([f"also in {', '.join(splits)}"] if splits else [])), None


def _boxes(
    shown: Shown, reader: ObjectQueries, found: Sequence[ShownObject]
) -> Iterable[Told]:
    for one in found:
        yield tuple(one.values["box_issues"]), None


def _disagreements(
    shown: Shown, reader: ObjectQueries, found: Sequence[ShownObject]
) -> Iterable[Told]:
    copies = copies_of(shown.reader, [one.sample for one in found])
    boxes = reader.of_samples(list(set(copies.values())), ("copy_agreement",))
    for one in found:
        kind = one.values["copy_agreement"]
        other = one.values["copy_label"]
        says = {
            "missing": "a copy lacks it",
            "shifted": "elsewhere in a copy",
            "other label": f"labeled {one.label}, in a copy {other}",
        }[kind]
        copy = copies.get(one.sample)
        target = _with_boxes(shown, boxes[copy]) if copy and boxes[copy] else None
        yield (says,), target


_SECTIONS = {
    "object_label_issues": _What(
        "Objects whose label similar objects contradict, the worst first, each beside "
        "the most similar object of the suggested label.",
        ("Label in doubt", "Most similar object"),
        ("label_score", "label_suggestion", "label_counterexample"),
        _labels,
    ),
    "object_outliers": _What(
        "Objects far from all similar ones, the most unusual first.",
        ("Object", ""),
        ("outlier_distance",),
        _outliers,
    ),
    "object_duplicates": _What(
        "Objects that are also in a picture which is no copy of theirs, by cluster.",
        ("Object", ""),
        ("dup_cluster", "dup_kind", "leak_splits"),
        _clusters,
    ),
    "object_leaks": _What(
        "Objects that are also in a picture of another split.",
        ("Object", ""),
        ("dup_cluster", "dup_kind", "leak_splits"),
        _clusters,
    ),
    "bad_boxes": _What(
        "Boxes that are degenerate, outside of the picture, or a second one on an "
        "object. What is degenerate has no crop.",
        ("Object", ""),
        ("box_issues",),
        _boxes,
    ),
    "box_disagreements": _What(
        "Boxes that a copy of their picture lacks, has elsewhere or with another "
        f"label ({', '.join(DISAGREEMENTS)}), each beside that copy and all of its "
        "boxes; those in doubt are orange.",
        ("Box", "A copy of its picture"),
        ("copy_agreement", "copy_label"),
        _disagreements,
    ),
}


def _crop(shown: Shown, one: ShownObject) -> Picture:
    small = one.box and crop_thumbnail(one.filepath, one.box, thumbnails_folder())
    return _picture(shown, one, one.label, small or None)


def _with_boxes(shown: Shown, found: Sequence[ShownObject]) -> Picture:
    boxes = boxes_to_draw(found)
    small = boxes_thumbnail(found[0].filepath, boxes, thumbnails_folder())
    return _picture(shown, found[0], None, small)


def _picture(
    shown: Shown, one: ShownObject, label: str | None, small: Path | None
) -> Picture:
    jpeg = small.read_bytes() if small else None
    return Picture(shown.relative(one.filepath), label, None, jpeg)
