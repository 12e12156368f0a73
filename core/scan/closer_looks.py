"""Pairs of which the signatures leave doubt, looked at once more in the files.

Which pairs these are depends on all pairs of a scan, since their number is bounded.
What a look says depends on the two files alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.pairs import pair_batches
from ..common.parallel import in_parallel, processes_for
from ..copy_detection import (
    MIN_COPY_SCORE,
    PairScores,
    Signatures,
    half_likeness,
    look_likeness,
    same_places,
    tilted_likeness,
)
from ..copy_detection.closer_look import (
    CLEARLY_A_COPY,
    DOUBTED,
    GLANCE,
    MARK,
    THOROUGH,
    UNCONFIRMED,
)
from ..progress import OnProgress, Progress
from .pair_looker import Item, PairLooker, looker_at_files
from .plain_pages import PictureReader, ReadPicture

_LEAST_CHANCE = 0.1
_LEAST_CORRELATION = 0.85
_LEAST_COSINE = 0.86
_ALIKE_PROMISE = 0.25
"""Of pairs that the trees refuse, and of those that never came so far. Of 48 planted
copies that are refused, on 6,096 photographs and 6,000 mixed images, 27 have as much
chance, as have 628 other pairs; 11 more have both others, as have 316."""

_FAINT_PROMISE = 0.05
_FAINTEST = 0.1
"""Of all other pairs that are refused and of which all places are the same, and how
much of it any has: worth a glance at their corners and features."""

_MOSTLY_SAME = 0.85
_MOSTLY_SAME_COSINE = 0.78
"""Share of two pictures that is the same in place, and cosine, from which on a look
spares nothing: 68 pairs of 6,096 photographs and 6,000 mixed images that signatures
refuse, of which five are planted copies."""

_STANDING = (0.1, 0.5, 1.0)
_LEAST_WORTH = 0.05
_STANDING_OF_PLACES = (0, 0.7, 1)
LEAST_SIMILAR = 0.75
"""What a promise is worth if neither, one or both are most like the other, and what it
must be worth; the same for a glance at what is the same in place, beside which the
cosine counts from this on. Of 41 planted copies that are refused on the same images 32
are most like one another and seven the one like the other, as are 1,718 and 2,812 of
19,882 other pairs. Of seven such copies of 6,096 photographs that are worth a glance
two stand among the 175 that are most like one another, and five among the 175 of the
others of which most is the same in place; two among 350 by their likeness alone."""

_LIKE_BUT_FOR_STROKES = 0.97
_LIKE_IN_A_HALF = 0.993
_STROKES_PROMISE, _STROKES_AND_CHANCE, _HALF_PROMISE = 0.5, 0.51, 2.0
"""Cosine of what two pictures look like without thin strokes, and of a half of them,
and what looks at them promise, whose descriptors are less similar: under a mark all
over it a picture is most like other marked ones, and under a caption like others. Of
174 such pairs of 12,144 scenes five have a chance of their own, which is worth the
search for features. Half of the pairs that a half alone proposes are copies, so they
come before others."""

_UNCONFIRMED_PROMISE = 3.0
"""Of pairs that are narrowly taken for copies: more than of any other."""

_DOUBTED_PROMISE = 2.0
"""Of pairs that are taken for copies, and may be two moments of a scene; the chance of
a copy is added. They have looks of their own, since to remove what is no copy costs
more than to miss one: where many pictures are alike, as hands before one wall, those
that are refused would leave none for them."""

_TILTED_SAME, _TILTED_COSINE = 0.3, 0.6
_LIKE_IF_TILTED, _TILTED_PROMISE = 0.85, 0.09
"""Share that is the same in place, and cosine, of refused pairs that may be copies
tilted by a few degrees; how much more alike they must then be, see
:func:`~core.copy_detection.tilted_likeness`, and what that promises: a glance, since
their corners and features agree, before others of which much is the same in place. Of
6,096 photographs and 150 tilted copies of them 28 are refused, of which 14 were never
looked at; all have as much, as have 58 of 10,455 other refused pairs."""

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
Descriptors that are less similar than above need the third; 10 of 12 wrong pairs are
left out so, and none of 55 copies. So do plain pairs of all sizes: in the planted sets
five of seven wrong pairs are left out, and three of 23 copies."""

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


def promise_of(
    found: PairScores, similarity: Floats, signatures: Signatures, pairs: Pairs
) -> Floats:
    """Returns how much a closer look at pairs may change: float32[p], 0 for nothing.

    Args:
        found: what the signatures say of them
        similarity: float32[p], cosines of the descriptors
        signatures: uint8[m, 4608]
        pairs: int32[p, 2] of the m pictures
    """
    same = same_places(signatures, pairs)
    promise = promise_in_place(found, similarity, same)
    refused = found.scores < MIN_COPY_SCORE
    may_be_tilted = refused & (similarity >= _TILTED_COSINE) & (same >= _TILTED_SAME)
    near = np.flatnonzero(may_be_tilted)
    tilted = near[tilted_likeness(signatures, pairs[near]) >= _LIKE_IF_TILTED]
    promise[tilted] = np.maximum(promise[tilted], _TILTED_PROMISE)
    unlike = np.flatnonzero(refused & (similarity < LEAST_SIMILAR))
    like = look_likeness(signatures, pairs[unlike]) >= _LIKE_BUT_FOR_STROKES
    own = promise[unlike[like]]
    least = np.where(_is_thorough(own), _STROKES_AND_CHANCE, _STROKES_PROMISE)
    promise[unlike[like]] = np.maximum(own, least)
    # Of what scores something, so much promises a scene, see overruled()
    half = half_likeness(signatures, pairs[unlike]) >= _LIKE_IN_A_HALF
    promise[unlike[half & (found.scores[unlike] == 0)]] = _HALF_PROMISE
    return promise


def promise_in_place(found: PairScores, similarity: Floats, same: Floats) -> Floats:
    """Returns what :func:`promise_of` says without regard to marks and captions.

    Args:
        found: what the signatures say of the pairs
        similarity: float32[p], cosines of the descriptors
        same: float32[p], see :func:`~core.copy_detection.same_places`
    """
    refused = found.scores < MIN_COPY_SCORE
    alike = refused & (found.correlation >= _LEAST_CORRELATION)
    alike &= similarity >= _LEAST_COSINE
    likely = np.where(found.chance >= _LEAST_CHANCE, found.chance, 0)
    promise = np.maximum(likely, np.where(alike, _ALIKE_PROMISE, 0))
    mostly_same = refused & (same >= _MOSTLY_SAME)
    mostly_same &= similarity >= _MOSTLY_SAME_COSINE
    promise = np.maximum(promise, np.where(mostly_same, _LEAST_CHANCE, 0))
    doubted = ~refused & (promise > 0)
    promise = np.where(doubted, _DOUBTED_PROMISE + promise, promise)
    promise = np.where(found.narrow, _UNCONFIRMED_PROMISE, promise)
    faint = _FAINT_PROMISE * np.maximum(same**2, _FAINTEST)
    faint = np.where(refused & (similarity > 0), faint, 0)
    return np.maximum(promise, faint).astype(np.float32)


def needs_look(promise: Floats) -> Bools:
    """Returns which pairs are narrowly taken for copies: bool[p].

    Args:
        promise: float32[p], see :func:`promise_of`
    """
    narrowly: Bools = promise >= np.float32(_UNCONFIRMED_PROMISE)
    return narrowly


def care_for(promise: Floats, scores: Floats) -> NDArray[np.int8]:
    """Returns with what care pairs are looked at, see :func:`look_closely`: int8[p].

    Args:
        promise: float32[p], see :func:`promise_of`
        scores: float32[p], by the signatures
    """
    care = np.where(_is_thorough(promise), THOROUGH, GLANCE)
    care[promise == np.float32(_STROKES_PROMISE)] = MARK
    doubt = np.where(needs_look(promise), UNCONFIRMED, DOUBTED)
    return np.where(scores >= MIN_COPY_SCORE, doubt, care).astype(np.int8)


def _is_thorough(promise: Floats) -> Bools:
    """Returns which pairs are worth more than a glance: bool[p].

    A look at them spares nothing, but for the features of :data:`MARK`. The others are
    looked at only if their corners or local features agree.
    """
    thorough: Bools = promise >= np.float32(_LEAST_CHANCE)
    return thorough


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
    refused = promise <= np.float32(_DOUBTED_PROMISE)
    thorough = _is_thorough(promise) & refused
    looks = np.flatnonzero(thorough & (worth >= _LEAST_WORTH))
    glances = np.flatnonzero(refused & ~thorough & (promise > 0) & (firsts > 0))
    most = _ALWAYS + int(_MOST_GLANCES * image_count)
    # One half by what pictures look like, and one by what is the same in place
    like = similarity[glances] * np.array(_STANDING, np.float32)[firsts[glances]]
    alike, rest = _parted(glances, like, most - most // 2)
    close = np.maximum(similarity[rest] - LEAST_SIMILAR, 0) / (1 - LEAST_SIMILAR)
    same = close + promise[rest] / np.float32(_FAINT_PROMISE)
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
        promise: float32[q], see :func:`promise_of`
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
        care: int8[p], see :func:`care_for`
        sizes: int32[items, 2], width and height
        read: what reads the picture of an item
        on_progress: told after each batch; may raise to cancel

    Returns:
        bool[p], the pairs of which both pictures could be read again; int64[q], those
        of which it can be said what they are, and what is said of them
    """
    said = PairScores.of_nothing(len(pairs))
    seen, told = np.zeros((2, len(pairs)), bool)
    files, processes = None, 1
    if isinstance(read, PictureReader) and read.of_files:
        processes = processes_for(len(pairs), _LOOKS_A_PROCESS)
        files = read if processes > 1 else None
    # Fewer of few pairs, whose files may be large: no core is left with the rest
    some = len(pairs) // (4 * max(processes, min(available_cores(), _MOST_THREADS)))
    batches = pair_batches(pairs, max(1, min(some, _AT_ONCE)))

    def pictures_of(
        rows: Rows,
    ) -> tuple[Sequence[Item], NDArray[np.int32], Rows, NDArray[np.int8]]:
        used, ends = np.unique(pairs[rows], return_inverse=True)
        items: Sequence[Item] = used.tolist()
        if files is not None:
            # A process has a working folder of its own; pathlib knows no bytes
            items = [os.path.abspath(files.paths[row]) for row in used]  # noqa: PTH100
        return items, sizes[used], ends.reshape(-1, 2), care[rows]

    done = 0
    with (
        ThreadPoolExecutor(available_cores()) as pool,
        in_parallel(
            looker_at_files if files else PairLooker,
            (files.max_megapixels,) if files else (read, pool.map),
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
