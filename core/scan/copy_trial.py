"""Copies made of some pictures of a set, and what the scan makes of them.

They are made by :mod:`core.copy_detection.augmentations`, and go through what every
picture goes through: embedding, search, comparison. What the scores mean says
:mod:`core.scan.recall_estimate`.

Which pictures are copied, and to which size, is told by their digests: where a few
pictures are new, nearly all copies are those of the previous scan, and only the search
for them is done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_rows, places_in_runs
from ..copy_detection import (
    CANDIDATE_NEIGHBORS,
    MIN_COPY_SCORE,
    similar_enough,
    turned_originals,
    verify_pairs,
)
from ..copy_detection.augmentations import AUGMENTATIONS, UNCOVERED
from ..copy_detection.one_design import of_one_design
from ..embedding.records import ImageEmbedder
from ..neighbors.knn_graph import nearest, row_products
from ..progress import OnProgress, silent
from ..reading.files import ReadContent, read_file
from ..storage.record_store import Vectors, held_in_memory
from .candidates_by_looks import FromAfar, alike_originals, looks_from_afar
from .closer_looks import chosen, looked_at, overruled, show_little
from .one_design import OthersOf
from .pair_promise import care_for, needs_look, promise_of
from .picture_reader import PictureReader
from .recall_estimate import NO_COPY_SCORES, CopyScores
from .synthetic_copies import (
    COPIES,
    LONGEST,
    CopyFiles,
    JoinedSignatures,
    SyntheticCopies,
    joined_copies,
    made_copies,
)
from .unique_images import DescribedImages

_FEW, _MOST = 8, 20
"""Pictures to copy: one in 200, but 8 at least and 20 at most, and in small sets one in
ten. To try one takes 0.2 CPU seconds, as to scan 80 others; with one in 100, and 30 at
most, intervals of three sets of 6,000 were a sixth narrower."""

_OTHERS = 3
"""Other pictures that a made copy is compared with at most, those most similar to it.
The search proposes ten and more in sets of look-alikes, where comparing them was two
thirds of the trial."""

_CLEARLY_OTHER = 0.05
"""Untouched pictures that score less clearly differ. Of 5,000 such pairs of three
sets 7 were planted copies, so little is misjudged."""

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]
Pairs = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TriedPairs:
    """p pairs of made copies and unique images they may be copies of.

    Attributes:
        images: int32[p, 2], the copy and the unique image
        score: float32[p], by their signatures
        promise: float32[p], how much a closer look may change; of another picture than
            the original only whether it confirms a copy
        looked: bool[p], which were looked at closely
        closer: float32[p], the score of the closer look, NaN where it says nothing
        untouched: float32[p], the score of the original itself and another picture;
            NaN for the original
    """

    images: Pairs
    score: Floats
    promise: Floats
    looked: Bools
    closer: Floats
    untouched: Floats


@dataclass(frozen=True, eq=False)
class CopyTrial:
    """What was made of s pictures, c copies of each, and compared.

    Attributes:
        originals: uint8[s, 32], digests of the files that were copied
        fits: int32[s, 3], see :func:`_fits`
        copies: the s x c copies
        pairs: of them
    """

    originals: NDArray[np.uint8]
    fits: NDArray[np.int32]
    copies: SyntheticCopies
    pairs: TriedPairs


def sampled(digests: NDArray[np.uint8]) -> Rows:
    """Returns which of some pictures are copied.

    They are those that come next after places that are spread evenly over all digests
    and do not depend on the set: a few new pictures change few of them.

    Args:
        digests: uint8[m, 32], ascending

    Returns:
        int64[s], ascending
    """
    count = len(digests)
    wanted = max(min(_FEW, count // 10), min(_MOST, count // 200))
    numbers = _numbers(digests)
    taken: set[int] = set()
    for place in range(wanted):
        row = _next(numbers, np.uint64(_spread(place)))
        while row in taken:
            row = (row + 1) % count
        taken.add(row)
    return np.array(sorted(taken), np.int64)


def _spread(place: int) -> int:
    """Returns 0, 1/2, 1/4, 3/4, 1/8, 5/8 ... of 2**64 (van der Corput, 1935)."""
    return int(f"{place:064b}"[::-1], 2)


def _numbers(digests: NDArray[np.uint8], word: int = 0) -> NDArray[np.uint64]:
    """Returns eight bytes of each digest as a number."""
    words = np.ascontiguousarray(digests[:, 8 * word : 8 * word + 8]).view(">u8")
    return words[:, 0].astype(np.uint64)


def _next(numbers: NDArray[np.uint64], number: np.uint64) -> int:
    """Returns the first of ascending numbers that is no smaller, else the first."""
    return int(np.searchsorted(numbers, number)) % len(numbers)


def _fits(
    sizes: NDArray[np.int32], digests: NDArray[np.uint8], rows: Rows
) -> NDArray[np.int32]:
    """Returns to which size the copies of some pictures are brought.

    Where all pictures of the set have one size, to that size; else the longer side to
    that of a picture that is drawn, and the shape is kept.

    Args:
        sizes: int32[m, 2], width and height of all
        digests: uint8[m, 32], ascending
        rows: int64[s], the pictures

    Returns:
        int32[s, 3], the longer side; width and height of the shape, 0 to keep it
    """
    result = np.zeros((len(rows), 3), np.int32)
    numbers = _numbers(digests)
    drawn = [_next(numbers, number) for number in _numbers(digests[rows], 1)]
    result[:, 0] = np.minimum(sizes[drawn].max(axis=1), LONGEST)
    if (sizes == sizes[0]).all():
        result[:, 1:] = sizes[0]
    return result


def try_copies(
    images: DescribedImages,
    afar: FromAfar,
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    read: PictureReader,
    others_of: OthersOf,
    *,
    originals: Rows | None = None,
    known: CopyTrial | None = None,
    image: Rows | None = None,
    read_content: ReadContent = read_file,
    on_progress: OnProgress = silent,
) -> tuple[CopyScores, CopyTrial | None, bool]:
    """Copies some pictures in known ways and looks whether they are found.

    The same pictures give the same estimate. A file that can no longer be read, or has
    changed, is left out; of one whose copies are known the scores by signatures stand.

    Args:
        images: i unique images
        afar: of the images, see :func:`~.candidates_by_looks.seen_from_afar`
        paths: i files, of the images
        embedder: the model that made the vectors
        read: what reads the pictures of the images; made copies are added to it
        others_of: the pictures most like those of pairs, see
            :func:`~.one_design.pictures_like_both`
        originals: int64[s], those to copy; None for those of :func:`sampled`
        known: the trial of a previous scan by the same model and program, whose copies
            and comparisons are reused; None without
        image: int64[i], the unique image there of each one here; -1 for a new one
        read_content: what reads the file of a path
        on_progress: told after each picture; may raise to cancel

    Returns:
        the scores; what to keep for the next scan; and whether all files could be read
    """
    if originals is None:
        originals = sampled(images.digests)
    fits = _fits(images.sizes, images.digests, originals)
    place = _known_originals(known, images.digests[originals], fits)
    new = np.flatnonzero(place < 0)
    made = made_copies(
        [paths[row] for row in originals[new].tolist()],
        images.digests[originals[new]],
        embedder,
        fits[new],
        read_content,
        on_progress,
    )
    fresh = dict(zip(new.tolist(), made, strict=True))
    kept = [row for row in range(len(place)) if row not in fresh or fresh[row]]
    if not kept:
        return NO_COPY_SCORES, None, not len(place)
    is_complete = len(kept) == len(place)
    originals, fits, place = originals[kept], fits[kept], place[kept]
    files = CopyFiles(
        [paths[row] for row in originals.tolist()],
        images.digests[originals],
        fits,
        embedder.input_size,
        read_content,
    )
    parts: list[SyntheticCopies] = []
    for row, known_row in zip(kept, place.tolist(), strict=True):
        one = fresh.get(row)
        if one is not None:
            files.put(len(parts), one[1])
            parts.append(one[0])
        elif known is not None:
            parts.append(known.copies.of_picture(known_row))
    copies = joined_copies(parts)
    pairs, similarity = _proposed_pairs(images, copies, originals, afar, embedder)
    sizes = np.concatenate([images.sizes, copies.sizes])
    tried = _tried(
        images, copies, sizes, originals, pairs, similarity, known, place, image
    )
    with_copies = read.with_made(files.file)
    is_complete &= _look_closer(
        tried, pairs, similarity, sizes, len(images), with_copies, on_progress
    )
    trial = CopyTrial(images.digests[originals], fits, copies, tried)
    decided = _decided(tried, similarity, show_little(sizes, pairs))
    described = JoinedSignatures(images.signatures, copies.signatures)
    rows = np.flatnonzero(decided >= MIN_COPY_SCORE)
    others = others_of(pairs[rows])
    decided[rows[of_one_design(described, pairs[rows], others)]] = 0
    return _scores(tried, decided, len(kept)), trial, is_complete


def _known_originals(
    known: CopyTrial | None, digests: NDArray[np.uint8], fits: NDArray[np.int32]
) -> Rows:
    """Returns int64[s], which known original each one is, copied to the same size; -1
    for a new one."""
    if known is None:
        return np.full(len(digests), -1, np.int64)
    rows = {
        (digest.tobytes(), *fit): row
        for row, (digest, fit) in enumerate(
            zip(known.originals, known.fits.tolist(), strict=True)
        )
    }
    return np.array(
        [
            rows.get((digest.tobytes(), *fit), -1)
            for digest, fit in zip(digests, fits.tolist(), strict=True)
        ],
        np.int64,
    )


def _proposed_pairs(
    images: DescribedImages,
    copies: SyntheticCopies,
    originals: Rows,
    afar: FromAfar,
    embedder: ImageEmbedder,
) -> tuple[Pairs, Floats]:
    """Returns the pairs to compare, copies counted after the images, and cosines."""
    count, vectors = len(images), held_in_memory(images.descriptors)
    least = embedder.min_candidate_similarity
    pairs = _proposed(vectors, copies.vectors, copies.signatures, afar, least)
    similarity = row_products(copies.vectors, pairs[:, 0] - count, vectors, pairs[:, 1])
    is_other = pairs[:, 1] != _original(pairs, originals, count)
    kept = ~is_other | _among_most_similar(pairs[:, 0], is_other, similarity)
    return pairs[kept], similarity[kept]


def _original(pairs: Pairs, originals: Rows, count: int) -> Rows:
    """Returns int64[p], the image of which the copy of each pair was made."""
    return originals[(pairs[:, 0] - count) // COPIES]


def _tried(
    images: DescribedImages,
    copies: SyntheticCopies,
    sizes: NDArray[np.int32],
    originals: Rows,
    pairs: Pairs,
    similarity: Floats,
    known: CopyTrial | None,
    place: Rows,
    image: Rows | None,
) -> TriedPairs:
    """Compares pairs by their signatures, or takes over what is known of them."""
    count = len(images)
    own = _original(pairs, originals, count)
    is_copy = pairs[:, 1] == own
    tried = TriedPairs(
        np.stack([pairs[:, 0] - count, pairs[:, 1]], axis=1).astype(np.int32),
        score=np.zeros(len(pairs), np.float32),
        promise=np.zeros(len(pairs), np.float32),
        looked=np.zeros(len(pairs), bool),
        closer=np.full(len(pairs), np.nan, np.float32),
        untouched=np.full(len(pairs), np.nan, np.float32),
    )
    row = np.full(len(pairs), -1, np.int64)
    if known is not None and image is not None:
        row = _known_rows(known.pairs.images, tried.images, place, image)
    old, new = np.flatnonzero(row >= 0), np.flatnonzero(row < 0)
    if known is not None:
        for name in ("score", "promise", "looked", "closer", "untouched"):
            getattr(tried, name)[old] = getattr(known.pairs, name)[row[old]]
    described = JoinedSignatures(images.signatures, copies.signatures)
    found = verify_pairs(described, pairs[new], sizes)
    tried.score[new] = found.scores
    # What the changes hide is told by signatures alone: a lower bound, as it is anyhow
    promise = promise_of(found, similarity[new], described, pairs[new])
    tried.promise[new] = np.where(is_copy[new] | needs_look(promise), promise, 0)
    others = new[~is_copy[new]]
    untouched = np.stack([own[others], pairs[others, 1]], axis=1).astype(np.int32)
    distinct, of_pair = np.unique(
        np.sort(untouched, axis=1), axis=0, return_inverse=True
    )
    scores = verify_pairs(images.signatures, distinct, images.sizes).scores
    tried.untouched[others] = scores[of_pair.reshape(-1)]
    return tried


def _known_rows(known: Pairs, pairs: Pairs, place: Rows, image: Rows) -> Rows:
    """Returns int64[p], which known pair each one is; -1 for a new one.

    Args:
        known: int32[q, 2], copies and unique images of the previous scan
        pairs: int32[p, 2], copies and unique images here
        place: int64[s], the original there of each one here; -1 for a new one
        image: int64[i], the unique image there of each one here; -1 for a new one
    """
    original, which = np.divmod(pairs[:, 0].astype(np.int64), COPIES)
    ends = np.stack([place[original] * COPIES + which, image[pairs[:, 1]]], axis=1)
    ends[place[original] < 0, 0] = -1
    rows = np.full(len(pairs), -1, np.int64)
    both = (ends >= 0).all(axis=1)
    # Copies are counted after the images: a pair has no direction
    after = int(max(known[:, 1].max(initial=0), image.max(initial=0))) + 1
    moved = np.array([after, 0])
    rows[both] = pair_rows(known + moved, ends[both] + moved)
    return rows


def _look_closer(
    tried: TriedPairs,
    pairs: Pairs,
    similarity: Floats,
    sizes: NDArray[np.int32],
    count: int,
    read: PictureReader,
    on_progress: OnProgress,
) -> bool:
    """Looks closer at what leaves doubt, where no previous scan did.

    Returns:
        whether all files could be read
    """
    rows = chosen(tried.promise, pairs, similarity, count)
    unlooked = np.ones(len(pairs), bool)
    unlooked[rows] = False
    tried.looked[unlooked], tried.closer[unlooked] = False, np.nan
    rows = rows[~tried.looked[rows]]
    care = care_for(tried.promise[rows], tried.score[rows])
    seen, laid, closer = looked_at(pairs[rows], care, sizes, read, on_progress)
    tried.looked[rows] = seen
    tried.closer[rows[laid]] = closer.scores
    return bool(seen.all())


def _decided(tried: TriedPairs, similarity: Floats, little: Bools) -> Floats:
    """Returns float32[p], the scores of pairs after closer looks."""
    scores: Floats = tried.score.copy()
    rows = np.flatnonzero(~np.isnan(tried.closer))
    closer = tried.closer[rows]
    decided = overruled(
        scores[rows], tried.promise[rows], closer, similarity[rows], little[rows]
    )
    scores[rows[decided]] = closer[decided]
    return scores


def _scores(tried: TriedPairs, scores: Floats, count: int) -> CopyScores:
    """Returns what is said of the copies of so many originals."""
    is_copy = np.isnan(tried.untouched)
    copy_scores = np.zeros(count * COPIES, np.float32)
    copy_scores[tried.images[is_copy, 0]] = scores[is_copy]
    differs = ~is_copy & (tried.untouched < _CLEARLY_OTHER)
    ends = np.cumsum([len(AUGMENTATIONS), UNCOVERED])
    alone, composed, covered = np.split(copy_scores.reshape(-1, COPIES), ends, axis=1)
    return CopyScores(alone, composed, covered, scores[differs])


def _among_most_similar(
    copies: NDArray[np.int32], is_other: Bools, similarity: Floats
) -> Bools:
    """Returns the pairs of each made copy with the other pictures most like it.

    Args:
        copies: int32[p], the made copy of each pair
        is_other: bool[p], pairs with another picture than its original
        similarity: float32[p]

    Returns:
        bool[p]
    """
    rows = np.flatnonzero(is_other)
    rows = rows[np.lexsort((rows, -similarity[rows], copies[rows]))]
    kept = np.zeros(len(copies), bool)
    kept[rows[places_in_runs(copies[rows]) < _OTHERS]] = True
    return kept


def _proposed(
    vectors: Vectors,
    copied: Floats,
    described: NDArray[np.uint8],
    afar: FromAfar,
    min_similarity: float,
) -> NDArray[np.int32]:
    """Returns int32[p, 2]: a made copy and a picture it may be a copy of.

    As in the search for real copies: the ten nearest that are similar enough,
    what may be a turned copy, and what looks the same from afar. Made copies do not
    meet one another.
    """
    count = len(vectors)
    # Few ask: an index of many pictures would cost more, and hold them all
    near = nearest(vectors, copied, CANDIDATE_NEIGHBORS, exact=True)
    row, column = np.nonzero(similar_enough(near.similarities, min_similarity))
    similar = np.stack([count + row, near.indices[row, column]], axis=1)
    turned = turned_originals(afar.views, described) + [count, 0]
    alike = alike_originals(afar.looks, looks_from_afar(described)) + [count, 0]
    return np.unique(np.concatenate([similar, turned, alike]), axis=0).astype(np.int32)
