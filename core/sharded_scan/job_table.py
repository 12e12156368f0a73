"""What the shards of a job describe, as one table of a scan."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.rows import distinct_rows
from ..common.texts import PackedTexts
from ..embedding.file_facts import FileFacts
from ..embedding.image_table import ImageTable, unique_records
from ..findings.schema import NO_LABEL
from ..reading.files import ReadFailure
from ..scan.scan_data import Recordings, ScanInput
from ..storage.record_store import ABSENT
from .job_folder import unpacked
from .manifest import ListedShard
from .shard_records import ShardRecords, position_of

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JobTable:
    """All images of a job.

    Attributes:
        table: what was found of their files
        names: paths, splits and labels
        store: of the records
        positions: int64[m], of the unique files' records in it
    """

    table: ImageTable
    names: ScanInput
    store: ShardRecords
    positions: Positions


def job_table(
    store: ShardRecords,
    shards: Sequence[ListedShard],
    results: Iterable[Mapping[str, NDArray[Any]]],
) -> JobTable:
    """Joins the results of the shards, in the order of the manifest.

    Args:
        store: of the records of all shards
        shards: as the manifest lists them
        results: of :func:`core.sharded_scan.describing.run`
    """
    parts: list[PackedTexts] = []
    count = 0
    splits: list[str | None] = []
    labels: list[str | None] = []
    sequences: list[str | None] = []
    failures: dict[int, ReadFailure] = {}
    facts, positions = [], []
    for number, (shard, result) in enumerate(zip(shards, results, strict=True)):
        # What is in memory already is not held twice
        some = unpacked(result, "locators") if shard.tar else shard.locators
        for row, status, reason in json.loads(result["failures"].tobytes()):
            failures[count + row] = ReadFailure(status, reason)
        parts.append(some)
        count += len(some)
        if shard.tar:
            named = (one.decode() or None for one in unpacked(result, "labels"))
            labels += [name and sys.intern(name) for name in named]
            splits += [None] * len(some)
            sequences += [None] * len(some)
        else:
            labels += shard.labels
            splits += shard.splits
            sequences += shard.sequences
        record = result["record"]
        here = position_of(number, record)
        positions.append(np.where(record == ABSENT, ABSENT, here))
        facts.append(FileFacts.of_arrays(result))
    every = np.concatenate([*positions, np.zeros(0, np.int64)])
    unique_file, unique = unique_records(_one_a_digest(every, store), store)
    known = FileFacts.joined(facts)
    table = ImageTable(
        unique_file,
        failures,
        known.file_bytes,
        known.modified,
        known.file_ids(),
        known.is_link,
        unique,
        store,
    )
    classes, split_names = sorted(_names(labels)), _names(splits)
    names = ScanInput(
        PackedTexts.joined(parts),
        _codes(labels, classes),
        classes,
        _codes(splits, split_names),
        split_names,
        _recordings(sequences),
    )
    return JobTable(table, names, store, unique)


def _one_a_digest(positions: Positions, store: ShardRecords) -> Positions:
    """Returns the positions with one record for all files of equal bytes."""
    result: Positions = positions.copy()
    there = np.flatnonzero(positions != ABSENT)
    first, group = distinct_rows(store.read(positions[there], "digest"))
    result[there] = positions[there[first[group]]]
    return result


def _recordings(sequences: Sequence[str | None]) -> Recordings | None:
    names = _names(sequences)
    return Recordings(_codes(sequences, names), names) if names else None


def _names(names: Sequence[str | None]) -> list[str]:
    """Returns the distinct names, in order of their first appearance."""
    return [name for name in dict.fromkeys(names) if name is not None]


def _codes(values: Sequence[str | None], names: Sequence[str]) -> NDArray[np.int32]:
    code: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    code[None] = NO_LABEL
    return np.fromiter((code[value] for value in values), np.int32, len(values))
