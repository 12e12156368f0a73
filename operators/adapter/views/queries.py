"""What the panel shows of each finding: one page of pictures at a time.

Every function asks the database for what fits on a page. What needs a pass over
all samples is cached until something changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo
from bson import ObjectId

from ..dataset.fields import field_name
from ..dataset.internals import sample_documents
from ..dataset.labels import label_field_of
from ..dataset.present import HERE
from ..runs.count_cache import cache_key_of, cached
from ..runs.run_record import ScanRun
from .finding_views import aggregate
from .thumbnails import media_url, thumbnail_url

_IDS_ASKED = 100_000
"""MongoDB takes 16 MB a query."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Picture:
    """A sample as the panel shows it.

    Attributes:
        id: of the sample
        find_url: finds that of its thumbnail, which may have to be made
        label: its label's name, None without
        split: its split, None without
        values: fields of the run by their plain names
    """

    id: str
    find_url: Callable[[], str]
    label: str | None
    split: str | None
    values: Mapping[str, Any]

    @property
    def url(self) -> str:
        """Its thumbnail, on the App's own address."""
        return self.find_url()

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.values["filepath"]).name


class SampleQueries:
    """Reads pictures of one run of a data set."""

    def __init__(self, dataset: fo.Dataset, run: ScanRun, prefix: str | None) -> None:
        self.dataset = dataset
        self.run = run
        self.prefix = prefix
        self.split_by = run.split_by
        label_field = run.label_field
        if label_field and dataset.get_field(label_field) is None:
            label_field = None
        self.labels = label_field_of(dataset, label_field) if label_field else None
        self._media = dataset.app_config.grid_media_field or "filepath"

    @cached_property
    def cache_key(self) -> Hashable:
        """Differs after any change; read once an event."""
        return cache_key_of(self.dataset, self.run)

    def cached(self, what: Hashable, work: Callable[[], Value]) -> Value:
        """Returns what ``work`` counts, or counted if nothing changed since."""
        return cached(self.dataset, (what, self.prefix), self.cache_key, work)

    def field(self, name: str) -> str:
        """Returns the stored name of a field of the run."""
        return field_name(name, self.prefix)

    def pictures(
        self,
        match: Mapping[str, Any],
        fields: Sequence[str],
        *,
        sort: Mapping[str, int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> list[Picture]:
        """Returns samples that a filter lets through.

        Args:
            match: a filter of MongoDB on stored names
            fields: of the run, by their plain names
            sort: stored name -> 1 or -1; the id decides between equals
            skip: how many to pass over
            limit: most to return, 0 for all
        """
        steps: list[dict[str, Any]] = [{"$match": dict(match)}]
        steps.append({"$sort": {**(sort or {}), "_id": 1}})
        steps += [{"$skip": skip}] if skip else []
        steps += [{"$limit": limit}] if limit else []
        steps.append({"$project": self.projection(fields)})
        return [self.picture(row, fields) for row in aggregate(self.dataset, steps)]

    def count(self, match: Mapping[str, Any]) -> int:
        """Returns how many samples a filter lets through."""
        collection = sample_documents(self.dataset)
        here = {"$and": [dict(match), HERE]}
        return self.cached(
            ("count", repr(match)), lambda: int(collection.count_documents(here))
        )

    def by_id(self, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Picture]:
        """Returns samples by their ids; those that are gone are left out."""
        found = self.pictures({"_id": {"$in": [ObjectId(i) for i in ids]}}, fields)
        return {picture.id: picture for picture in found}

    def projection(self, fields: Sequence[str]) -> dict[str, Any]:
        """Returns the stage that reads what :meth:`picture` needs."""
        shown = {name: f"${self.field(name)}" for name in fields}
        shown |= {"filepath": "$filepath", "media": f"${self._media}", "tags": "$tags"}
        if self.labels:
            shown["label"] = f"${self.labels.path}"
        if isinstance(self.split_by, str):
            shown["split"] = f"${self.split_by}"
        return shown

    def picture(self, row: Mapping[str, Any], fields: Sequence[str]) -> Picture:
        """Makes a picture of a row that was read with :meth:`projection`."""
        values = {name: row.get(name) for name in (*fields, "filepath")}
        return Picture(
            id=str(row["_id"]),
            find_url=partial(_url, row),
            label=self.label_of(row),
            split=self.split_of(row),
            values=values,
        )

    def label_of(self, row: Mapping[str, Any]) -> str | None:
        """Returns the label of a row that was read with :meth:`projection`."""
        return self.labels.text(row.get("label")) if self.labels else None

    def split_of(self, row: Mapping[str, Any]) -> str | None:
        """Returns the split of a row that was read with :meth:`projection`."""
        if not isinstance(self.split_by, list):
            split: str | None = row.get("split")
            return split
        tags = row.get("tags") or []
        return next((tag for tag in self.split_by if tag in tags), None)

    def paths(self, ids: Sequence[str]) -> dict[str, str]:
        """Returns paths of samples by their ids; those that are gone are left out."""
        wanted = [ObjectId(one) for one in set(ids)]
        paths: dict[str, str] = {}
        for start in range(0, len(wanted), _IDS_ASKED):
            some = {"$match": {"_id": {"$in": wanted[start : start + _IDS_ASKED]}}}
            found = aggregate(self.dataset, [some, {"$project": {"filepath": 1}}])
            paths |= {str(row["_id"]): row["filepath"] for row in found}
        return paths


def _url(row: Mapping[str, Any]) -> str:
    if row.get("media") not in (None, row["filepath"]):
        return media_url(row["media"])
    return thumbnail_url(row["filepath"]) or media_url(row["filepath"])
