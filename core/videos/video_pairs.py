"""Pairs of videos that share something, and how much of them it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT_MIN_SHARED = 0.3
"""Share of the shorter video's frames from which on two videos are copies: between
those of planted copies and of others."""

_INTRO_BEGINS = 2.0
"""Seconds after which an intro has begun."""

_INTRO_SHARE, _INTRO_OTHERS = 0.3, 2

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class VideoPairs:
    """p pairs of videos that share something, the smaller number first.

    Attributes:
        videos: int32[p, 2]
        share: float32[p], of the frames of the shorter that the longer shows in order
        agrees: bool[p], the times of the shared frames agree: they are one recording
        relation: int16[p], bits of :data:`core.copy_detection.RELATIONS`
        changes: uint8[p], bits of :data:`core.copy_detection.CHANGES_OF_MEANING`
        scene: bool[p], both show one scene
        stretch: float64[p, 2, 2], of each of the two, when what is shared begins and
            ends, in seconds
    """

    videos: NDArray[np.int32]
    share: NDArray[np.float32]
    agrees: Bools
    relation: NDArray[np.int16]
    changes: NDArray[np.uint8]
    scene: Bools
    stretch: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.videos)


NO_PAIRS = VideoPairs(
    np.zeros((0, 2), np.int32),
    np.zeros(0, np.float32),
    np.zeros(0, bool),
    np.zeros(0, np.int16),
    np.zeros(0, np.uint8),
    np.zeros(0, bool),
    np.zeros((0, 2, 2), np.float64),
)


def joined(parts: Sequence[VideoPairs]) -> VideoPairs:
    """Returns the pairs of all parts, sorted by the numbers of the videos."""
    columns = [
        np.concatenate([getattr(part, name) for part in (NO_PAIRS, *parts)])
        for name in VideoPairs.__dataclass_fields__
    ]
    order = np.lexsort(columns[0].T[::-1])
    return VideoPairs(*(column[order] for column in columns))


def shared_intros(pairs: VideoPairs, seconds: NDArray[np.float64]) -> Bools:
    """Returns which pairs share no more than how a series begins: bool[p].

    It begins both videos, is under 0.3 of either, and another video begins like it.

    Args:
        pairs: of videos
        seconds: float64[count], how long each video lasts
    """
    length = seconds[pairs.videos]
    begins = pairs.agrees & (pairs.stretch[:, :, 0] < _INTRO_BEGINS).all(axis=1)
    begins &= (pairs.stretch[:, :, 1] < _INTRO_SHARE * length).all(axis=1)
    times = np.bincount(pairs.videos[begins].reshape(-1), minlength=len(seconds))
    intro: Bools = begins & (times[pairs.videos] >= _INTRO_OTHERS).any(axis=1)
    return intro
