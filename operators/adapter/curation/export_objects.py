"""Exports images with their boxes: COCO, YOLO and VOC, by FiftyOne's exporters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone import ViewField as F

from ....core.errors import InputError
from ..dataset.fields import is_ours
from ..dataset.internals import dataset_of, sample_documents
from ..runs.run_record import ScanRun
from ..views.finding_views import in_split

BOX_FORMATS = {
    "coco": "COCO: images, and labels.json with the boxes",
    "yolo": "YOLO: images, a .txt each, and dataset.yaml",
    "voc": "VOC: images, and an .xml each",
}
_OF_FIFTYONE = frozenset(
    ("id", "tags", "label", "bounding_box", "mask", "mask_path", "confidence", "index")
    + ("instance", "attributes", "created_at", "last_modified_at")
)


def export_boxes(view: fo.DatasetView, folder: Path, format: str, run: ScanRun) -> None:
    """Writes images and boxes, without the attributes that scans put on them.

    Each split has a folder of its own; YOLO has them in one data set.

    Args:
        view: of the samples
        folder: that does not exist or is empty
        format: one of :data:`BOX_FORMATS`
        run: the record of the scan, which knows objects and splits

    Raises:
        InputError: objects were not scanned, or are no Detections; nothing was
            written
    """
    dataset, field = dataset_of(view), run.objects
    kind = getattr(dataset.get_field(field), "document_type", None) if field else None
    if field is None or kind is not fo.Detections:
        raise InputError(
            f"format='{format}' writes the boxes of a field of Detections that was "
            "scanned. Scan with objects= and its name; other labels go with "
            "format='fiftyone'."
        )
    # A box of other than four numbers stops FiftyOne's exporters
    is_box = F("bounding_box").length() == 4
    view = view.filter_labels(field, is_box, only_matches=False)
    for split, part in _parts(view, run):
        _export(part, folder, format, split, field)


def _export(
    view: fo.DatasetView, folder: Path, format: str, split: str | None, field: str
) -> None:
    dataset = dataset_of(view)
    labels = dataset.distinct(f"{field}.detections.label")
    options: dict[str, Any] = {"classes": labels}
    if format == "yolo":
        options["split"] = split or "train"
    else:
        options["extra_attrs"] = _own_attributes(dataset, field)
        folder = folder / split if split else folder
    if format == "voc":
        del options["classes"]
    view.export(
        export_dir=str(folder),
        dataset_type={
            "coco": fo.types.COCODetectionDataset,
            "yolo": fo.types.YOLOv5Dataset,
            "voc": fo.types.VOCDetectionDataset,
        }[format],
        label_field=field,
        progress=False,
        **options,
    )


def _own_attributes(dataset: fo.Dataset, field: str) -> list[str]:
    """Returns the attributes of labels that a person, or an importer, gave them.

    The documents are asked: the schema lacks those that were never declared.
    """
    path = f"{field}.detections"
    found = sample_documents(dataset).aggregate(
        [
            {"$unwind": f"${path}"},
            {"$project": {"name": {"$objectToArray": f"${path}"}}},
            {"$unwind": "$name"},
            {"$group": {"_id": "$name.k"}},
        ]
    )
    names = sorted(row["_id"] for row in found)
    ours = {name for name in names if _is_ours(dataset, f"{path}.{name}")}
    return [
        name
        for name in names
        if name not in ours | _OF_FIFTYONE and not name.startswith("_")
    ]


def _is_ours(dataset: fo.Dataset, path: str) -> bool:
    field = dataset.get_field(path)
    return field is not None and is_ours(field)


def _parts(
    view: fo.DatasetView, run: ScanRun
) -> list[tuple[str | None, fo.DatasetView]]:
    """Returns the images of each split, and those of none."""
    split_by = run.split_by
    if split_by is None:
        return [(None, view)]
    names = view.distinct(split_by) if isinstance(split_by, str) else list(split_by)
    parts: list[tuple[str | None, fo.DatasetView]] = []
    rest = view
    for name in names:
        is_in = in_split(run, name)
        parts.append((str(name), rest.match(is_in)))
        rest = rest.match(~is_in)
    parts.append((None, rest))
    return [(name, part) for name, part in parts if part.count()]
