"""The one pass over videos: each is decoded once, and its frames are embedded."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..common.cpu import available_cores
from ..embedding.file_facts import FileFacts
from ..embedding.records import ImageEmbedder
from ..embedding.threads import Batch, Described, Session, ThreadedPass
from ..errors import CacheError
from ..progress import OnProgress, Progress, silent
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import ReadFailure, file_identity
from ..reading.thumbnails import keep, place_of
from ..storage.record_store import ABSENT
from .frame_table import VideoTable
from .held import HeldFrames, StillRuns
from .reading import SampledFrame, VideoFacts, VideoReader
from .strip import Strip
from .video_records import (
    FRAME_RECORD,
    VIDEO_RECORD,
    KnownVideo,
    VideoRecords,
    picture_key,
)

FRAME_SIDE = 256
"""Shorter side of the frames that are looked at, in pixels, at most."""


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
    records = VideoRecords(embedder, folder, every)
    files = _Files(paths, records, folder / "thumbnails", max_megapixels)
    new = files.find(on_progress)
    # The longest first: none is left for the end, when all other cores are idle
    new.sort(key=files.size, reverse=True)
    job = _VideoPass(
        [(digest, paths[files.rows[digest][0]]) for digest in new],
        [files.size(digest) for digest in new],
        records,
        embedder,
        every,
        max_megapixels,
        files.strips,
    )
    job.run(min(available_cores(), len(new)), on_progress)
    failed = {new[number]: why for number, why in job.failures.items()}
    return files.table(failed)


def threads_of(sizes: Sequence[int], cores: int) -> list[int]:
    """Returns how many threads may decode each of n videos, which are taken in turn.

    A video gets its share of the cores, by its bytes among those of all that are not
    done: one of many gets a thread, and a long one among few gets more. More threads
    decode it sooner, at a fifth more processor time in all.

    Args:
        sizes: bytes of each file
        cores: that there are
    """
    total = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.float64))])
    # Beside those that are not begun, one less than there are cores may be under way
    first = np.maximum(np.arange(len(sizes)) - cores + 1, 0)
    shares = cores * np.asarray(sizes) / np.maximum(total[-1] - total[first], 1)
    threads: list[int] = np.clip(np.rint(shares), 1, cores).astype(int).tolist()
    return threads


class _Files:
    """n files, found again by the digest of their bytes.

    Attributes:
        rows: digest -> the files that have it
        strips: where the strip of each video is kept
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        records: VideoRecords,
        strips: Path,
        max_megapixels: float,
    ) -> None:
        self.rows: dict[bytes, list[int]] = {}
        self.strips = strips
        self._paths = paths
        self._records = records
        self._max_megapixels = max_megapixels
        self._facts = FileFacts.unknown(len(paths))
        self._failures: dict[int, ReadFailure] = {}
        self._known: dict[bytes, KnownVideo] = {}

    def find(self, on_progress: OnProgress) -> list[bytes]:
        """Tells the contents of the files; returns the digests without a record."""
        for row, path in enumerate(self._paths):
            on_progress(Progress("Looking for known videos", row, len(self._paths)))
            digest = self._digest(row, path)
            if isinstance(digest, ReadFailure):
                self._failures[row] = digest
            else:
                self.rows.setdefault(digest, []).append(row)
        for digest in self.rows:
            known = self._records.known(digest)
            if known is not None and not self._is_too_large(known):
                self._known[digest] = known
        return [digest for digest in self.rows if digest not in self._known]

    def size(self, digest: bytes) -> int:
        """Returns the bytes of the files with a digest."""
        return int(self._facts.file_bytes[self.rows[digest][0]])

    def table(self, failed: dict[bytes, ReadFailure]) -> VideoTable:
        """Returns what is known of all files, those that failed now beside it.

        Raises:
            CacheError: records that were stored are gone
        """
        unique_file = np.full(len(self._paths), ABSENT, np.int64)
        found: list[KnownVideo] = []
        for digest in sorted(self.rows):
            rows = self.rows[digest]
            if digest in failed:
                self._failures.update(dict.fromkeys(rows, failed[digest]))
                continue
            known = self._known.get(digest) or self._records.known(digest)
            if known is None:
                raise CacheError("The cache was deleted during the scan; scan again.")
            for row in rows:
                self._show(row, digest)
            unique_file[rows] = len(found)
            found.append(known)
        frames = np.concatenate(
            [np.zeros(0, FRAME_RECORD), *(one.frames for one in found)]
        )
        sizes = [len(one.frames) for one in found]
        still = ("still_first", "still_last", "still_seconds")
        return VideoTable(
            unique_file,
            self._failures,
            self._facts.file_bytes,
            self._facts.modified,
            self._facts.file_ids(),
            self._facts.is_link,
            np.concatenate([np.zeros(0, np.int64), *(one.pictures for one in found)]),
            self._records.pictures,
            np.array([one.facts for one in found], VIDEO_RECORD),
            np.repeat(np.arange(len(found), dtype=np.int32), sizes),
            frames["number"],
            frames["last"],
            frames["seconds"],
            np.stack([frames[name].astype(np.float64) for name in still], axis=1),
        )

    def _digest(self, row: int, path: bytes) -> bytes | ReadFailure:
        identity = file_identity(path)
        if isinstance(identity, ReadFailure):
            return identity
        self._facts.note(row, identity)
        if identity.status.st_size == 0:
            return ReadFailure("empty", "the file is empty")
        return self._records.digest(path, identity.key)

    def _is_too_large(self, known: KnownVideo) -> bool:
        """Applies the limit to records from runs with a larger one."""
        pixels = int(known.facts["width"]) * int(known.facts["height"])
        return pixels > self._max_megapixels * 1e6

    def _show(self, row: int, digest: bytes) -> None:
        """Puts the strip of a video where the App looks for the picture of its file."""
        identity, strip = file_identity(self._paths[row]), place_of(digest, self.strips)
        if isinstance(identity, ReadFailure):
            return
        place = place_of(identity.key, self.strips)
        # Without it, since the cache was cleared, say, the App shows no picture
        with contextlib.suppress(OSError):
            if not place.exists():
                keep(strip.read_bytes(), place)


class _VideoPass(ThreadedPass):
    """Decodes videos, one process and one session of the model a thread."""

    def __init__(
        self,
        files: Sequence[tuple[bytes, bytes]],
        sizes: Sequence[int],
        records: VideoRecords,
        embedder: ImageEmbedder,
        every: float,
        max_megapixels: float,
        strips: Path,
    ) -> None:
        """Takes digest and path of each file, and its bytes, the most first."""
        count = len(files)
        super().__init__(count, count, embedder, records.pictures, "Reading videos")
        self._videos = files
        self._records = records
        self._every = every
        self._max_megapixels = max_megapixels
        self._strips = strips
        self._threads = threads_of(sizes, available_cores())
        # One at a time: a few long ones may lie side by side
        self.turns = ((file,) for file in range(count))

    def work(self, session: Session) -> None:
        with VideoReader(max_megapixels=self._max_megapixels) as reader:
            for file in self.files():
                failure = self._describe(file, reader, session)
                if failure is not None:
                    self.failures[file] = failure
                self.done.put(1)

    def _describe(
        self, file: int, reader: VideoReader, session: Session
    ) -> ReadFailure | None:
        """Decodes a video, and stores its frames and then what it is."""
        digest, path = self._videos[file]
        held, strip, still = HeldFrames(), Strip(), StillRuns()
        # Only which pictures are stored is asked of it, so one row serves all
        batch = Batch(Described(1, self.store), session)
        sampled: list[tuple[int, float]] = []
        side = max(FRAME_SIDE, session.side)
        for found in reader.read(path, self._every, side, self._threads[file]):
            if isinstance(found, ReadFailure):
                return found
            if isinstance(found, VideoFacts):
                batch.flush()
                if sampled:
                    keep(strip.jpeg(), place_of(digest, self._strips))
                still.end(found.frames, found.seconds)
                if self._records.keep(digest, found, sampled, still):
                    return None
                return ReadFailure("nonfinite", "no frame has a vector")
            if self.stop.is_set():
                break
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
            sampled.append((found.number, found.seconds))
            key = picture_key(digest, found.number)
            if self.store.position(key) == ABSENT:
                batch.add(0, key, image)
        return None


def _decoded(frame: SampledFrame, side: int) -> DecodedImage | None:
    image = decode_image(frame.jpeg, side=side, max_megapixels=np.inf)
    return None if isinstance(image, ReadFailure) else image
