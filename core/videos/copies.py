"""Which videos show the same, and which stretch of them.

For each frame of the shorter of two videos the most similar frame of the longer is
looked for, by copy vectors, and the two pictures are compared as those of a picture
scan are. What two videos share is the longest chain of such frames that goes forward in
both (a longest increasing subsequence). Its links are copies, or two moments of one
scene: what was sampled at another phase of a moving shot is no copy, frame by frame. In
copies the time between the two frames of each link is one and the same, but for the
speed; a fixed camera at another time gives links too, and their times disagree: that is
one scene, and no copy.

Of 48 planted copies (six videos, eight changes each, a frame each half second) the
links that agree are .33 of the frames and more; of 11 pairs of two parts of one video,
most by a fixed camera, at most .10, or fewer than three frames.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
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
    verify_pairs,
)
from ..progress import OnProgress, silent
from ..storage.record_store import Vectors
from .frames import frames_by_video

FEWEST_FRAMES = 3
"""Of a chain; a shorter video needs all of its frames."""

DEFAULT_MIN_SHARED = 0.3
"""Share of the shorter video's frames from which on two videos are copies: between
those of planted copies and of others."""

_FIRST_COMPARED, _FIRST_PASSING = 200, 10
"""Frames of two videos that are compared first, and how many of them must be alike
before the others are."""

_ROWS_AT_ONCE, _COLUMNS_AT_ONCE = 512, 16_384
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
Bools = NDArray[np.bool_]


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


def compare_videos(
    frames: VideoFrames,
    count: int,
    min_similarity: float,
    *,
    known: Bools | None = None,
    on_progress: OnProgress = silent,
) -> VideoPairs:
    """Finds what each two videos share.

    Args:
        frames: of so many videos
        count: of videos
        min_similarity: least cosine of the vectors of frames that are compared
        known: bool[count], videos that need not be compared with one another; None
            for none
        on_progress: told after each batch; may raise to cancel

    Returns:
        the pairs that share something
    """
    places = list(frames_by_video(frames.video, count))
    candidates = [
        _links(frames, *pair, places, min_similarity)
        for pair in _similar_videos(frames, places, min_similarity, known)
    ]
    first = [_evenly(links, _FIRST_COMPARED) for links in candidates]
    found = _verified(frames, first, on_progress)
    # The rest of two long videos only where the first frames bear it out
    more = [
        len(links) > len(begun) and _passing(scores) >= _FIRST_PASSING
        for links, begun, scores in zip(candidates, first, found, strict=True)
    ]
    rest = [links for links, is_long in zip(candidates, more, strict=True) if is_long]
    again = iter(_verified(frames, rest, on_progress))
    parts = []
    for links, begun, scores, is_long in zip(
        candidates, first, found, more, strict=True
    ):
        compared = (links, next(again)) if is_long else (begun, scores)
        shared = _shared(frames, places, *compared, len(compared[0]) / len(links))
        if shared is not None:
            parts.append(shared)
    return joined(parts)


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


_INTRO_BEGINS, _INTRO_SHARE, _INTRO_OTHERS = 2.0, 0.3, 2


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


def _similar_videos(
    frames: VideoFrames,
    places: Sequence[slice],
    min_similarity: float,
    known: Bools | None,
) -> Iterator[tuple[int, int]]:
    """Yields the pairs of videos of which two frames are similar enough.

    Every frame is compared with every other: f^2 / 2 products.
    """
    count, total, video = len(places), len(frames.video), frames.video
    new = np.ones(count, bool) if known is None else ~known
    found: set[int] = set()
    for start in range(0, total, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, total))
        some = to_single(frames.vectors[rows])
        is_new = new[video[rows]].any()
        for left in range(start, total, _COLUMNS_AT_ONCE):
            columns = slice(left, min(left + _COLUMNS_AT_ONCE, total))
            if not is_new and not new[video[columns]].any():
                continue
            near = some @ to_single(frames.vectors[columns]).T >= min_similarity
            row, column = np.nonzero(near)
            ends = np.sort([video[rows][row], video[columns][column]], axis=0)
            found.update(np.unique(ends[0].astype(np.int64) * count + ends[1]).tolist())
    for one, other in (divmod(pair, count) for pair in sorted(found)):
        if one != other and (new[one] or new[other]):
            yield one, other


@dataclass(frozen=True, eq=False)
class _Links:
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


def _links(
    frames: VideoFrames,
    one: int,
    other: int,
    places: Sequence[slice],
    min_similarity: float,
) -> _Links:
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
    return _Links(np.concatenate(found), shorter, longer)


def _evenly(links: _Links, most: int) -> _Links:
    if len(links) <= most:
        return links
    rows = np.arange(most) * len(links) // most
    return _Links(links.ends[rows], links.shorter, links.longer)


def _verified(
    frames: VideoFrames, parts: Sequence[_Links], on_progress: OnProgress
) -> list[PairScores]:
    """Compares the pictures of all links at once; returns the scores part by part."""
    if not parts:
        return []
    ends = np.concatenate([part.ends for part in parts]).astype(np.int32)
    found = verify_pairs(frames.signatures, ends, frames.sizes, on_progress=on_progress)
    stops = np.cumsum([len(part) for part in parts]).tolist()
    return [
        PairScores(
            *(
                getattr(found, name)[stop - len(part) : stop]
                for name in PairScores.__dataclass_fields__
            )
        )
        for part, stop in zip(parts, stops, strict=True)
    ]


def _passing(scores: PairScores) -> int:
    return int((scores.scores >= MIN_COPY_SCORE).sum())


def _shared(
    frames: VideoFrames,
    places: Sequence[slice],
    links: _Links,
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
    links: _Links,
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
