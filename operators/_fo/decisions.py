"""What a person decided, kept on the samples themselves.

Two fields hold it, so that it can be seen, filtered and mended with FiftyOne
alone, goes with a sample that is moved or relabelled, and leaves with one that
is deleted. They belong to the data set, not to a run: every scan, whatever its
prefix, reads them and none writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from fiftyone import ViewField as F
from pymongo import UpdateOne

from ...core.decisions import Decisions
from ...core.errors import InputError
from ...core.evidence import Evidence
from .fields import CREATED_BY, field_name, is_ours
from .samples import label_path

DECISIONS = "winnow_decisions"
DISTINCT = "winnow_not_duplicate_of"
KEEP = "keep"
_LABEL_IS = "label is "
_FIELDS = {
    DECISIONS: "What a person decided; scans respect it",
    DISTINCT: "Ids of the samples that a person said it is no duplicate of",
}
_GROUP = "winnow decisions"
_AT_ONCE = 5_000
_LARGEST_CLUSTER = 1_000


def read_decisions(
    dataset: fo.Dataset, ids: Sequence[str], evidence: Evidence
) -> Decisions:
    """Returns what was decided of the rows of the evidence.

    Decisions on samples that are gone are passed over. A verified label counts
    as long as the sample carries it.

    Args:
        dataset: that holds the samples
        ids: the sample of each row
        evidence: whose labels are judged
    """
    row_of = {sample_id: row for row, sample_id in enumerate(ids)}
    keep = np.zeros(len(ids), bool)
    verified = np.zeros(len(ids), bool)
    for sample_id, words in _stored(dataset, DECISIONS):
        row = row_of.get(sample_id)
        if row is None:
            continue
        keep[row] = KEEP in words
        code = evidence.labels[row]
        verified[row] = code >= 0 and _LABEL_IS + evidence.classes[code] in words
    distinct = [
        (row_of[one], row_of[other])
        for one, others in _stored(dataset, DISTINCT)
        for other in others
        if one in row_of and other in row_of
    ]
    return Decisions(keep, verified, np.array(distinct, np.int64).reshape(-1, 2))


def kept_ids(dataset: fo.Dataset) -> set[str]:
    """Returns the samples that a person decided to keep."""
    return {one for one, words in _stored(dataset, DECISIONS) if KEEP in words}


def keep(samples: fo.core.collections.SampleCollection) -> int:
    """Remembers that the images stay; returns how many."""
    return _add(samples, DECISIONS, ((i, [KEEP]) for i in samples.values("id")))


def verify_labels(
    samples: fo.core.collections.SampleCollection, label_field: str | None
) -> int:
    """Remembers that the labels are right; returns how many.

    Raises:
        InputError: the scan looked at no labels
    """
    if label_field is None:
        raise InputError(
            "The last scan looked at no labels, so there is none to verify. Scan "
            "again and say which field holds them."
        )
    pairs = zip(*samples.values(["id", label_path(samples, label_field)]), strict=True)
    words = ((i, [_LABEL_IS + label]) for i, label in pairs if label is not None)
    return _add(samples, DECISIONS, words)


def part_duplicates(
    samples: fo.core.collections.SampleCollection, prefix: str | None
) -> int:
    """Remembers that each image is no duplicate of the others in its cluster.

    Returns:
        of how many images

    Raises:
        InputError: no near duplicate among them, or too large a cluster
    """
    cluster, kind = field_name("dup_cluster", prefix), field_name("dup_kind", prefix)
    near = samples.match(F(kind) == "near")
    numbers = dict(zip(*near.values(["id", cluster]), strict=True))
    if not numbers:
        raise InputError(
            "None of these images is a near duplicate. Images with the same bytes or "
            "pixels as another are duplicates for certain: to leave them alone for "
            "ever, decide to keep them."
        )
    members = samples._dataset.match(F(cluster).is_in(sorted(set(numbers.values()))))
    cluster_of = dict(zip(*members.values(["id", cluster]), strict=True))
    others: dict[int, list[str]] = {}
    for sample_id, number in cluster_of.items():
        others.setdefault(number, []).append(sample_id)
    largest = max(len(found) for found in others.values())
    if largest > _LARGEST_CLUSTER:
        raise InputError(
            f"One of the clusters holds {largest:,} images, too many to remember each "
            "pair. Decide to keep the images, or raise min_copy_score."
        )
    apart = ((i, [o for o in others[n] if o != i]) for i, n in numbers.items())
    return _add(samples, DISTINCT, apart)


def undo_keep(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images stay; returns of how many."""
    return _take_back(samples, KEEP)


def undo_verify_labels(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the labels are right; returns of how many."""
    return _take_back(samples, _LABEL_IS)


def undo_part_duplicates(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are no duplicates; returns of how many."""
    dataset = samples._dataset
    ids = set(samples.values("id"))
    # A pair is stored on either of its images
    stored = dict(_stored(dataset, DISTINCT))
    taken = {one for one in stored if one in ids or ids.intersection(stored[one])}
    left = {
        one: [] if one in ids else [o for o in stored[one] if o not in ids]
        for one in taken
    }
    _set(dataset, DISTINCT, left)
    partners = {other for one in taken for other in stored[one]}
    return len(ids & (taken | partners))


def decided(dataset: fo.Dataset) -> dict[str, int]:
    """Counts the images of each decision."""
    counts = {"kept": 0, "verified": 0, "distinct": 0}
    if dataset.has_sample_field(DECISIONS):
        for word, count in dataset.count_values(DECISIONS).items():
            if word is not None:
                counts["kept" if word == KEEP else "verified"] += count
    if dataset.has_sample_field(DISTINCT):
        counts["distinct"] = dataset.exists(DISTINCT).count()
    return counts


def decisions_of(
    dataset: fo.Dataset, skip: int, limit: int
) -> list[tuple[str, dict[str, str]]]:
    """Returns samples that something was decided of.

    Returns:
        id, and each decision: its name -> in words what it says
    """
    view = decided_view(dataset).skip(skip).limit(limit)
    known = [name for name in _FIELDS if dataset.has_sample_field(name)]
    if not known:
        return []
    values = dict(zip(known, view.values(known), strict=True))
    ids = view.values("id")
    nothing = [None] * len(ids)
    found = []
    for sample_id, words, others in zip(
        ids, values.get(DECISIONS, nothing), values.get(DISTINCT, nothing), strict=True
    ):
        decisions = {}
        for word in words or ():
            what = KEEP if word == KEEP else "label_verified"
            decisions[what] = "kept" if word == KEEP else word
        if others:
            decisions["not_duplicate"] = f"no copy of {len(others):,}"
        found.append((sample_id, decisions))
    return found


def decided_view(dataset: fo.Dataset) -> fo.DatasetView:
    """Returns the samples that something was decided of."""
    names = [name for name in _FIELDS if dataset.has_sample_field(name)]
    if not names:
        return dataset.limit(0)
    some = F(names[0]).exists()
    for name in names[1:]:
        some = some | F(name).exists()
    return dataset.match(some)


def _stored(dataset: fo.Dataset, name: str) -> Iterator[tuple[str, list[str]]]:
    if not dataset.has_sample_field(name):
        return
    ids, values = dataset.exists(name).values(["id", name])
    yield from zip(ids, values, strict=True)


def _add(
    samples: fo.core.collections.SampleCollection,
    name: str,
    words: Iterable[tuple[str, list[str]]],
) -> int:
    dataset = samples._dataset
    _declare(dataset)
    # None where a sample has no decision: $addToSet needs a list
    updates = [
        UpdateOne(
            {"_id": ObjectId(sample_id)},
            [
                {
                    "$set": {
                        name: {"$setUnion": [{"$ifNull": [f"${name}", []]}, more]},
                        "last_modified_at": "$$NOW",
                    }
                }
            ],
        )
        for sample_id, more in words
    ]
    _write(dataset, updates)
    return len(updates)


def _take_back(samples: fo.core.collections.SampleCollection, start: str) -> int:
    """Removes the decisions that start with a text."""
    dataset = samples._dataset
    ids = set(samples.values("id"))
    left = {
        one: [word for word in words if not word.startswith(start)]
        for one, words in _stored(dataset, DECISIONS)
        if one in ids and any(word.startswith(start) for word in words)
    }
    _set(dataset, DECISIONS, left)
    return len(left)


def _set(dataset: fo.Dataset, name: str, values: Mapping[str, list[str]]) -> None:
    # None, not an empty list: exists() finds what was decided
    now = datetime.now(timezone.utc)
    updates = [
        UpdateOne(
            {"_id": ObjectId(sample_id)},
            {"$set": {name: words or None, "last_modified_at": now}},
        )
        for sample_id, words in values.items()
    ]
    _write(dataset, updates)


def _write(dataset: fo.Dataset, updates: list[Any]) -> None:
    for start in range(0, len(updates), _AT_ONCE):
        dataset._sample_collection.bulk_write(
            updates[start : start + _AT_ONCE], ordered=False
        )


def _declare(dataset: fo.Dataset) -> None:
    """Adds the fields and their sidebar group."""
    schema = dataset.get_field_schema()
    for name in _FIELDS:
        if name in schema and not is_ours(schema[name]):
            raise InputError(
                f"The field '{name}' already exists and was not made by Winnow, which "
                "keeps decisions there. Rename it: dataset.rename_sample_field("
                f"'{name}', NEW_NAME)."
            )
    if all(name in schema for name in _FIELDS):
        return
    for name, description in _FIELDS.items():
        dataset.add_sample_field(
            name,
            fo.ListField,
            subfield=fo.StringField,
            description=description,
            info={"created_by": CREATED_BY},
        )
    groups = dataset.app_config.sidebar_groups
    if groups is None:
        groups = fo.DatasetAppConfig.default_sidebar_groups(dataset)
    for group in groups:
        group.paths = [path for path in group.paths or [] if path not in _FIELDS]
    groups = [group for group in groups if group.name != _GROUP]
    groups.append(fo.SidebarGroupDocument(name=_GROUP, paths=list(_FIELDS)))
    dataset.app_config.sidebar_groups = groups
    dataset.save()
