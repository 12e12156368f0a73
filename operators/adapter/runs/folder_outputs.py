"""Writes what the folder command leaves behind: findings.jsonl, summary.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ....core.findings.schema import FIELDS, VIDEO_FIELDS
from ....core.objects.findings import ATTRIBUTES
from ....core.reading.folders import FolderListing, equal_across, path_inside
from ....core.storage.replace_file import put_in_place
from ..dataset.fields import SAMPLE_FIELDS
from ..dataset.from_folder import LABEL_FIELD, FolderData
from ..dataset.objects import objects_of, objects_path
from ..dataset.samples import is_of_videos
from .scan_report import ScanReport
from .stored_run import load_run

_NAMES = [spec.name for spec in FIELDS]
_STRETCHES = "winnow_segments"


def write_findings_file(data: FolderData, listing: FolderListing, path: Path) -> None:
    """Writes one JSON line an image: its file, split, label and all fields.

    The values are read back from the data set, so the file shows what the
    App shows; other images stand there by their paths in place of their ids.
    Paths are relative to the folder.
    """
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        for line in (*_sample_lines(data, listing), *_other_lines(data, listing)):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    put_in_place(part, path)


def write_objects_file(
    data: FolderData, listing: FolderListing, field: str, folder: Path
) -> None:
    """Writes one JSON line an object: its image, label, box and all attributes.

    As the database holds them; other objects stand there by their ids.
    """
    names = [spec.name for spec in ATTRIBUTES]
    path = folder / "objects.jsonl"
    part = path.with_suffix(".part")
    view = data.view.sort_by("filepath")
    path_of = dict(zip(*view.values(["id", "filepath"]), strict=True))
    with part.open("w", encoding="utf-8") as file:
        for sample_id, labels in objects_of(view, objects_path(view, field)):
            place = path_inside(path_of[sample_id], listing.root)
            for label in labels:
                line = {
                    "filepath": place,
                    "id": str(label["_id"]),
                    "label": label.get("label"),
                    "bounding_box": label.get("bounding_box"),
                    **{name: label.get(name) for name in names},
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    put_in_place(part, path)


def with_files_not_held(report: ScanReport, data: FolderData) -> ScanReport:
    """Counts the files that could not become samples among the unreadable."""
    counts = dict(report.counts)
    unreadable = list(report.unreadable)
    for path, status in data.not_held.items():
        for name in ("images", "unreadable", f"status_{status}"):
            counts[name] = counts.get(name, 0) + 1
        reason = "FiftyOne cannot hold it as an image sample"
        unreadable.append({"path": _text(path), "status": status, "reason": reason})
    return replace(report, counts=counts, unreadable=unreadable)


def equal_across_folders(
    data: FolderData, listing: FolderListing
) -> dict[tuple[str, str], int]:
    """Counts byte-equal files across folders that are called like splits.

    Of those that were not taken for splits, and of which leaks therefore do not
    speak: (folder, other folder) -> files in the first with an equal one in the
    other. By the last scan of the data set.
    """
    if not listing.layout.alike:
        return {}
    run = load_run(data.dataset, None)
    path_of = dict(zip(*data.view.values(["id", "filepath"]), strict=True))
    content = {
        path_of[sample]: code
        for sample, code in zip(
            run.ids, run.scan_data.samples.unique_file.tolist(), strict=True
        )
        if code >= 0 and sample in path_of
    }
    return equal_across(listing, content)


def write_summary_file(
    report: ScanReport,
    listing: FolderListing,
    equal_across: Mapping[tuple[str, str], int],
    path: Path,
) -> None:
    """Writes the report as JSON, and how the folders were understood."""
    folders = {
        "layout": dict(listing.layout.patterns),
        "splits": listing.splits,
        "remarks": [_text(remark) for remark in listing.layout.remarks],
        "skipped": dict(listing.skipped),
        "equal_across": [
            {"folder": _text(one), "other": _text(other), "files": count}
            for (one, other), count in equal_across.items()
        ],
    }
    text = json.dumps(
        {**report.to_dict(), "folders": folders}, indent=1, allow_nan=False
    )
    path.write_text(text + "\n", encoding="utf-8")


def _sample_lines(data: FolderData, listing: FolderListing) -> Iterator[dict[str, Any]]:
    view = data.view.sort_by("filepath")
    names = list(_NAMES)
    if is_of_videos(view):
        names += [spec.name for spec in VIDEO_FIELDS]
    ids, paths, tags, *columns = view.values(["id", "filepath", "tags", *names])
    path_of = {
        name: path_inside(path, listing.root)
        for name, path in zip(ids, paths, strict=True)
    }
    labels: list[str | None] = [None] * len(paths)
    if data.dataset.has_sample_field(LABEL_FIELD):
        labels = view.values(f"{LABEL_FIELD}.label")
    splits = set(listing.splits)
    for row, path in enumerate(paths):
        yield {
            "filepath": path_inside(path, listing.root),
            "split": next((tag for tag in tags[row] if tag in splits), None),
            "label": labels[row],
            **{
                name: _value(name, column[row], path_of)
                for name, column in zip(names, columns, strict=True)
            },
        }


def _value(name: str, value: Any, path_of: Mapping[str, str]) -> Any:
    """Returns what JSON holds of a field's value."""
    if name in SAMPLE_FIELDS:
        return path_of.get(value)
    if name == _STRETCHES and value is not None:
        return [
            {
                "label": one.label,
                "first_frame": one.support[0],
                "last_frame": one.support[1],
                "share": one.confidence,
                "of": path_of.get(one["of"]) if one.has_field("of") else None,
            }
            for one in value.detections
        ]
    return value


def _other_lines(data: FolderData, listing: FolderListing) -> Iterator[dict[str, Any]]:
    for image in listing.images:
        if image.path in data.not_held:
            yield {
                "filepath": _text(path_inside(image.path, listing.root)),
                "split": _text(image.split) if image.split else None,
                "label": _text(image.label) if image.label else None,
                **dict.fromkeys(_NAMES),
                "scan_status": data.not_held[image.path],
            }


def _text(path: str) -> str:
    """Returns a path that can be written as UTF-8, odd bytes as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
