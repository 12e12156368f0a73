"""The tasks of shards, and those of a part of one whose process dies.

A picture that ends the process that decodes it costs itself alone: its shard is read in
ever smaller parts, until one image is left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..embedding.file_facts import FileFacts
from ..embedding.records import record_dtype
from ..storage.record_store import ABSENT
from .describing import TAR, WORK, died, records_file
from .job_folder import Arrays, JobFolder, packed, unpacked
from .machine import opened_model
from .manifest import ListedShard
from .shard_records import as_file
from .sources import tar_members
from .tasks import Executor, Result, add_task, not_done, put_result, result_of

_PARTS = 16


def shard_task(
    folder: JobFolder, settings: Mapping[str, Any], shard: ListedShard
) -> str:
    """Adds the task that reads a shard; returns its name."""
    if shard.tar:
        return add_task(folder, WORK, {**settings, TAR: shard.tar}, {})
    return _list_task(folder, settings, shard.locators, shard.stamps)


def _list_task(
    folder: JobFolder,
    settings: Mapping[str, Any],
    locators: Sequence[bytes],
    stamps: Sequence[bytes],
) -> str:
    lists = {
        **packed(locators, "locators"),
        # Not read: images that the manifest says are others make another task
        **packed(stamps, "stamps"),
    }
    return add_task(folder, WORK, settings, lists)


def read_apart(
    folder: JobFolder,
    executor: Executor,
    task: str,
    shard: ListedShard,
    settings: Mapping[str, Any],
) -> None:
    """Reads a shard whose process died, in parts, and writes its result.

    Args:
        folder: of the job
        executor: what runs the parts
        task: of the shard
        shard: its images
        settings: of the task
    """
    locators, stamps, labels = list(shard.locators), list(shard.stamps), []
    if shard.tar:
        members = [(one.locator, one.label) for one in tar_members(shard.tar)]
        locators = [locator for locator, _ in members]
        labels = [(label or "").encode() for _, label in members]
    dtype = record_dtype(opened_model(settings["model"]))
    done: dict[int, str] = {}
    pending = [(0, len(locators))]
    while pending:
        parts = [part for whole in pending for part in _split(*whole)]
        tasks = {
            _list_task(folder, settings, locators[a:b], stamps[a:b]): (a, b)
            for a, b in parts
        }
        left = not_done(folder, WORK, tasks)
        failures = executor.run(WORK, folder.address, left, lambda _: None)
        pending = []
        for name, (first, last) in tasks.items():
            if name in failures and last - first > 1:
                pending.append((first, last))
                continue
            if name in failures:
                put_result(folder, WORK, name, died(locators[first], dtype, name))
            done[first] = name
    names = [done[first] for first in sorted(done)]
    put_result(folder, WORK, task, _joined(folder, names, task, dtype, labels))


def _split(first: int, last: int) -> list[tuple[int, int]]:
    ends = np.linspace(first, last, min(_PARTS, last - first) + 1).astype(int).tolist()
    return list(zip(ends[:-1], ends[1:], strict=True))


def _joined(
    folder: JobFolder,
    names: Sequence[str],
    task: str,
    dtype: np.dtype[Any],
    labels: list[bytes],
) -> Result:
    """Returns the result of a task from those of its parts."""
    records, positions, failures = [np.zeros(0, dtype)], [], []
    locators: list[bytes] = []
    results: list[Arrays] = [result_of(folder, WORK, name) for name in names]
    rows = 0
    for name, result in zip(names, results, strict=True):
        record = result["record"]
        positions.append(np.where(record == ABSENT, ABSENT, record + rows))
        for row, *why in json.loads(result["failures"].tobytes()):
            failures.append((len(locators) + row, *why))
        locators += unpacked(result, "locators")
        with folder.local(records_file(name)).open("rb") as file:
            records.append(np.load(file, allow_pickle=False))
        rows += len(records[-1])
    facts = FileFacts.joined([FileFacts.of_arrays(result) for result in results])
    return Result(
        {
            **packed(locators, "locators"),
            **packed(labels or [b""] * len(locators), "labels"),
            "record": np.concatenate(positions),
            "failures": np.frombuffer(json.dumps(failures).encode(), np.uint8),
            **facts.to_arrays(),
        },
        len(locators),
        len(failures),
        {records_file(task): as_file(np.concatenate(records))},
    )
