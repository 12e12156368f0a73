"""The findings of a scan at a glance, a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ....core.common.text import counted, size_text
from ....core.findings.finding import Finding
from ....core.findings.image_issues import ISSUES, SURE_ISSUES
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import FINDINGS, VIDEO_ISSUES
from ....core.objects.agreement import DISAGREEMENTS
from ....core.objects.boxes import BOX_ISSUES, MISTAKES
from ....core.objects.label_doubts import FEWEST_OF_CLASS
from ....core.scan.video_findings import VIDEO_ISSUES as ALL_ISSUES
from .remarks import (
    changes_of_meaning,
    expectation,
    label_expectation,
    leak_remarks,
    outlier_expectation,
    plain_pages,
    recordings,
    said_by_predictions,
    video_remarks,
)
from .scan_outcome import Matrix, ScanOutcome

_STATUS = "status_"


@dataclass(frozen=True)
class Line:
    """One finding of the summary.

    Attributes:
        finding: that it is about
        count: of its images, or of their clusters
        note: what it means
        details: parts of the count by what they are
        remarks: more to say, a sentence each
    """

    finding: Finding
    count: int
    note: str
    details: Mapping[str, int] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    def share(self, report: ScanOutcome) -> float | None:
        """Returns the share of the images or objects, 0 to 1; None for clusters."""
        if self.finding.unit == "clusters":
            return None
        return self.count / max(1, report.counts[self.finding.unit])


def finding_lines(report: ScanOutcome) -> Iterable[Line]:
    """Yields the findings at a glance, in the order of the summary."""
    of_objects = OBJECT_FINDINGS.values() if report.has_objects else ()
    of_videos = [VIDEO_ISSUES] * report.of_videos
    for finding in (*FINDINGS.values(), *of_videos, *of_objects):
        if finding.has_line:
            line = Line(finding, report.counts[finding.name], note_of(finding, report))
            more = _MORE.get(finding.name)
            yield replace(line, **more(report)) if more else line


def note_of(finding: Finding, report: ScanOutcome) -> str:
    """Says what a count means, or why there is none."""
    why = report.not_looked_for.get(finding.words)
    return f"not looked for: {why}" if why else finding.note


def _duplicates(report: ScanOutcome) -> dict[str, Any]:
    counts = report.counts
    return {
        "note": f"in {counted(counts['duplicate_clusters'], 'cluster')}; keeping one "
        f"of each saves {counted(counts['removable'], 'file')}, "
        f"{size_text(counts['removable_bytes'])}",
        "details": {
            "same bytes": counts["duplicates_bytes"],
            "same pixels": counts["duplicates_pixels"],
            "near": counts["duplicates_near"],
        },
        "remarks": [
            *expectation(report.expected),
            *plain_pages(counts),
            *changes_of_meaning(counts),
        ],
    }


def _outliers(report: ScanOutcome) -> dict[str, Any]:
    return {"remarks": outlier_expectation(report)}


def _label_issues(report: ScanOutcome) -> dict[str, Any]:
    return {"remarks": [*label_expectation(report), *said_by_predictions(report)]}


def _leaks(report: ScanOutcome) -> dict[str, Any]:
    return {
        "details": _leak_pairs(report.leak_matrix),
        "remarks": leak_remarks(report),
    }


def _scenes(report: ScanOutcome) -> dict[str, Any]:
    counts = report.counts
    leaks = counts["scene_leaks"]
    return {
        "note": f"other moments or views of {counted(counts['scene_groups'], 'scene')}",
        "details": _leak_pairs({"scenes": report.scene_matrix}),
        "remarks": [
            *[
                f"{leaks:,} have another moment of their scene in another split, and "
                "no copy; they are not removed by default"
            ]
            * bool(leaks),
            *recordings(report),
        ],
    }


def _image_issues(report: ScanOutcome) -> dict[str, Any]:
    # The details say what the note says
    counts = report.counts
    issues = {name: counts[name] for name in ISSUES}
    hints = ", ".join(
        f"{name.replace('_', ' ')} {count:,}"
        for name, count in issues.items()
        if count and name not in SURE_ISSUES
    )
    return {
        # Runs of before did not count them
        "count": counts.get("bad_images", counts["image_issues"]),
        "note": "",
        "details": {name.replace("_", " "): issues[name] for name in SURE_ISSUES},
        "remarks": [f"only unlike most others, so perhaps good: {hints}"]
        if hints
        else [],
    }


def _video_issues(report: ScanOutcome) -> dict[str, Any]:
    issues = {
        name.replace("_", " "): report.counts[f"video_{name}"] for name in ALL_ISSUES
    }
    return {"note": "", "details": issues, "remarks": video_remarks(report.counts)}


def _unreadable(report: ScanOutcome) -> dict[str, Any]:
    statuses = {
        name.removeprefix(_STATUS).replace("_", " "): count
        for name, count in report.counts.items()
        if name.startswith(_STATUS)
    }
    return {"note": "", "details": statuses}


def _object_label_issues(report: ScanOutcome) -> dict[str, Any]:
    counts = report.counts
    labeled = counts["objects_labeled"]
    # Runs of before did not count them
    left = labeled - counts.get("objects_judged", labeled)
    few = (
        f"{left:,} of {labeled:,} labels are not judged: fewer than {FEWEST_OF_CLASS} "
        "objects of their class, or no crop"
    )
    return {"remarks": [few] if left else []}


def _object_duplicates(report: ScanOutcome) -> dict[str, Any]:
    clusters = counted(report.counts["object_clusters"], "cluster")
    return {"note": f"in {clusters} of equal crops, in pictures that are no copies"}


def _bad_boxes(report: ScanOutcome) -> dict[str, Any]:
    issues = {
        name.replace("_", " "): report.counts[f"box_{name}"] for name in BOX_ISSUES
    }
    hints = ", ".join(
        f"{name} {n:,}" for name, n in issues.items() if n and name not in MISTAKES
    )
    return {
        "note": "",
        "details": {name: issues[name] for name in MISTAKES},
        "remarks": [f"worth a look: {hints}"] if hints else [],
    }


def _box_disagreements(report: ScanOutcome) -> dict[str, Any]:
    counts = report.counts
    if not counts["objects_with_copies"]:
        return {"note": "no picture with objects has a copy to compare with"}
    found, pictures = counts["box_disagreements"], counts["pictures_in_conflict"]
    of = f"of {counts['objects_with_copies']:,} boxes on pictures that have a copy"
    kinds = {kind: counts[f"copies_{kind.replace(' ', '_')}"] for kind in DISAGREEMENTS}
    note = f"{of}; {pictures:,} pictures" if found else of
    return {"note": note, "details": kinds}


_MORE: Mapping[str, Callable[[ScanOutcome], dict[str, Any]]] = {
    "duplicates": _duplicates,
    "outliers": _outliers,
    "label_issues": _label_issues,
    "leaks": _leaks,
    "scenes": _scenes,
    "image_issues": _image_issues,
    "unreadable": _unreadable,
    "video_issues": _video_issues,
    "object_label_issues": _object_label_issues,
    "object_duplicates": _object_duplicates,
    "bad_boxes": _bad_boxes,
    "box_disagreements": _box_disagreements,
}
"""What a line says besides its count, where a note is not enough."""


def _leak_pairs(matrix: Matrix) -> dict[str, int]:
    pairs: dict[str, int] = {}
    for by_split in matrix.values():
        for one, others in by_split.items():
            for other, count in others.items():
                name = f"{one} in {other}"
                pairs[name] = pairs.get(name, 0) + count
    return pairs
