"""How much a closer look at pairs may change, told by their signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_batches, used_in
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
    DOUBTED,
    GLANCE,
    MARK,
    THOROUGH,
    UNCONFIRMED,
)

_LEAST_CHANCE = 0.1
_LEAST_CORRELATION = 0.85
_LEAST_COSINE = 0.86
_ALIKE_PROMISE = 0.25
"""Of pairs that the trees refuse, and of those that never came so far. Of 48 planted
copies that are refused, on 6,096 photographs and 6,000 mixed images, 27 have as much
chance, as have 628 other pairs; 11 more have both others, as have 316."""

FAINT_PROMISE = 0.05
_FAINTEST = 0.1
"""Of all other pairs that are refused and of which all places are the same, and how
much of it any has: worth a glance at their corners and features."""

_MOSTLY_SAME = 0.85
_MOSTLY_SAME_COSINE = 0.78
"""Share of two pictures that is the same in place, and cosine, from which on a look
spares nothing: 68 pairs of 6,096 photographs and 6,000 mixed images that signatures
refuse, of which five are planted copies."""

LEAST_SIMILAR = 0.75
"""Cosine below which descriptors say that two pictures differ."""

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

DOUBTED_PROMISE = 2.0
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

_AT_ONCE, _A_PROCESS = 1024, 32_768
"""Pairs, of 10 microseconds each, that are told together, and that another process is
started for."""

_MOST_THREADS = 4

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
    promise = np.zeros(len(pairs), np.float32)

    def values_of(rows: Rows) -> tuple[NDArray[Any], ...]:
        used, ends = used_in(pairs[rows])
        return signatures[used], ends, similarity[rows], *found.at(rows).columns()

    with in_parallel(
        batch_promiser,
        (),
        pair_batches(pairs, _AT_ONCE),
        values_of,
        most_threads=_MOST_THREADS,
        processes=processes_for(len(pairs), _A_PROCESS),
    ) as told:
        for rows, of_rows in told:
            promise[rows] = of_rows
    return promise


def batch_promiser() -> Callable[..., Floats]:
    """Returns what does :func:`promise_of` for a batch, also in a worker process.

    It takes uint8[m, 4608] signatures, int64[p, 2] pairs of the m pictures, float32[p]
    cosines of their descriptors, and the columns of the
    :class:`~core.copy_detection.PairScores` of the pairs; and returns float32[p].
    """

    def tell(
        signatures: NDArray[np.uint8],
        pairs: Rows,
        similarity: Floats,
        *columns: NDArray[Any],
    ) -> Floats:
        return _promise(PairScores(*columns), similarity, signatures, pairs)

    return tell


def _promise(
    found: PairScores, similarity: Floats, signatures: NDArray[np.uint8], pairs: Rows
) -> Floats:
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
    least = np.where(is_thorough(own), _STROKES_AND_CHANCE, _STROKES_PROMISE)
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
    promise = np.where(doubted, DOUBTED_PROMISE + promise, promise)
    promise = np.where(found.narrow, _UNCONFIRMED_PROMISE, promise)
    faint = FAINT_PROMISE * np.maximum(same**2, _FAINTEST)
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
    """Returns with what care pairs are looked at, see
    :func:`~core.copy_detection.closer_look.look_closely`: int8[p].

    Args:
        promise: float32[p], see :func:`promise_of`
        scores: float32[p], by the signatures
    """
    care = np.where(is_thorough(promise), THOROUGH, GLANCE)
    care[promise == np.float32(_STROKES_PROMISE)] = MARK
    doubt = np.where(needs_look(promise), UNCONFIRMED, DOUBTED)
    return np.where(scores >= MIN_COPY_SCORE, doubt, care).astype(np.int8)


def is_thorough(promise: Floats) -> Bools:
    """Returns which pairs are worth more than a glance: bool[p].

    A look at them spares nothing, but for the features of :data:`MARK`. The others are
    looked at only if their corners or local features agree.
    """
    thorough: Bools = promise >= np.float32(_LEAST_CHANCE)
    return thorough
