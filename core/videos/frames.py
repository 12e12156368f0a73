"""The one pass over videos: each is decoded once, and its frames are embedded.

What the pass learns of a video is kept under the digest of the file's bytes: what it
is, which frames were sampled, and of each frame the same record as of a picture. A
video that was seen before, under whatever name, is not decoded again.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..embedding.file_facts import FileFacts
from ..embedding.image_table import FileTable
from ..embedding.records import ImageEmbedder, open_seen, open_store, record_kind
from ..embedding.threads import Batch, Described, Session
from ..errors import CacheError
from ..progress import OnProgress, Progress, silent
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import ReadFailure, digest_file, file_identity
from ..reading.thumbnails import keep, place_of
from ..storage.record_store import ABSENT, RecordStore
from .held import HeldFrames, StillRuns
from .reading import SampledFrame, VideoFacts, VideoReader
from .strip import Strip

VIDEO_VERSION = 3
"""Raise it when videos are decoded or sampled differently: old records expire."""

FRAME_SIDE = 256
"""Shorter side of the frames that are looked at, in pixels, at most."""

_REPORT_SECONDS = 0.2
_NO_FRAME = -1
_Known = tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]
"""The record of a video, those of its sampled frames, and where their pictures' are."""

_VIDEO = np.dtype(
    [
        ("digest", "u1", (32,)),
        ("seconds", "<f8"),
        ("rate", "<f8"),
        ("frames", "<i8"),
        ("announced", "<i8"),
        ("width", "<i4"),
        ("height", "<i4"),
        ("damage", "<i4"),
        ("first_damage", "<i8"),
        ("last_damage", "<i8"),
        ("is_truncated", "?"),
        ("has_variable_rate", "?"),
        ("codec", "S8"),
        ("sampled", "<i4"),
    ]
)
_FRAME = np.dtype(
    [
        ("number", "<i8"),
        ("last", "<i8"),
        ("seconds", "<f8"),
        ("still_first", "<i8"),
        ("still_last", "<i8"),
        ("still_seconds", "<f8"),
    ]
)


@dataclass(frozen=True, eq=False)
class VideoTable(FileTable):
    """What one pass over n files of videos found: records of their sampled frames.

    A frame that does not change is one sampled frame, however long it is held.

    Attributes:
        videos: m records: ``digest``, ``seconds``, ``rate`` (0 if unknown),
            ``frames``, ``announced``, ``width``, ``height``, ``damage`` (complaints),
            ``first_damage`` and ``last_damage`` (frames from 0; -1 without),
            ``is_truncated``, ``has_variable_rate``, ``codec``, ``sampled``
        video: int32[f], the unique file of each sampled frame, ascending
        number: int64[f], of the frame in its video, from 0; ascending in each
        last: int64[f], until which frame it is held
        seconds: float64[f], when it is shown
        still: float64[f, 3], the longest run of samples in it that are one picture: its
            first and last frame, and how long it is in seconds; 0 s for none
    """

    videos: NDArray[Any]
    video: NDArray[np.int32]
    number: NDArray[np.int64]
    last: NDArray[np.int64]
    seconds: NDArray[np.float64]
    still: NDArray[np.float64]

    @property
    def ends(self) -> NDArray[np.float64]:
        """float64[m], seconds after which each video is over."""
        rate = self.videos["rate"]
        shown = np.divide(1, rate, out=np.zeros(len(rate)), where=rate > 0)
        ends: NDArray[np.float64] = self.videos["seconds"] + shown
        return ends


def embed_videos(
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    *,
    folder: Path,
    every: float,
    max_megapixels: float,
    on_progress: OnProgress = silent,
) -> VideoTable:
    """Decodes n videos, and describes and embeds frames of them.

    Args:
        paths: absolute file paths
        embedder: the model
        folder: where records are kept between runs
        every: seconds between the frames that are looked at
        max_megapixels: videos of larger frames are refused
        on_progress: told after each video; may raise to cancel, which keeps the
            videos that were finished

    Returns:
        one row a path; a bad file is a failure in the table, never an error
    """
    job = _VideoPass(paths, embedder, folder, every, max_megapixels)
    job.find(on_progress)
    job.run(available_cores(), on_progress)
    return job.table()


class _VideoPass:
    """One row a file, found again by the digest of its bytes."""

    def __init__(
        self,
        paths: Sequence[bytes],
        embedder: ImageEmbedder,
        folder: Path,
        every: float,
        max_megapixels: float,
    ) -> None:
        self._paths = paths
        self._embedder = embedder
        self._thumbnails = folder / "thumbnails"
        self._kind = record_kind(embedder).encode()
        self._every = every
        self._max_megapixels = max_megapixels
        self._seen = open_seen(folder)
        self._pictures = open_store(folder, embedder)
        self._videos = RecordStore(folder / f"videos-{VIDEO_VERSION}", _VIDEO)
        self._frames = RecordStore(folder / f"frames-{VIDEO_VERSION}", _FRAME)
        self._facts = FileFacts.unknown(len(paths))
        self._failures: dict[int, ReadFailure] = {}
        self._rows: dict[bytes, list[int]] = {}
        self._found: dict[bytes, _Known] = {}
        self._new: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()

    def find(self, on_progress: OnProgress) -> None:
        """Tells the contents of the files; those without a record wait."""
        for row, path in enumerate(self._paths):
            on_progress(Progress("Looking for known videos", row, len(self._paths)))
            digest = self._digest(row, path)
            if isinstance(digest, ReadFailure):
                self._failures[row] = digest
            else:
                self._rows.setdefault(digest, []).append(row)
        for digest in self._rows:
            known = self._known(digest)
            if known is None:
                self._new.put(digest)
            else:
                self._found[digest] = known

    def run(self, threads: int, on_progress: OnProgress) -> None:
        """Decodes what waits; reports, and is cancelled, on the caller's thread."""
        total, finished = self._new.qsize(), 0
        workers = [
            threading.Thread(target=self._work, name=f"winnow-video-{i}", daemon=True)
            for i in range(min(threads, total))
        ]
        on_progress(Progress("Reading videos", 0, total))
        for worker in workers:
            worker.start()
        try:
            while finished < total:
                try:
                    error = self._done.get(timeout=_REPORT_SECONDS)
                except queue.Empty:
                    on_progress(Progress("Reading videos", finished, total))
                    continue
                if error is not None:
                    raise error
                finished += 1
                on_progress(Progress("Reading videos", finished, total))
        finally:
            self._stop.set()
            for worker in workers:
                worker.join()

    def table(self) -> VideoTable:
        unique_file = np.full(len(self._paths), ABSENT, np.int64)
        videos: list[Any] = []
        parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]] = []
        for digest in sorted(self._rows):
            rows = self._rows[digest]
            if rows[0] in self._failures:
                for row in rows:
                    self._failures[row] = self._failures[rows[0]]
                continue
            found = self._found.get(digest) or self._known(digest)
            if found is None:
                raise CacheError("The cache was deleted during the scan; scan again.")
            video, frames, positions = found
            for row in rows:
                self._show(row, digest)
            unique_file[rows] = len(videos)
            parts.append((np.full(len(frames), len(videos)), frames, positions))
            videos.append(video)
        frames = np.concatenate([np.zeros(0, _FRAME), *(part[1] for part in parts)])
        return VideoTable(
            unique_file,
            self._failures,
            self._facts.file_bytes,
            self._facts.modified,
            self._facts.file_ids(),
            self._facts.is_link,
            np.concatenate([np.zeros(0, np.int64), *(part[2] for part in parts)]),
            self._pictures,
            np.array(videos, _VIDEO),
            np.concatenate([np.zeros(0), *(part[0] for part in parts)]).astype(
                np.int32
            ),
            frames["number"],
            frames["last"],
            frames["seconds"],
            np.stack(
                [
                    frames[name].astype(np.float64)
                    for name in ("still_first", "still_last", "still_seconds")
                ],
                axis=1,
            ),
        )

    def _strip_of(self, digest: bytes) -> Path:
        return place_of(digest, self._thumbnails)

    def _show(self, row: int, digest: bytes) -> None:
        """Puts the strip of a video where the App looks for the picture of its file."""
        identity, strip = file_identity(self._paths[row]), self._strip_of(digest)
        if isinstance(identity, ReadFailure):
            return
        place = place_of(identity[0], self._thumbnails)
        # Without it, since the cache was cleared, say, the App shows no picture
        with contextlib.suppress(OSError):
            if not place.exists():
                keep(strip.read_bytes(), place)

    def _digest(self, row: int, path: bytes) -> bytes | ReadFailure:
        """Returns the digest of a file; of one that did not change it is known."""
        identity = file_identity(path)
        if isinstance(identity, ReadFailure):
            return identity
        key, status = identity
        self._facts.note(row, path, status)
        if status.st_size == 0:
            return ReadFailure("empty", "the file is empty")
        place = self._seen.position(key)
        if place != ABSENT:
            known = self._seen.read(np.array([place]), "digest")[0]
            return bytes(known.tobytes())
        digest = digest_file(path)
        if isinstance(digest, bytes):
            entry = np.zeros(1, self._seen.dtype)
            entry["digest"] = np.frombuffer(digest, np.uint8)
            self._seen.append([key], entry)
        return digest

    def _known(self, digest: bytes) -> _Known | None:
        """Returns the records of a video, of its frames, and their pictures' places.

        None unless all of them are there.
        """
        place = self._videos.position(self._key(digest))
        if place == ABSENT:
            return None
        here = np.array([place])
        video = np.zeros(1, _VIDEO)
        for name in _VIDEO.names or ():
            video[name] = self._videos.read(here, name)
        if video["width"][0] * int(video["height"][0]) > self._max_megapixels * 1e6:
            return None
        keys = [self._key(digest, place) for place in range(video["sampled"][0])]
        places = self._frames.positions(keys)
        if (places == ABSENT).any():
            return None
        frames = np.zeros(len(places), _FRAME)
        for name in _FRAME.names or ():
            frames[name] = self._frames.read(places, name)
        pictures = self._pictures.positions(
            [_picture_key(digest, number) for number in frames["number"].tolist()]
        )
        return None if (pictures == ABSENT).any() else (video[0], frames, pictures)

    def _key(self, digest: bytes, place: int | None = None) -> bytes:
        """Returns the key of a video as it is sampled, or of one of its frames.

        Which frames are kept depends on the model: on the size of the pictures, and on
        what it gives a vector for.
        """
        what = b"winnow video" if place is None else struct.pack("<q", place)
        how = self._kind + struct.pack("<d", self._every)
        return hashlib.sha256(how + digest + what).digest()

    def _work(self) -> None:
        reader = VideoReader(max_megapixels=self._max_megapixels)
        session = Session(self._embedder)
        with reader:
            while not self._stop.is_set():
                try:
                    digest = self._new.get_nowait()
                except queue.Empty:
                    return
                # Whatever ends a thread must end the run, on the caller's thread
                try:
                    self._describe(digest, reader, session)
                    self._done.put(None)
                except BaseException as error:
                    self._done.put(error)
                    return

    def _describe(self, digest: bytes, reader: VideoReader, session: Session) -> None:
        """Decodes a video, and stores its frames and then what it is."""
        row = self._rows[digest][0]
        held, strip, still = HeldFrames(), Strip(), StillRuns()
        # Only which pictures are stored is asked of it, so one row serves all
        batch = Batch(Described(1, self._pictures), session)
        numbers: list[tuple[int, float]] = []
        side = max(FRAME_SIDE, session.side)
        for found in reader.read(self._paths[row], self._every, side):
            if isinstance(found, ReadFailure):
                self._failures[row] = found
                return
            if isinstance(found, VideoFacts):
                batch.flush()
                if numbers:
                    keep(strip.jpeg(), self._strip_of(digest))
                still.end(found.frames, found.seconds)
                self._finish(row, digest, found, numbers, still)
                return
            if self._stop.is_set():
                return
            image = _decoded(found, session.side)
            if image is None:
                continue
            goes_on = held.goes_on(image)
            still.note(
                found.number,
                found.seconds,
                is_still=held.is_still,
                is_alike=held.is_alike,
            )
            if goes_on:
                continue
            strip.add(image)
            numbers.append((found.number, found.seconds))
            key = _picture_key(digest, found.number)
            if self._pictures.position(key) == ABSENT:
                batch.add(0, key, image)

    def _finish(
        self,
        row: int,
        digest: bytes,
        facts: VideoFacts,
        numbers: list[tuple[int, float]],
        still: StillRuns,
    ) -> None:
        """Stores which frames were sampled, and last what the video is."""
        keys = [_picture_key(digest, number) for number, _ in numbers]
        # What the model gave no vector for is left out
        there = self._pictures.positions(keys) != ABSENT
        kept = [one for one, is_there in zip(numbers, there, strict=True) if is_there]
        if not kept:
            self._failures[row] = ReadFailure("nonfinite", "no frame has a vector")
            return
        frames = np.zeros(len(kept), _FRAME)
        frames["number"], frames["seconds"] = zip(*kept, strict=True)
        frames["last"][:-1] = frames["number"][1:] - 1
        frames["last"][-1] = facts.frames - 1
        for frame in frames:
            run = still.longest(int(frame["number"]), int(frame["last"]))
            frame["still_first"], frame["still_last"] = run.first, run.last
            frame["still_seconds"] = run.seconds
        video = np.zeros(1, _VIDEO)
        for name in _VIDEO.names or ():
            if name not in ("digest", "sampled"):
                value = getattr(facts, name)
                video[name] = _NO_FRAME if value is None else value
        video["digest"] = np.frombuffer(digest, np.uint8)
        video["sampled"] = len(kept)
        self._frames.append(
            [self._key(digest, place) for place in range(len(kept))], frames
        )
        self._videos.append([self._key(digest)], video)


def frames_by_video(video: NDArray[np.int32], count: int) -> Iterator[slice]:
    """Yields where the frames of each of so many videos stand."""
    ends = np.searchsorted(video, np.arange(count + 1))
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        yield slice(start, end)


def _decoded(frame: SampledFrame, side: int) -> DecodedImage | None:
    image = decode_image(frame.jpeg, side=side, max_megapixels=np.inf)
    return None if isinstance(image, ReadFailure) else image


def _picture_key(digest: bytes, number: int) -> bytes:
    """Returns the key of a frame's picture, whatever it was sampled with."""
    return hashlib.sha256(
        b"winnow frame" + struct.pack("<qq", VIDEO_VERSION, number) + digest
    ).digest()
