"""What is shown of labeled objects: one page of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField as F

from ....core.findings.object_registry import OBJECT_FINDINGS
from ..dataset.decisions import DECISIONS
from ..dataset.fields import field_name
from ..dataset.objects import box_of, objects_path
from ..dataset.present import present
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import ScanRun
from .expressions import object_expression
from .finding_views import aggregate, in_split
from .object_views import patches_of, worst_first


@dataclass(frozen=True)
class ShownObject:
    """A labeled object.

    Attributes:
        id: of the label
        sample: id of its sample
        filepath: of its picture
        label: None without
        box: left, top, width, height as shares of the picture; None where it has none
        decisions: what a person decided of it, as it is stored
        values: attributes of the run by their plain names
    """

    id: str
    sample: str
    filepath: str
    label: str | None
    box: list[float] | None
    decisions: Sequence[str]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class ObjectFilter:
    """What is shown of a finding.

    Attributes:
        label: of the objects; None for all
        split: of their pictures; None for all
    """

    label: str | None = None
    split: str | None = None


ALL = ObjectFilter()
DECIDED = "decided"
"""Stands for the objects that something was decided of."""


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

    @cached_property
    def _cache_key(self) -> Hashable:
        return cache_key_of(self.dataset, self.run)

    def _cached(
        self, what: Hashable, work: Callable[[], dict[str, int]]
    ) -> dict[str, int]:
        name = ("objects", what, self.prefix)
        return cached(self.dataset, name, self._cache_key, work)

    def counts(self) -> dict[str, int]:
        """Returns how many objects each finding has now."""

        def count() -> dict[str, int]:
            sums = {
                name: {"$sum": {"$size": self._with(self._condition(name))}}
                for name in OBJECT_FINDINGS
            }
            found = aggregate(self.dataset, [{"$group": {"_id": None, **sums}}])
            return {name: found[0][name] if found else 0 for name in sums}

        return self._cached("counts", count)

    def classes(self, what: str, split: str | None) -> dict[str, int]:
        """Counts the objects of a finding by label, most frequent first.

        Args:
            what: a name of :data:`~core.findings.object_registry.OBJECT_FINDINGS`, or
                :data:`DECIDED`
            split: of their pictures; None for all
        """

        def count() -> dict[str, int]:
            rows = aggregate(
                self.dataset,
                [
                    *self._chosen(what, ObjectFilter(split=split)),
                    {"$group": {"_id": "$found.label", "count": {"$sum": 1}}},
                    {"$sort": {"count": -1, "_id": 1}},
                ],
            )
            return {row["_id"] or "": row["count"] for row in rows}

        return self._cached(("by class", what, split), count)

    def ids(self, what: str, only: ObjectFilter) -> list[str]:
        """Returns the ids of the objects of a finding; see :meth:`page`."""
        steps = [*self._chosen(what, only), {"$project": {"found._id": 1}}]
        return [str(row["found"]["_id"]) for row in aggregate(self.dataset, steps)]

    def view(self, what: str, only: ObjectFilter) -> fo.DatasetView:
        """Returns the objects of a finding as a grid shows them, the worst first."""
        assert self.run.objects is not None
        samples, wanted = present(self.dataset), self._expression(what)
        if only.split is not None:
            samples = samples.match(in_split(self.run, only.split))
        if only.label is not None:
            wanted = (F("label") == only.label) & wanted
        view = patches_of(samples, self.run.objects, wanted)
        if what == DECIDED:
            return view
        return worst_first(view, self.run.objects, what, self.prefix)

    def page(
        self,
        what: str,
        fields: Sequence[str],
        skip: int,
        limit: int,
        only: ObjectFilter = ALL,
    ) -> list[ShownObject]:
        """Returns objects of a finding, the worst first.

        Args:
            what: a name of :data:`~core.findings.object_registry.OBJECT_FINDINGS`, or
                :data:`DECIDED`
            fields: attributes of the run, by their plain names
            skip: how many to pass over
            limit: most to return, 0 for all
            only: what is shown of them
        """
        order: dict[str, int] = {"found._id": 1}
        if what != DECIDED:
            finding = OBJECT_FINDINGS[what]
            by = f"found.{field_name(finding.sort_by, self.prefix)}"
            order = {by: -1 if finding.descending else 1, **order}
        steps = [
            *self._chosen(what, only),
            {"$sort": order},
            {"$skip": skip},
            *([{"$limit": limit}] if limit else ()),
        ]
        return self._read(steps, fields)

    def by_id(
        self, ids: Sequence[str], fields: Sequence[str] = ()
    ) -> dict[str, ShownObject]:
        """Returns objects by their ids; those that are gone are left out."""
        wanted = [ObjectId(one) for one in ids]
        match = {"$match": {f"{self.path}._id": {"$in": wanted}}}
        objects = self._objects({"$in": ["$$this._id", wanted]})
        found = self._read([match, *objects], fields)
        return {one.id: one for one in found}

    def of_samples(
        self, samples: Sequence[str], fields: Sequence[str]
    ) -> dict[str, list[ShownObject]]:
        """Returns all objects of some samples."""
        wanted = [ObjectId(one) for one in samples]
        match = {"$match": {"_id": {"$in": wanted}}}
        found: dict[str, list[ShownObject]] = {one: [] for one in samples}
        for one in self._read([match, *self._objects(True)], fields):
            found[one.sample].append(one)
        return found

    def _expression(self, what: str) -> Any:
        if what == DECIDED:
            return F(DECISIONS).exists()
        return object_expression(what, self.prefix)

    def _condition(self, what: str) -> Any:
        return self._expression(what).to_mongo(prefix="$$this")

    def _with(self, condition: Any) -> dict[str, Any]:
        labels = {"$ifNull": [self._list, []]}
        return {"$filter": {"input": labels, "cond": condition}}

    def _objects(self, condition: Any) -> list[dict[str, Any]]:
        """Returns the steps that make a row of each object."""
        found = {"filepath": 1, "found": self._with(condition)}
        return [{"$project": found}, {"$unwind": "$found"}]

    def _chosen(self, what: str, only: ObjectFilter) -> list[dict[str, Any]]:
        steps = self._objects(self._condition(what))
        if only.split is not None:
            in_it = {"$expr": in_split(self.run, only.split).to_mongo()}
            steps.insert(0, {"$match": in_it})
        if only.label is not None:
            steps.append({"$match": {"found.label": only.label}})
        return steps

    def _read(
        self, steps: Sequence[Mapping[str, Any]], fields: Sequence[str]
    ) -> list[ShownObject]:
        return [self._shown(row, fields) for row in aggregate(self.dataset, steps)]

    def _shown(self, row: Mapping[str, Any], fields: Sequence[str]) -> ShownObject:
        label = row["found"]
        return ShownObject(
            id=str(label["_id"]),
            sample=str(row["_id"]),
            filepath=row["filepath"],
            label=label.get("label"),
            box=box_of(label),
            decisions=label.get(DECISIONS) or [],
            values={name: label.get(field_name(name, self.prefix)) for name in fields},
        )
