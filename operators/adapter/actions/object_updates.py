"""How labeled objects follow an action: other labels, removal, and back.

By the id of the label: what a person does to other objects of a sample, or to other
values of this one, stays as it is. No file is part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from ....core.actions.dataset_side import Change, Records
from ....core.actions.plan import ActionPlan, PlannedItem
from .sample_updates import (
    Document,
    Entry,
    SampleRecords,
    from_json,
    now,
    to_json,
    value_at,
    written,
)

OBJECTS = "objects"
"""The option of a plan that names where its objects are: a path of the samples."""


def records_of(plan: ActionPlan) -> Records:
    """Returns the data set's side of an action."""
    return ObjectRecords(plan) if plan.options.get(OBJECTS) else SampleRecords(plan)


class ObjectRecords(SampleRecords):
    """The data set's side of an action on objects.

    An entry names a sample as in :class:`SampleRecords`, and its ``object``: the id of
    the label, the ``label`` that it is to get (None to remove it), and the one that it
    ``was`` when the plan was made.
    """

    def __init__(self, plan: ActionPlan) -> None:
        super().__init__(plan)
        self._path: str = plan.options[OBJECTS]

    def before(self, items: Sequence[PlannedItem]) -> list[Any]:
        found = self.documents(self._entries(items), [self._path])
        return [self._as_it_is(item, found) for item in items]

    def follow(self, changes: Sequence[Change]) -> None:
        with written() as write:
            for entry in self._kept_entries(changes):
                write(entry["collection"], self._there(entry))

    def go_back(self, changes: Sequence[Change]) -> list[str | None]:
        entries = self._kept_entries(changes)
        found = self.documents(entries, [self._path])
        reasons = []
        with written() as write:
            # In the order of their places, so that each comes to its own
            for entry in sorted(entries, key=lambda one: one["old"]["place"]):
                step, _ = self._back(entry, found)
                if step is not None:
                    write(entry["collection"], step)
        for entry in entries:
            reasons.append(self._back(entry, found)[1])
        return reasons

    def forget(self, changes: Sequence[Change]) -> None:
        """Nothing refers to files: none was destroyed."""

    def _entries(self, items: Sequence[PlannedItem]) -> list[Entry]:
        return [entry for item in items for entry in item.records]

    def _kept_entries(self, changes: Sequence[Change]) -> list[Entry]:
        return [entry for change in changes for entry in change.before]

    def _as_it_is(self, item: PlannedItem, found: dict[Any, Document]) -> Any:
        kept = []
        for entry in item.records:
            document = found.get((entry["collection"], entry["id"]))
            if document is None:
                return "its sample was deleted since"
            place, label = _find(self._labels(document), entry["object"]["id"])
            if label is None:
                return "it was removed since"
            if label.get("label") != entry["object"]["was"]:
                return "its label was changed since the plan was made"
            old = {"place": place, "document": to_json(label)}
            kept.append({**entry, "old": old})
        return kept

    def _labels(self, document: Document) -> list[Document] | None:
        """Returns the labels of a sample; None where the field is empty."""
        value = value_at(document, self._path)
        if isinstance(value, dict):
            return [value]
        return value if isinstance(value, list) else None

    @property
    def _is_list(self) -> bool:
        return "." in self._path

    def _there(self, entry: Entry) -> UpdateOne:
        identity, label = self._identity(entry), entry["object"]["label"]
        if label is not None:
            return self._set_label(entry, label)
        if not self._is_list:
            return UpdateOne(identity, {"$set": {self._path: None, **_changed()}})
        one = {self._path: {"_id": ObjectId(entry["object"]["id"])}}
        return UpdateOne(identity, {"$pull": one, "$set": _changed()})

    def _back(
        self, entry: Entry, found: dict[Any, Document]
    ) -> tuple[UpdateOne | None, str | None]:
        """Returns the write that goes back, and why something is left as it is."""
        document = found.get((entry["collection"], entry["id"]))
        if document is None:
            return None, "its sample was deleted since"
        labels = self._labels(document)
        _, label = _find(labels, entry["object"]["id"])
        old = from_json(entry["old"]["document"])
        if entry["object"]["label"] is None:
            if label is not None:
                return None, None
            if self._is_list == (labels is None):
                return None, "its field was changed since, and was left as it is"
            return self._insert(entry, old), None
        if label is None:
            return None, "it was removed since"
        if label.get("label") == old.get("label"):
            return None, None
        if label.get("label") != entry["object"]["label"]:
            return None, "its label was changed since, and was left as it is"
        return self._set_label(entry, old.get("label")), None

    def _insert(self, entry: Entry, old: Document) -> UpdateOne:
        sample = {"_id": ObjectId(entry["id"])}
        if not self._is_list:
            values = {self._path: old, **_changed()}
            return UpdateOne({**sample, self._path: None}, {"$set": values})
        absent = {f"{self._path}._id": {"$ne": old["_id"]}}
        at = {"$each": [old], "$position": entry["old"]["place"]}
        push = {"$push": {self._path: at}, "$set": _changed()}
        return UpdateOne({**sample, **absent}, push)

    def _set_label(self, entry: Entry, label: str | None) -> UpdateOne:
        place = f"{self._path}.$.label" if self._is_list else f"{self._path}.label"
        values = {place: label, **_changed()}
        return UpdateOne(self._identity(entry), {"$set": values})

    def _identity(self, entry: Entry) -> Document:
        label = {f"{self._path}._id": ObjectId(entry["object"]["id"])}
        return {"_id": ObjectId(entry["id"]), **label}


def _find(labels: list[Document] | None, name: str) -> tuple[int, Document | None]:
    """Returns the place and the label of an id; 0 and None without."""
    for place, label in enumerate(labels or []):
        if str(label.get("_id")) == name:
            return place, label
    return 0, None


def _changed() -> Document:
    return {"last_modified_at": now()}
