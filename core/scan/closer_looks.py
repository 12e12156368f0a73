"""Pairs of which the signatures leave doubt, looked at once more in the files.

Which pairs these are depends on all pairs of a scan, since their number is bounded.
What a look says depends on the two files alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.pairs import pair_batches, used_in
from ..common.parallel import in_parallel, processes_for
from ..copy_detection import MIN_COPY_SCORE, PairScores
from ..copy_detection.closer_look import CLEARLY_A_COPY
from ..progress import OnProgress, Progress
from .pair_looker import Item, PairLooker, portable_looker
from .pair_promise import (
    DOUBTED_PROMISE,
    FAINT_PROMISE,
    LEAST_SIMILAR,
    is_thorough,
    needs_look,
)
from .picture_reader import PictureReader, ReadPicture

_STANDING = (0.1, 0.5, 1.0)
_LEAST_WORTH = 0.05
_STANDING_OF_PLACES = (0, 0.7, 1)
"""What a promise is worth if neither, one or both are most like the other, and what it
must be worth; the same for a glance at what is the same in place, beside which the
cosine counts from :data:`LEAST_SIMILAR` on. Of 41 planted copies that are refused on
6,096 photographs and 6,000 mixed images 32 are most like one another and seven the one
like the other, as are 1,718 and 2,812 of 19,882 other pairs. Of seven such copies of
6,096 photographs that are worth a glance two stand among the 175 that are most like one
another, and five among the 175 of the others of which most is the same in place; two
among 350 by their likeness alone."""

_FEW_PIXELS = 64
_MOMENT_OF_FEW = 0.95
_ANY_OF_FEW = 0.85
CLEARLY_UNLESS_ALIKE = 0.9
"""Shortest side, in pixels, of the larger of two pictures that show little: there one
photograph, cut twice, looks like two moments, and two of one kind like copies. The
first is told from this score on: of 400 pairs of 32 pixels, cut and changed in several
ways, among 9,000 others, .85 are found, .76 otherwise, and of 10 others that are copies
then, 9 are one photograph. Any such pair needs the second: 10 of 32 others are left out
so and none of 125 copies that looks find, and of 101 of other photographs two.
Descriptors that are less similar than :data:`LEAST_SIMILAR` need the third; 10 of 12
wrong pairs are left out so, and none of 55 copies. So do plain pairs of all sizes: in
the planted sets five of seven wrong pairs are left out, and three of 23 copies."""

_MOST_PER_IMAGE, _MOST_GLANCES = 0.06, 0.02
_ALWAYS = 50
"""Looks and glances a unique image, and how many of each any scan may take. Where an
image costs 4 to 5 ms of a core, either costs 11 at most; local features are 8 of these.
What is narrowly taken for a copy has one look more an image: there are seven such pairs
among 24,335 scenes, and 17 among 1,124 X-rays.
Of 350 glances of each of three sets of 6,000 images one to seven found a copy; of the
170 of now none to five do."""

_AT_ONCE = 64
_MOST_THREADS = 4
"""Pairs that are looked at together, and threads, each of which holds the pictures of
its pairs."""

_LOOKS_A_PROCESS = 200
"""Pairs, of 10 milliseconds each, that another process is started for."""

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def chosen(promise: Floats, pairs: Pairs, similarity: Floats, image_count: int) -> Rows:
    """Returns int64[q], the most promising pairs, as many as a scan can afford.

    A copy is most like its original, and often the other way around. What is narrowly
    taken for a copy has looks of its own, and so has what is taken for one in doubt,
    the most doubtful first.

    Args:
        promise: float32[p], of all pairs of the scan
        pairs: int32[p, 2] of images
        similarity: float32[p], cosines of the descriptors
        image_count: unique images of the scan
    """
    nearest = np.full(pairs.max(initial=-1) + 1, -1, np.float32)
    for ends in pairs.T:
        np.maximum.at(nearest, ends, similarity)
    firsts = (similarity[:, None] >= nearest[pairs]).sum(axis=1)
    worth = promise * np.array(_STANDING, np.float32)[firsts]
    narrowly = needs_look(promise)
    refused = promise <= np.float32(DOUBTED_PROMISE)
    thorough = is_thorough(promise) & refused
    looks = np.flatnonzero(thorough & (worth >= _LEAST_WORTH))
    glances = np.flatnonzero(refused & ~thorough & (promise > 0) & (firsts > 0))
    most = _ALWAYS + int(_MOST_GLANCES * image_count)
    # One half by what pictures look like, and one by what is the same in place
    like = similarity[glances] * np.array(_STANDING, np.float32)[firsts[glances]]
    alike, rest = _parted(glances, like, most - most // 2)
    close = np.maximum(similarity[rest] - LEAST_SIMILAR, 0) / (1 - LEAST_SIMILAR)
    same = close + promise[rest] / np.float32(FAINT_PROMISE)
    same *= np.array(_STANDING_OF_PLACES, np.float32)[firsts[rest]]
    in_place, _ = _parted(rest, same, most // 2)
    most_looks = _ALWAYS + int(_MOST_PER_IMAGE * image_count)
    looks, _ = _parted(looks, worth[looks], most_looks)
    unsure = np.flatnonzero(~refused & ~narrowly)
    unsure, _ = _parted(unsure, -promise[unsure], most_looks)
    narrow = np.flatnonzero(narrowly)
    narrow, _ = _parted(narrow, similarity[narrow], _ALWAYS + image_count)
    kept = [narrow, unsure, looks, alike, in_place]
    return np.sort(np.concatenate(kept))


def _parted(rows: Rows, worth: Floats, most: int) -> tuple[Rows, Rows]:
    """Returns so many rows that are worth most, and the others, worth falling."""
    order = rows[np.argsort(-worth, kind="stable")]
    return order[:most], order[most:]


def show_little(sizes: NDArray[np.int32], pairs: Pairs) -> Bools:
    """Returns which pairs are of pictures of few pixels: bool[p].

    Args:
        sizes: int32[m, 2], width and height of the m pictures
        pairs: int32[p, 2] of them
    """
    little: Bools = sizes.min(axis=1)[pairs].max(axis=1) < _FEW_PIXELS
    return little


def overruled(
    scores: Floats, promise: Floats, closer: Floats, similarity: Floats, little: Bools
) -> Rows:
    """Returns which pairs a closer look decides: int64[r].

    Of those that were refused all but other moments of a scene, of which it must be
    surer, as of pictures of few pixels, most so where descriptors differ; of those that
    passed, what it refuses.

    Args:
        scores: float32[q], by the signatures
        promise: float32[q], see :func:`~.pair_promise.promise_of`
        closer: float32[q], by the closer look
        similarity: float32[q], cosines of the descriptors
        little: bool[q], see :func:`show_little`
    """
    refused = scores < MIN_COPY_SCORE
    # The trees say a copy, and the rules of a scene leave less of it
    moments = refused & (scores > 0) & (promise >= MIN_COPY_SCORE)
    sure = ~moments | (closer >= np.where(little, _MOMENT_OF_FEW, CLEARLY_A_COPY))
    sure &= ~little | (closer >= _ANY_OF_FEW)
    unlike = little & (similarity < LEAST_SIMILAR)
    sure &= ~unlike | (closer >= CLEARLY_UNLESS_ALIKE)
    return np.flatnonzero((refused & sure) | (~refused & (closer < MIN_COPY_SCORE)))


def looked_at(
    pairs: Pairs,
    care: NDArray[np.int8],
    sizes: NDArray[np.int32],
    read: ReadPicture,
    on_progress: OnProgress,
) -> tuple[Bools, Rows, PairScores]:
    """Looks at pairs closely.

    Args:
        pairs: int32[p, 2] of items
        care: int8[p], see :func:`~.pair_promise.care_for`
        sizes: int32[items, 2], width and height
        read: what reads the picture of an item
        on_progress: told after each batch; may raise to cancel

    Returns:
        bool[p], the pairs of which both pictures could be read again; int64[q], those
        of which it can be said what they are, and what is said of them
    """
    said = PairScores.of_nothing(len(pairs))
    seen, told = np.zeros((2, len(pairs)), bool)
    shared, processes = None, 1
    if isinstance(read, PictureReader) and read.is_portable:
        processes = processes_for(len(pairs), _LOOKS_A_PROCESS)
        shared = read if processes > 1 else None
    # Fewer of few pairs, whose files may be large: no core is left with the rest
    some = len(pairs) // (4 * max(processes, min(available_cores(), _MOST_THREADS)))
    batches = pair_batches(pairs, max(1, min(some, _AT_ONCE)))

    def pictures_of(
        rows: Rows,
    ) -> tuple[Sequence[Item], NDArray[np.int32], Rows, NDArray[np.int8]]:
        used, ends = used_in(pairs[rows])
        items: Sequence[Item] = used.tolist()
        if shared is not None:
            items = [shared.portable(row) for row in used.tolist()]
        return items, sizes[used], ends, care[rows]

    done = 0
    with (
        ThreadPoolExecutor(available_cores()) as pool,
        in_parallel(
            portable_looker if shared else PairLooker,
            (shared.max_megapixels,) if shared else (read, pool.map),
            batches,
            pictures_of,
            most_threads=_MOST_THREADS,
            processes=processes,
        ) as looks,
    ):
        for batch, (both, laid, *columns) in looks:
            seen[batch[both]] = told[batch[laid]] = True
            said.put(batch[laid], PairScores(*columns))
            done += len(batch)
            on_progress(Progress("Looking closer", done, len(pairs)))
    kept = np.flatnonzero(told)
    return seen, kept, said.at(kept)
