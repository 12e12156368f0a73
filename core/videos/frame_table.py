"""Sampled frames of many videos, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.image_table import FileTable


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


def frames_by_video(video: NDArray[np.int32], count: int) -> Iterator[slice]:
    """Yields where the frames of each of so many videos stand."""
    ends = np.searchsorted(video, np.arange(count + 1))
    for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        yield slice(start, end)
