"""What is shown of labeled objects: one page of them at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ....core.findings.registry import OBJECT_FINDINGS
from ..dataset.fields import field_name
from ..dataset.objects import box_of, objects_path
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import ScanRun
from .finding_views import aggregate, object_expression


@dataclass(frozen=True)
class ShownObject:
    """A labeled object.

    Attributes:
        id: of the label
        sample: id of its sample
        filepath: of its picture
        label: None without
        box: left, top, width, height as shares of the picture; None where it has none
        values: attributes of the run by their plain names
    """

    id: str
    sample: str
    filepath: str
    label: str | None
    box: list[float] | None
    values: Mapping[str, Any]


class ObjectQueries:
    """Reads the objects of one run of a data set.

    Args:
        dataset: that was scanned
        run: its record, of a scan of objects
        prefix: of its fields
    """

    def __init__(self, dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> None:
        assert run.objects is not None
        self.dataset = dataset
        self.run = run
        self.prefix = prefix
        self.path = objects_path(dataset, run.objects)
        # A field of one object is read as a list of one
        self._list: Any = f"${self.path}"
        if self.path == run.objects:
            one = {"$eq": [{"$type": self._list}, "object"]}
            self._list = {"$cond": [one, [self._list], []]}

    def counts(self) -> dict[str, int]:
        """Returns how many objects each finding has now."""

        def count() -> dict[str, int]:
            sums = {
                name: {"$sum": {"$size": self._with(self._condition(name))}}
                for name in OBJECT_FINDINGS
            }
            found = aggregate(self.dataset, [{"$group": {"_id": None, **sums}}])
            return {name: found[0][name] if found else 0 for name in sums}

        key = cache_key_of(self.dataset, self.run)
        return cached(self.dataset, ("objects", self.prefix), key, count)

    def page(
        self, what: str, fields: Sequence[str], skip: int, limit: int
    ) -> list[ShownObject]:
        """Returns objects of a finding, the worst first.

        Args:
            what: a name of :data:`~core.findings.registry.OBJECT_FINDINGS`
            fields: attributes of the run, by their plain names
            skip: how many to pass over
            limit: most to return
        """
        finding = OBJECT_FINDINGS[what]
        by = f"found.{field_name(finding.sort_by, self.prefix)}"
        way = -1 if finding.descending else 1
        return self._read(
            self._condition(what),
            fields,
            {"$sort": {by: way, "found._id": 1}},
            {"$skip": skip},
            {"$limit": limit},
        )

    def count_labels(self, what: str) -> dict[str, int]:
        """Counts objects of a finding by their label, most frequent first."""
        found = aggregate(
            self.dataset,
            [
                {"$project": {"found": self._with(self._condition(what))}},
                {"$unwind": "$found"},
                {"$group": {"_id": "$found.label", "count": {"$sum": 1}}},
                {"$sort": {"count": -1, "_id": 1}},
            ],
        )
        return {row["_id"] or "no label": row["count"] for row in found}

    def by_id(
        self, ids: Sequence[str], fields: Sequence[str] = ()
    ) -> dict[str, ShownObject]:
        """Returns objects by their ids; those that are gone are left out."""
        wanted = [ObjectId(one) for one in ids]
        found = self._read({"$in": ["$$this._id", wanted]}, fields)
        return {one.id: one for one in found}

    def of_samples(
        self, samples: Sequence[str], fields: Sequence[str]
    ) -> dict[str, list[ShownObject]]:
        """Returns all objects of some samples."""
        wanted = [ObjectId(one) for one in samples]
        match = {"$match": {"_id": {"$in": wanted}}}
        found: dict[str, list[ShownObject]] = {one: [] for one in samples}
        for one in self._read(True, fields, first=match):
            found[one.sample].append(one)
        return found

    def _condition(self, what: str) -> Any:
        expression = object_expression(what, self.prefix)
        return expression.to_mongo(prefix="$$this")

    def _with(self, condition: Any) -> dict[str, Any]:
        labels = {"$ifNull": [self._list, []]}
        return {"$filter": {"input": labels, "cond": condition}}

    def _read(
        self,
        condition: Any,
        fields: Sequence[str],
        *steps: Mapping[str, Any],
        first: Mapping[str, Any] | None = None,
    ) -> list[ShownObject]:
        rows = aggregate(
            self.dataset,
            [
                *([first] if first else []),
                {"$project": {"filepath": 1, "found": self._with(condition)}},
                {"$unwind": "$found"},
                *steps,
            ],
        )
        return [self._shown(row, fields) for row in rows]

    def _shown(self, row: Mapping[str, Any], fields: Sequence[str]) -> ShownObject:
        label = row["found"]
        return ShownObject(
            id=str(label["_id"]),
            sample=str(row["_id"]),
            filepath=row["filepath"],
            label=label.get("label"),
            box=box_of(label),
            values={name: label.get(field_name(name, self.prefix)) for name in fields},
        )
