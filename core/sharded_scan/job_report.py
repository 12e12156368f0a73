"""The report of a job: what a scan's report shows, the worst of each finding."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.text import plain, share_text
from ..common.version import winnow_version
from ..curation.not_looked_for import findings_not_looked_for
from ..findings.finding import Finding
from ..findings.object_registry import OBJECT_FINDINGS
from ..findings.registry import FINDINGS
from ..findings.set_registry import SET_FINDINGS
from ..reading.files import FileContent
from ..reading.folders import common_folder, path_inside
from ..reading.thumbnails import small_jpeg
from ..report.model import Gallery, Pair, Picture, Report, Section, SummaryLine, Table
from ..report.of_set import set_lines, set_section
from ..report.verdict import verdict
from ..scan.part_of_scan import groups_of
from .job import FinishedJob
from .selection import badness, chosen, has_finding
from .sources import read_source

_TOP, _OF_SET = 20, 6
"""Pictures of a finding: of one of the set, they only show what it is about."""

_BESIDE = {
    "outliers": ("outlier_nearest", "most similar image"),
    "label_issues": ("label_counterexample", "image of the suggested label"),
}
"""Findings whose images stand beside another: its field, and what it is."""

_SAID: Mapping[str, tuple[str, ...]] = {
    "duplicates": ("dup_kind", "dup_relation"),
    "conflicts": ("dup_kind", "dup_relation"),
    "outliers": ("outlier_distance", "outlier_cause"),
    "label_issues": ("label_score", "label_suggestion"),
    "leaks": ("leak_splits", "leak_remove_reason"),
    "scenes": ("scene_leak_splits",),
    "image_issues": ("image_issues", "damage_reason"),
    "unreadable": ("scan_status",),
}


def lines_of(job: FinishedJob) -> Iterator[SummaryLine]:
    """Yields the findings at a glance."""
    counts = job.findings.counts
    why = not_looked_for(job)
    for finding in FINDINGS.values():
        if finding.has_line:
            count = counts[finding.name]
            reason = why.get(finding.words)
            note = f"not looked for: {reason}" if reason else finding.note
            share = None if finding.unit == "clusters" else count / counts["images"]
            yield SummaryLine(finding.section, finding.label, count, share, (note,))
    yield from set_lines(job.findings.overview)


def not_looked_for(job: FinishedJob) -> dict[str, str]:
    """Says why the job cannot know, by the finding's name in a policy."""
    missing = {}
    if not job.findings.counts["labeled"]:
        missing["labels"] = "the manifest has no labels"
    if not job.findings.leak_matrix:
        missing["splits"] = "the manifest has no splits"
    why = {one.words: "a job scans no objects" for one in OBJECT_FINDINGS.values()}
    why["bursts"] = "a job thins no frames"
    why["confidently wrong"] = "a job takes no predictions"
    return why | findings_not_looked_for(job.findings, missing)


def as_text(job: FinishedJob) -> str:
    """Returns the findings at a glance for a terminal."""
    lines = list(lines_of(job))
    width = max(len(line.name) for line in lines) + 1
    rows = []
    for line in lines:
        share = "" if line.share is None else share_text(line.share, 1)
        note = "; ".join(line.notes)
        rows.append(f"  {line.name:<{width}}{line.count:>13,}  {share:>7}  {note}")
    return "\n".join(rows)


def job_report(
    job: FinishedJob, manifest: str, notes: Sequence[str], when: str
) -> Report:
    """Gathers the report of a job.

    Args:
        job: that is finished
        manifest: as it was named
        notes: what to know before reading on
        when: it was done, for a person
    """
    paths, rank = job.names.paths, job.scan_data.samples.path_rank
    # All others stand between the first and the last
    ends = [paths[int(row)] for row in (rank.argmin(), rank.argmax())]
    root = common_folder([os.fsdecode(path) for path in ends])
    group, scene = (
        groups_of(job.scan_data, job.is_copy, recordings=recordings)
        for recordings in (False, True)
    )
    shown = _Shown(job, root, group, scene)
    name = manifest.rstrip("/").rpartition("/")[2]
    return Report(
        title=name,
        dataset=name,
        verdict=verdict(job.findings.counts, not_looked_for(job)),
        images=job.findings.counts["images"],
        scanned_at=when,
        made_at=when,
        winnow=winnow_version(),
        notes=tuple(notes),
        summary=tuple(lines_of(job)),
        sections=(
            *(
                _section(shown, finding)
                for finding in FINDINGS.values()
                if finding.has_line and finding.section
            ),
            _of_set(shown),
        ),
        run={},
    )


@dataclass(frozen=True, eq=False)
class _Shown:
    """What is shown of a job's images.

    Attributes:
        job: that is finished
        root: folder that holds all images
        group: int64[n], equal for images that belong together
        scene: int64[n], likewise, whole recordings
    """

    job: FinishedJob
    root: str
    group: NDArray[np.int64]
    scene: NDArray[np.int64]

    def picture(self, row: int) -> Picture:
        """Returns an image, small."""
        names = self.job.names
        content = read_source(names.paths[row])
        jpeg = small_jpeg(content.data) if isinstance(content, FileContent) else None
        return Picture(
            path=path_inside(os.fsdecode(names.paths[row]), self.root),
            label=_name(names.labels, names.classes, row),
            split=_name(names.splits, names.split_names, row),
            jpeg=jpeg,
        )


def _name(codes: Any, names: Sequence[str], row: int) -> str | None:
    return None if codes[row] < 0 else names[codes[row]]


def _section(shown: _Shown, finding: Finding) -> Section:
    columns = shown.job.findings.columns
    count = shown.job.findings.counts[finding.name]
    why = not_looked_for(shown.job).get(finding.words)
    if why:
        return Section(
            finding.section, finding.label, None, (f"Not looked for: {why}.",)
        )
    if not count:
        return Section(finding.section, finding.label, 0, ("None was found.",))
    found = has_finding(finding, columns)
    group = shown.scene if finding.section == "scenes" else shown.group
    rows = chosen(found, badness(finding, columns), group, len(found))
    if finding.name == "unreadable":
        return Section(
            finding.section, finding.label, count, (), (_unreadable(shown, rows),)
        )
    beside, what = _BESIDE.get(finding.name, ("", "its copy, or its scene"))
    pairs: list[Pair] = []
    seen: set[int] = set()
    for row in rows.tolist():
        if len(pairs) == _TOP:
            break
        if not found[row] or group[row] in seen:
            continue
        other = columns[beside][row] if beside else _first_other(group, row)
        if not beside:
            seen.add(int(group[row]))
        pairs.append(_pair(shown, finding, row, other))
    gallery = Gallery(
        finding.section,
        "",
        ("What was found", what),
        finding.unit,
        count,
        tuple(pairs),
    )
    text = (f"Images: {finding.description}; the worst first.",)
    return Section(finding.section, finding.label, count, text, (), (gallery,))


def _of_set(shown: _Shown) -> Section:
    """Returns what is wrong with the set, with the first images that show it."""
    overview, columns = shown.job.findings.overview, shown.job.findings.columns
    rows_of: dict[str, list[int]] = {}
    for row, keys in enumerate(columns["set_findings"]):
        for key in keys or ():
            rows_of.setdefault(key, []).append(row)
    galleries = []
    for one in overview.get("findings", ()):
        finding, key = SET_FINDINGS[one["kind"]], one["key"]
        found = rows_of.get(key, [])
        here = np.zeros(len(shown.group), bool)
        here[found] = True
        by = {finding.sort_by: list(compress(columns[finding.sort_by], here))}
        worst = np.argsort(badness(finding, by), kind="stable")
        rows = [found[place] for place in worst[:_OF_SET]]
        pairs = tuple(Pair(shown.picture(row), None, None, (), {}) for row in rows)
        title = key[0].upper() + key[1:]
        galleries.append(
            Gallery(key, title, ("Image", ""), "images", len(found), pairs)
        )
    return set_section(overview, galleries, _TOP)


def _first_other(group: NDArray[np.int64], row: int) -> int | None:
    others = [other for other in (group == group[row]).nonzero()[0] if other != row]
    return int(others[0]) if others else None


def _pair(shown: _Shown, finding: Finding, row: int, other: int | None) -> Pair:
    columns = shown.job.findings.columns
    says = []
    for name in _SAID.get(finding.name, ()):
        value = columns[name][row]
        if value not in (None, []):
            text = ", ".join(value) if isinstance(value, list) else value
            words = name.partition("_")[2].replace("_", " ")
            said = f"{words} {text:.3f}" if isinstance(text, float) else str(text)
            says.append(plain(said))
    return Pair(
        shown.picture(row),
        None if other is None else shown.picture(other),
        None,
        tuple(says),
        {},
    )


def _unreadable(shown: _Shown, rows: Any) -> Table:
    failures, paths = shown.job.failures, shown.job.names.paths
    cells = tuple(
        (
            path_inside(os.fsdecode(paths[row]), shown.root),
            failures[row].status,
            failures[row].reason,
        )
        for row in rows[:_TOP].tolist()
    )
    return Table("files", "", ("File", "Status", "Reason"), cells, len(rows))
