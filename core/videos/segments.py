"""Stretches of videos in which there is nothing to see: black, frozen, blurry, dark.

Blurry is judged beside the rest of the same video. Encoders put edges back, so that a
fixed bound finds none of twelve blurred stretches of two seconds; blurred frames have
.001 to .008 of the median sharpness of their video, others .22 and more (a bound of .1
tells them apart). A fade takes sharpness away too, and contrast with it: over the
square of the contrast, the frames of a fade have .32 of the median and more, blurred
ones .01.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..findings.image_issues import DEFAULT_MIN_INFORMATION, LOOKS, look_scores
from ..reading.image_statistics import IMAGE_STATISTICS, column

SEGMENTS = ("black", "frozen", "blurry", "dark", "damaged", "copy", "shared", "intro")
"""Kinds of stretches. The last three are shown by another video as well: by a copy, by
one that shares no more than that, and by others of a series."""

LOOKS_OF_FRAMES = SEGMENTS[:4]
_FROZEN = SEGMENTS.index("frozen")

_DARK_BELOW = 64.0
"""Gray level that 99 % of the pixels do not exceed."""

_LIT_EDGE = 30
"""Steepest difference of gray levels of a frame that shows something, however small:
a title, a ball of 20 pixels. Black has up to 5, by what an encoder leaves."""

_BLURRY_SHARE = 0.1
_SOME_CONTRAST = 2.0
_LEAST_SECONDS = 1.0
_FROZEN_SECONDS = 2.0
_SLACK = 0.1
"""Seconds: a sample is the first frame after its time."""


Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Segments:
    """g stretches of videos.

    Attributes:
        video: int32[g], ascending
        kind: int8[g], index in :data:`SEGMENTS`
        first: int64[g], frame with which it begins, from 0
        last: int64[g], frame with which it ends
    """

    video: NDArray[np.int32]
    kind: NDArray[np.int8]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def is_empty(statistics: NDArray[np.float32]) -> Bools:
    """Returns which frames show next to nothing: bool[f].

    Args:
        statistics: float32[f, s], see :mod:`core.reading.image_statistics`
    """
    information = look_scores(statistics)[:, LOOKS.index("information")]
    empty: Bools = information < DEFAULT_MIN_INFORMATION
    return empty


def find_segments(
    statistics: NDArray[np.float32],
    number: NDArray[np.int64],
    last: NDArray[np.int64],
    seconds: NDArray[np.float64],
    end: float,
    still: NDArray[np.float64],
    step: float,
) -> Iterator[tuple[int, int, int]]:
    """Yields the kind, the first and the last frame of each stretch of one video.

    Args:
        statistics: float32[f, s], of its sampled frames
        number: int64[f], of each
        last: int64[f], until which frame it is held
        seconds: float64[f], when each is shown
        end: seconds after which the video is over
        still: float64[f, 3], see :class:`~core.videos.frame_table.VideoTable`
        step: seconds between samples. An encoder refines a frozen picture, so that the
            first sample differs from the next
    """
    until = np.append(seconds[1:], end)
    scores = dict(zip(LOOKS, look_scores(statistics).T, strict=True))
    empty = is_empty(statistics)
    dark = scores["brightest"] < _DARK_BELOW
    black = empty & dark & (column(statistics, "steepest") < _LIT_EDGE)
    frozen = (still[:, 2] > 0) & (still[:, 2] >= _FROZEN_SECONDS - step - _SLACK)
    for first, past, _ in still[frozen & ~black].tolist():
        yield _FROZEN, int(first), int(past)
    flags = {
        "black": black,
        "blurry": _blurry(statistics, scores["sharpness"], empty),
        "dark": dark & ~empty,
    }
    for name, flag in flags.items():
        for start, stop in _runs(flag):
            if until[stop] - seconds[start] >= _LEAST_SECONDS - _SLACK:
                yield SEGMENTS.index(name), int(number[start]), int(last[stop])


def _blurry(
    statistics: NDArray[np.float32], sharpness: NDArray[np.float32], empty: Bools
) -> Bools:
    contrast = column(statistics, "contrast")
    blurry: Bools = ~empty & (contrast > _SOME_CONTRAST)
    if blurry.any():
        shown = blurry.copy()
        for measure in (sharpness, sharpness / np.maximum(contrast, 1) ** 2):
            blurry &= measure < _BLURRY_SHARE * np.median(measure[shown])
    return blurry


def _runs(flags: Bools) -> Iterator[tuple[int, int]]:
    """Yields the first and the last place of each run of True."""
    change = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1
    yield from zip(starts.tolist(), stops.tolist(), strict=True)


def typical_statistics(
    statistics: NDArray[np.float32], seconds: NDArray[np.float64], end: float
) -> NDArray[np.float32]:
    """Returns float32[s], of each number that which half of the video is below.

    Args:
        statistics: float32[f, s], of its sampled frames
        seconds: float64[f], when each is shown
        end: seconds after which the video is over
    """
    shown_for = np.maximum(np.append(seconds[1:], end) - seconds, 1e-6)
    order = statistics.argsort(axis=0)
    so_far = np.cumsum(shown_for[order], axis=0)
    place = (so_far < so_far[-1:] / 2).sum(axis=0)
    columns = np.arange(len(IMAGE_STATISTICS))
    typical: NDArray[np.float32] = statistics[order[place, columns], columns]
    return typical
