"""The task that reads a shard's images: from bytes to records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.file_facts import FileFacts
from ..embedding.records import record_dtype
from ..embedding.threads import BATCH, Batch, Described, Session
from ..progress import OnProgress, Progress
from ..reading.files import FileContent, ReadFailure, file_identity
from ..reading.image_statistics import IMAGE_STATISTICS
from ..storage.record_store import ABSENT
from .job_folder import Arrays, JobFolder, packed, unpacked
from .machine import check_machine, opened_model
from .remote import arrow, parquet_bytes
from .shard_records import RecordsInMemory, as_file
from .sources import Member, is_local, read_source, shown_path, tar_members
from .tasks import Result

WORK = f"{__name__}:run"
TAR = "tar"
"""Setting of a task that is a tar file in place of a list."""

_STAGE = "Reading images"


def run(
    folder: JobFolder,
    task: str,
    settings: Mapping[str, Any],
    arrays: Arrays,
    on_progress: OnProgress,
) -> Result:
    """Reads, describes and embeds the images of a shard.

    Args:
        folder: of the job
        task: its name
        settings: ``model``, ``machine``, ``max_megapixels``; ``tar`` of a tar file
        arrays: ``locators`` of a list, packed
        on_progress: told after each batch; may raise to cancel

    Returns:
        of r rows ``record`` int64[r], ``locators`` and ``labels`` packed, the fields
        of :class:`FileFacts`, and ``failures``: JSON of row, status and reason. The
        records, and the same as parquet, are files of their own
    """
    check_machine(settings["model"], settings["machine"])
    embedder = opened_model(settings["model"])
    store = RecordsInMemory(record_dtype(embedder))
    tar = settings.get(TAR)
    given = () if tar else unpacked(arrays, "locators")
    images = tar_members(tar) if tar else map(_of_path, given)
    shard = _Shard(store, len(given))
    batch = Batch(shard, Session(embedder))
    for row, image in enumerate(images):
        shard.note(row, image)
        shard.describe(row, image.content, batch, settings["max_megapixels"])
        if row % BATCH == 0:
            on_progress(Progress(_STAGE, row, max(row, len(given))))
    batch.flush()
    records = store.records()
    return Result(
        shard.arrays(),
        len(shard.locators),
        len(shard.failures),
        {
            records_file(task): as_file(records),
            f"records/{task}.parquet": as_parquet(shard, records),
        },
    )


def records_file(task: str) -> str:
    """Returns the name of the file with a task's records."""
    return f"work/records/{task}.npy"


def died(locator: bytes, dtype: np.dtype[Any], task: str) -> Result:
    """Returns the result of a task that one image ended, again and again.

    Args:
        locator: of the image
        dtype: of a record
        task: its name
    """
    shard = _Shard(RecordsInMemory(dtype), 1)
    failure = ReadFailure("read_error", "the process that read it died")
    shard.note(0, Member(locator, failure, 0, np.nan, None))
    shard.failures[0] = failure
    empty = as_file(np.zeros(0, dtype))
    return Result(shard.arrays(), 1, 1, {records_file(task): empty})


class _Shard(Described):
    """The rows of one shard; those of a tar file are not counted before."""

    def __init__(self, store: RecordsInMemory, rows: int) -> None:
        super().__init__(rows, store)
        self.locators: list[bytes] = []
        self.labels: list[bytes] = []
        self.facts = FileFacts.unknown(rows)

    def note(self, row: int, image: Member) -> None:
        """Takes in what is known of an image but for its picture."""
        if row == len(self.positions):
            more = max(BATCH, row)
            self.positions = np.append(self.positions, np.full(more, ABSENT))
            self.facts = FileFacts.joined([self.facts, FileFacts.unknown(more)])
        self.locators.append(image.locator)
        self.labels.append((image.label or "").encode())
        if is_local(image.locator):
            identity = file_identity(image.locator)
            if not isinstance(identity, ReadFailure):
                self.facts.note(row, identity)
        elif isinstance(image.content, FileContent) or image.size:
            self.facts.note_member(row, image.size, image.modified)

    def arrays(self) -> dict[str, NDArray[Any]]:
        count = len(self.locators)
        failures = [
            (row, one.status, one.reason) for row, one in sorted(self.failures.items())
        ]
        return {
            **packed(self.locators, "locators"),
            **packed(self.labels, "labels"),
            "record": self.positions[:count],
            "failures": np.frombuffer(json.dumps(failures).encode(), np.uint8),
            **{name: one[:count] for name, one in self.facts.to_arrays().items()},
        }


def _of_path(locator: bytes) -> Member:
    content = read_source(locator)
    size = len(content.data) if isinstance(content, FileContent) else 0
    return Member(locator, content, size, np.nan, None)


def as_parquet(shard: _Shard, records: NDArray[Any]) -> bytes:
    """Returns the records as any tool reads them, a row an image that was read."""
    pa = arrow()
    rows = np.flatnonzero(shard.positions[: len(shard.locators)] != ABSENT)
    some = records[shard.positions[rows]]
    table = {
        **dict(zip(IMAGE_STATISTICS, some["statistics"].T, strict=True)),
        "path": [shown_path(shard.locators[row]) for row in rows],
        "file_bytes": shard.facts.file_bytes[rows],
        **{
            name: pa.array([one.tobytes() for one in some[name]], pa.binary(32))
            for name in ("digest", "picture_digest")
        },
        **{name: some[name] for name in ("width", "height", "picture_count")},
        **{
            name: pa.FixedSizeListArray.from_arrays(
                pa.array(some[name].ravel()), some[name].shape[1]
            )
            for name in ("copy", "features")
        },
    }
    return parquet_bytes(table)
