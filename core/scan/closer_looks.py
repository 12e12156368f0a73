"""Pairs of which the signatures leave doubt, looked at once more in the files.

Which pairs these are depends on all pairs of a scan, since their number is bounded.
What a look says depends on the two files alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection import MIN_COPY_SCORE, PairScores
from ..copy_detection.closer_look import CloserPicture, closer_picture, look_closely
from ..progress import OnProgress, Progress
from .plain_pages import ReadPicture

LOOK_SIDE = 256
"""Longer side, in pixels, at which pictures are read for it."""

_LEAST_CHANCE = 0.1
_LEAST_CORRELATION = 0.85
_LEAST_COSINE = 0.86
_ALIKE_PROMISE = 0.25
"""Of pairs that the trees refuse, and of those that never came so far. Of 48 planted
copies that are refused, on 6,096 photographs and 6,000 mixed images, 27 have as much
chance, as have 628 other pairs; 11 more have both others, as have 316."""

_CLEARLY_REFUSED = 0.4
_CLEARLY_A_COPY = 0.8
"""Scores of a closer look: below the first, a pair that passed is refused after all,
and from the second on, one that looks like another moment is a copy after all. Of the
labeled pairs (benchmarks/scenes.md) 53 copies and two scenes are called copies."""

_MOST_PER_IMAGE = 0.06
_ALWAYS = 50
"""Looks a unique image, and looks that any scan may take. A look costs 4 ms of a core,
an image 4 to 5."""

_AT_ONCE = 64
_KEPT = 256
"""Pairs between two reports, and pictures that are kept in memory, of 130 kB each."""

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
_Look = Callable[[int], CloserPicture | None]


def promise_of(found: PairScores, similarity: Floats) -> Floats:
    """Returns how much a closer look at pairs may change: float32[p], 0 for nothing.

    Args:
        found: what the signatures say of them
        similarity: float32[p], cosines of the descriptors
    """
    alike = found.correlation >= _LEAST_CORRELATION
    alike &= (similarity >= _LEAST_COSINE) & (found.scores < MIN_COPY_SCORE)
    likely = np.where(found.chance >= _LEAST_CHANCE, found.chance, 0)
    promise = np.maximum(likely, np.where(alike, _ALIKE_PROMISE, 0))
    return promise.astype(np.float32)


def chosen(promise: Floats, image_count: int) -> Rows:
    """Returns int64[q], the most promising pairs, as many as a scan can afford.

    Args:
        promise: float32[p], of all pairs of the scan
        image_count: unique images of the scan
    """
    most = _ALWAYS + int(_MOST_PER_IMAGE * image_count)
    rows = np.flatnonzero(promise > 0)
    order = np.argsort(-promise[rows], kind="stable")[:most]
    return np.sort(rows[order])


def overruled(scores: Floats, promise: Floats, closer: Floats) -> Rows:
    """Returns which pairs a closer look decides: int64[r].

    Of those that were refused all but other moments of a scene, of which it must be
    surer; of those that passed, what it clearly refuses.

    Args:
        scores: float32[q], by the signatures
        promise: float32[q], see :func:`promise_of`
        closer: float32[q], by the closer look
    """
    refused = scores < MIN_COPY_SCORE
    # The trees say a copy, and the rules of a scene leave less of it
    moments = refused & (scores > 0) & (promise >= MIN_COPY_SCORE)
    sure = ~moments | (closer >= _CLEARLY_A_COPY)
    return np.flatnonzero((refused & sure) | (~refused & (closer < _CLEARLY_REFUSED)))


def looked_at(
    pairs: Pairs,
    sizes: NDArray[np.int32],
    read: ReadPicture,
    on_progress: OnProgress,
) -> tuple[Rows, PairScores]:
    """Looks at pairs closely.

    Args:
        pairs: int32[p, 2] of items
        sizes: int32[items, 2], width and height
        read: what reads the picture of an item
        on_progress: told after each batch; may raise to cancel

    Returns:
        int64[q], the pairs of which it can be said what they are, and what is said of
        them. Of a picture that cannot be read again nothing is said
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    @lru_cache(_KEPT)
    def picture_of(item: int) -> CloserPicture | None:
        picture = read(item, LOOK_SIDE)
        if picture is None:
            return None
        width, height = sizes[item].tolist()
        return closer_picture(picture, (width, height))

    said = PairScores.of_nothing(len(pairs))
    told = np.zeros(len(pairs), bool)
    # One picture after the other: each is then prepared once or twice
    rows = np.lexsort(pairs.T[::-1])
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            used, ends = np.unique(pairs[some], return_inverse=True)
            given = list(pool.map(picture_of, used.tolist()))
            is_read = np.array([one is not None for one in given])
            ends = ends.reshape(-1, 2)
            both = is_read[ends].all(axis=1)
            laid, found = look_closely(
                [one for one in given if one is not None],
                (np.cumsum(is_read) - 1)[ends[both]],
            )
            said.put(some[both][laid], found)
            told[some[both][laid]] = True
            done = min(start + _AT_ONCE, len(rows))
            on_progress(Progress("Looking closer", done, len(rows)))
    kept = np.flatnonzero(told)
    return kept, said.at(kept)
