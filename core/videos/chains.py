"""What two videos share: the frames of the one that follow one another in the other.

For each frame of the shorter video the most similar frame of the longer is looked for,
by copy vectors, and the two pictures are compared as those of a picture scan are. What
the videos share is the longest chain of such frames that goes forward in both (a
longest increasing subsequence). Its links are copies, or two moments of one scene: what
was sampled at another phase of a moving shot is no copy, frame by frame. In copies the
time between the two frames of each link is one and the same, but for the speed; a fixed
camera at another time gives links too, and their times disagree: that is one scene, and
no copy.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..copy_detection import (
    MIN_COPY_SCORE,
    PARTLY,
    PairScores,
    Signatures,
    relation_bits,
)
from ..storage.record_store import Vectors
from .video_pairs import VideoPairs

FEWEST_FRAMES = 3
"""Of a chain; a shorter video needs all of its frames."""

_ROWS_AT_ONCE = 512
_AGREEING = 0.5
"""Share of a chain's links whose times agree."""

_STEPS = 1.1
"""Steps by which links of one course are apart at most: one, and what times are rounded
by."""

_SAME_SPEED = 0.8
"""The same where both are played at one speed."""

_WHOLE = 0.8
"""Share of the longer video that is covered where nothing was cut from it."""

_OTHER_SPEED = 0.05
_MISSING, _MISSING_FRAMES = 0.05, 2
"""Frames in a row, of the shorter video, that the longer does not show: a share of
them, and at least so many. Of planted copies of five videos 39 of 40 miss fewer."""

_SCENE = 0.1
"""Least share of the frames that show one scene in both videos."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """The frames that videos are compared by.

    Attributes:
        video: int32[f], of each frame, ascending
        seconds: float64[f], when it is shown, ascending in each video
        vectors: f x c, unit copy vectors
        signatures: uint8[f, q]
        sizes: int32[f, 2], width and height of their videos
        step: seconds between frames
    """

    video: NDArray[np.int32]
    seconds: NDArray[np.float64]
    vectors: Vectors
    signatures: Signatures
    sizes: NDArray[np.int32]
    step: float


@dataclass(frozen=True, eq=False)
class Links:
    """The nearest frame in the longer of two videos, of frames of the shorter.

    Attributes:
        ends: int64[l, 2], rows of the frames, that of the shorter first
        shorter: number of the video
        longer: number of the other
    """

    ends: Ints
    shorter: int
    longer: int

    def __len__(self) -> int:
        return len(self.ends)


def links_between(
    frames: VideoFrames,
    one: int,
    other: int,
    places: Sequence[slice],
    min_similarity: float,
) -> Links:
    """Returns the most similar frame in the longer video of each in the shorter one.

    Args:
        frames: of all videos
        one: number of a video
        other: number of another
        places: of the frames of each video
        min_similarity: least cosine of the vectors of two frames
    """
    # By frames, since what is held counts once
    sizes = [places[video].stop - places[video].start for video in (one, other)]
    shorter, longer = (one, other) if sizes[0] <= sizes[1] else (other, one)
    begin, end = places[shorter].start, places[shorter].stop
    long = to_single(frames.vectors[places[longer]])
    found = []
    for start in range(begin, end, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, end))
        near = to_single(frames.vectors[rows]) @ long.T
        best = near.argmax(axis=1)
        alike = near[np.arange(len(rows)), best] >= min_similarity
        ends = np.stack([rows, best + places[longer].start], axis=1)
        found.append(ends[alike])
    return Links(np.concatenate(found), shorter, longer)


def links_at_one_speed(
    frames: VideoFrames,
    places: Sequence[slice],
    links: Links,
    scores: PairScores,
    most: int,
) -> tuple[Links, Links] | None:
    """Links frames of the shorter video to those that the longer shows at that time.

    Of a scene in which little moves, the most similar frame of a crop or a mirror image
    may be any. Those that are copies say when the one begins in the other; then all
    other frames can be compared with the right one.

    Args:
        frames: of all videos
        places: of the frames of each
        links: by similarity
        scores: of the links
        most: frames to link, evenly spread

    Returns:
        the links, and others of the same frames that are a quarter, a half and three
        quarters of the time apart: where these are copies as well, the time says
        nothing. None without a copy to begin with
    """
    times = frames.seconds[links.ends[scores.scores >= MIN_COPY_SCORE]]
    if not len(times):
        return None
    offsets = np.sort(times[:, 1] - times[:, 0])
    near = np.abs(offsets[:, None] - offsets) <= frames.step / 2
    offset = offsets[near.sum(axis=1).argmax()]
    short, long = places[links.shorter], places[links.longer]
    size = short.stop - short.start
    rows = short.start + np.unique(np.arange(min(size, most)) * size // min(size, most))
    shown = frames.seconds[long]
    wanted = frames.seconds[rows] + offset
    after = np.searchsorted(shown, wanted).clip(1, max(1, len(shown) - 1))
    after = np.minimum(after, len(shown) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(shown[before] - wanted) <= np.abs(shown[after] - wanted)
    other = np.where(nearer, before, after)
    close = np.abs(shown[other] - wanted) <= _STEPS * frames.step
    ends = np.stack([rows[close], other[close] + long.start], axis=1)
    if not len(ends):
        return None
    rolls = [max(1, len(ends) * part // 4) for part in (1, 2, 3)]
    elsewhere = [np.roll(ends[:, 1], roll) for roll in rolls]
    apart = np.stack([np.tile(ends[:, 0], 3), np.concatenate(elsewhere)], axis=1)
    return (
        Links(ends, links.shorter, links.longer),
        Links(apart, links.shorter, links.longer),
    )


def longest_chain(numbers: Sequence[int]) -> list[int]:
    """Returns the places of a longest run of ever larger numbers.

    By patience sorting, in n log n; of equally long ones that which ends lowest.
    """
    tails: list[int] = []
    tail_places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(numbers):
        length = bisect.bisect_left(tails, number)
        before.append(tail_places[length - 1] if length else -1)
        if length == len(tails):
            tails.append(number)
            tail_places.append(place)
        else:
            tails[length], tail_places[length] = number, place
    chain: list[int] = []
    place = tail_places[-1] if tail_places else -1
    while place >= 0:
        chain.append(place)
        place = before[place]
    return chain[::-1]


def what_is_shared(
    frames: VideoFrames,
    places: Sequence[slice],
    links: Links,
    scores: PairScores,
    compared: float,
) -> VideoPairs | None:
    """Returns what two videos share; None if that is nothing.

    Args:
        frames: of all videos
        places: of the frames of each
        links: that were compared
        scores: of the links
        compared: share of all links that were
    """
    short = places[links.shorter]
    size = short.stop - short.start
    copies = scores.scores >= MIN_COPY_SCORE
    alike = np.flatnonzero(copies | scores.scenes)
    chain = alike[longest_chain(links.ends[alike, 1].tolist())]
    ends = links.ends[chain]
    times = frames.seconds[ends]
    slope, agrees = 1.0, False
    if len(chain) >= min(FEWEST_FRAMES, size):
        slope, offset = _course(times, frames.step)
        linked = frames.seconds[links.ends]
        apart = np.abs(linked[:, 1] - slope * linked[:, 0] - offset)
        near = apart <= _STEPS * frames.step * max(1.0, slope)
        agrees = bool(near[chain].mean() >= _AGREEING and (near & copies).any())
        if agrees:
            chain = chain[near[chain]]
            ends = links.ends[chain]
            times = frames.seconds[ends]
    scene = len(alike) >= FEWEST_FRAMES and len(alike) / compared >= _SCENE * size
    if not agrees and not scene:
        return None
    share = len(chain) / compared / size
    relation, changes = _relation(
        frames, places, links, scores, chain, times, slope, compared
    )
    stretch = (
        np.stack([times[0], times[-1]], axis=1) if len(times) else np.zeros((2, 2))
    )
    stretch[:, 1] += frames.step
    pair = [links.shorter, links.longer]
    if links.shorter > links.longer:
        pair, stretch = pair[::-1], stretch[::-1]
    return VideoPairs(
        np.array([pair], np.int32),
        np.array([share], np.float32),
        np.array([agrees]),
        np.array([relation], np.int16),
        np.array([changes], np.uint8),
        np.array([scene]),
        stretch[None],
    )


def _course(times: NDArray[np.float64], step: float) -> tuple[float, float]:
    """Returns how the time of the longer video follows from that of the shorter.

    The speed is the same where that explains the links; else it is the median over
    links half of the chain apart, of which a few may be wrong (the idea of Theil and
    Sen).

    Args:
        times: float64[c, 2], seconds in the shorter and in the longer
        step: seconds between frames

    Returns:
        seconds of the longer a second of the shorter, and when the shorter begins
    """
    offset = float(np.median(times[:, 1] - times[:, 0]))
    near = np.abs(times[:, 1] - times[:, 0] - offset) <= _STEPS * step
    half = len(times) // 2
    if near.mean() >= _SAME_SPEED or half < 1:
        return 1.0, offset
    apart = times[half:] - times[: len(times) - half]
    slope = float(np.median(apart[:, 1] / np.maximum(apart[:, 0], 1e-9)))
    return slope, float(np.median(times[:, 1] - slope * times[:, 0]))


def _relation(
    frames: VideoFrames,
    places: Sequence[slice],
    links: Links,
    scores: PairScores,
    chain: Ints,
    times: NDArray[np.float64],
    slope: float,
    compared: float,
) -> tuple[int, int]:
    """Returns how the two videos differ: bits of relations, and of changes."""
    known = chain[scores.scores[chain] >= MIN_COPY_SCORE]
    if not len(known):
        return 0, 0
    told, votes = np.unique(scores.relations[known], return_counts=True)
    bits = int(told[votes.argmax()])
    kinds, votes = np.unique(scores.changes[known], return_counts=True)
    long = places[links.longer]
    length = frames.seconds[long.stop - 1] - frames.seconds[long.start] + frames.step
    if abs(slope - 1) > _OTHER_SPEED and len(chain) > FEWEST_FRAMES:
        bits |= relation_bits("re-timed")
    if times[-1, 1] - times[0, 1] + frames.step < _WHOLE * length:
        bits |= relation_bits("trimmed")
    if _misses_some(places[links.shorter], links.ends[chain, 0], compared):
        bits |= relation_bits(PARTLY)
    return bits, int(kinds[votes.argmax()])


def _misses_some(short: slice, rows: Ints, compared: float) -> bool:
    """Returns whether a run of frames of the shorter video has no link.

    Args:
        short: its frames
        rows: int64[c], ascending, those with a link
        compared: share of the frames that were compared, evenly spread
    """
    ends = np.concatenate([[short.start - 1], rows, [short.stop]])
    longest = np.diff(ends).max() - 1
    most = max(_MISSING_FRAMES / compared, _MISSING * (short.stop - short.start))
    return bool(longest > most)
