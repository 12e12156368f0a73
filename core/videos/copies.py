"""Which videos show the same, and which stretch of them.

Of 48 planted copies (six videos, eight changes each, a frame each half second) the
links that agree are .33 of the frames and more; of 11 pairs of two parts of one video,
most by a fixed camera, at most .10, or fewer than three frames. Of 48 more, of six
videos that no bound was set on, 45 are found: a clip of a moving shot that was cut
between two samples is not, nor are a crop and a mirror image of dark pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..copy_detection import (
    MIN_COPY_SCORE,
    PairScores,
    relation_bits,
    verify_pairs,
)
from ..progress import OnProgress, silent
from .chains import (
    FEWEST_FRAMES,
    Links,
    VideoFrames,
    links_at_one_speed,
    links_between,
    what_is_shared,
)
from .frame_table import VideoTable, frames_by_video
from .segments import is_empty
from .video_pairs import VideoPairs, joined

_FIRST_COMPARED, _FIRST_PASSING = 200, 10
"""Frames of two videos that are compared first, and how many of them must be alike
before the others are."""

_SURELY_SHARED = 0.6
"""Share of the frames from which on the most similar frames say enough."""

_ROWS_AT_ONCE, _COLUMNS_AT_ONCE = 512, 16_384

Bools = NDArray[np.bool_]


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
        links_between(frames, *pair, places, min_similarity)
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
    shared = []
    for links, begun, scores, is_long in zip(
        candidates, first, found, more, strict=True
    ):
        compared = (links, next(again)) if is_long else (begun, scores)
        told = what_is_shared(frames, places, *compared, len(compared[0]) / len(links))
        shared.append(told)
    closer = _looked_at_in_time(frames, places, first, found, shared, on_progress)
    return joined([one for one in closer if one is not None])


def _looked_at_in_time(
    frames: VideoFrames,
    places: Sequence[slice],
    links: Sequence[Links],
    scores: Sequence[PairScores],
    shared: Sequence[VideoPairs | None],
    on_progress: OnProgress,
) -> list[VideoPairs | None]:
    """Returns what pairs share once frames of one time were compared, where in doubt.

    Args:
        frames: of all videos
        places: of the frames of each
        links: by similarity, of each pair
        scores: of the links
        shared: what they say
        on_progress: told after each batch; may raise to cancel
    """
    closer: dict[int, tuple[Links, Links]] = {}
    for pair, told in enumerate(shared):
        if told is None or _is_doubtful(told):
            in_time = links_at_one_speed(
                frames, places, links[pair], scores[pair], _FIRST_COMPARED
            )
            if in_time is not None:
                closer[pair] = in_time
    straight = _verified(frames, [one for one, _ in closer.values()], on_progress)
    apart = _verified(frames, [other for _, other in closer.values()], on_progress)
    result = list(shared)
    for (pair, (own, _)), here, there in zip(
        closer.items(), straight, apart, strict=True
    ):
        # A quarter, a half and three quarters of the time apart
        apart_passing = (there.scores >= MIN_COPY_SCORE).reshape(3, -1).sum(axis=1)
        told, enough = shared[pair], _passing(here) / 2
        if _passing(here) >= FEWEST_FRAMES and apart_passing[1] <= enough:
            short = places[own.shorter]
            size = short.stop - short.start
            compared = min(size, _FIRST_COMPARED) / size
            found = what_is_shared(frames, places, own, here, compared)
            if found is not None and found.agrees[0]:
                before = told.share[0] if told is not None and told.agrees[0] else 0
                told = found if found.share[0] > before else told
        result[pair] = _unless_by_one_camera(told, apart_passing.max() > enough)
    return result


def _is_doubtful(told: VideoPairs) -> bool:
    return not told.agrees[0] or told.share[0] < _SURELY_SHARED or _is_edited(told)


def _unless_by_one_camera(
    told: VideoPairs | None, is_always_alike: bool
) -> VideoPairs | None:
    """Takes back that what shows something else before one ground is a copy.

    That is a copy with a caption, or two people before one camera; it is the camera
    where frames of other times are as alike.
    """
    if told is None or not is_always_alike or not _is_edited(told):
        return told
    return replace(told, agrees=np.array([False]), scene=np.array([True]))


def _is_edited(told: VideoPairs) -> bool:
    return bool(told.relation[0] & relation_bits("edited"))


def frames_to_compare(table: VideoTable, every: float) -> VideoFrames:
    """Returns the frames of a table that show something.

    Args:
        table: of sampled frames
        every: seconds between them
    """
    shown = np.flatnonzero(~is_empty(table.stored("statistics")[:]))
    sizes = np.stack([table.videos[side] for side in ("width", "height")], axis=1)
    return VideoFrames(
        video=table.video[shown],
        seconds=table.seconds[shown],
        vectors=table.stored("copy").at(shown),
        signatures=table.stored("signature").at(shown),
        sizes=sizes[table.video[shown]],
        step=every,
    )


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


def _evenly(links: Links, most: int) -> Links:
    if len(links) <= most:
        return links
    rows = np.arange(most) * len(links) // most
    return Links(links.ends[rows], links.shorter, links.longer)


def _verified(
    frames: VideoFrames, parts: Sequence[Links], on_progress: OnProgress
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
