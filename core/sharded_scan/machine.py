"""What a machine computes: all that work on one job must compute the same.

Decoders, the model and sums of numbers are the same on processors of one kind with
packages of one version. A job is begun by one machine; another that computes other
numbers is refused, since its vectors would be those of another model.
"""

from __future__ import annotations

import hashlib
import platform
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..embedding.records import record_dtype, record_kind
from ..embedding.threads import Batch, Described, Session
from ..errors import CurationError
from ..models.registry import Embedder, load_embedder
from ..neighbors.knn_graph import row_products
from ..reading.files import FileContent
from ..scan.previous_scan import digest_of
from .job_folder import Arrays, JobFolder, unpacked
from .shard_records import RecordsInMemory, ShardRecords

_SEED, _SIDE, _ROWS, _DIMS = 0, 160, 64, 1280


class OtherMachineError(CurationError):
    """A machine that computes other numbers than the one that began the job."""


@dataclass(frozen=True)
class Machine:
    """What a machine computes with.

    Attributes:
        program: digest of Winnow's own text and of the packages that compute
        records: name of all that records of pictures depend on
        model: digest of the model
        numbers: digest of what comes out for one picture, and of sums
    """

    program: str
    records: str
    model: str
    numbers: str


@lru_cache(4)
def opened_model(model: str) -> Embedder:
    """Loads a model, once a process."""
    return load_embedder(model)


def records_of_task(folder: JobFolder, model: str, arrays: Arrays) -> ShardRecords:
    """Returns the records of a task's pictures.

    Args:
        folder: of the job
        model: that described them
        arrays: of the task's input, with the ``files`` that hold them, packed
    """
    names = [name.decode() for name in unpacked(arrays, "files")]
    return ShardRecords(folder, names, record_dtype(opened_model(model)))


@lru_cache(4)
def this_machine(model: str) -> Machine:
    """Returns what this machine computes with a model; once a process."""
    embedder = opened_model(model)
    rng = np.random.default_rng(_SEED)
    noise = rng.integers(0, 256, (_SIDE // 8, _SIDE // 8, 3), np.uint8)
    picture = cv2.resize(noise, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    store = RecordsInMemory(record_dtype(embedder))
    described = Described(1, store)
    batch = Batch(described, Session(embedder))
    content = FileContent(data, hashlib.sha256(data).digest())
    described.describe(0, content, batch, np.inf)
    batch.flush()
    rows = rng.standard_normal((_ROWS, _DIMS), np.float32)
    every = np.arange(_ROWS)
    sums = row_products(rows, every, rows, every[::-1])
    numbers = hashlib.sha256(store.records().tobytes() + sums.tobytes())
    return Machine(
        program=digest_of([]),
        records=record_kind(embedder),
        model=embedder.sha256,
        numbers=numbers.hexdigest(),
    )


def check_machine(model: str, expected: Mapping[str, str]) -> None:
    """Compares this machine with the one that began a job.

    Args:
        model: of the job
        expected: fields of the :class:`Machine` that began it, those that matter

    Raises:
        OtherMachineError: it computes other numbers
    """
    here, name = asdict(this_machine(model)), socket.gethostname()
    for part, value in expected.items():
        if here[part] != value:
            raise OtherMachineError(f"The machine '{name}' {_DIFFERS[part]}")


_SAME = "Install the same on all machines of a job."
_DIFFERS = {
    "program": "has another version of Winnow, or of a package that computes, than the "
    f"one that began the job. {_SAME}",
    "records": "has a version of Winnow that keeps other records of pictures than the "
    f"one that began the job. {_SAME}",
    "model": "has another model file of that name than the one that began the job. "
    f"{_SAME}",
    "numbers": "computes other numbers than the one that began the job, with the same "
    "model: its processor is of another kind "
    f"({platform.machine()}, {cv2.getCPUFeaturesLine().strip()}). "
    "Give the job machines of one kind.",
}
