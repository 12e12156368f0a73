"""The frames of a video that differ from the last one that was kept.

What is written is what is compared: the JPEG of a frame is decoded again as a scan
would decode it, so that a scan of the frames finds them as different as they were
found here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..common.text import plain
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


class FrameSampler:
    """Finds the frames that differ, video by video.

    Args:
        reader: of the videos
        embedder: whose copy vectors tell how much frames differ
        every: seconds between the frames that are looked at
        min_change: cosine distance to the last kept frame from which on one is kept
    """

    def __init__(
        self,
        reader: VideoReader,
        embedder: ImageEmbedder,
        *,
        every: float,
        min_change: float,
    ) -> None:
        self._reader = reader
        self._session = embedder.open_session()
        self._side = embedder.input_size
        self._every = every
        self._least_alike = 1 - min_change
        self._last: NDArray[np.float32] | None = None

    def kept(self, path: bytes) -> Iterator[SampledFrame | Outcome]:
        """Yields the frames that are kept, and last what the video is.

        Args:
            path: absolute path of the video
        """
        held, self._last = HeldFrames(), None
        waiting: list[tuple[SampledFrame, NDArray[np.uint8]]] = []
        for found in self._reader.read(path, self._every):
            if not isinstance(found, SampledFrame):
                yield from self._different(waiting)
                yield found
                return
            image = decode_image(found.jpeg, side=self._side, max_megapixels=np.inf)
            if isinstance(image, ReadFailure) or held.goes_on(image):
                continue
            waiting.append((found, image.square(self._side)))
            if len(waiting) == _BATCH:
                yield from self._different(waiting)
                waiting.clear()

    def _different(
        self, frames: list[tuple[SampledFrame, NDArray[np.uint8]]]
    ) -> Iterator[SampledFrame]:
        if not frames:
            return
        vectors = self._session(np.stack([square for _, square in frames]))[0]
        for (frame, _), vector in zip(frames, vectors.astype(np.float32), strict=True):
            if self._last is None or float(vector @ self._last) <= self._least_alike:
                self._last = vector
                yield frame
