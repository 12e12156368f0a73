"""What a person decided, kept on the samples themselves.

Two fields hold it, so that it can be seen, filtered and mended with FiftyOne
alone, goes with a sample that is moved or relabeled, and leaves with one that
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

from ....core.errors import InputError
from ....core.findings.decisions import Decisions
from ....core.scan.scan_data import ScanData
from .fields import CREATED_BY, field_name, is_ours
from .internals import dataset_of, sample_documents
from .labels import label_field_of
from .present import present

DECISIONS = "winnow_decisions"
DISTINCT = "winnow_not_duplicate_of"
KEEP = "keep"
"""The image is never flagged."""
KEEPER = "keeper"
"""Of its cluster this copy stays, and the others go."""
LABEL_VERIFIED = "label_verified"
NOT_DUPLICATE = "not_duplicate"
MAY_GO = "may_go"
"""The image may be put into quarantine."""
RELABEL = "relabel"
"""The image should get another label."""
LABEL_WORDS = "label "
"""How the decisions on a label begin, as they are stored."""
LABEL_IS, _LABEL_TO = f"{LABEL_WORDS}is ", f"{LABEL_WORDS}to "
_IN_WORDS = {
    KEEP: "kept",
    KEEPER: "chosen as the one to keep",
    MAY_GO: "may go",
}
_INSTEAD_OF = {
    KEEP: (MAY_GO,),
    KEEPER: (MAY_GO,),
    MAY_GO: (KEEP, KEEPER),
    LABEL_VERIFIED: (RELABEL,),
    RELABEL: (RELABEL, LABEL_VERIFIED),
}
"""What a decision takes the place of on the same image."""
_FIELDS = {
    DECISIONS: "Decisions of a person; scans respect them",
    DISTINCT: "Ids of samples that a person decided are not duplicates of it",
}
_GROUP = "winnow decisions"
_AT_ONCE = 5_000
_LARGEST_CLUSTER = 1_000


def read_decisions(
    dataset: fo.Dataset, ids: Sequence[str], scan_data: ScanData
) -> Decisions:
    """Returns what was decided of the rows of a scan.

    Decisions on samples that are gone are passed over. A verified label counts
    as long as the sample carries it.

    Args:
        dataset: that holds the samples
        ids: the sample of each row
        scan_data: whose labels are judged
    """
    row_of = {sample_id: row for row, sample_id in enumerate(ids)}
    keep = np.zeros(len(ids), bool)
    keeper = np.zeros(len(ids), bool)
    verified = np.zeros(len(ids), bool)
    for sample_id, words in _stored(dataset, DECISIONS):
        row = row_of.get(sample_id)
        if row is None:
            continue
        keep[row], keeper[row] = KEEP in words, KEEPER in words
        code = scan_data.samples.labels[row]
        label = scan_data.samples.classes[code] if code >= 0 else None
        # One that was corrected as decided is right, too
        verified[row] = label is not None and (
            LABEL_IS + label in words or _LABEL_TO + label in words
        )
    distinct = [
        (row_of[one], row_of[other])
        for one, others in _stored(dataset, DISTINCT)
        for other in others
        if one in row_of and other in row_of
    ]
    pairs = np.array(distinct, np.int64).reshape(-1, 2)
    return Decisions(keep, keeper, verified, pairs)


def decided_ids(dataset: fo.Dataset, word: str) -> set[str]:
    """Returns the samples that a person decided :data:`KEEP`, :data:`KEEPER` or
    :data:`MAY_GO` of."""
    return {one for one, words in _stored(dataset, DECISIONS) if word in words}


def decided_labels(dataset: fo.Dataset) -> dict[str, str]:
    """Returns the label that a person decided a sample should get, by its id."""
    return {
        one: word.removeprefix(_LABEL_TO)
        for one, words in _stored(dataset, DECISIONS)
        for word in words
        if word.startswith(_LABEL_TO)
    }


def keep(samples: fo.core.collections.SampleCollection) -> int:
    """Remembers that the images are never flagged; returns how many."""
    _take_back(samples, *_INSTEAD_OF[KEEP])
    return _add(samples, DECISIONS, ((i, [KEEP]) for i in samples.values("id")))


def let_go(samples: fo.core.collections.SampleCollection) -> int:
    """Remembers that the images may go; returns how many."""
    _take_back(samples, *_INSTEAD_OF[MAY_GO])
    return _add(samples, DECISIONS, ((i, [MAY_GO]) for i in samples.values("id")))


def relabel(samples: fo.core.collections.SampleCollection, label: str | None) -> int:
    """Remembers which label the images should get; returns how many.

    Raises:
        InputError: no label
    """
    if not label:
        raise InputError("Say which label they should get: label='cat', for example.")
    _take_back(samples, *_INSTEAD_OF[RELABEL])
    words = ((i, [_LABEL_TO + label]) for i in samples.values("id"))
    return _add(samples, DECISIONS, words)


def choose_keepers(
    samples: fo.core.collections.SampleCollection, prefix: str | None
) -> int:
    """Remembers that each image is the one to keep of its cluster.

    It takes the place of what was chosen of that cluster before. Keepers of
    clusters that a later scan joins both stay.

    Returns:
        of how many images

    Raises:
        InputError: no image with a copy among them, or two of one cluster
    """
    cluster = field_name("dup_cluster", prefix)
    numbers = dict(zip(*samples.exists(cluster).values(["id", cluster]), strict=True))
    if not numbers:
        raise InputError(
            "None of these images has a copy, so there is no cluster to choose the "
            "keeper of. To leave an image alone for ever, decide to keep it."
        )
    if len(set(numbers.values())) < len(numbers):
        raise InputError(
            "Some of these images are copies of one another, and a cluster has one "
            "keeper. Choose one of each cluster; decide 'keep' for those that stay "
            "beside it."
        )
    members = present(dataset_of(samples)).match(
        F(cluster).is_in(sorted(numbers.values()))
    )
    _take_back(members, KEEPER)
    _take_back(samples, *_INSTEAD_OF[KEEPER])
    return _add(samples, DECISIONS, ((i, [KEEPER]) for i in numbers))


def verify_labels(
    samples: fo.core.collections.SampleCollection, label_field: str | None
) -> int:
    """Remembers that the labels are right; returns how many.

    Raises:
        InputError: the scan looked at no labels
    """
    if label_field is None:
        raise InputError(
            "The last scan had no labels, so there is none to verify. Scan again "
            "with label_field, the field that holds them."
        )
    labels = label_field_of(samples, label_field).texts(samples)
    pairs = zip(samples.values("id"), labels, strict=True)
    words = ((i, [LABEL_IS + label]) for i, label in pairs if label is not None)
    _take_back(samples, *_INSTEAD_OF[LABEL_VERIFIED])
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
    members = present(dataset_of(samples)).match(
        F(cluster).is_in(sorted(set(numbers.values())))
    )
    cluster_of = dict(zip(*members.values(["id", cluster]), strict=True))
    others: dict[int, list[str]] = {}
    for sample_id, number in cluster_of.items():
        others.setdefault(number, []).append(sample_id)
    largest = max(len(found) for found in others.values())
    if largest > _LARGEST_CLUSTER:
        raise InputError(
            f"One of the clusters has {largest:,} images, too many to store each "
            "pair. Decide to keep the images, or raise min_copy_score."
        )
    apart = ((i, [o for o in others[n] if o != i]) for i, n in numbers.items())
    return _add(samples, DISTINCT, apart)


def undo_keep(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are never flagged; returns of how many."""
    return _take_back(samples, KEEP)


def undo_choose_keepers(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are keepers: the rules choose; returns how many."""
    return _take_back(samples, KEEPER)


def undo_verify_labels(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the labels are right; returns of how many."""
    return _take_back(samples, LABEL_VERIFIED)


def undo_let_go(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images may go; returns of how many."""
    return _take_back(samples, MAY_GO)


def undo_relabel(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back which label the images should get; returns of how many."""
    return _take_back(samples, RELABEL)


def undo_part_duplicates(samples: fo.core.collections.SampleCollection) -> int:
    """Takes back that the images are no duplicates; returns of how many."""
    dataset = dataset_of(samples)
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


def waiting(dataset: fo.Dataset, label_field: str | None) -> dict[str, int]:
    """Counts the decisions that a plan would carry out: labels, and what may go."""
    here = present(dataset)
    going = here.select(list(decided_ids(dataset, MAY_GO))).count()
    labels, wrong = decided_labels(dataset), 0
    if labels and label_field is not None:
        view = here.select(list(labels))
        now = label_field_of(view, label_field).texts(view)
        wrong = sum(
            labels[one] != label
            for one, label in zip(view.values("id"), now, strict=True)
        )
    return {RELABEL: wrong, MAY_GO: going}


def decided(dataset: fo.Dataset) -> dict[str, int]:
    """Counts the images of each decision, by its name."""
    names = (KEEPER, KEEP, LABEL_VERIFIED, NOT_DUPLICATE, RELABEL, MAY_GO)
    counts = dict.fromkeys(names, 0)
    here = present(dataset)
    if dataset.has_sample_field(DECISIONS):
        for word, count in here.count_values(DECISIONS).items():
            if word is not None:
                counts[decision_of(word)] += count
    if dataset.has_sample_field(DISTINCT):
        counts[NOT_DUPLICATE] = here.exists(DISTINCT).count()
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
            decisions[decision_of(word)] = _IN_WORDS.get(word, word)
        if others:
            decisions[NOT_DUPLICATE] = f"no copy of {len(others):,}"
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
    return present(dataset).match(some)


def decision_of(word: str) -> str:
    """Returns the name of the decision that a stored word stands for."""
    if word.startswith(_LABEL_TO):
        return RELABEL
    return LABEL_VERIFIED if word.startswith(LABEL_IS) else word


def _stored(dataset: fo.Dataset, name: str) -> Iterator[tuple[str, list[str]]]:
    if not dataset.has_sample_field(name):
        return
    for row in sample_documents(dataset).find({name: {"$ne": None}}, [name]):
        yield str(row["_id"]), row[name]


def _add(
    samples: fo.core.collections.SampleCollection,
    name: str,
    words: Iterable[tuple[str, list[str]]],
) -> int:
    dataset = dataset_of(samples)
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


def _take_back(samples: fo.core.collections.SampleCollection, *decisions: str) -> int:
    """Removes what was decided under some names; returns of how many images."""
    dataset = dataset_of(samples)
    if not dataset.has_sample_field(DECISIONS):
        return 0
    decided = samples.exists(DECISIONS)
    left = {
        one: [word for word in words if decision_of(word) not in decisions]
        for one, words in zip(*decided.values(["id", DECISIONS]), strict=True)
        if any(decision_of(word) in decisions for word in words)
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
        sample_documents(dataset).bulk_write(
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
