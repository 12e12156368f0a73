"""What the shards of a job describe, as one table of a scan."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.file_facts import FileFacts
from ..embedding.image_table import ImageTable, unique_records
from ..findings.schema import NO_LABEL
from ..reading.files import ReadFailure
from ..scan.scan_data import Recordings, ScanInput
from ..storage.record_store import ABSENT
from .describing import records_file
from .job_folder import JobFolder, unpacked
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
    folder: JobFolder,
    tasks: Sequence[str],
    shards: Sequence[ListedShard],
    results: Iterable[Mapping[str, NDArray[Any]]],
    dtype: np.dtype[Any],
) -> JobTable:
    """Joins the results of the shards, in the order of the manifest.

    Args:
        folder: of the job
        tasks: names of the tasks, one a shard
        shards: as the manifest lists them
        results: of :func:`core.sharded_scan.describing.run`
        dtype: of a record
    """
    locators: list[bytes] = []
    splits: list[str | None] = []
    labels: list[str | None] = []
    sequences: list[str | None] = []
    failures: dict[int, ReadFailure] = {}
    facts, positions = [], []
    for number, (shard, result) in enumerate(zip(shards, results, strict=True)):
        some = unpacked(result, "locators")
        for row, status, reason in json.loads(result["failures"].tobytes()):
            failures[len(locators) + row] = ReadFailure(status, reason)
        locators += some
        if shard.tar:
            labels += [one.decode() or None for one in unpacked(result, "labels")]
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
    store = ShardRecords(folder, [records_file(task) for task in tasks], dtype)
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
        locators,
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
    digests = store.read(positions[there], "digest")
    # As four numbers: rows of bytes sort many times as slowly
    keys = np.ascontiguousarray(digests).view(">u8")
    order = np.lexsort(keys.T[::-1])
    ordered = keys[order]
    starts = np.ones(len(order), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = there[order[starts]]
    result[there[order]] = positions[first[np.cumsum(starts) - 1]]
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
