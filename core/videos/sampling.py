"""The frames of a video that differ from the last one that was kept.

What is written is what is compared: the JPEG of a frame is decoded again as a scan
would decode it, so that a scan of the frames finds them as different as they were
found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.text import plain
from ..copy_detection import (
    MIN_PART_CHANGE,
    SIGNATURE_SIDE,
    part_change,
    part_levels,
    signatures,
)
from ..embedding.records import ImageEmbedder
from ..errors import InputError
from ..reading.decode import decode_image
from ..reading.files import ReadFailure
from .held import HeldFrames
from .reading import Outcome, SampledFrame, VideoReader

DEFAULT_EVERY = 0.5
LEAST_SECONDS, MOST_SECONDS = 0.04, 60.0

_BATCH = 8
Embed = Callable[[NDArray[np.uint8]], NDArray[np.floating]]


def check_every(every: float) -> None:
    """Raises :class:`InputError` unless it is a usable number of seconds."""
    number = isinstance(every, int | float) and not isinstance(every, bool)
    if not number or not LEAST_SECONDS <= every <= MOST_SECONDS:
        raise InputError(
            f"every must be in [{LEAST_SECONDS:g}, {MOST_SECONDS:g}] seconds, got "
            f"{plain(str(every))}."
        )


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame that waits for one call of the model, as it is seen by it, and its parts.

    See :func:`core.copy_detection.part_levels` for ``levels``.
    """

    frame: SampledFrame
    square: NDArray[np.uint8]
    levels: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class _Looks:
    """The vector and the parts of the last kept frame."""

    vector: NDArray[np.float32]
    levels: NDArray[np.int16]


class FrameSampler:
    """Finds the frames that differ, video by video.

    Args:
        reader: of the videos
        embedder: whose copy vectors tell how much frames differ
        every: seconds between the frames that are looked at
        min_change: cosine distance to the last kept frame from which on one is kept
        keep_parts: a frame of which a part differs from the last kept one is kept too

    Attributes:
        in_part: frames of the videos so far that were left out and differ in a part
    """

    def __init__(
        self,
        reader: VideoReader,
        embedder: ImageEmbedder,
        *,
        every: float,
        min_change: float,
        keep_parts: bool = False,
    ) -> None:
        self._reader = reader
        self._session = embedder.open_session()
        self._side = embedder.input_size
        self._large = max(self._side, SIGNATURE_SIDE)
        self._every = every
        self._least_alike = 1 - min_change
        self._keep_parts = keep_parts
        self._last: _Looks | None = None
        self.in_part = 0

    def kept(self, path: bytes) -> Iterator[SampledFrame | Outcome]:
        """Yields the frames that are kept, and last what the video is.

        Args:
            path: absolute path of the video
        """
        held, self._last = HeldFrames(), None
        first_held: NDArray[np.int16] | None = None
        waiting: list[_Waiting] = []
        for found in self._reader.read(path, self._every):
            if not isinstance(found, SampledFrame):
                yield from self._different(waiting)
                yield found
                return
            image = decode_image(found.jpeg, side=self._large, max_megapixels=np.inf)
            if isinstance(image, ReadFailure):
                continue
            levels = part_levels(signatures(image.square(SIGNATURE_SIDE)[None]))[0]
            goes_on = held.goes_on(image)
            if goes_on and first_held is not None:
                goes_on = not _differ_in_part(levels, first_held)
            if goes_on:
                continue
            first_held = levels
            waiting.append(_Waiting(found, image.square_for_model(self._side), levels))
            if len(waiting) == _BATCH:
                yield from self._different(waiting)
                waiting.clear()

    def _different(self, frames: list[_Waiting]) -> Iterator[SampledFrame]:
        if not frames:
            return
        vectors = self._session(np.stack([one.square for one in frames]))[0]
        for one, vector in zip(frames, vectors.astype(np.float32), strict=True):
            last = self._last
            is_new = last is None or float(vector @ last.vector) <= self._least_alike
            if last is not None and not is_new:
                differs = _differ_in_part(one.levels, last.levels)
                is_new = differs and self._keep_parts
                self.in_part += differs and not is_new
            if is_new:
                self._last = _Looks(vector, one.levels)
                yield one.frame


def _differ_in_part(levels: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    return bool(part_change(levels[None], other)[0] >= MIN_PART_CHANGE)
