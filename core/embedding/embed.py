"""The one pass over the files: each is read once, described and embedded.

What the pass learns of a picture is kept in a
:class:`~core.storage.record_store.RecordStore` under the digest of the file's bytes, so
that a picture seen before, under whatever name, costs a look-up.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection import (
    SIGNATURE_BYTES,
    SIGNATURE_SIDE,
    SIGNATURE_VERSION,
    signatures,
)
from ..progress import OnProgress, Progress, silent
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import ReadFailure, file_identity, read_file
from ..reading.image_statistics import (
    IMAGE_STATISTICS,
    STATISTICS_VERSION,
    image_statistics,
)
from ..storage.record_store import ABSENT, KEY_BYTES, RecordStore
from .image_table import ImageTable

_BATCH = 16
"""Images a call of the model: more gains nothing on a CPU (measured 8 to 64)."""

_ROWS_A_TURN = 64
PICTURE_VERSION = 5
"""Raise it when :mod:`core.reading.decode` decodes differently: old records expire."""

_REPORT_SECONDS = 0.2
_INT64_MAX = 2**63 - 1
_SEEN = np.dtype([("digest", "u1", (KEY_BYTES,))])


class ImageEmbedder(Protocol):
    """What the pass asks of a model; :class:`~core.models.registry.Embedder` has it.

    Attributes:
        name: of the model
        sha256: identifies model and precision; vectors of two are never mixed
        precision: such as "int8"
        input_size: height and width of its input in pixels
        copy_dim: numbers in a copy vector
        feature_dim: numbers in a feature vector
        min_candidate_similarity: see :class:`~core.models.registry.EmbedderSpec`
    """

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def input_size(self) -> int: ...
    @property
    def copy_dim(self) -> int: ...
    @property
    def feature_dim(self) -> int: ...
    @property
    def min_candidate_similarity(self) -> float: ...

    def open_session(
        self,
    ) -> Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Returns a function for one thread: uint8[b, s, s, 3] to two vectors."""


def embed_images(
    paths: Sequence[bytes],
    embedder: ImageEmbedder | None,
    *,
    folder: Path,
    max_megapixels: float,
    threads: int | None = None,
    on_progress: OnProgress = silent,
) -> ImageTable:
    """Reads, describes and embeds n files.

    Args:
        paths: of the files; absolute
        embedder: the model, or None to describe the pictures only
        folder: where records are kept between runs
        max_megapixels: larger pictures are refused from their header
        threads: workers; by default one a processor we may use
        on_progress: told after each batch; may raise to cancel, which keeps
            what was embedded so far

    Returns:
        one row a path; a bad file is a failure in the table, never an error
    """
    seen = RecordStore(folder / "seen", _SEEN)
    store = RecordStore(folder / _store_name(embedder), _dtype(embedder))
    job = _Job(paths, embedder, seen, store, max_megapixels)
    workers = threads or available_cores()
    job.run(min(workers, max(1, len(paths) // _BATCH)), on_progress)
    return job.table()


def _store_name(embedder: ImageEmbedder | None) -> str:
    """Names a folder after all that a record depends on."""
    parts = (
        embedder.sha256 if embedder else "no-model",
        embedder.input_size if embedder else 0,
        PICTURE_VERSION,
        SIGNATURE_VERSION,
        STATISTICS_VERSION,
        _dtype(embedder).descr,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _dtype(embedder: ImageEmbedder | None) -> np.dtype[Any]:
    copy_dim = embedder.copy_dim if embedder else 0
    feature_dim = embedder.feature_dim if embedder else 0
    return np.dtype(
        [
            ("digest", "u1", (KEY_BYTES,)),
            ("picture_digest", "u1", (KEY_BYTES,)),
            ("is_pixel_digest", "?"),
            ("damage", "i1"),
            ("first_digest", "u1", (KEY_BYTES,)),
            ("picture_count", "<i4"),
            ("decoded_pixels", "<i8"),
            ("width", "<i4"),
            ("height", "<i4"),
            ("statistics", "<f4", (len(IMAGE_STATISTICS),)),
            ("signature", "u1", (SIGNATURE_BYTES,)),
            ("copy", "<f2", (copy_dim,)),
            ("features", "<f2", (feature_dim,)),
        ]
    )


class _Job:
    """The state that the workers of one pass share."""

    def __init__(
        self,
        paths: Sequence[bytes],
        embedder: ImageEmbedder | None,
        seen: RecordStore,
        store: RecordStore,
        max_megapixels: float,
    ) -> None:
        count = len(paths)
        self.paths = paths
        self.embedder = embedder
        self.seen = seen
        self.store = store
        self.max_megapixels = max_megapixels
        self.positions = np.full(count, ABSENT, np.int64)
        self.file_bytes = np.zeros(count, np.int64)
        self.modified = np.full(count, np.nan)
        self.inodes = np.full((count, 2), ABSENT, np.int64)
        self.is_link = np.zeros(count, bool)
        self.failures: dict[int, ReadFailure] = {}
        self.done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.stop = threading.Event()
        # Shorter for few files, which may be large: no worker is left with the rest
        self._turn = min(_ROWS_A_TURN, count // (8 * available_cores()) + 1)
        self._turns = iter(range(0, count, self._turn))
        self._turn_lock = threading.Lock()
        self._errors: list[BaseException] = []

    def run(self, workers: int, on_progress: OnProgress) -> None:
        """Runs the workers; reports and cancels on the caller's thread."""
        threads = [
            threading.Thread(target=self._work, name=f"winnow-read-{i}", daemon=True)
            for i in range(workers)
        ]
        for thread in threads:
            thread.start()
        try:
            self._report_until_done(threads, on_progress)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def table(self) -> ImageTable:
        self._refuse_too_large()
        readable = np.flatnonzero(self.positions != ABSENT)
        positions, inverse = np.unique(self.positions[readable], return_inverse=True)
        digests = self.store.read(positions, "digest")
        # Position says which thread came first; the digest says nothing of
        # this run, so everything after is independent of order and threads
        order = np.lexsort(digests.T[::-1]) if len(positions) else positions
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        unique_file = np.full(len(self.paths), ABSENT, np.int64)
        unique_file[readable] = rank[inverse.reshape(-1)]
        return ImageTable(
            unique_file,
            self.failures,
            self.file_bytes,
            self.modified,
            _file_ids(self.inodes),
            self.is_link,
            positions[order],
            self.store,
        )

    def _refuse_too_large(self) -> None:
        """Applies the limit to records from runs with a larger one."""
        rows = np.flatnonzero(self.positions != ABSENT)
        pixels = self.store.read(self.positions[rows], "decoded_pixels")
        for row in rows[pixels > self.max_megapixels * 1e6].tolist():
            self.positions[row] = ABSENT
            self.failures[row] = ReadFailure(
                "too_large", f"more than max_megapixels={self.max_megapixels:g}"
            )

    def _report_until_done(
        self, threads: list[threading.Thread], on_progress: OnProgress
    ) -> None:
        total, finished, last = len(self.paths), 0, 0.0
        while finished < total and not self._errors:
            try:
                finished += self.done.get(timeout=_REPORT_SECONDS)
            except queue.Empty:
                if not any(thread.is_alive() for thread in threads):
                    break
            if time.monotonic() - last > _REPORT_SECONDS or finished == total:
                last = time.monotonic()
                on_progress(Progress("Reading images", finished, total))

    def _work(self) -> None:
        try:
            batch = _Batch(self)
            for row in self._rows():
                self._visit(row, batch)
            batch.flush()
        # Whatever ends a worker must end the run, on the caller's thread
        except BaseException as error:
            self._errors.append(error)

    def _rows(self) -> Iterator[int]:
        while not self.stop.is_set():
            with self._turn_lock:
                start = next(self._turns, None)
            if start is None:
                return
            rows = range(start, min(start + self._turn, len(self.paths)))
            for row in self._not_known(rows):
                if self.stop.is_set():
                    return
                yield row

    def _not_known(self, rows: range) -> list[int]:
        """Finds the records of files that did not change; returns the other rows.

        Many at once: to look for each by itself takes twice as long.
        """
        keys = {row: key for row in rows if (key := self._identity(row)) is not None}
        places = self.seen.positions(list(keys.values()))
        seen = places != ABSENT
        digests = self.seen.read(places[seen], "digest")
        found = self.store.positions([digest.tobytes() for digest in digests])
        self.positions[np.array(list(keys), np.int64)[seen]] = found
        others = [row for row in rows if self.positions[row] == ABSENT]
        self.done.put(len(rows) - len(others))
        return others

    def _identity(self, row: int) -> bytes | None:
        """Notes what the file system says of a file; returns the key of its state."""
        identity = file_identity(self.paths[row])
        if isinstance(identity, ReadFailure):
            self.failures[row] = identity
            return None
        key, status = identity
        self.file_bytes[row] = status.st_size
        self.modified[row] = status.st_mtime
        # Inode numbers may exceed int64; only their equality matters
        # 0 stands for no number: then nothing is known of other names of the file
        inode = status.st_ino & _INT64_MAX or ABSENT - 1 - row
        self.inodes[row] = status.st_dev & _INT64_MAX, inode
        self.is_link[row] = os.path.islink(self.paths[row])
        return key

    def _visit(self, row: int, batch: _Batch) -> None:
        """Finds the row's record by its bytes, or puts its picture into the batch."""
        # Asked again: it may have changed while others of its turn were read
        key = self._identity(row)
        if key is None:
            return self.done.put(1)
        self.failures.pop(row, None)
        content = read_file(self.paths[row])
        if isinstance(content, ReadFailure):
            return self._fail(row, content)
        batch.remember(key, content.digest)
        if self._use_record(row, content.digest):
            return None
        image = decode_image(
            content.data,
            side=max(SIGNATURE_SIDE, self.embedder.input_size if self.embedder else 0),
            max_megapixels=self.max_megapixels,
        )
        if isinstance(image, ReadFailure):
            return self._fail(row, image)
        batch.add(row, content.digest, image)
        return None

    def _use_record(self, row: int, digest: bytes) -> bool:
        position = self.store.position(digest)
        if position == ABSENT:
            return False
        self.positions[row] = position
        self.done.put(1)
        return True

    def _fail(self, row: int, failure: ReadFailure) -> None:
        self.failures[row] = failure
        self.done.put(1)


def _file_ids(inodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers the distinct rows of int64[n, 2]; -1 for absent ones."""
    ids = np.unique(inodes, axis=0, return_inverse=True)[1].reshape(-1)
    return np.where(inodes[:, 1] == ABSENT, ABSENT, ids)


class _Batch:
    """Pictures that wait for one call of the model, in one worker."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._session = job.embedder.open_session() if job.embedder else None
        self._side = job.embedder.input_size if job.embedder else SIGNATURE_SIDE
        self._rows: list[int] = []
        self._digests: list[bytes] = []
        self._records = np.zeros(_BATCH, job.store.dtype)
        self._pixels = np.zeros((_BATCH, self._side, self._side, 3), np.uint8)
        self._small = np.zeros((_BATCH, SIGNATURE_SIDE, SIGNATURE_SIDE, 3), np.uint8)
        self._seen: dict[bytes, bytes] = {}

    def remember(self, identity: bytes, digest: bytes) -> None:
        """Notes that the file of this identity has this digest."""
        self._seen[identity] = digest
        if len(self._seen) >= _ROWS_A_TURN:
            self._flush_seen()

    def add(self, row: int, digest: bytes, image: DecodedImage) -> None:
        slot = len(self._rows)
        record = self._records[slot]
        record["digest"] = np.frombuffer(digest, np.uint8)
        record["picture_digest"] = np.frombuffer(image.picture_digest, np.uint8)
        record["is_pixel_digest"] = image.is_pixel_digest
        record["damage"] = image.damage
        record["first_digest"] = np.frombuffer(image.first_digest, np.uint8)
        record["picture_count"] = image.picture_count
        record["decoded_pixels"] = image.decoded_pixels
        record["width"], record["height"] = image.width, image.height
        self._pixels[slot] = image.square(self._side)
        self._small[slot] = (
            self._pixels[slot]
            if self._side == SIGNATURE_SIDE
            else image.square(SIGNATURE_SIDE)
        )
        record["statistics"] = image_statistics(
            self._small[slot], image.gray(), image.width, image.height
        )
        self._rows.append(row)
        self._digests.append(digest)
        if len(self._rows) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Embeds and stores what waits."""
        count = len(self._rows)
        if count:
            records = self._records[:count]
            records["signature"] = signatures(self._small[:count])
            if self._session is not None:
                copy, features = self._session(self._pixels[:count])
                records["copy"], records["features"] = copy, features
            self._store(records)
        self._rows, self._digests = [], []
        self._flush_seen()

    def _store(self, records: NDArray[Any]) -> None:
        finite = np.isfinite(records["copy"]).all(axis=1)
        finite &= np.isfinite(records["features"]).all(axis=1)
        for slot in np.flatnonzero(~finite):
            self._job.failures[self._rows[slot]] = ReadFailure(
                "nonfinite", "the model gave NaN or infinity for it"
            )
        good = np.flatnonzero(finite)
        self._job.positions[np.array(self._rows)[good]] = self._job.store.append(
            [self._digests[slot] for slot in good], records[good]
        )
        self._job.done.put(len(self._rows))

    def _flush_seen(self) -> None:
        if self._seen:
            entries = np.zeros(len(self._seen), _SEEN)
            joined = b"".join(self._seen.values())
            entries["digest"] = np.frombuffer(joined, np.uint8).reshape(-1, KEY_BYTES)
            self._job.seen.append(list(self._seen), entries)
            self._seen = {}
