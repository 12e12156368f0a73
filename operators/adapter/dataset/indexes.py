"""Indexes on what a large data set is asked for, so that no page needs a full pass."""

from __future__ import annotations

import fiftyone as fo

from .fields import field_name
from .internals import sample_documents

_INDEXED = (
    "dup_cluster",
    "outlier_distance",
    "label_score",
    "image_issues",
    "scan_status",
)
"""What the panel pages through, and the grid is sorted by."""

_INDEXED_FROM = 100_000
"""Samples. At 25,000 an event takes 0.1 s without; at 1,000,000 it takes 0.5 to
1.1 s without and 0.1 s with (benchmarks/panel.md), and making them 11 s."""


def create_indexes(dataset: fo.Dataset, prefix: str | None) -> None:
    """Creates the indexes that a large data set needs."""
    collection = sample_documents(dataset)
    if collection.estimated_document_count() < _INDEXED_FROM:
        return
    for name in _INDEXED:
        collection.create_index(field_name(name, prefix))


def drop_indexes(dataset: fo.Dataset, prefix: str | None) -> None:
    """Drops them, before all rows are written."""
    fields = {field_name(name, prefix) for name in _INDEXED}
    collection = sample_documents(dataset)
    for name, index in list(collection.index_information().items()):
        if [path for path, _ in index["key"]] in [[field] for field in fields]:
            collection.drop_index(name)
