"""Writes what the folder command leaves behind: findings.jsonl, summary.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo

from ...core.findings import FIELDS
from .folders import LABEL_FIELD, FolderListing
from .report import ScanReport

_NAMES = [spec.name for spec in FIELDS]


def write_findings_file(
    dataset: fo.Dataset, listing: FolderListing, path: Path
) -> None:
    """Writes one JSON line an image: its file, split, label and all fields.

    The values are read back from the data set, so the file shows what the
    App shows. Paths are relative to the folder.
    """
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        for line in _lines(dataset, listing):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    part.replace(path)


def write_summary_file(report: ScanReport, path: Path) -> None:
    """Writes the report as JSON."""
    path.write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")


def _lines(dataset: fo.Dataset, listing: FolderListing) -> Iterator[dict[str, Any]]:
    view = dataset.sort_by("filepath")
    paths, tags, *columns = view.values(["filepath", "tags", *_NAMES])
    labels: list[str | None] = [None] * len(paths)
    if dataset.has_sample_field(LABEL_FIELD):
        labels = view.values(f"{LABEL_FIELD}.label")
    splits = set(listing.splits)
    for row, path in enumerate(paths):
        yield {
            "filepath": os.path.relpath(path, listing.root),
            "split": next((tag for tag in tags[row] if tag in splits), None),
            "label": labels[row],
            **{name: column[row] for name, column in zip(_NAMES, columns, strict=True)},
        }
    for path in listing.unnameable:
        name = os.path.relpath(path, listing.root)
        yield {
            "filepath": os.fsencode(name).decode("utf-8", "backslashreplace"),
            "split": None,
            "label": None,
            **dict.fromkeys(_NAMES),
            "scan_status": "bad_name",
        }
