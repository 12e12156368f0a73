"""Gathers a report and writes its forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.common.result import Result
from ....core.common.text import escape_markdown, size_text
from ....core.common.version import winnow_version
from ....core.errors import InputError
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import FINDINGS
from ....core.progress import OnProgress, Progress
from ....core.report.as_csv import write_csv
from ....core.report.as_html import as_html
from ....core.report.as_json import as_json
from ....core.report.as_markdown import as_markdown
from ....core.report.model import Report, Section, SummaryLine, check_top
from ....core.report.of_set import set_lines
from ....core.report.verdict import verdict
from ....core.storage.replace_file import put_in_place
from ..dataset.samples import kind_of
from ..runs.finding_lines import finding_lines
from ..runs.run_record import ScanRun, complete_run, now
from ..runs.scan_report import ScanReport, report_of
from ..views.finding_views import tally
from ..views.queries import SampleQueries
from ..views.thumbnails import media_url
from . import run_sections
from .csv_rows import HEADERS, csv_rows
from .finding_sections import finding_section
from .object_sections import object_section
from .report_queries import Shown, folder_of
from .set_section import set_section

CSV = "findings.csv"
_FORMS = {"report.html": as_html, "report.md": as_markdown, "report.json": as_json}


@dataclass(frozen=True)
class WrittenReport(Result):
    """Where a report was written.

    Attributes:
        html: the file to look at and to send: nothing else is needed
        markdown: the same without pictures
        json: the same for a program
        csv: every image of every finding, for a spreadsheet
        bytes: size of the HTML file
    """

    html: Path
    markdown: Path
    json: Path
    csv: Path
    bytes: int

    def to_markdown(self) -> str:
        return (
            f"[Open the report]({media_url(str(self.html))}) "
            f"({size_text(self.bytes)})\n\n"
            f"Written: {escape_markdown(str(self.html))}, and beside it "
            f"{self.markdown.name}, {self.json.name} and {self.csv.name}. The HTML "
            "file holds its pictures: send it to whom you like."
        )

    def summary(self) -> str:
        """Returns the files in a sentence."""
        others = ", ".join(one.name for one in (self.markdown, self.json, self.csv))
        return f"Written: {self.html} ({size_text(self.bytes)}), {others}"


def check_choices(folder: str | Path, top: int, overwrite: bool) -> Path:
    """Returns the folder to write into.

    Raises:
        InputError: a choice that cannot work; nothing was written
    """
    check_top(top)
    if not str(folder).strip():
        raise InputError("Choose a folder to write the report into.")
    target = Path(folder).expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file. Choose a folder for the report.")
    there = [name for name in (*_FORMS, CSV) if (target / name).exists()]
    if there and not overwrite:
        raise InputError(
            f"{target} already holds {', '.join(there)}. Choose another folder, or "
            "allow that they are replaced (overwrite=True)."
        )
    return target


def write_report(
    dataset: fo.Dataset,
    folder: Path,
    *,
    prefix: str | None,
    title: str | None,
    top: int,
    on_progress: OnProgress,
    scan_report: ScanReport | None = None,
) -> WrittenReport:
    """Gathers the report of a finished run and writes its forms.

    Args:
        dataset: that was scanned
        folder: made if it is not there; files of the same names are replaced
        prefix: of the scan's fields
        title: what a person calls it; None for the data set's name
        top: most pairs a gallery
        on_progress: called once a section
        scan_report: in place of the recorded one, with the same run's numbers and
            files that could not become samples

    Raises:
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    run = complete_run(dataset, prefix)
    recorded = report_of(run)
    scanned = scan_report or recorded
    not_held = scanned.unreadable[len(recorded.unreadable) :]
    reader = SampleQueries(dataset, run, prefix)
    shown = Shown(reader, folder_of(dataset), top, not_held)
    report = _report_of(shown, scanned, title, on_progress)
    folder.mkdir(parents=True, exist_ok=True)
    for name, form in _FORMS.items():
        part = folder / f"{name}.part"
        part.write_text(form(report), encoding="utf-8")
        put_in_place(part, folder / name)
    part = folder / f"{CSV}.part"
    # With a mark of its encoding, which spreadsheets need and pandas takes
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        write_csv(file, HEADERS, csv_rows(shown, scanned))
    put_in_place(part, folder / CSV)
    html, text, data, table = (folder / name for name in (*_FORMS, CSV))
    return WrittenReport(html, text, data, table, html.stat().st_size)


def _report_of(
    shown: Shown, report: ScanReport, title: str | None, on_progress: OnProgress
) -> Report:
    """Asks the database for what fits into a report, see :func:`write_report`."""
    dataset, run = shown.reader.dataset, shown.reader.run
    return Report(
        title=(title or "").strip() or dataset.name,
        dataset=dataset.name,
        verdict=verdict(report.counts, report.not_looked_for, report.kind),
        images=report.counts["images"],
        scanned_at=_when(run.scanned_at),
        made_at=_when(now()),
        winnow=winnow_version(),
        notes=tuple(_notes(dataset, run, shown.reader.prefix)),
        summary=tuple(_summary(report)),
        sections=_sections(shown, report, run.settings, on_progress),
        run=_record(report, run),
        kind=report.kind,
    )


def _sections(
    shown: Shown, report: ScanReport, settings: Any, on_progress: OnProgress
) -> tuple[Section, ...]:
    makers: list[Callable[[], Section]] = [
        partial(finding_section, shown, report, finding)
        for finding in FINDINGS.values()
        if finding.has_line
    ]
    makers += [
        partial(object_section, shown, report, finding)
        for finding in (OBJECT_FINDINGS.values() if report.has_objects else ())
    ]
    makers += [
        lambda: set_section(shown, report),
        lambda: run_sections.thresholds_section(report),
        lambda: run_sections.actions_section(shown, shown.reader.dataset),
        lambda: run_sections.about_section(report, settings),
    ]
    sections = []
    for make in makers:
        sections.append(make())
        on_progress(Progress("Gathering the report", len(sections), len(makers)))
    return tuple(sections)


def _summary(report: ScanReport) -> Iterator[SummaryLine]:
    for line in finding_lines(report):
        details = ", ".join(f"{name} {n:,}" for name, n in line.details.items() if n)
        notes = tuple(note for note in (line.note, details, *line.remarks) if note)
        finding, share = line.finding, line.share(report)
        yield SummaryLine(finding.section, finding.label, line.count, share, notes)
    yield from set_lines(report.overview)


def _notes(dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> Iterator[str]:
    kind = kind_of(dataset)
    found = tally(dataset, run, prefix)
    if found.added:
        yield (
            f"{found.added:,} {kind} were added after the scan and are not in this "
            "report."
        )
    if found.deleted:
        yield (
            f"{found.deleted:,} {kind} were removed from the data set since the scan. "
            "Counts include them, pictures do not."
        )


def _record(report: ScanReport, run: ScanRun) -> dict[str, Any]:
    """Returns the run as JSON values, without folders of this machine."""
    record = report.to_dict()
    record["model"] = run_sections.model_name(report.model)
    record["settings"] = {
        **run.settings,
        "model": run_sections.model_name(run.settings["model"]),
    }
    record["scanned_at"], record["completed_at"] = run.scanned_at, run.completed_at
    # They are listed in their section
    del record["unreadable"]
    return record


def _when(at: str) -> str:
    moment = datetime.fromisoformat(at).astimezone()
    offset = moment.utcoffset() or timedelta()
    # Not the zone's name: on Windows it is a sentence in the system's language
    return f"{moment.day} {moment:%B %Y, %H:%M} {timezone(offset)}"
