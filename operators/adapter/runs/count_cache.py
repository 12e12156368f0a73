"""What was counted over all samples, kept until something changes.

A pass over a million samples takes seconds, and the panel draws everything
anew at each event. What such a pass found is therefore kept in this process,
under a key that changes with the run, with the number of samples and with
the last time that any of them was modified. FiftyOne keeps that time, and an
index on it, so asking is quick.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import fiftyone as fo

from ..dataset.internals import dataset_id, sample_documents
from .run_record import ScanRun

Value = TypeVar("Value")

_MOST_KEPT = 200
_kept: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()


def cache_key_of(dataset: fo.Dataset, run: ScanRun) -> Hashable:
    """Returns what differs if anything about the samples or the run does."""
    collection = sample_documents(dataset)
    last = collection.find_one(
        {}, {"last_modified_at": 1}, sort=[("last_modified_at", -1)]
    )
    modified = last and last.get("last_modified_at")
    return run.completed_at, collection.estimated_document_count(), modified


def cached(
    dataset: fo.Dataset,
    what: Hashable,
    cache_key: Hashable,
    work: Callable[[], Value],
) -> Value:
    """Returns what ``work`` returned when the key was the same.

    Args:
        dataset: that was counted
        what: names what is counted, with all that it depends on
        cache_key: from :func:`cache_key_of`
        work: counts
    """
    key = (dataset_id(dataset), what)
    held = _kept.get(key)
    if held is None or held[0] != cache_key:
        held = (cache_key, work())
    _kept[key] = held
    _kept.move_to_end(key)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    value: Value = held[1]
    return value
