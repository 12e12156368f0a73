"""From clusters of copies to a plan of what their keepers take over."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
from bson import ObjectId, json_util

from ....core.actions.filesystem import check_system
from ....core.actions.planner import Request, Rules, make_plan
from ....core.common.result import json_value
from ....core.common.text import escape_markdown, plain
from ....core.curation.merge_values import merge
from ....core.errors import InputError
from ....core.progress import OnProgress, silent
from ....core.reading.split_names import is_split_name
from ..dataset.fields import is_ours
from ..dataset.internals import (
    dataset_id,
    dataset_of,
    sample_documents,
    sample_documents_name,
)
from ..runs.paths import plans_folder
from .action_options import RETAG, ActionOptions, Change
from .plan_builder import totals_of
from .plan_folders import where_of
from .plan_report import PlanReport
from .sample_index import SampleIndex

MERGE = "merge"
CONFLICT_TAG = "merge conflict"
_CONFLICTS_SHOWN = 20
_OTHER_FIELDS = ("id", "filepath", "metadata", "created_at", "last_modified_at")
_PLAIN = (
    fof.StringField,
    fof.IntField,
    fof.FloatField,
    fof.BooleanField,
    fof.DateField,
    fof.DateTimeField,
)


@dataclass(frozen=True)
class MergeConflict:
    """A value of a copy that the copy to keep does not take over.

    Attributes:
        keeper: path of the copy to keep
        field: of both
        kept: what it keeps, in words
        copy: path of the copy
        lost: what the copy says, in words
    """

    keeper: str
    field: str
    kept: str
    copy: str
    lost: str

    def __str__(self) -> str:
        return (
            f"{Path(self.keeper).name} keeps {self.field} {self.kept}; its copy "
            f"{Path(self.copy).name} has {self.lost}"
        )


@dataclass(frozen=True)
class MergeReport(PlanReport):
    """A plan of a merge, and what it cannot merge; nothing has been changed.

    Attributes:
        conflicts: values of copies that are not taken over
        fields: how many copies to keep take something over, by field
    """

    conflicts: tuple[MergeConflict, ...] = ()
    fields: Counter[str] | None = None

    def details(self) -> Iterator[str]:
        if self.fields:
            text = ", ".join(f"{name} {n:,}" for name, n in self.fields.most_common())
            yield f"Images to keep that take something over: {text}"
        if self.conflicts:
            yield (
                f"Conflicts: {len(self.conflicts):,}; the image to keep keeps what it "
                "has"
            )
        for conflict in self.conflicts[:_CONFLICTS_SHOWN]:
            yield plain(str(conflict))
        if len(self.conflicts) > _CONFLICTS_SHOWN:
            yield f"and {len(self.conflicts) - _CONFLICTS_SHOWN:,} more conflicts"
        yield from super().details()

    def to_dict(self) -> dict[str, Any]:
        return {
            **super().to_dict(),
            "fields": json_value(self.fields or {}),
            "conflicts": json_value(self.conflicts),
        }

    def to_markdown(self) -> str:
        lines = [f"* {escape_markdown(line)}" for line in self.details()]
        return "\n".join([f"**{self.summary()}**", "", *lines])


def plan_merge(
    samples: fo.core.collections.SampleCollection,
    fields: Sequence[str] = (),
    *,
    conflict_tag: str | None = CONFLICT_TAG,
    prefix: str | None = None,
    options: ActionOptions | None = None,
    on_progress: OnProgress = silent,
) -> MergeReport:
    """Makes the plan of a merge; nothing but the plan is written.

    Args:
        samples: a data set that was scanned; or a view: only its samples are
            merged, into those of its images to keep
        fields: to merge beside the tags and all labels
        conflict_tag: for images to keep with a conflict; None for none
        prefix: of the scan's fields
        options: how actions work
        on_progress: called now and then

    Raises:
        InputError: a field that cannot be merged
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    check_system()
    dataset = dataset_of(samples)
    index = SampleIndex(dataset, prefix)
    names = _names(dataset, fields)
    inside = set(samples.values("id")) if isinstance(samples, fo.DatasetView) else None
    merging = _Merging(index, names, conflict_tag)
    requests = [
        request
        for keeper, copies in _clusters(index, inside)
        if (request := merging.request(keeper, copies)) is not None
    ]
    where = where_of(index, Change(RETAG), options or ActionOptions())
    plan = make_plan(
        MERGE,
        requests,
        where=where,
        totals=totals_of(index),
        rules=Rules(may_empty=True),
        folder=plans_folder(dataset),
        options={
            "dataset": dataset_id(dataset),
            "collection": sample_documents_name(dataset),
            "scanned_at": index.run and index.run.completed_at,
            "prefix": prefix,
            "what": "duplicates",
            "remove_samples": False,
            "target_alias": where.alias,
        },
        on_progress=on_progress,
    )
    return MergeReport(plan, tuple(merging.conflicts), Counter(merging.fields))


def mergeable_fields(dataset: fo.Dataset) -> list[str]:
    """Returns the fields beside tags and labels that can be merged."""
    return [
        name
        for name, field in dataset.get_field_schema(flat=False).items()
        if name not in _OTHER_FIELDS
        and name != "tags"
        and not is_ours(field)
        and _is_mergeable(field)
    ]


class _Merging:
    """Merges clusters, and remembers what could not be merged."""

    def __init__(
        self, index: SampleIndex, names: Sequence[str], conflict_tag: str | None
    ) -> None:
        self.conflicts: list[MergeConflict] = []
        self.fields: Counter[str] = Counter()
        self._index = index
        self._names = names
        self._tag = conflict_tag
        self._documents = _documents(index, names)
        split_by = index.run and index.run.split_by
        self._split_tags = set(split_by) if isinstance(split_by, list) else set()

    def request(self, keeper: int, copies: Sequence[int]) -> Request | None:
        """Returns what the keeper takes over, or None for nothing."""
        index, own = self._index, self._documents[keeper]
        others = [self._documents[row] for row in copies]
        values: dict[str, Any] = {}
        conflicting = False
        for name in self._names:
            given = [other.get(name) for other in others]
            if name == "tags":
                given = [self._without_splits(tags) for tags in given]
            merged = merge(own.get(name), given)
            if merged.changed:
                values[name] = _with_new_ids(merged.value, index.ids[keeper])
                self.fields[name] += 1
            conflicting |= bool(merged.conflicts)
            for number in merged.conflicts:
                conflict = MergeConflict(
                    index.paths[keeper],
                    name,
                    _in_words(merged.value),
                    index.paths[copies[number]],
                    _in_words(given[number]),
                )
                self.conflicts.append(conflict)
        tags = values.get("tags", own.get("tags") or [])
        if conflicting and self._tag and self._tag not in tags:
            values["tags"] = [*tags, self._tag]
        if not values:
            return None
        was = {name: own.get(name) for name in values}
        taken, plural = ", ".join(values), "y" if len(copies) == 1 else "ies"
        return Request(
            path=index.paths[keeper],
            why=f"takes {taken} from {len(copies)} cop{plural}",
            records=[
                {
                    "collection": sample_documents_name(index.dataset),
                    "id": index.ids[keeper],
                    "path": index.paths[keeper],
                    "own": True,
                    "set": _to_json(values),
                    "was": _to_json(was),
                }
            ],
            label=index.labels[keeper],
            split=index.splits[keeper],
            stays=True,
        )

    def _without_splits(self, tags: list[str] | None) -> list[str]:
        # An image that was in train and in test would be in both
        return [
            tag
            for tag in tags or ()
            if tag not in self._split_tags and not is_split_name(tag)
        ]


def _clusters(
    index: SampleIndex, inside: set[str] | None
) -> Iterator[tuple[int, list[int]]]:
    """Yields the keeper of each cluster and its copies, by path."""
    members: dict[int, list[int]] = {}
    keeper: dict[int, int] = {}
    keeps = index.finding("dup_keeper")
    for row, cluster in enumerate(index.finding("dup_cluster")):
        if cluster is None or (inside is not None and index.ids[row] not in inside):
            continue
        if keeps[row]:
            keeper[cluster] = row
        else:
            members.setdefault(cluster, []).append(row)
    for cluster in sorted(keeper.keys() & members.keys()):
        yield (
            keeper[cluster],
            sorted(members[cluster], key=lambda row: (index.paths[row], row)),
        )


def _names(dataset: fo.Dataset, fields: Sequence[str]) -> list[str]:
    schema = dataset.get_field_schema(flat=False)
    possible = mergeable_fields(dataset)
    for name in fields:
        if name not in possible:
            raise InputError(
                f"The field '{name}' cannot be merged. Fields that can, beside tags "
                f"and labels: {', '.join(possible) or 'none'}."
            )
    labels = [
        name
        for name, field in schema.items()
        if _is_label(field) and not is_ours(field)
    ]
    return list(dict.fromkeys(["tags", *labels, *fields]))


def _is_label(field: fof.Field) -> bool:
    return isinstance(field, fof.EmbeddedDocumentField) and issubclass(
        field.document_type, fo.Label
    )


def _is_mergeable(field: fof.Field) -> bool:
    if isinstance(field, fof.ListField):
        return isinstance(field.field, _PLAIN)
    return isinstance(field, _PLAIN) or _is_label(field)


def _documents(index: SampleIndex, names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Reads the fields of all that is in a cluster, as they are stored."""
    clusters = index.finding("dup_cluster")
    wanted = [row for row, cluster in enumerate(clusters) if cluster is not None]
    ids = [ObjectId(index.ids[row]) for row in wanted]
    found: dict[int, dict[str, Any]] = {}
    collection = sample_documents(index.dataset)
    for start in range(0, len(ids), 10_000):
        some = {"_id": {"$in": ids[start : start + 10_000]}}
        for document in collection.find(some, list(names)):
            found[index.row_of[str(document["_id"])]] = document
    return found


def _with_new_ids(value: Any, keeper: str) -> Any:
    """Gives labels ids of their own: two samples must not share one.

    Made from the old ids, so that equal plans are equal.
    """
    if isinstance(value, dict):
        copy = {name: _with_new_ids(one, keeper) for name, one in value.items()}
        if isinstance(value.get("_id"), ObjectId):
            digest = hashlib.sha256(f"{keeper} {value['_id']}".encode()).digest()
            copy["_id"] = ObjectId(digest[:12])
        return copy
    if isinstance(value, list):
        return [_with_new_ids(one, keeper) for one in value]
    return value


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        if "label" in value:
            return f"'{value['label']}'"
        for name, held in value.items():
            if isinstance(held, list):
                return f"{len(held)} {name}"
        return str(value.get("_cls", "another value"))
    return f"'{value}'" if isinstance(value, str) else str(value)


def _to_json(values: dict[str, Any]) -> Any:
    options = json_util.CANONICAL_JSON_OPTIONS
    return json.loads(json_util.dumps(values, json_options=options))
