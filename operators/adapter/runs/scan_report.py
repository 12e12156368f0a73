"""What a scan returns and prints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from textwrap import wrap
from typing import Any

from ....core.common.result import TableResult
from ....core.common.text import escape_markdown, plain, share_text
from ....core.report.of_set import set_sentences
from .finding_lines import Line, finding_lines
from .run_record import ScanRun
from .scan_outcome import ScanOutcome

_NO_SCENES = dict.fromkeys(
    (
        "scenes",
        "scene_groups",
        "scene_leaks",
        "sequences",
        "sequence_groups",
        "sequence_leaks",
        "thinned",
        "bursts",
    ),
    0,
)
_TEXT_WIDTH = 88
_READ = "read and embed"


@dataclass(frozen=True)
class ScanReport(ScanOutcome, TableResult):
    """The result of a scan or of moving its thresholds, as it is told."""

    def summary(self) -> str:
        """Returns what was done, in a sentence."""
        return _headline(self)

    def rows(self) -> list[dict[str, Any]]:
        """Returns the findings, a line each."""
        return [
            {
                "finding": line.finding.name,
                "count": line.count,
                "share": line.share(self),
                "note": line.note,
            }
            for line in finding_lines(self)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        return {**asdict(self), "images_per_second": self.images_per_second}

    def to_markdown(self) -> str:
        """Returns the summary as a table."""
        return "\n".join(_markdown_lines(self))

    def __str__(self) -> str:
        return "\n".join(_text_lines(self))


def report_of(run: ScanRun) -> ScanReport:
    """Returns the result of a finished run, from its record."""
    # The database's own kinds of dict and list cannot be copied
    plain = json.loads(json.dumps(run.report))
    # Runs of before knew neither scenes nor recordings, and nothing of the whole set
    plain.setdefault("scene_matrix", {})
    plain.setdefault("sequence_steps", {})
    plain.setdefault("overview", {})
    plain["counts"] = {**_NO_SCENES, **plain["counts"]}
    return ScanReport(**{one.name: plain[one.name] for one in fields(ScanReport)})


def _headline(report: ScanReport) -> str:
    images, kind = report.counts["images"], report.kind
    rate = images / max(report.total_seconds, 1e-9)
    objects = f" and {report.counts['objects']:,} objects" if report.has_objects else ""
    if _READ not in report.seconds:
        return f"Winnow applied the thresholds to {images:,} scanned {kind}{objects}"
    speed = f" ({rate:,.0f} a second)" if rate >= 1 else ""
    return (
        f"Winnow scanned {images:,} {kind}{objects} in {report.total_seconds:.1f} s"
        f"{speed} with {report.model}"
    )


def _text_lines(report: ScanReport) -> Iterable[str]:
    yield _headline(report)
    yield ""
    lines = list(finding_lines(report))
    width = max(len(line.finding.label) for line in lines) + 1
    for line in lines:
        share, label = _share(report, line), line.finding.label
        yield f"  {label:<{width}}{line.count:>9,}  {share:>7}  {line.note}".rstrip()
        for remark in (_details(line), *line.remarks):
            if remark:
                yield f"{'':{width + 22}}{plain(remark)}"
    for text in set_sentences(report.overview):
        yield ""
        yield from wrap(plain(text), _TEXT_WIDTH, subsequent_indent="  ")


def _markdown_lines(report: ScanReport) -> Iterable[str]:
    yield escape_markdown(_headline(report))
    yield ""
    yield f"| Finding | {'Count' if report.has_objects else 'Images'} | Share | |"
    yield "| :-- | --: | --: | :-- |"
    for line in finding_lines(report):
        parts = (line.note, _details(line), *line.remarks)
        notes = escape_markdown("; ".join(part for part in parts if part))
        share, label = _share(report, line), line.finding.label
        yield f"| {label} | {line.count:,} | {share} | {notes} |"
    for text in set_sentences(report.overview):
        yield ""
        yield escape_markdown(text)


def _share(report: ScanReport, line: Line) -> str:
    share = line.share(report)
    return "" if share is None else share_text(share, 1)


def _details(line: Line) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in line.details.items() if n)
