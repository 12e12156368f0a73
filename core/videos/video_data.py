"""What a scan stores of videos beside what it stores of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .segments import Segments
from .video_pairs import VideoPairs

PLAYED = frozenset(
    b"avc1 avc3 h264 x264 vp80 vp08 vp8 vp90 vp09 vp9 av01 av1 theo".split()
)
"""Codecs that all common browsers play, by their four letters, in lower case."""


@dataclass(frozen=True, eq=False)
class VideoData:
    """What a scan of videos knows beyond that of pictures: of m unique files.

    Attributes:
        every: seconds between the frames that were looked at
        rate: float64[m], frames a second; 0 if unknown
        frames: int64[m]
        is_truncated: bool[m], the file ends before its video does
        has_variable_rate: bool[m]
        is_played: bool[m], browsers play its codec
        segments: stretches in which there is nothing to see, or that are damaged
        pairs: of files that share something
    """

    every: float
    rate: NDArray[np.float64]
    frames: NDArray[np.int64]
    is_truncated: NDArray[np.bool_]
    has_variable_rate: NDArray[np.bool_]
    is_played: NDArray[np.bool_]
    segments: Segments
    pairs: VideoPairs
