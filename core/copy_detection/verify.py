"""Compares the pictures of many pairs, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_batches, used_in
from ..common.parallel import in_parallel, processes_for
from ..progress import OnProgress, Progress, silent
from .coarse_alignment import lay_over
from .overlays import Overlays
from .pair_classifier import (
    MIN_PROMISING,
    MIN_UPPER_BOUND,
    at_rows,
    best_logits,
    brightness_evidence,
    contradicted,
    copy_logits,
    first_evidence,
    shows_much,
)
from .planes import Pictures
from .refine_alignment import align, align_finely, align_roughly
from .relations import NO_RELATION, changed_at_once, name_relations
from .same_scene import tell_scenes
from .types import Bools, Doubles, Floats, Ints, Signatures
from .views import SAME_FRAME, on_smaller_ground, other_ground, same_level, views_of

Evidence = dict[str, Floats]
Columns = tuple[NDArray[Any], ...]

MIN_COPY_SCORE = 0.6
"""Pairs that score this or more are copies; see
:mod:`core.copy_detection.pair_classifier`.

Measured by the signatures alone, on 6,096 photographs and 6,000 mixed images
(photographs, clip art, screenshots) with 240 planted near copies each: recall .921 and
.879; 0 and 8 pairs are wrong, and 11 and 16 more are other cuttings of one source. Of
the 8 most show one clip art with another detail. Of 1,320 copies of other photographs
with one change .930 are found, of 400 with two to five .692, of 800 of 28 to 64 pixels,
cut and changed, .472; and 15 of 798 look-alikes are called copies. What a closer look
adds stands in :mod:`core.copy_detection.closer_look`."""

_NARROWLY = 0.94
"""What shows much and scores less is a copy only if a closer look confirms it: 73 of 89
such compositions, of 3,000; two of 31 look-alikes, of 5,400; and none of 11 pairs of
X-rays of different people, which lie on one another as copies do. Of seven such pairs
of 24,335 scenes one is confirmed; four others are other moments and views, and two one
photograph, cut or framed in two ways."""

_LESS_NARROWLY, _TONES_OF_THINGS = 0.96, 2.45
"""What differs in several ways at once needs as much if it is moved, whatever it shows,
and the first if it is not and shows many tones (a log): two coins and two shirts on one
cloth, and hands before one wall that show other numbers, are laid over one another so.
Of 169, 4 and 2 pairs of three such sets that were taken for copies of one photograph
131, 3 and 0 are left, and of 1,000 compositions four are lost."""

_PAIRS_AT_ONCE = 1024
_OVERLAID_AT_ONCE = 512
_LAID_AT_ONCE = 256
"""Pairs that go through the first test together, for which each picture is described
once, at most; through the second, where most of the others end; and through the third.
Of 89,870 pairs of 24,258 pictures a batch of 2,048 has 0.67 pictures a pair and of
4,096 0.58, with 25 and 75 MB more than of 1,024: a scan takes as long."""

_MOST_THREADS = 4
"""Some 50 MB of work space at most, a thread; what a second one brings says
:func:`~core.common.parallel.threads_of_short_calls`."""

_PAIRS_A_PROCESS = 4096
"""Pairs that another process is started for: half a second of work or five, by how
alike they are."""

_MIN_COARSE = 0.55
_MIN_CORRELATION = 0.55
_MIN_ALIGNED_CORRELATION = 0.6
"""Gates of tests 1 and 2, before and after refining. Of the copies that the evidence
accepts .993, .99 and .99 pass (of 800 composed pairs each of ordinary and of small
pictures, the latter the fewer)."""

_SURELY_PROMISING = 0.75
"""Correlation from which on frames that moved are refined before their brightness is
compared for the first time: of 3,650 such pairs of three sets .98 are promising."""


@dataclass(frozen=True, eq=False)
class PairScores:
    """What the pictures say of p pairs.

    Attributes:
        scores: float32[p] in [0, 1], larger is more surely a copy
        relations: int16[p], bits of :data:`~core.copy_detection.RELATIONS`, how the two
            differ; ``NO_RELATION`` for pairs that score below ``MIN_COPY_SCORE``
        changes: uint8[p], bits of :data:`~core.copy_detection.CHANGES_OF_MEANING`; 0
            for pairs that score below ``MIN_COPY_SCORE``
        plain: bool[p], too little is shown to tell a copy from another page;
            False for pairs that score below ``MIN_COPY_SCORE``
        scenes: bool[p], two photographs of one scene, such as another moment or
            view; see :mod:`core.copy_detection.same_scene`
        chance: float32[p] in [0, 1], that pairs are copies, before rules say that they
            are none; 0 for those that are accepted without doubt, and for those that
            never came to be judged
        narrow: bool[p], copies only if a closer look confirms it
        correlation: float32[p], of their details, -1 to 1; 0 for those not aligned
    """

    scores: Floats
    relations: NDArray[np.int16]
    changes: NDArray[np.uint8]
    plain: Bools
    scenes: Bools
    chance: Floats
    narrow: Bools
    correlation: Floats

    @classmethod
    def of_nothing(cls, count: int) -> PairScores:
        """Returns what is said of pairs of which nothing is known yet."""
        return cls(
            np.zeros(count, np.float32),
            np.full(count, NO_RELATION, np.int16),
            np.zeros(count, np.uint8),
            np.zeros(count, bool),
            np.zeros(count, bool),
            np.zeros(count, np.float32),
            np.zeros(count, bool),
            np.zeros(count, np.float32),
        )

    def columns(self) -> Columns:
        """Returns the arrays, in their order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def at(self, rows: Ints) -> PairScores:
        """Returns what is said of some pairs."""
        return PairScores(*(column[rows] for column in self.columns()))

    def put(self, rows: Ints, others: PairScores) -> None:
        """Puts what is said of some pairs in place of what was."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(others, field.name)


def verify_pairs(
    signatures: Signatures,
    pairs: NDArray[np.int32],
    sizes: NDArray[np.int32],
    *,
    damaged: Bools | None = None,
    on_progress: OnProgress = silent,
) -> PairScores:
    """Compares the pictures of each pair.

    Args:
        signatures: uint8[m, 4608], one a picture
        pairs: int32[p, 2] of pictures; neither order nor repeats matter
        sizes: int32[m, 2], width and height of each picture
        damaged: bool[m], files that are damaged inside: what is missing there looks
            like another moment of the scene, and is none
        on_progress: told after each batch, in order; may raise to cancel, which
            waits for the batches that run

    Returns:
        a score and a relation a pair. Pictures in which there is next to
        nothing to compare (blank ones) score 0, however equal they are.
    """
    checked = PairScores.of_nothing(len(pairs))
    sorted_pairs = np.sort(pairs, axis=1)

    def pictures_of(
        rows: Ints,
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32], Ints, Bools]:
        used, ends = used_in(sorted_pairs[rows])
        whole: Bools = np.ones(len(rows), bool)
        if damaged is not None:
            whole = ~(damaged[used[ends[:, 0]]] | damaged[used[ends[:, 1]]])
        return signatures[used], sizes[used], ends, whole

    done = 0
    processes = processes_for(len(pairs), _PAIRS_A_PROCESS)
    # Fewer of few pairs: no thread or process is left with the rest
    some = len(pairs) // (4 * max(_MOST_THREADS, processes))
    batches = pair_batches(pairs, max(_OVERLAID_AT_ONCE, min(some, _PAIRS_AT_ONCE)))
    with in_parallel(
        batch_comparer,
        (),
        batches,
        pictures_of,
        most_threads=_MOST_THREADS,
        processes=processes,
    ) as compared:
        for rows, columns in compared:
            checked.put(rows, PairScores(*columns))
            done += len(rows)
            on_progress(Progress("Comparing pictures", done, len(pairs)))
    return checked


def batch_comparer() -> Callable[..., Columns]:
    """Returns what compares the pairs of a batch, also in a worker process.

    It takes uint8[m, 4608] signatures and int32[m, 2] sizes of pictures, int64[p, 2]
    pairs of them and bool[p], which are of whole files; and returns the columns of
    their :class:`PairScores`.
    """

    def compare(
        signatures: NDArray[np.uint8],
        sizes: NDArray[np.int32],
        pairs: Ints,
        whole: Bools,
    ) -> Columns:
        return _check(Pictures(signatures, sizes), pairs, whole).columns()

    return compare


def _check(pictures: Pictures, pairs: Ints, whole: Bools) -> PairScores:
    """Puts pairs through the three tests, each for the survivors of the last.

    Args:
        pictures: of the pairs
        pairs: int64[p, 2] of them
        whole: bool[p], pairs of whole files, which may be two moments of a scene
    """
    checked = PairScores.of_nothing(len(pairs))
    pictures, overlays, coarse = lay_views_over(pictures, pairs)
    like = np.flatnonzero(coarse >= _MIN_COARSE)
    for start in range(0, len(like), _OVERLAID_AT_ONCE):
        rows = like[start : start + _OVERLAID_AT_ONCE]
        overlaid = _only_used(pictures, overlays.at(rows))
        checked.put(rows, _compare_overlaid(*overlaid, whole[rows]))
    return checked


def _compare_overlaid(
    pictures: Pictures, overlays: Overlays, whole: Bools
) -> PairScores:
    """Puts pairs of which a view is like one of the other through the other tests.

    Args:
        pictures: of the pairs
        overlays: of the b pairs
        whole: bool[b], see :func:`_check`
    """
    checked = PairScores.of_nothing(len(whole))
    rows = np.flatnonzero(
        pictures.shows_something[overlays.inner]
        & pictures.shows_something[overlays.outer]
    )
    overlays, correlation = align_roughly(pictures, overlays.at(rows))
    alike = np.flatnonzero(correlation >= _MIN_CORRELATION)
    for start in range(0, len(alike), _LAID_AT_ONCE):
        some = alike[start : start + _LAID_AT_ONCE]
        laid = _only_used(pictures, overlays.at(some))
        found = _compare_laid(*laid, correlation[some], whole[rows[some]])
        checked.put(rows[some], found)
    return checked


def _compare_laid(
    pictures: Pictures, overlays: Overlays, correlation: Floats, whole: Bools
) -> PairScores:
    """Puts pairs that are roughly aligned through the rest of the tests.

    Args:
        pictures: of the pairs
        overlays: of the b pairs
        correlation: float32[b], of their details
        whole: bool[b], see :func:`_check`
    """
    checked = PairScores.of_nothing(len(correlation))
    overlays, correlation = align(pictures, overlays, correlation)
    checked.correlation[:] = correlation
    first = first_evidence(pictures, overlays, correlation)
    rows = np.flatnonzero(
        (correlation >= _MIN_ALIGNED_CORRELATION)
        & (best_logits(first) >= MIN_UPPER_BOUND)
    )
    correlation = correlation[rows]
    pictures, overlays = _only_used(pictures, overlays.at(rows))
    evidence, logits = _weighed(pictures, overlays, correlation, at_rows(first, rows))
    # Judged at last: what does not lie exactly on the other differs in places
    likely = 1 / (1 + np.exp(-logits))
    logits[contradicted(evidence)] = -np.inf
    score = 1 / (1 + np.exp(-logits))
    one_photograph, is_scene, in_doubt = tell_scenes(
        pictures, evidence, overlays, correlation, score >= MIN_COPY_SCORE
    )
    checked.scenes[rows] = is_scene & whole[rows]
    score *= np.where(whole[rows], one_photograph, 1)
    checked.scores[rows] = score
    accepted = np.flatnonzero(score >= MIN_COPY_SCORE)
    named = name_relations(pictures, overlays.at(accepted), at_rows(evidence, accepted))
    kept = rows[accepted]
    checked.relations[kept], checked.changes[kept], checked.plain[kept] = named
    refused = score < MIN_COPY_SCORE
    narrow = narrowly_copies(score, evidence, checked.relations[rows]) & whole[rows]
    checked.narrow[rows] = narrow
    unsure = refused | narrow | (in_doubt & whole[rows])
    checked.chance[rows] = np.where(unsure, likely, 0)
    return checked


def narrowly_copies(
    scores: Doubles, evidence: Evidence, relations: NDArray[np.int16]
) -> Bools:
    """Returns which pairs are copies only if a closer look confirms it: bool[b].

    Args:
        scores: float64[b]
        evidence: of the b pairs
        relations: int16[b], what is said of those that are accepted
    """
    several, moved = changed_at_once(relations)
    narrow: Bools = (scores < _NARROWLY) & (shows_much(evidence) | moved)
    things = several & (evidence["tones"] >= _TONES_OF_THINGS)
    narrow |= (scores < _LESS_NARROWLY) & things & ~moved
    return narrow & (scores >= MIN_COPY_SCORE)


def _weighed(
    pictures: Pictures, overlays: Overlays, correlation: Floats, first: Evidence
) -> tuple[Evidence, Doubles]:
    """Compares the brightness of pairs, once more or at once where refined finely.

    Args:
        pictures: of the pairs
        overlays: of the b pairs; their maps are refined in place
        correlation: float32[b], of their details
        first: what is known before the brightness is compared

    Returns:
        all evidence; float64[b], the log odds that pairs are copies
    """
    moved = overlays.moved
    surely = moved & (correlation >= _SURELY_PROMISING)
    rest = np.flatnonzero(~surely)
    compared = at_rows(first, rest) | brightness_evidence(pictures, overlays.at(rest))
    evidence = {name: np.empty(len(moved), np.float32) for name in compared}
    logits = np.empty(len(moved))
    _put(evidence, rest, compared)
    logits[rest] = copy_logits(compared)
    promising = rest[(logits[rest] >= MIN_PROMISING) & moved[rest]]
    finely = np.union1d(np.flatnonzero(surely), promising)
    finer = align_finely(pictures, overlays.at(finely))
    overlays.warp[finely] = finer.warp
    fine = first_evidence(pictures, finer, correlation[finely])
    fine |= brightness_evidence(pictures, finer)
    _put(evidence, finely, fine)
    logits[finely] = copy_logits(fine)
    return evidence, logits


def _put(evidence: Evidence, rows: Ints, others: Evidence) -> None:
    for name, values in others.items():
        evidence[name][rows] = values


def _only_used(pictures: Pictures, overlays: Overlays) -> tuple[Pictures, Overlays]:
    """Leaves aside the pictures that no overlay needs any more."""
    ends = np.concatenate([overlays.inner, overlays.outer])
    used, ends = np.unique(ends, return_inverse=True)
    inner, outer = ends.reshape(2, -1)
    return pictures.at(used), replace(overlays, inner=inner, outer=outer)


def lay_views_over(
    pictures: Pictures, pairs: Ints
) -> tuple[Pictures, Overlays, Floats]:
    """Lays the pictures of pairs over one another, or views of them.

    Where both have margins of one brightness, or of very different ones, what they
    frame is compared; where one has, either the pictures or what it frames, whichever
    matches better. A pale ground and a paler one are seen as they are: there another
    color of the ground is another picture as often as a copy.
    """
    views = views_of(pictures.signatures, pictures.sizes)
    count = len(pictures.sizes)
    pictures = pictures.with_others(views.signatures, views.sizes)
    framed: Bools = views.inside[pairs] >= 0
    regrounded: Bools = framed.all(axis=1) & other_ground(views, *pairs.T)
    both: Bools = framed.all(axis=1) & same_level(views, *pairs.T) | regrounded
    view = np.where(regrounded[:, None], views.on_gray[pairs], views.inside[pairs])
    unframed = np.where(framed, count + view, pairs)
    grounded = np.flatnonzero(regrounded)
    held, ends, others = on_smaller_ground(views, pairs[grounded])
    held = grounded[held]
    sizes = pictures.sizes[unframed[held, ends]]
    unframed[held, ends] = len(pictures.sizes) + np.arange(len(held))
    pictures = pictures.with_others(others, sizes)
    one = np.flatnonzero(framed[:, 0] != framed[:, 1])
    laid = np.concatenate([np.where(both[:, None], unframed, pairs), unframed[one]])
    # Together: each picture is then described once
    all_overlays, all_coarse = lay_over(pictures, *laid.T)
    (overlays, coarse), (inner_overlays, inner_coarse) = (
        (all_overlays.at(rows), all_coarse[rows])
        for rows in np.split(np.arange(len(laid)), [len(pairs)])
    )
    # In place alone is the ground of one that of the other
    coarse[held[overlays.turn[held] > 0]] = 0
    better = inner_coarse >= coarse[one]
    overlays = overlays.with_rows(one[better], inner_overlays.at(better))
    coarse[one] = np.maximum(coarse[one], inner_coarse)
    box = views.box[pairs]
    overlays.framed[one[better]] = True
    overlays.framed[both] = np.abs(box[both, 0] - box[both, 1]).max(axis=1) > SAME_FRAME
    overlays.regrounded[:] = regrounded
    overlays.margined[:] = framed.all(axis=1)
    return pictures, overlays, coarse
