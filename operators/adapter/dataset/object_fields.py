"""Declares and writes the attributes that a run puts on labeled objects.

They are written by the id of the label, in the database, so that what a person does
to labels meanwhile stays as it is. Where there is nothing to say an attribute is
absent, not None: None would show in the App.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from pymongo import UpdateOne

from ....core.common.parallel import side_by_side
from ....core.errors import InputError
from ....core.objects.findings import ATTRIBUTES
from ....core.progress import OnProgress, Progress
from .fields import (
    DURABLE,
    FIELD_TYPES,
    SAMPLES_A_WRITE,
    WRITERS,
    field_name,
    is_ours,
    new_field,
)
from .internals import add_sample_fields, sample_documents
from .objects import object_field_candidates, objects_path

_OF_OBJECTS = tuple(spec.name for spec in ATTRIBUTES if spec.type == "sample")
"""The attributes that name another object."""


def check_attributes(dataset: fo.Dataset, name: str, prefix: str | None) -> None:
    """Raises :class:`InputError` if an attribute's name is taken by someone else.

    Nothing is changed.

    Args:
        dataset: that holds the samples
        name: field of the objects
        prefix: of the attributes' names
    """
    path = objects_path(dataset, name)
    for parent in dict.fromkeys((name, path)):
        if dataset.get_field(parent).read_only:
            raise InputError(
                f"The field '{parent}' is read-only, so nothing is written to its "
                "labels. Scan without objects, or make the field writable."
            )
    free = f"prefix='{_free_prefix(dataset, path, prefix)}'"
    undeclared = []
    for spec in ATTRIBUTES:
        attribute = f"{path}.{field_name(spec.name, prefix)}"
        field = dataset.get_field(attribute)
        if field is None:
            undeclared.append(attribute)
        elif not is_ours(field):
            raise _taken(attribute, free)
        elif field.read_only:
            raise InputError(
                f"The attribute '{attribute}' is read-only, so it is not changed. "
                f"Scan with another prefix, for example {free}."
            )
        elif not isinstance(field, FIELD_TYPES[spec.type][0]):
            raise InputError(
                f"The attribute '{attribute}' is of type {type(field).__name__}, not "
                "as Winnow writes it. Delete it, or scan with another prefix, for "
                f"example {free}."
            )
    if found := _first_of(dataset, undeclared):
        raise _taken(found, free)


def declare_attributes(dataset: fo.Dataset, name: str, prefix: str | None) -> None:
    """Adds the attributes to the schema of the objects."""
    path = objects_path(dataset, name)
    names = {field_name(spec.name, prefix): spec for spec in ATTRIBUTES}
    fields = {f"{path}.{name}": new_field(name, spec) for name, spec in names.items()}
    add_sample_fields(dataset, fields)


def clear_attributes(dataset: fo.Dataset, prefix: str | None) -> None:
    """Takes a prefix's attributes off all objects, of whatever field.

    The last run may have looked at another field, or at more of the samples.
    """
    for name in object_field_candidates(dataset):
        path = objects_path(dataset, name)
        paths = [f"{path}.{field_name(spec.name, prefix)}" for spec in ATTRIBUTES]
        fields = {one: dataset.get_field(one) for one in paths}
        ours = [one for one, field in fields.items() if field and is_ours(field)]
        if not ours:
            continue
        is_list = path != name
        removed = {
            f"{path}.$[].{one.rpartition('.')[2]}" if is_list else one: ""
            for one in ours
        }
        # $[] fails where there is no list
        holds = {path: {"$type": "array" if is_list else "object"}}
        now = datetime.now(timezone.utc)
        _collection(dataset).update_many(
            holds, {"$unset": removed, "$set": {"last_modified_at": now}}
        )


def write_object_findings(
    dataset: fo.Dataset,
    name: str,
    sample_ids: Sequence[str],
    object_ids: Sequence[str],
    sample: NDArray[np.int64],
    columns: Mapping[str, Sequence[Any]],
    *,
    prefix: str | None,
    on_progress: OnProgress,
) -> None:
    """Writes all attributes of a sample's objects in one update.

    Objects that were deleted meanwhile are left out; those that were changed keep
    their change.

    Args:
        dataset: that holds the samples
        name: field of the objects
        sample_ids: n sample ids
        object_ids: u label ids
        sample: int64[u], row of each object's sample
        columns: u values an attribute, by its plain name; other objects by row
        prefix: of the stored names
        on_progress: called after each batch
    """
    path = objects_path(dataset, name)
    update = _list_update if path != name else _single_update
    collection = _collection(dataset)
    order = np.argsort(sample, kind="stable")
    rows, starts = np.unique(sample[order], return_index=True)
    parts = np.split(order, starts[1:]) if len(rows) else []

    def write(start: int) -> None:
        some = slice(start, start + SAMPLES_A_WRITE)
        units = np.concatenate(parts[some]).tolist()
        found = zip(
            [ObjectId(object_ids[unit]) for unit in units],
            _values(columns, units, object_ids, prefix),
            strict=True,
        )
        updates = [
            update(path, ObjectId(sample_ids[row]), dict(islice(found, len(part))))
            for row, part in zip(rows[some].tolist(), parts[some], strict=True)
        ]
        collection.bulk_write(updates, ordered=False)

    every = range(0, len(rows), SAMPLES_A_WRITE)
    with side_by_side(write, every, WRITERS) as written:
        for start, _ in written:
            done = min(start + SAMPLES_A_WRITE, len(rows))
            on_progress(Progress("Writing attributes of objects", done, len(rows)))


def _values(
    columns: Mapping[str, Sequence[Any]],
    units: Sequence[int],
    object_ids: Sequence[str],
    prefix: str | None,
) -> Iterator[dict[str, Any]]:
    """Yields what is stored of each of the units: what there is nothing of is left out.

    Column by column: a look-up per value takes longer than the database does.
    """
    names = [field_name(name, prefix) for name in columns]
    picked = []
    for name, column in columns.items():
        values = [column[unit] for unit in units]
        if name in _OF_OBJECTS:
            values = [None if one is None else object_ids[one] for one in values]
        picked.append(values)
    for row in zip(*picked, strict=True):
        yield {
            name: value
            for name, value in zip(names, row, strict=True)
            if value is not None
        }


def _list_update(
    path: str, sample: ObjectId, values: Mapping[ObjectId, Mapping[str, Any]]
) -> UpdateOne:
    """Merges attributes into the labels of a list that have these ids."""
    # One more for ids that are not among them: $indexOfArray gives -1, the last
    found = [*values.values(), {}]
    place = {"$indexOfArray": [{"$literal": list(values)}, "$$label._id"]}
    more = {"$arrayElemAt": [{"$literal": found}, place]}
    merged = {
        "$map": {
            "input": f"${path}",
            "as": "label",
            "in": {"$mergeObjects": ["$$label", more]},
        }
    }
    # A list that was emptied or removed meanwhile stays so
    return UpdateOne(
        {"_id": sample, path: {"$type": "array"}},
        [{"$set": {path: merged, "last_modified_at": "$$NOW"}}],
    )


def _single_update(
    path: str, sample: ObjectId, values: Mapping[ObjectId, Mapping[str, Any]]
) -> UpdateOne:
    """Sets attributes of the one label of a field, if it has this id."""
    ((label, found),) = values.items()
    stored = {f"{path}.{name}": value for name, value in found.items()}
    return UpdateOne(
        {"_id": sample, f"{path}._id": label},
        {"$set": {**stored, "last_modified_at": datetime.now(timezone.utc)}},
    )


def _first_of(dataset: fo.Dataset, paths: Sequence[str]) -> str | None:
    """Returns the first of the paths that any document has.

    The schema does not know attributes that were never declared, as importers leave
    them; the App does not show them, and they are not ours to overwrite.
    """
    documents = sample_documents(dataset)
    anywhere = {"$or": [{path: {"$exists": True}} for path in paths]}
    if not paths or documents.find_one(anywhere, {"_id": 1}) is None:
        return None
    return next(
        path
        for path in paths
        if documents.find_one({path: {"$exists": True}}, {"_id": 1}) is not None
    )


def _taken(attribute: str, free: str) -> InputError:
    return InputError(
        f"The attribute '{attribute}' already exists, not created by Winnow, so it is "
        f"not changed. Scan with another prefix, for example {free}."
    )


def _free_prefix(dataset: fo.Dataset, path: str, taken: str | None) -> str:
    return next(
        candidate
        for candidate in _prefixes()
        if candidate != taken
        and not any(
            dataset.has_sample_field(field_name(spec.name, candidate))
            for spec in ATTRIBUTES
        )
        and _first_of(
            dataset,
            [f"{path}.{field_name(spec.name, candidate)}" for spec in ATTRIBUTES],
        )
        is None
    )


def _prefixes() -> Iterator[str]:
    yield "winnow"
    number = 2
    while True:
        yield f"winnow{number}"
        number += 1


def _collection(dataset: fo.Dataset) -> Any:
    return sample_documents(dataset).with_options(write_concern=DURABLE)
