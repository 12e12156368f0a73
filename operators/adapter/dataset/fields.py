"""Declares and writes the fields that a run puts on samples."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from fiftyone.core.odm import create_field
from numpy.typing import NDArray
from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from ....core.common.parallel import side_by_side
from ....core.errors import InputError, StaleRunError
from ....core.findings.schema import FIELDS, VIDEO_FIELDS, FieldSpec, Segment
from ....core.objects.findings import PICTURE_FIELDS
from ....core.progress import OnProgress, Progress
from .internals import add_sample_fields, sample_documents

CREATED_BY = "@winnow/curate"
SIDEBAR_GROUP = "winnow"

FIELD_TYPES: dict[str, tuple[type[fo.Field], type[fo.Field] | None]] = {
    "int": (fo.IntField, None),
    "float": (fo.FloatField, None),
    "bool": (fo.BooleanField, None),
    "str": (fo.StringField, None),
    "list of str": (fo.ListField, fo.StringField),
    "sample": (fo.StringField, None),
    "segments": (fo.EmbeddedDocumentField, None),
}
SAMPLE_FIELDS = tuple(spec.name for spec in FIELDS if spec.type == "sample")
"""The fields that name another sample."""

SAMPLES_A_WRITE, WRITERS = 1_000, 4
"""Samples that are updated by one request, and requests that run side by side: three
quarters of the time of one by one the database is waited for. All fields of 24,335
samples take 1.2 seconds on two cores, 2.0 one by one."""

_SEGMENT_FIELDS = tuple(spec.name for spec in VIDEO_FIELDS if spec.type == "segments")
_ALL = (*FIELDS, *PICTURE_FIELDS, *VIDEO_FIELDS)
# Waits for the journal: a write that was acknowledged survives a killed mongod
DURABLE = WriteConcern(w=1, j=True)


def field_name(name: str, prefix: str | None) -> str:
    """Returns the name under which a finding is stored."""
    return f"{prefix}_{name}" if prefix else name


def is_ours(field: fo.Field) -> bool:
    """True for a field that Winnow made."""
    return (field.info or {}).get("created_by") == CREATED_BY


def fields_of_scan(*, of_objects: bool, of_videos: bool) -> tuple[FieldSpec, ...]:
    """Returns the fields that a scan writes on samples.

    Args:
        of_objects: whether objects are compared as well
        of_videos: whether the samples are videos
    """
    return (
        *FIELDS,
        *(PICTURE_FIELDS if of_objects else ()),
        *(VIDEO_FIELDS if of_videos else ()),
    )


def check_fields(
    dataset: fo.Dataset, prefix: str | None, specs: Sequence[FieldSpec] = FIELDS
) -> None:
    """Raises :class:`InputError` if a name is taken by someone else.

    Nothing is changed.

    Args:
        dataset: that holds the samples
        prefix: of the fields' names
        specs: the fields, see :func:`fields_of_scan`
    """
    if prefix is not None and (not prefix.isidentifier() or prefix.startswith("_")):
        raise InputError(
            f"prefix={prefix!r} cannot start a field name: begin with a letter, then "
            "letters, digits and underscores, for example 'clean'."
        )
    schema = dataset.get_field_schema()
    for spec in specs:
        name = field_name(spec.name, prefix)
        field = schema.get(name)
        if field is None:
            continue
        if not is_ours(field):
            raise InputError(
                f"The field '{name}' already exists, not created by Winnow, so it "
                "is not changed. Scan with another prefix, for example "
                f"prefix='{_free_prefix(schema, prefix)}'."
            )
        kind, _ = FIELD_TYPES[spec.type]
        if not isinstance(field, kind):
            raise InputError(
                f"The field '{name}' is of type {type(field).__name__}, but Winnow "
                f"writes {kind.__name__} there. Delete the field, or scan with "
                f"prefix='{_free_prefix(schema, prefix)}'."
            )


def check_new_field(dataset: fo.Dataset, field: str, made_by: str, what: str) -> None:
    """Raises :class:`InputError` if a field that a person named is not free.

    Args:
        dataset: the data set
        field: its name
        made_by: operator whose own fields may be written again
        what: the field holds, such as "split"
    """
    if not field.isidentifier() or field.startswith("_"):
        raise InputError(
            f"field={field!r} cannot be a field's name: begin with a letter, then "
            "letters, digits and underscores."
        )
    there = dataset.get_field(field)
    if there is not None and (there.info or {}).get("made_by") != made_by:
        raise InputError(
            f"The field '{field}' already exists and has no {what} of Winnow, so it is "
            "not changed. Give another name with field=NAME."
        )


def declare_fields(
    dataset: fo.Dataset, prefix: str | None, specs: Sequence[FieldSpec] = FIELDS
) -> None:
    """Adds the fields and their sidebar group.

    Args:
        dataset: that holds the samples
        prefix: of the fields' names
        specs: the fields, see :func:`fields_of_scan`
    """
    names = {field_name(spec.name, prefix): spec for spec in specs}
    fields = {name: new_field(name, spec) for name, spec in names.items()}
    add_sample_fields(dataset, fields)
    _group_in_sidebar(dataset, list(fields), field_name(SIDEBAR_GROUP, prefix))


def new_field(name: str, spec: FieldSpec) -> fo.Field:
    """Returns a field, or an attribute of a label, that is on no data set yet."""
    kind, subfield = FIELD_TYPES[spec.type]
    field: fo.Field = create_field(
        name,
        kind,
        subfield=subfield,
        embedded_doc_type=fo.TemporalDetections if spec.type == "segments" else None,
        description=spec.description,
        info={"created_by": CREATED_BY},
    )
    return field


def clear_other_fields(
    dataset: fo.Dataset, prefix: str | None, ids: Sequence[str], deleted: int
) -> None:
    """Sets the fields to None of every sample that a run does not cover.

    It must not leave another run's values on the rest: cluster 3 would mean two
    things.

    Args:
        dataset: that holds the samples
        prefix: of the stored names
        ids: the samples of the run
        deleted: how many of them are no longer there
    """
    collection = _collection(dataset)
    empty = dict.fromkeys(_ours(dataset, prefix))
    if collection.count_documents({}) == len(ids) - deleted:
        return
    covered = {ObjectId(one) for one in ids}
    some = {"$or": [{name: {"$ne": None}} for name in empty]}
    others = [
        row["_id"]
        for row in collection.find(some, ["_id"])
        if row["_id"] not in covered
    ]
    now = datetime.now(timezone.utc)
    for start in range(0, len(others), SAMPLES_A_WRITE):
        batch = {"_id": {"$in": others[start : start + SAMPLES_A_WRITE]}}
        collection.update_many(batch, {"$set": {**empty, "last_modified_at": now}})


def stored_columns(
    dataset: fo.Dataset,
    ids: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    prefix: str | None,
) -> dict[str, Sequence[Any]]:
    """Returns what the fields should hold, by their stored names.

    Args:
        dataset: that holds the samples, with all fields declared
        ids: n sample ids
        values: n values a field, by the field's plain name; samples by row. Fields
            that are not among them become None
        prefix: of the stored names
    """
    nothing = [None] * len(ids)
    columns: dict[str, Sequence[Any]] = dict.fromkeys(_ours(dataset, prefix), nothing)
    for name, column in values.items():
        columns[field_name(name, prefix)] = _by_id(name, column, ids, prefix)
    return columns


def stored_ids(dataset: fo.Dataset) -> set[str]:
    """Returns the ids of all samples."""
    # From the index alone, without the samples
    found = _collection(dataset).find({}, ["_id"]).hint("_id_")
    return {str(row["_id"]) for row in found}


def touched_ids(dataset: fo.Dataset, prefix: str | None, since: datetime) -> set[str]:
    """Returns the ids of samples that somebody modified, or that lost our fields.

    Args:
        dataset: that was scanned
        prefix: of the fields' names
        since: samples modified after this time
    """
    # Keeping some fields of a view alone does not count as a modification
    lost = {field_name("scan_status", prefix): None}
    touched = {"$or": [{"last_modified_at": {"$gt": since}}, lost]}
    return {str(row["_id"]) for row in _collection(dataset).find(touched, ["_id"])}


def write_findings(
    dataset: fo.Dataset,
    ids: Sequence[str],
    columns: Mapping[str, Sequence[Any]],
    rows: Sequence[int],
    differing: NDArray[np.bool_],
    modified_at: datetime,
    on_progress: OnProgress,
) -> None:
    """Writes the fields of each sample that change, keyed by its id.

    A row is written whole, in one update, so that no sample ever holds half a row.
    Reading what is there takes a sixth of the time of writing it all, and is spared
    where it is known to differ.

    Args:
        dataset: that holds the samples
        ids: n sample ids
        columns: from :func:`stored_columns`
        rows: those to look at; what stands in the others is known
        differing: bool[n], those of them that surely hold something else
        modified_at: when they are said to be modified, if nobody did so since
        on_progress: called first, and after each batch

    Raises:
        StaleRunError: none of a batch exists any more
    """
    collection = _collection(dataset)

    def write(start: int) -> int:
        """Writes some rows; returns how many of their samples are there."""
        batch = rows[start : start + SAMPLES_A_WRITE]
        keys = [ObjectId(ids[row]) for row in batch]
        changed = differing[batch].tolist()
        unsure = [key for key, other in zip(keys, changed, strict=True) if not other]
        held = {
            row.pop("_id"): row
            for row in collection.find({"_id": {"$in": unsure}}, [*columns])
        }
        wanted = (
            {name: column[row] for name, column in columns.items()} for row in batch
        )
        updates = [
            UpdateOne(
                {"_id": key},
                {"$set": row, "$max": {"last_modified_at": modified_at}},
            )
            for key, row, other in zip(keys, wanted, changed, strict=True)
            if other or (key in held and _differs(held[key], row))
        ]
        there = len(held)
        if updates:
            there += collection.bulk_write(updates, ordered=False).matched_count
        return there

    on_progress(Progress("Writing fields", 0, len(rows)))
    every = range(0, len(rows), SAMPLES_A_WRITE)
    with side_by_side(write, every, WRITERS) as written:
        for start, there in written:
            if not there:
                raise StaleRunError(
                    f"The samples of '{dataset.name}' are gone: the data set was "
                    "deleted or refilled during the scan. Load it again and scan again."
                )
            done = min(start + SAMPLES_A_WRITE, len(rows))
            on_progress(Progress("Writing fields", done, len(rows)))


def _differs(held: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """True if a sample should hold something else."""
    if held == row:
        return False
    # A field that was declared since is not in each sample, which means None
    return {**dict.fromkeys(row), **held} != row


def _ours(dataset: fo.Dataset, prefix: str | None) -> list[str]:
    """Returns the stored names of the fields of a prefix that are ours."""
    names = {field_name(spec.name, prefix) for spec in _ALL}
    return [
        name
        for name, field in dataset.get_field_schema().items()
        if name in names and is_ours(field)
    ]


def _by_id(
    name: str, column: Sequence[Any], ids: Sequence[str], prefix: str | None
) -> Sequence[Any]:
    """Puts ids in place of the rows of other samples, and labels for stretches."""
    if name in _SEGMENT_FIELDS:
        stored = field_name(name, prefix)
        return [
            None if row is None else _detections(row, stored, sample, ids)
            for sample, row in zip(ids, column, strict=True)
        ]
    if name not in SAMPLE_FIELDS:
        return column
    return [None if row is None else ids[row] for row in column]


def _detections(
    segments: Sequence[Segment], name: str, sample: str, ids: Sequence[str]
) -> Any:
    """Returns the stretches of a video as FiftyOne stores them.

    Their ids follow from what they are, so that one that stays is not written again.
    """
    found = fo.TemporalDetections(
        detections=[
            fo.TemporalDetection(
                id=_id_of(name, sample, one.label, one.first, one.last, one.of),
                label=one.label,
                support=[one.first, one.last],
                confidence=one.score,
                **({} if one.of is None else {"of": ids[one.of]}),
            )
            for one in segments
        ]
    )
    return found.to_dict()


def _id_of(*parts: str | int | None) -> ObjectId:
    return ObjectId(hashlib.sha256(repr(parts).encode()).digest()[:12])


def _collection(dataset: fo.Dataset) -> Any:
    # FiftyOne's own set_values ends here too; there is no public way to
    # update several fields of a sample at once
    return sample_documents(dataset).with_options(write_concern=DURABLE)


def _group_in_sidebar(dataset: fo.Dataset, names: list[str], group: str) -> None:
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for other in groups:
        other.paths = [path for path in other.paths or [] if path not in names]
    groups = [other for other in groups if other.name != group]
    place = next(
        (row + 1 for row, other in enumerate(groups) if other.name == "labels"),
        len(groups),
    )
    groups.insert(place, fo.SidebarGroupDocument(name=group, paths=names))
    dataset.app_config.sidebar_groups = groups
    dataset.save()


def _free_prefix(schema: Mapping[str, Any], taken: str | None) -> str:
    number = 1
    while True:
        candidate = "winnow" if number == 1 else f"winnow{number}"
        names = (field_name(spec.name, candidate) for spec in _ALL)
        if candidate != taken and not any(name in schema for name in names):
            return candidate
        number += 1
