"""The sections of a report without pictures: files, thresholds, actions, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.common.text import percent_text, size_text
from ....core.report.model import Cell, Section, Table
from ....core.scan.settings import THRESHOLDS
from ..actions.execute import history
from ..dataset.decisions import decided
from ..runs.remarks import (
    changes_of_meaning,
    expectation,
    label_expectation,
    plain_pages,
)
from ..runs.scan_report import ScanReport
from .report_queries import Shown, words_of

_MEANING = {
    "min_copy_score": "how sure it must be that two pictures are copies, 0 to 1",
    "min_shared": "share of the shorter video's frames that a copy shows, 0 to 1",
    "min_copy_similarity": "cosine similarity that copies need, -1 to 1",
    "max_outlier_distance": "images farther than this from all others are outliers",
    "min_label_score": "labels that score less are issues, 0 to 100",
    "min_brightest": "pictures whose brightest 1 % is darker are dark, 0 to 255",
    "max_darkest": "pictures whose darkest 1 % is brighter are bright, 0 to 255",
    "min_sharpness": "pictures that are less sharp are blurry",
    "min_information": "fewer bits of gray levels are low information, 0 to 8",
}
_DECIDED = {
    "keeper": "copies chosen as the one to keep",
    "keep": "images to keep, never flagged again",
    "label_verified": "labels that are right",
    "not_duplicate": "images that are no duplicates of what looks like them",
    "relabel": "labels to correct",
    "may_go": "images that may go",
}


def thresholds_section(report: ScanReport) -> Section:
    """Which thresholds are in force, how they were chosen, what they find."""
    rows: list[tuple[Cell, ...]] = [
        (name, report.thresholds[name], report.rules[name], _MEANING[name])
        for name in THRESHOLDS
        if name in report.thresholds
    ]
    columns = ("Setting", "In force", "How it was chosen", "Meaning")
    tables = [Table("thresholds", "", columns, tuple(rows), len(rows))]
    expected = report.expected
    sentences = [
        *expectation(expected),
        *plain_pages(report.counts),
        *changes_of_meaning(report.counts),
    ]
    text = tuple(f"Copies: {sentence}." for sentence in sentences)
    text += tuple(f"Labels: {one}." for one in label_expectation(report))
    if "covered_copy_recall" in expected:
        by_change = sorted(expected["copy_recall_by_change"].items())
        by_change += [
            ("two to five changes", expected["composed_copy_recall"]),
            ("two to five, one of which covers", expected["covered_copy_recall"]),
        ]
        recall = tuple((name, percent_text(share)) for name, share in by_change)
        title = "Recall of synthetic copies of these images"
        headers = ("Change", "Found")
        tables.append(Table("expected", title, headers, recall, len(recall)))
    return Section("thresholds", "Thresholds", None, text, tuple(tables))


def actions_section(shown: Shown, dataset: fo.Dataset) -> Section:
    """What was done so far, newest first, and what a person decided."""
    done = history(dataset)
    rows = tuple(
        (
            past.at[:16].replace("T", " "),
            f"{past.action} of {words_of(past.what)}" + "; cut short" * past.unfinished,
            past.items,
            size_text(past.bytes),
            past.undoable,
            past.purged,
            past.key,
        )
        for past in done[: shown.top]
    )
    headers = (
        "When (UTC)",
        "What",
        "Images",
        "Size",
        "Can go back",
        "Destroyed",
        "Key",
    )
    decisions = tuple(
        (_DECIDED[name], count) for name, count in decided(dataset).items() if count
    )
    headed = (
        Table("history", "", headers, rows, len(done)),
        Table(
            "decisions",
            "Decided by a person",
            ("Decision", "Images"),
            decisions,
            len(decisions),
        ),
    )
    tables = tuple(table for table in headed if table.rows)
    if not done:
        text = "No file was moved and no label changed by Winnow."
    else:
        text = (
            "Newest first. To take one back, on the machine that holds the images: "
            'undo(dataset, "KEY", dry_run=False), or the operator Winnow: undo.'
        )
    return Section("actions", "Actions so far", len(done), (text,), tables)


def about_section(report: ScanReport, settings: Mapping[str, Any]) -> Section:
    """Model, settings, versions and times."""
    rows: list[tuple[Cell, ...]] = [
        ("Model", model_name(report.model)),
        ("SHA-256 of the model", report.model_sha256 or "none: vectors were given"),
        ("Labels", settings["label_field"] or "none"),
        ("Splits", _splits_text(settings["split_by"])),
        (
            "Fields",
            f"prefix {settings['prefix']}" if settings["prefix"] else "no prefix",
        ),
        ("Most memory used", size_text(report.peak_memory_bytes)),
    ]
    rows += [(name, version) for name, version in report.versions.items()]
    seconds = [
        (stage, round(taken, 2), round(report.images_per_second.get(stage, 0), 1))
        for stage, taken in report.seconds.items()
    ]
    tables = (
        Table("facts", "", ("", "Value"), tuple(rows), len(rows)),
        Table(
            "seconds",
            "Time",
            ("Stage", "Seconds", "Images a second"),
            tuple(seconds),
            len(seconds),
        ),
    )
    return Section("about", "How it was made", None, (), tables)


def model_name(model: str) -> str:
    """Returns a model's name; of a file of one's own without its folder."""
    return Path(model).name if model.endswith(".onnx") else model


def _splits_text(split_by: str | Sequence[str] | None) -> str:
    if split_by is None:
        return "none"
    if isinstance(split_by, str):
        return f"field {split_by}"
    return f"tags {', '.join(split_by)}"
