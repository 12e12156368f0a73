"""Writes what a comparison found: to the samples, or to files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import fiftyone as fo

from ....core.errors import InputError
from ....core.storage.replace_file import put_in_place
from ..dataset.fields import CREATED_BY, field_name, is_ours
from .compare_report import CompareReport
from .image_sets import ImageSet

_FIELDS = {
    "status": "new, known (a copy is there already), repeat (of another new image) "
    "or unreadable",
    "kind": "How it equals the copy: bytes, pixels or near",
    "copy_of": "The closest copy",
    "copy_in": "The data set and split that the closest copy is in",
    "similarity": "Cosine similarity to the closest copy, -1 to 1",
    "copies_in": "All data sets and splits that have a copy",
    "leak": "A copy, or what may be one, is in another split, or in a test or "
    "validation split",
    "resembles": "An image that it may equal, both too plain to tell, or a video that "
    "shows a part of it",
    "reason": "Why the file cannot be read",
}
_GROUP = "ingest"


def check_names(dataset: fo.Dataset, prefix: str) -> None:
    """Raises :class:`InputError` if a field of someone else would be written."""
    if not prefix.isidentifier() or prefix.startswith("_"):
        raise InputError(
            f"prefix={prefix!r} cannot start a field name: begin with a letter, then "
            "letters, digits and underscores, for example 'ingest'."
        )
    schema = dataset.get_field_schema()
    for name in _FIELDS:
        field = schema.get(field_name(name, prefix))
        if field is not None and not is_ours(field):
            raise InputError(
                f"The field '{field_name(name, prefix)}' already exists and was not "
                "created by Winnow, so it is not changed. Give another prefix."
            )


def write_fields(images: ImageSet, report: CompareReport, prefix: str) -> str:
    """Puts the answers on the new samples; returns where they stand."""
    dataset = images.dataset
    assert dataset is not None and images.ids is not None
    check_names(dataset, prefix)
    kinds: dict[str, Any] = {
        "similarity": (fo.FloatField, None),
        "copies_in": (fo.ListField, fo.StringField),
        "leak": (fo.BooleanField, None),
    }
    names = []
    for name, description in _FIELDS.items():
        names.append(field_name(name, prefix))
        kind, subfield = kinds.get(name, (fo.StringField, None))
        info = {"created_by": CREATED_BY}
        dataset.add_sample_field(
            names[-1], kind, subfield=subfield, description=description, info=info
        )
    answers = [asdict(image) for image in report.images]
    for name, field in zip(_FIELDS, names, strict=True):
        values: dict[str, Any] = dict.fromkeys(dataset.values("id"))
        for sample, answer in zip(images.ids, answers, strict=True):
            value = answer[name]
            values[sample] = list(value) if name == "copies_in" else value
        dataset.set_values(field, values, key_field="id")
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for group in groups:
        group.paths = [path for path in group.paths or [] if path not in names]
    title = _GROUP if prefix == _GROUP else f"{_GROUP} {prefix}"
    groups = [group for group in groups if group.name != title]
    groups.append(fo.SidebarGroupDocument(name=title, paths=names))
    dataset.app_config.sidebar_groups = groups
    dataset.save()
    return f"the fields {prefix}_*"


def write_files(report: CompareReport, folder: Path) -> str:
    """Writes ``compare.jsonl`` and ``summary.json``; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(image), ensure_ascii=False) for image in report.images)
    _write(folder / "compare.jsonl", lines)
    text = json.dumps(report.to_dict(), indent=1, ensure_ascii=False)
    _write(folder / "summary.json", [text])
    return f"{folder}/compare.jsonl and summary.json"


def _write(path: Path, lines: Iterable[str]) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    put_in_place(part, path)
