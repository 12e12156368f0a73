"""All that Winnow uses of FiftyOne though its name begins with an underscore.

There is no public way to ask for these. A new version of FiftyOne may rename them:
``tests/integration/test_internals.py`` says which one is missing, and another test
that nothing outside this module names any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
from bson import ObjectId
from pymongo.collection import Collection

Documents = Collection[dict[str, Any]]


def dataset_of(samples: fo.core.collections.SampleCollection) -> fo.Dataset:
    """Returns the data set of a view, also of patches, or the data set itself."""
    return samples._root_dataset


def dataset_id(dataset: fo.Dataset) -> str:
    """Returns what names a data set for good: it may be renamed."""
    return str(dataset._doc.id)


def sample_documents(dataset: fo.Dataset) -> Documents:
    """Returns the samples as the database holds them.

    For aggregations of a dozen numbers at once, and for updates of several fields
    of a sample at once.
    """
    documents: Documents = dataset._sample_collection
    return documents


def new_document(dataset: fo.Dataset, sample: fo.Sample) -> dict[str, Any]:
    """Returns what FiftyOne would insert for a sample whose fields are declared."""
    now = datetime.now(timezone.utc)
    document: dict[str, Any] = dataset._make_dict(
        sample, created_at=now, last_modified_at=now
    )
    return document


def document_like(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Returns the document of a new sample that is like another but for its file.

    Labels have an id each, and samples a number by which FiftyOne shuffles them.

    Args:
        document: of :func:`new_document`
        path: absolute file path
    """
    other = {**document, "filepath": path}
    for name, value in document.items():
        if isinstance(value, dict) and "_id" in value:
            other[name] = {**value, "_id": ObjectId()}
    other["_rand"] = fo.core.odm.sample._generate_rand()
    return other


def stored_values(view: fo.DatasetView, field: str) -> list[Any]:
    """Returns the value of each sample as the database holds it.

    For lists of texts: FiftyOne makes a list of its own for each, which takes as long
    as to read them.
    """
    values: list[Any] = view.values(field, _raw=True)
    return values


def sample_documents_name(dataset: fo.Dataset) -> str:
    """Returns the name of the collection of :func:`sample_documents`."""
    return str(dataset._sample_collection_name)


def add_sample_fields(dataset: fo.Dataset, fields: Mapping[str, fo.Field]) -> None:
    """Declares new fields, by path, at once.

    One by one, each costs a reading of all fields: 43 of them take seconds.
    """
    dataset._merge_sample_field_schema(dict(fields))


def refresh_held_samples(dataset: fo.Dataset) -> None:
    """Brings the samples that this process holds in line with the database."""
    fo.Sample._sync_docs(dataset._sample_collection_name, dataset.values("id"))


def is_generated(samples: str) -> bool:
    """Returns whether FiftyOne made a data set for a view of patches, frames or clips.

    Args:
        samples: name of the collection of its samples
    """
    return samples.startswith(("patches.", "frames.", "clips."))


def shows_parts(view: fo.DatasetView) -> bool:
    """True for a view of patches, frames or clips."""
    return bool(view._is_patches or view._is_frames or view._is_clips)


def shows_objects(samples: fo.core.collections.SampleCollection) -> bool:
    """True for a view of patches, one object each."""
    return isinstance(samples, fo.DatasetView) and bool(samples._is_patches)


def is_grouped_by_field(view: fo.DatasetView) -> bool:
    """True for a view that puts samples into groups by a field's value."""
    return bool(view._is_dynamic_groups)


def stages_of(view: fo.DatasetView) -> Sequence[fo.ViewStage]:
    """Returns the stages that make a view of its data set."""
    stages: Sequence[fo.ViewStage] = view._stages
    return stages


def serialized_stages(view: fo.DatasetView) -> list[dict[str, Any]]:
    """Returns the stages as the App sends them, equal for equal views."""
    stages: list[dict[str, Any]] = view._serialize(include_uuids=False)
    return stages
