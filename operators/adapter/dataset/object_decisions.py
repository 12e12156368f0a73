"""What a person decided of labeled objects, kept on the labels themselves.

As for images (:mod:`operators.adapter.dataset.decisions`) it is an attribute that can
be seen and filtered, goes with a label that is corrected, and leaves with one that is
removed. Every scan reads it, and none writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from pymongo import UpdateOne

from ....core.errors import InputError
from ....core.findings.decisions import Decisions, no_decisions
from .decisions import DECISIONS, KEEP, LABEL_IS, LABEL_VERIFIED, decision_of
from .fields import CREATED_BY, is_ours
from .internals import sample_documents
from .objects import object_ids, objects_path
from .present import HERE

Label = dict[str, Any]


def read_object_decisions(
    dataset: fo.Dataset, name: str, ids: Sequence[str]
) -> Decisions:
    """Returns what was decided of the objects of a scan.

    A verified label counts as long as the object carries it.

    Args:
        dataset: that holds them
        name: field of the objects
        ids: the label of each row
    """
    decided = no_decisions(len(ids))
    path = objects_path(dataset, name)
    if not dataset.has_sample_field(f"{path}.{DECISIONS}"):
        return decided
    row_of = {label: row for row, label in enumerate(ids)}
    keep, verified = np.zeros((2, len(ids)), bool)
    for label in _decided_labels(dataset, path):
        row = row_of.get(str(label["_id"]))
        if row is not None:
            keep[row] = KEEP in label[DECISIONS]
            verified[row] = f"{LABEL_IS}{label.get('label')}" in label[DECISIONS]
    return Decisions(keep, decided.keeper, verified, decided.distinct)


def keep_objects(dataset: fo.Dataset, name: str, ids: Sequence[str]) -> int:
    """Remembers that objects are never flagged; returns of how many."""
    return _change(dataset, name, ids, lambda label: {*_words(label), KEEP})


def verify_object_labels(dataset: fo.Dataset, name: str, ids: Sequence[str]) -> int:
    """Remembers that the labels of objects are right; returns of how many."""

    def verified(label: Label) -> set[str]:
        own = label.get("label")
        others = _without(label, LABEL_VERIFIED)
        return _words(label) if own is None else {*others, f"{LABEL_IS}{own}"}

    return _change(dataset, name, ids, verified)


def undo_on_objects(
    dataset: fo.Dataset, name: str, ids: Sequence[str], what: str
) -> int:
    """Takes a decision on objects back; returns of how many.

    Args:
        dataset: that holds them
        name: field of the objects
        ids: of the labels
        what: :data:`KEEP` or :data:`LABEL_VERIFIED`
    """
    return _change(dataset, name, ids, lambda label: _without(label, what))


def _words(label: Label) -> set[str]:
    return set(label.get(DECISIONS) or ())


def _without(label: Label, what: str) -> set[str]:
    return {word for word in _words(label) if decision_of(word) != what}


def _decided_labels(dataset: fo.Dataset, path: str) -> list[Label]:
    return _labels(dataset, path, {f"{path}.{DECISIONS}": {"$exists": True}})


def _labels(dataset: fo.Dataset, path: str, match: Label) -> list[Label]:
    """Returns the labels that a filter of MongoDB lets through, each with the id of
    its ``sample``."""
    shown = {name: f"${path}.{name}" for name in ("_id", "label", DECISIONS)}
    # First the samples, then their labels one by one; one alone is no error
    return list(
        sample_documents(dataset).aggregate(
            [
                {"$match": {"$and": [match, HERE]}},
                {"$unwind": f"${path}"},
                {"$match": match},
                {"$project": {**shown, "sample": "$_id"}},
            ]
        )
    )


def _change(
    dataset: fo.Dataset,
    name: str,
    ids: Sequence[str],
    decide: Callable[[Label], set[str]],
) -> int:
    """Stores what is decided of objects by now; returns of how many it changed.

    Raises:
        InputError: there are no such objects
    """
    path = objects_path(dataset, name)
    _declare(dataset, path)
    place = f"{path}.$.{DECISIONS}" if path != name else f"{path}.{DECISIONS}"
    labels = _labels(dataset, path, {f"{path}._id": {"$in": object_ids(ids)}})
    if not labels:
        raise InputError(f"None of these is an object of '{name}', which was scanned.")
    updates = []
    for label in labels:
        words = decide(label)
        if words == _words(label):
            continue
        # Absent, not empty: what was decided is found by its being there
        stored = {"$set": {place: sorted(words)}} if words else {"$unset": {place: ""}}
        updates.append(
            UpdateOne(
                {"_id": label["sample"], f"{path}._id": label["_id"]},
                {**stored, "$currentDate": {"last_modified_at": True}},
            )
        )
    if updates:
        sample_documents(dataset).bulk_write(updates, ordered=False)
    return len(updates)


def _declare(dataset: fo.Dataset, path: str) -> None:
    attribute = f"{path}.{DECISIONS}"
    field = dataset.get_field(attribute)
    if field is not None and is_ours(field):
        return
    # Importers leave attributes that the schema does not know
    taken = sample_documents(dataset).find_one({attribute: {"$exists": True}})
    if field is not None or taken is not None:
        raise InputError(
            f"The attribute '{attribute}' already exists and was not made by Winnow, "
            "which keeps decisions on objects there. Rename it, then decide."
        )
    dataset.add_sample_field(
        attribute,
        fo.ListField,
        subfield=fo.StringField,
        description="Decisions of a person on the object; scans respect them",
        info={"created_by": CREATED_BY},
    )
