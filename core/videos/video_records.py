"""What is kept of videos between runs, under the digest of their bytes.

What a video is, which of its frames were sampled, and of each frame the same record as
of a picture. A video that was seen before, under whatever name, is not decoded again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.records import ImageEmbedder, open_seen, open_store, record_kind
from ..reading.files import ReadFailure, digest_file
from ..storage.record_store import ABSENT, RecordStore
from .held import StillRuns
from .reading import VideoFacts

VIDEO_VERSION = 4
"""Raise it when videos are decoded or sampled differently: old records expire."""

VIDEO_RECORD = np.dtype(
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
FRAME_RECORD = np.dtype(
    [
        ("number", "<i8"),
        ("last", "<i8"),
        ("seconds", "<f8"),
        ("still_first", "<i8"),
        ("still_last", "<i8"),
        ("still_seconds", "<f8"),
    ]
)
_NO_FRAME = -1


@dataclass(frozen=True, eq=False)
class KnownVideo:
    """The records of one video.

    Attributes:
        facts: its record
        frames: those of its sampled frames
        pictures: int64[f], where the records of their pictures are
    """

    facts: Any
    frames: NDArray[Any]
    pictures: NDArray[np.int64]


class VideoRecords:
    """Finds and keeps the records of videos, as one model and one step sample them.

    Which frames are kept depends on the model: on the size of the pictures, and on what
    it gives a vector for.

    Args:
        embedder: the model
        folder: where records are kept
        every: seconds between the frames that are looked at

    Attributes:
        pictures: records of the frames' pictures
    """

    def __init__(self, embedder: ImageEmbedder, folder: Path, every: float) -> None:
        self.pictures = open_store(folder, embedder)
        self._seen = open_seen(folder)
        self._videos = RecordStore(folder / f"videos-{VIDEO_VERSION}", VIDEO_RECORD)
        self._frames = RecordStore(folder / f"frames-{VIDEO_VERSION}", FRAME_RECORD)
        self._how = record_kind(embedder).encode() + struct.pack("<d", every)

    def digest(self, path: bytes, identity: bytes) -> bytes | ReadFailure:
        """Returns the digest of a file; of one that did not change it is known.

        Args:
            path: of the file
            identity: key of its state
        """
        place = self._seen.position(identity)
        if place != ABSENT:
            known = self._seen.read(np.array([place]), "digest")[0]
            return bytes(known.tobytes())
        digest = digest_file(path)
        if isinstance(digest, bytes):
            entry = np.zeros(1, self._seen.dtype)
            entry["digest"] = np.frombuffer(digest, np.uint8)
            self._seen.append([identity], entry)
        return digest

    def known(self, digest: bytes) -> KnownVideo | None:
        """Returns the records of a video; None unless all of them are there."""
        place = self._videos.position(self._key(digest))
        if place == ABSENT:
            return None
        facts = _read(self._videos, np.array([place]))[0]
        keys = [self._key(digest, place) for place in range(facts["sampled"])]
        places = self._frames.positions(keys)
        if (places == ABSENT).any():
            return None
        frames = _read(self._frames, places)
        pictures = self.pictures.positions(
            [picture_key(digest, number) for number in frames["number"].tolist()]
        )
        if (pictures == ABSENT).any():
            return None
        return KnownVideo(facts, frames, pictures)

    def keep(
        self,
        digest: bytes,
        facts: VideoFacts,
        sampled: Sequence[tuple[int, float]],
        still: StillRuns,
    ) -> bool:
        """Stores which frames were sampled, and last what the video is.

        Args:
            digest: of the file
            facts: what the video is
            sampled: number and time of each frame whose picture was described
            still: runs of samples that are one picture

        Returns:
            False if the model gave none of the frames a vector: nothing is kept
        """
        keys = [picture_key(digest, number) for number, _ in sampled]
        there = self.pictures.positions(keys) != ABSENT
        kept = [one for one, is_there in zip(sampled, there, strict=True) if is_there]
        if not kept:
            return False
        frames = np.zeros(len(kept), FRAME_RECORD)
        frames["number"], frames["seconds"] = zip(*kept, strict=True)
        frames["last"][:-1] = frames["number"][1:] - 1
        frames["last"][-1] = facts.frames - 1
        for frame in frames:
            run = still.longest(int(frame["number"]), int(frame["last"]))
            frame["still_first"], frame["still_last"] = run.first, run.last
            frame["still_seconds"] = run.seconds
        video = np.zeros(1, VIDEO_RECORD)
        for name in VIDEO_RECORD.names or ():
            if name not in ("digest", "sampled"):
                value = getattr(facts, name)
                video[name] = _NO_FRAME if value is None else value
        video["digest"] = np.frombuffer(digest, np.uint8)
        video["sampled"] = len(kept)
        self._frames.append(
            [self._key(digest, place) for place in range(len(kept))], frames
        )
        self._videos.append([self._key(digest)], video)
        return True

    def _key(self, digest: bytes, place: int | None = None) -> bytes:
        """Returns the key of a video as it is sampled, or of one of its frames."""
        what = b"winnow video" if place is None else struct.pack("<q", place)
        return hashlib.sha256(self._how + digest + what).digest()


def picture_key(digest: bytes, number: int) -> bytes:
    """Returns the key of a frame's picture, whatever it was sampled with."""
    return hashlib.sha256(
        b"winnow frame" + struct.pack("<qq", VIDEO_VERSION, number) + digest
    ).digest()


def _read(store: RecordStore, places: NDArray[np.int64]) -> NDArray[Any]:
    records = np.zeros(len(places), store.dtype)
    for name in store.dtype.names or ():
        records[name] = store.read(places, name)
    return records
