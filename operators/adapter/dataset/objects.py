"""Reads the objects that people have labeled: boxes, or polylines by their boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import numpy as np
from bson import ObjectId

from ....core.errors import InputError
from ....core.objects.collect import ObjectInput
from ....core.objects.units import look_like_pixels
from .fields import is_ours
from .internals import dataset_of, sample_documents, shows_objects
from .present import present
from .samples import NO_CODE

_LISTS: dict[type[Any], str] = {fo.Detections: "detections", fo.Polylines: "polylines"}
_SINGLE = (fo.Detection, fo.Polyline)

_MOST_PER_SAMPLE = 30_000
"""The attributes of so many fit into the 16 MB of a document of the database."""

_OF_FIFTYONE = frozenset(
    ("_id", "_cls", "label", "bounding_box", "points", "closed", "filled", "mask")
)
_CROWD = ("iscrowd", "crowd")
_NO_BOX = [np.nan] * 4
_FARTHEST = 1e6
"""A place so many pictures away is none: its area would be no number."""


def object_field_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the names of the fields that hold objects with boxes."""
    schema = samples.get_field_schema(flat=False)
    return [name for name, field in schema.items() if _document_type(field) is not None]


def check_object_field(
    samples: fo.core.collections.SampleCollection, name: str
) -> None:
    """Raises :class:`InputError` unless the field holds objects with boxes."""
    candidates = object_field_candidates(samples)
    if name in candidates:
        return
    hint = (
        f"Fields that can be used: {', '.join(candidates)}."
        if candidates
        else "No field can be used."
    )
    field = samples.get_field_schema(flat=False).get(name)
    if field is None:
        raise InputError(f"There is no field '{name}' of objects. {hint}")
    kind = getattr(field, "document_type", None) or type(field)
    raise InputError(
        f"Field '{name}' holds {kind.__name__}. Objects are Detections, Detection, "
        f"Polylines or Polyline. {hint}"
    )


def objects_path(samples: fo.core.collections.SampleCollection, name: str) -> str:
    """Returns where a field's objects stand: a list, or the field itself."""
    kind = _document_type(samples.get_field(name))
    inner = _LISTS.get(kind) if kind is not None else None
    return f"{name}.{inner}" if inner else name


def read_objects(view: fo.DatasetView, name: str) -> ObjectInput:
    """Reads all objects of a view in one query.

    Args:
        view: of images, in the order of the scan
        name: a field of Detections, Detection, Polylines or Polyline

    Raises:
        InputError: the field does not hold objects, holds none, or its boxes are
            pixels
    """
    check_object_field(view, name)
    path = objects_path(view, name)
    not_given = _OF_FIFTYONE | _made_by_winnow(view, path)
    ids: list[str] = []
    rows: list[int] = []
    boxes: list[list[float]] = []
    labels: list[str | None] = []
    counts: list[int] = []
    crowds: list[bool] = []
    for row, (sample, found) in enumerate(objects_of(view, path)):
        if len(found) > _MOST_PER_SAMPLE:
            raise InputError(
                f"Sample {sample} has {len(found):,} objects in '{name}'; at most "
                f"{_MOST_PER_SAMPLE:,} fit into the database with their findings. "
                "Leave it out of the view."
            )
        for label in found:
            ids.append(str(label["_id"]))
            rows.append(row)
            boxes.append(_box(label))
            labels.append(label.get("label"))
            counts.append(_attribute_count(label, not_given))
            crowds.append(any(bool(label.get(key)) for key in _CROWD))
    if not ids:
        raise InputError(f"No sample has an object in field '{name}'.")
    table = np.array(boxes, np.float64)
    if look_like_pixels(table):
        example = next(box for box in boxes if max(box) > 1.5)
        raise InputError(
            f"The boxes of '{name}' look like pixels (such as {example}); FiftyOne "
            "wants shares of width and height. Divide them, then scan."
        )
    classes = sorted({label for label in labels if label is not None})
    code = {label: number for number, label in enumerate(classes)}
    return ObjectInput(
        ids,
        np.array(rows, np.int64),
        table,
        np.array(
            [NO_CODE if label is None else code[label] for label in labels], np.int32
        ),
        classes,
        np.array(counts, np.int64),
        np.array(crowds, bool),
    )


def labels_by_id(dataset: fo.Dataset, name: str) -> dict[str, str | None]:
    """Returns the label of each object that there is now, by its id."""
    path = objects_path(dataset, name)
    return {
        str(label["_id"]): label.get("label")
        for _, found in objects_of(present(dataset), path)
        for label in found
    }


def chosen_objects(
    samples: fo.core.collections.SampleCollection, ids: Sequence[str] | None
) -> list[str] | None:
    """Returns the ids of the labels that a call is about.

    Args:
        samples: of the call; a view of patches stands for its objects
        ids: that the call names

    Returns:
        None where nothing limits it to some objects

    Raises:
        InputError: an id that is none
    """
    if ids is None:
        return list(samples.values("id")) if shows_objects(samples) else None
    object_ids(ids)
    return list(ids)


def object_ids(ids: Sequence[str]) -> list[ObjectId]:
    """Returns ids of labels as the database has them.

    Raises:
        InputError: one that is no id
    """
    for one in ids:
        if not ObjectId.is_valid(one):
            raise InputError(
                f"objects= takes the ids of labels, and {one!r:.40} is none. A view of "
                "patches has them: view.values('id')."
            )
    return [ObjectId(one) for one in ids]


def box_of(label: Mapping[str, Any]) -> list[float] | None:
    """Returns left, top, width and height of a label; None without a sound box.

    Args:
        label: as the database holds it
    """
    box = _box(label)
    return box if np.isfinite(box).all() and min(box[2:]) > 0 else None


def _document_type(field: fof.Field | None) -> type[Any] | None:
    kind = getattr(field, "document_type", None)
    known = (*_LISTS, *_SINGLE)
    return kind if isinstance(kind, type) and kind in known else None


def objects_of(
    view: fo.DatasetView, path: str
) -> Iterator[tuple[str, Sequence[dict[str, Any]]]]:
    """Yields the id of each sample, and its objects as the database holds them."""
    ids = view.values("id")
    documents = sample_documents(dataset_of(view))
    found: dict[str, Any] = {}
    for sample in documents.find({}, {path: 1}):
        value: Any = sample
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        found[str(sample["_id"])] = value
    for sample_id in ids:
        value = found.get(sample_id)
        yield sample_id, value if isinstance(value, list) else [value] if value else []


def _box(label: Mapping[str, Any]) -> list[float]:
    """Returns left, top, width and height, not numbers where there is no box."""
    try:
        box = _extent(label)
    except (TypeError, ValueError, IndexError, OverflowError):
        # FiftyOne stores whatever it is given: words, or points of one number
        return _NO_BOX
    return box if max(map(abs, box)) <= _FARTHEST else _NO_BOX


def _extent(label: Mapping[str, Any]) -> list[float]:
    box = label.get("bounding_box")
    if "points" in label:
        points = [point for line in label["points"] or () for point in line or ()]
        if not points:
            return _NO_BOX
        x, y = np.array(points, np.float64)[:, :2].T
        return [float(one) for one in (x.min(), y.min(), np.ptp(x), np.ptp(y))]
    if not isinstance(box, list | tuple) or len(box) != 4:
        return _NO_BOX
    return [float("nan") if value is None else float(value) for value in box]


def _attribute_count(label: dict[str, Any], not_given: Set[str]) -> int:
    given = (key for key, value in label.items() if value not in (None, [], {}))
    return sum(key not in not_given for key in given)


def _made_by_winnow(
    samples: fo.core.collections.SampleCollection, path: str
) -> frozenset[str]:
    """Returns the names of the attributes that scans put on the objects."""
    schema = samples.get_field_schema(flat=True)
    start = f"{path}."
    return frozenset(
        name.removeprefix(start)
        for name, field in schema.items()
        if name.startswith(start) and is_ours(field)
    )
