"""The threads of one pass over files: they take turns and embed pictures in batches."""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.float16 import to_half
from ..copy_detection import SIGNATURE_SIDE, signatures
from ..progress import OnProgress, Progress
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import FileContent, ReadFailure
from ..reading.image_statistics import LEVELS, image_statistics, note_levels
from ..storage.record_store import ABSENT, KEY_BYTES, RecordStore, WritableRecords
from .records import EmbedPixels, ImageEmbedder

BATCH = 16
"""Images a call of the model: more gains nothing on a CPU (measured 8 to 64)."""

_MOST_BYTES_HELD = 2**19
"""Of the pixels of a picture that waits to be described with others: what is done to
sixteen in a row takes a tenth less time, since a processor keeps at hand how."""

STORED_AT_ONCE = 64
"""Records that are stored together: to lock a store takes 0.2 ms."""

FILES_PER_TURN = 64
_REPORT_SECONDS = 0.2

_MOST_PIXEL_BYTES = 2**24
"""Of what a thread holds for the model. Where 64 pictures are more, as for a model of
the person's own from 300 pixels on, one call's are held and stored together."""

_MOST_BYTES_WAITING = 2**20
"""Of files that wait to be looked up and decoded together, by one thread that does not
stop for the model: those of 150 pixels take a fifteenth less time so, model aside."""

_SMALL_FILE = 2**15
_DESCRIBING = threading.BoundedSemaphore(max(1, available_cores() // 2))
"""Bytes of files that half of the threads at most describe at a time, while others run
the model: a picture of 150 pixels takes some fifty short calls, and threads that make
them at once wake one another all the time. On two cores a picture takes 2.11 CPU-ms,
1.08 ms by the clock, and without this 2.61 and 1.49; on more it was not measured."""

_NUMBERS = (
    "is_pixel_digest",
    "damage",
    "picture_count",
    "decoded_pixels",
    "orientation",
    "width",
    "height",
)
"""Of a decoded picture, which its record has under the same names."""


class Session:
    """The model, opened when it is first needed; threads may share it."""

    def __init__(self, embedder: ImageEmbedder | None) -> None:
        self._embedder = embedder
        self._session: EmbedPixels | None = None
        self._lock = threading.Lock()
        self.side = embedder.input_size if embedder else SIGNATURE_SIDE
        self.has_model = embedder is not None

    def embed(self, pixels: NDArray[np.uint8], records: NDArray[Any]) -> None:
        """Fills in the vectors of records, if there is a model."""
        if self._embedder is None:
            return
        with self._lock:
            if self._session is None:
                self._session = self._embedder.open_session()
        copy, features = self._session(pixels)
        records["copy"], records["features"] = to_half(copy), to_half(features)


class Described:
    """What is known of n rows while their pictures are described.

    Args:
        rows: how many there are
        store: where records go
        seen: where digests of files go, for :meth:`Batch.remember`

    Attributes:
        positions: int64[n], of the rows' records; ``ABSENT`` without one
        failures: why a row has none
        done: queue of numbers of rows that are finished
        stop: as soon as it is set, no other file is decoded
    """

    def __init__(
        self, rows: int, store: WritableRecords, seen: RecordStore | None = None
    ) -> None:
        self.store = store
        self.seen = seen
        self.positions = np.full(rows, ABSENT, np.int64)
        self.failures: dict[int, ReadFailure] = {}
        self.done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.stop = threading.Event()

    def describe(
        self,
        row: int,
        content: FileContent | ReadFailure,
        batch: Batch,
        max_megapixels: float,
    ) -> None:
        """Finds the record of a file's bytes, or makes it, with those of others.

        Args:
            row: of the file
            content: of the file
            batch: of the calling thread
            max_megapixels: larger pictures are refused from their header
        """
        if isinstance(content, ReadFailure):
            self.fail(row, content)
        else:
            batch.take(row, content, max_megapixels)

    def fail(self, row: int, failure: ReadFailure) -> None:
        """Notes why a row has no record."""
        self.failures[row] = failure
        self.done.put(1)


class ThreadedPass(Described, ABC):
    """What the threads of one pass share: f files, and n rows of which they tell.

    Args:
        files: how many files are visited
        rows: how many rows are told of
        embedder: the model, or None to describe the pictures only
        store: where records go
        stage: what is being done, for a person
        seen: where digests of files go, for :meth:`Batch.remember`

    Attributes:
        turns: runs of files that one thread takes at once
    """

    def __init__(
        self,
        files: int,
        rows: int,
        embedder: ImageEmbedder | None,
        store: WritableRecords,
        stage: str,
        seen: RecordStore | None = None,
    ) -> None:
        super().__init__(rows, store, seen)
        self.embedder = embedder
        # Shorter for few files, which may be large: no thread is left with the rest
        turn = min(FILES_PER_TURN, files // (8 * available_cores()) + 1)
        self.turns: Iterator[Sequence[int]] = (
            range(start, min(start + turn, files)) for start in range(0, files, turn)
        )
        self._stage = stage
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []

    @abstractmethod
    def work(self, session: Session) -> None:
        """Visits files until there are no more, in one thread.

        Args:
            session: the model, which all threads share
        """

    def new_files(self, turn: Sequence[int]) -> Sequence[int]:
        """Notes which files have all their records; returns the others."""
        return turn

    def run(self, threads: int, on_progress: OnProgress) -> None:
        """Starts the threads; reports, and is cancelled, on the caller's thread."""
        session = Session(self.embedder)
        workers = [
            threading.Thread(
                target=self._work, args=[session], name=f"winnow-read-{i}", daemon=True
            )
            for i in range(threads)
        ]
        for worker in workers:
            worker.start()
        try:
            self._report_until_done(workers, on_progress)
        finally:
            self.stop.set()
            for worker in workers:
                worker.join()
        if self._errors:
            raise self._errors[0]

    def _work(self, session: Session) -> None:
        try:
            self.work(session)
        # Whatever ends a thread must end the run, on the caller's thread
        except BaseException as error:
            self._errors.append(error)

    def files(self) -> Iterator[int]:
        """Yields files that no thread has taken yet, until it is stopped."""
        while not self.stop.is_set():
            # Look-ups are short calls, which take longer beside one another
            with self._lock:
                turn = next(self.turns, None)
                if turn is None:
                    return
                files = self.new_files(turn)
            for file in files:
                if self.stop.is_set():
                    return
                yield file

    def _report_until_done(
        self, workers: list[threading.Thread], on_progress: OnProgress
    ) -> None:
        total, finished, last = len(self.positions), 0, 0.0
        while finished < total and not self._errors:
            try:
                finished += self.done.get(timeout=_REPORT_SECONDS)
            except queue.Empty:
                if not any(worker.is_alive() for worker in workers):
                    break
            if time.monotonic() - last > _REPORT_SECONDS or finished == total:
                last = time.monotonic()
                on_progress(Progress(self._stage, finished, total))


class Pass(ThreadedPass):
    """A pass over files of pictures, which are embedded in batches."""

    @abstractmethod
    def visit(self, file: int, batch: Batch) -> None:
        """Reads a file and puts its pictures into the batch."""

    def work(self, session: Session) -> None:
        batch = Batch(self, session)
        for file in self.files():
            self.visit(file, batch)
        batch.flush()


class Batch:
    """Files and pictures that wait to be described and embedded, in one thread.

    Args:
        job: what is to be known of them
        session: the model
    """

    def __init__(self, job: Described, session: Session) -> None:
        self._job = job
        self._session = session
        self._side = max(SIGNATURE_SIDE, session.side)
        self._waiting: list[tuple[int, FileContent, float]] = []
        self._waiting_bytes = 0
        self._undescribed: list[DecodedImage] = []
        self._rows: list[int] = []
        self._keys: list[bytes] = []
        self._embedded = 0
        side = session.side
        is_large = STORED_AT_ONCE * side**2 * 3 > _MOST_PIXEL_BYTES
        self._room = BATCH if is_large else STORED_AT_ONCE
        self._records = np.zeros(self._room, job.store.dtype)
        self._pixels = np.zeros((self._room, side, side, 3), np.uint8)
        self._small = np.zeros((BATCH, SIGNATURE_SIDE, SIGNATURE_SIDE, 3), np.uint8)
        self._levels = np.zeros(BATCH, LEVELS)
        self._seen: dict[bytes, bytes] = {}

    def remember(self, identity: bytes, digest: bytes) -> None:
        """Notes that the file of this identity has this digest."""
        self._seen[identity] = digest
        if len(self._seen) >= FILES_PER_TURN:
            self._flush_seen()

    def take(self, row: int, content: FileContent, max_megapixels: float) -> None:
        """Puts a file in, to be decoded with others.

        Args:
            row: that its record, or failure, belongs to
            content: of the file
            max_megapixels: a larger picture is refused from its header
        """
        self._waiting.append((row, content, max_megapixels))
        self._waiting_bytes += len(content.data)
        is_full = len(self._rows) + len(self._waiting) == self._room
        if is_full or self._waiting_bytes > _MOST_BYTES_WAITING:
            self._decode()

    def add(self, row: int, key: bytes, image: DecodedImage) -> None:
        """Puts a picture in.

        Args:
            row: that the picture belongs to
            key: 32 bytes, under which its record is found again
            image: the picture
        """
        self._hold(row, key, image)
        if self._is_due():
            self._describe_at_once()

    def flush(self) -> None:
        """Describes, embeds and stores what waits."""
        if self._waiting:
            self._decode()
        if self._undescribed:
            self._describe_at_once()
        if self._embedded < len(self._rows):
            self._embed(len(self._rows))
        if self._rows:
            self._store()
        self._flush_seen()

    def _decode(self) -> None:
        """Decodes and describes the files that wait, but for those with a record."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        places = self._job.store.positions([file.digest for _, file, _ in waiting])
        with self._describing(max(len(file.data) for _, file, _ in waiting)):
            for (row, file, most), place in zip(waiting, places.tolist(), strict=True):
                if self._job.stop.is_set():
                    break
                if place != ABSENT:
                    self._job.positions[row] = place
                    self._job.done.put(1)
                    continue
                image = decode_image(file.data, side=self._side, max_megapixels=most)
                if isinstance(image, ReadFailure):
                    self._job.fail(row, image)
                    continue
                self._hold(row, file.digest, image)
                if self._is_due():
                    self._describe()
            self._describe()
        self._embed_whole_batches()

    def _describing(self, size: int) -> AbstractContextManager[object]:
        """Returns what lets few threads describe small files at a time.

        Args:
            size: of the largest file, in bytes
        """
        is_small = self._session.has_model and size <= _SMALL_FILE
        return _DESCRIBING if is_small else nullcontext()

    def _hold(self, row: int, key: bytes, image: DecodedImage) -> None:
        self._undescribed.append(image)
        self._rows.append(row)
        self._keys.append(key)

    def _is_due(self) -> bool:
        """True if the pictures that wait must be described before the next comes."""
        is_large = self._undescribed[-1].stored.nbytes > _MOST_BYTES_HELD
        is_full = len(self._rows) == self._room
        return is_large or is_full or len(self._undescribed) == BATCH

    def _describe_at_once(self) -> None:
        with self._describing(max(one.stored.nbytes for one in self._undescribed)):
            self._describe()
        self._embed_whole_batches()

    def _describe(self) -> None:
        """Takes from the pictures that wait what is kept of them."""
        images, self._undescribed = self._undescribed, []
        if not images:
            return
        count = len(images)
        some = slice(len(self._rows) - count, len(self._rows))
        records, pixels = self._records[some], self._pixels[some]
        small, levels = self._small[:count], self._levels[:count]
        side = self._session.side
        for image, square, asked in zip(images, small, pixels, strict=True):
            square[:] = image.square(SIGNATURE_SIDE)
            is_same = side == SIGNATURE_SIDE and not image.is_enlarged(side)
            asked[:] = square if is_same else image.square_for_model(side)
        grays = [image.gray() for image in images]
        for gray, level in zip(grays, levels, strict=True):
            note_levels(gray, level)
        records["digest"] = _rows_of(self._keys[some])
        for name in ("picture_digest", "first_digest"):
            records[name] = _rows_of([getattr(one, name) for one in images])
        for name in _NUMBERS:
            records[name] = [getattr(one, name) for one in images]
        records["captured"] = [one.capture.seconds for one in images]
        records["camera"] = [one.capture.camera for one in images]
        sizes = records["width"], records["height"]
        records["signature"] = signatures(small)
        records["statistics"] = image_statistics(levels, small, *sizes)

    def _embed_whole_batches(self) -> None:
        """Embeds what fills a call of the model; stores all without room for more."""
        while len(self._rows) - self._embedded >= BATCH:
            self._embed(self._embedded + BATCH)
        if len(self._rows) == self._room:
            self._store()

    def _embed(self, end: int) -> None:
        some = slice(self._embedded, end)
        self._session.embed(self._pixels[some], self._records[some])
        self._job.done.put(end - self._embedded)
        self._embedded = end

    def _store(self) -> None:
        records = self._records[: len(self._rows)]
        finite = np.isfinite(records["copy"]).all(axis=1)
        finite &= np.isfinite(records["features"]).all(axis=1)
        for slot in np.flatnonzero(~finite):
            self._job.failures[self._rows[slot]] = ReadFailure(
                "nonfinite", "the model gave NaN or infinity for it"
            )
        good = np.flatnonzero(finite)
        self._job.positions[np.array(self._rows)[good]] = self._job.store.append(
            [self._keys[slot] for slot in good], records[good]
        )
        self._rows, self._keys, self._embedded = [], [], 0

    def _flush_seen(self) -> None:
        if self._seen and self._job.seen is not None:
            entries = np.zeros(len(self._seen), self._job.seen.dtype)
            entries["digest"] = _rows_of(self._seen.values())
            self._job.seen.append(list(self._seen), entries)
        self._seen = {}


def _rows_of(digests: Iterable[bytes]) -> NDArray[np.uint8]:
    """Returns uint8[n, 32] of n digests."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, KEY_BYTES)
