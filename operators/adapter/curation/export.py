"""Copies the samples of a view to a folder, by split and class."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField as F

from ....core.common.result import Result
from ....core.common.text import first_of
from ....core.curation.class_folders import ClassFolders, class_folders
from ....core.errors import CurationError, InputError
from ....core.progress import OnProgress, Progress
from ..dataset.labels import label_field_of
from ..dataset.samples import kind_of
from ..runs.run_record import ScanRun, now
from .export_objects import BOX_FORMATS, export_boxes

FORMATS = {
    "folders": "Folders by class",
    "images": "Images in a folder",
    "fiftyone": "FiftyOne data set",
    **BOX_FORMATS,
}
_EXPORTS, _EXPORTS_KEPT = "winnow_exports", 20
_RENAMED_SHOWN = 5
_IMAGES_A_REPORT = 50


@dataclass(frozen=True)
class Exported(Result):
    """What was exported.

    Attributes:
        view: the samples
        count: how many
        output_dir: the folder
        remarks: what a person should know of it, a sentence each
    """

    view: fo.DatasetView
    count: int
    output_dir: str
    remarks: tuple[str, ...]

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        return f"{self.count:,} {kind_of(self.view)} exported to {self.output_dir}"

    def details(self) -> tuple[str, ...]:
        """Returns what a person should know of it, a line each."""
        return self.remarks

    def to_dict(self) -> dict[str, Any]:
        """Returns all but the view as plain JSON values."""
        return {
            "count": self.count,
            "output_dir": self.output_dir,
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class PastExport:
    """A line of what was done: a copy of the clean images.

    Attributes:
        at: when it was done, ISO 8601, UTC
        count: images
        folder: that they were copied to
    """

    at: str
    count: int
    folder: str


def past_exports(dataset: fo.Dataset) -> list[PastExport]:
    """Returns the last exports of a data set, newest first."""
    return [PastExport(**one) for one in reversed(dataset.info.get(_EXPORTS, []))]


def remember_export(dataset: fo.Dataset, exported: Exported) -> None:
    """Notes on the data set that its images were copied."""
    past = PastExport(now(), exported.count, exported.output_dir)
    kept = [*dataset.info.get(_EXPORTS, []), asdict(past)][-_EXPORTS_KEPT:]
    dataset.info[_EXPORTS] = kept
    dataset.save()


def export_view(
    view: fo.DatasetView,
    folder: Path,
    format: str,
    run: ScanRun,
    on_progress: OnProgress,
) -> Exported:
    """Copies the images of a view.

    Args:
        view: of the samples
        folder: that does not exist or is empty
        format: one of :data:`FORMATS`
        run: the record of the scan, which knows the splits and classes
        on_progress: called once a batch of images

    Raises:
        InputError: nothing that can be copied, or no classes; nothing was written
        CurationError: the folder cannot be written
    """
    if format == "folders" and not run.label_field:
        raise InputError(
            "The last scan looked at no labels, so there are no classes to make "
            "folders of. Use format='images' or 'fiftyone'."
        )
    lost = [
        sample
        for sample, path in zip(*view.values(["id", "filepath"]), strict=True)
        if not Path(path).is_file() or not os.access(path, os.R_OK)
    ]
    if lost:
        view = view.match(~F("_id").is_in([ObjectId(one) for one in lost]))
    if not view.count():
        raise InputError(
            "Nothing is left to export: every image is flagged or tagged, or its file "
            "cannot be read. Leave fewer findings out."
        )
    if format == "fiftyone" or format in BOX_FORMATS:
        if format == "fiftyone":
            view.export(export_dir=str(folder), dataset_type=fo.types.FiftyOneDataset)
        else:
            export_boxes(view, folder, format, run)
        remarks = tuple(_remarks_on_lost(len(lost)))
        return Exported(view, view.count(), str(folder), remarks)
    rows = view.sort_by("id")
    paths = rows.values("filepath")
    labels: Sequence[str | None] = [None] * len(paths)
    if format == "folders" and run.label_field:
        labels = label_field_of(rows, run.label_field).texts(rows)
    names = [Path(path).name for path in paths]
    tree = class_folders(names, _splits(rows, run), labels)
    _copy(paths, folder, tree.paths, on_progress)
    remarks = (*_remarks_on_lost(len(lost)), *_remarks_on_tree(tree))
    return Exported(view, len(paths), str(folder), remarks)


def _splits(view: fo.DatasetView, run: ScanRun) -> Sequence[str | None]:
    split_by = run.split_by
    if split_by is None:
        return [None] * view.count()
    if isinstance(split_by, str):
        return list(view.values(split_by))
    return [
        next((tag for tag in split_by if tag in (own or ())), None)
        for own in view.values("tags")
    ]


def _copy(
    sources: Sequence[str],
    folder: Path,
    targets: Sequence[str],
    on_progress: OnProgress,
) -> None:
    done = 0
    try:
        for source, target in zip(sources, targets, strict=True):
            place = folder / target
            place.parent.mkdir(parents=True, exist_ok=True)
            # "x": nothing that is there is ever written over
            with Path(source).open("rb") as file, place.open("xb") as copy:
                shutil.copyfileobj(file, copy)
            # With its times: of two copies the older one is the one to keep
            shutil.copystat(source, place)
            done += 1
            if done % _IMAGES_A_REPORT == 0 or done == len(sources):
                on_progress(Progress("Copying images", done, len(sources)))
    except OSError as error:
        raise CurationError(
            f"Only {done:,} of {len(sources):,} images were copied to {folder}: "
            f"{error.strerror} ({error.filename}). Remove the folder and export again."
        ) from error


def _remarks_on_lost(count: int) -> Iterator[str]:
    if count:
        yield f"{count:,} files are not there or may not be read, and were not copied"


def _remarks_on_tree(tree: ClassFolders) -> Iterator[str]:
    if tree.renamed:
        yield f"Folders with another name than their class: {_names(tree.renamed)}"
    if tree.misread:
        yield (
            f"{tree.misread:,} images would be in another split or class, or in none, "
            "if the folder is scanned: it cannot say where they are. As a FiftyOne "
            "data set (format='fiftyone') it can"
        )


def _names(renamed: Mapping[str, str]) -> str:
    shown = [f"'{word}' is {name}" for word, name in sorted(renamed.items())]
    return first_of(shown, _RENAMED_SHOWN)
