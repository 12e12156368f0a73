"""How samples follow their files: paths, tags, labels, removal, and back."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
from bson import ObjectId, json_util
from fiftyone.core.odm import get_db_conn
from pymongo import DeleteOne, InsertOne, UpdateOne
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from ....core.actions.dataset_side import Change
from ....core.actions.plan import ActionPlan, PlannedItem
from ....core.errors import ActionError
from ....core.findings.schema import QUARANTINED
from ..dataset.internals import refresh_held_samples

_CANONICAL = json_util.CANONICAL_JSON_OPTIONS

Entry = dict[str, Any]
Document = dict[str, Any]


class SampleRecords:
    """The data set's side of one action, see :mod:`core.actions.dataset_side`.

    An entry of a plan's ``records`` names a sample (``collection``, ``id``,
    ``path``), says whether it is of the plan's data set (``own``), and may
    name fields to ``set``, and what some of them must be before (``was``), both in
    MongoDB's extended JSON. What is kept to go back is the entry, and, likewise, the
    values as they were right before the change.
    """

    def __init__(self, plan: ActionPlan) -> None:
        self._plan = plan
        self._tag = QUARANTINED if plan.action == "quarantine" else None
        self._removes = bool(plan.options.get("remove_samples"))

    def before(self, items: Sequence[PlannedItem]) -> list[Any]:
        entries = [entry for item in items for entry in item.records]
        names = {name.split(".")[0] for entry in entries for name in entry["set"]}
        # Whole documents, which may hold long vectors, only where they go
        wanted = None if self._removes else ["filepath", "tags", *sorted(names)]
        found = self.documents(entries, wanted)
        return [self._kept(item, found) for item in items]

    def follow(self, changes: Sequence[Change]) -> None:
        with written() as write:
            for change in changes:
                for kept in change.before:
                    write(kept["collection"], self._forward(change.item, kept))

    def go_back(self, changes: Sequence[Change]) -> list[str | None]:
        found = self.documents(kept for change in changes for kept in change.before)
        reasons: list[str | None] = []
        with written() as write:
            for change in changes:
                reason = None
                for kept in change.before:
                    document = found.get((kept["collection"], kept["id"]))
                    step, why = self._backward(change.item, kept, document)
                    reason = reason or why
                    if step is not None:
                        write(kept["collection"], step)
                reasons.append(reason)
        return reasons

    def forget(self, changes: Sequence[Change]) -> None:
        with written() as write:
            for change in changes:
                place = {"filepath": self._new_path(change.item)}
                for kept in change.before:
                    identity = {"_id": ObjectId(kept["id"])}
                    write(kept["collection"], DeleteOne({**identity, **place}))

    def places(self, samples: Sequence[str]) -> dict[str, str]:
        collection = self._plan.options["collection"]
        entries = ({"collection": collection, "id": sample} for sample in samples)
        found = self.documents(entries)
        return {sample: document["filepath"] for (_, sample), document in found.items()}

    def _kept(self, item: PlannedItem, found: dict[Any, Document]) -> Any:
        kept = []
        for entry in item.records:
            document = found.get((entry["collection"], entry["id"]))
            if document is None:
                return "its sample was deleted since"
            if document["filepath"] != entry["path"]:
                return "its sample has another path since"
            old = {name: document.get(name.split(".")[0]) for name in entry["set"]}
            was = from_json(entry["was"])
            if any(value_at(document, name) != value for name, value in was.items()):
                what = "values were" if self._plan.action == "merge" else "label was"
                return f"its {what} changed since the plan was made"
            more: Document = {"tags": document.get("tags"), "fields": old}
            if self._removes and entry["own"]:
                more["document"] = document
            kept.append({**entry, "old": to_json(more)})
        return kept

    def _forward(self, item: PlannedItem, kept: Entry) -> Any:
        identity = {"_id": ObjectId(kept["id"]), "filepath": kept["path"]}
        if self._removes and kept["own"]:
            return DeleteOne(identity)
        old = _old(kept)
        values = from_json(kept["set"])
        for name in kept["set"]:
            field, _, attribute = name.partition(".")
            if attribute and old["fields"][name] is None:
                # There is no label yet that could be given another name
                values[field] = _new_labels(attribute, values.pop(name))
        if item.target is not None:
            values["filepath"] = self._new_path(item)
        update: Document = {"$set": {**values, "last_modified_at": now()}}
        if self._tag:
            update["$addToSet"] = {"tags": self._tag}
        return UpdateOne(identity, update)

    def _backward(
        self, item: PlannedItem, kept: Entry, document: Document | None
    ) -> tuple[Any, str | None]:
        """Returns the write that goes back, and why something is left as it is."""
        old = _old(kept)
        if document is None:
            if "document" in old:
                return InsertOne(old["document"]), None
            return None, "its sample was deleted since"
        moved = item.target is not None
        place = self._new_path(item) if moved else kept["path"]
        if document["filepath"] not in (place, kept["path"]):
            return None, "its sample has another path since, and was left as it is"
        values: Document = {"filepath": kept["path"]}
        reason = None
        for name, new in from_json(kept["set"]).items():
            field = name.split(".")[0]
            if value_at(document, name) == new:
                values[field] = old["fields"][name]
            elif document.get(field) != old["fields"][name]:
                reason = f"its {field} was changed since, and was left as it is"
        update: Document = {"$set": {**values, "last_modified_at": now()}}
        if self._tag and self._tag not in (old["tags"] or ()):
            update["$pull"] = {"tags": self._tag}
        identity = {"_id": ObjectId(kept["id"]), "filepath": document["filepath"]}
        return UpdateOne(identity, update), reason

    def _new_path(self, item: PlannedItem) -> str:
        assert item.target is not None
        base = self._plan.options.get("target_alias") or str(self._plan.file.parent)
        return os.path.join(base, item.target)

    def documents(
        self, entries: Iterable[Entry], wanted: list[str] | None = None
    ) -> dict[tuple[str, str], Document]:
        """Returns the samples of entries, by collection and id.

        Args:
            entries: that name them
            wanted: fields that are read; None for all
        """
        ids: dict[str, list[ObjectId]] = {}
        for entry in entries:
            ids.setdefault(entry["collection"], []).append(ObjectId(entry["id"]))
        found = {}
        with database_explained():
            for collection, samples in ids.items():
                query = {"_id": {"$in": samples}}
                for document in get_db_conn()[collection].find(query, wanted):
                    found[collection, str(document["_id"])] = document
        return found


def reload_samples(dataset: fo.Dataset) -> None:
    """Brings samples that a Python session holds in line with the database."""
    dataset.reload()
    refresh_held_samples(dataset)


@contextlib.contextmanager
def database_explained() -> Iterator[None]:
    """Turns the driver's errors into a sentence for a person."""
    try:
        yield
    except PyMongoError as error:
        raise ActionError(
            "The database stopped answering in the middle of the action. No file is "
            "lost, and all moves are in the journal; start the database, and the "
            "next action (or undo) brings the samples in line with the files. "
            f"({type(error).__name__})"
        ) from error


@contextlib.contextmanager
def written() -> Iterator[Any]:
    """Collects writes by collection; they are in the journal on leaving."""
    writes: dict[str, list[Any]] = {}
    yield lambda collection, step: writes.setdefault(collection, []).append(step)
    with database_explained():
        for name, steps in writes.items():
            collection = get_db_conn()[name].with_options(
                write_concern=WriteConcern(w=1, j=True)
            )
            collection.bulk_write(steps, ordered=False)


def _new_labels(attribute: str, value: Any) -> Document:
    """Returns a field's labels, of which an attribute is known."""
    several = attribute == "classifications"
    kind = fo.Classifications if several else fo.Classification
    document: Document = {**kind().to_dict(), attribute: value}
    return document


def value_at(document: Document, name: str) -> Any:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def to_json(document: Document) -> Any:
    # Canonical: numbers keep their types, so that undo is exact
    return json.loads(json_util.dumps(document, json_options=_CANONICAL))


def _old(kept: Entry) -> Document:
    return from_json(kept["old"])


def from_json(values: Document) -> Document:
    found: Document = json_util.loads(json.dumps(values), json_options=_CANONICAL)
    return found


def now() -> datetime:
    return datetime.now(timezone.utc)
