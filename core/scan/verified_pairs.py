"""Compares the pictures of candidate pairs, or reuses what a scan found before."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_rows
from ..common.parallel import workers_kept
from ..copy_detection import (
    MIN_COPY_SCORE,
    TOO_PLAIN,
    PairScores,
    Signatures,
    relation_bits,
    verify_pairs,
)
from ..copy_detection.closer_look import MARKED
from ..copy_detection.one_design import of_one_design
from ..neighbors.knn_graph import row_products
from ..progress import OnProgress, silent
from ..storage.record_store import Vectors, held_in_memory
from .closer_looks import (
    CLEARLY_UNLESS_ALIKE,
    chosen,
    looked_at,
    overruled,
    show_little,
)
from .one_design import first_promise, pictures_like_both, refused_promise
from .pair_promise import LEAST_SIMILAR, care_for, promise_of
from .picture_reader import ReadPicture, no_picture
from .plain_pages import judge_pages
from .previous_scan import PreviousScan
from .scan_data import Pairs, VerifiedPairs
from .unique_images import DescribedImages

Rows = NDArray[np.int64]

_HELD = 2**25
"""Bytes of stored vectors that are held at once."""


@workers_kept()
def verify(
    images: DescribedImages,
    pairs: Pairs,
    previous: PreviousScan | None = None,
    read: ReadPicture = no_picture,
    on_progress: OnProgress = silent,
) -> VerifiedPairs:
    """Compares the pictures of pairs: all by their signatures, some once more.

    Args:
        images: i unique images
        pairs: int32[p, 2] of them
        previous: the previous scan, whose comparisons are reused where both files
            are the same to the byte
        read: what reads the picture of an image; without it plain pages cannot be
            told, and no pair is looked at closely
        on_progress: told after each batch; may raise to cancel
    """
    row: Rows = np.full(len(pairs), -1, np.int64)
    similarity = cosines(images.descriptors, pairs)
    known = NO_PAIRS
    if previous is not None and previous.pairs is not None:
        known = previous.pairs
        row = _known_rows(known.images, previous.image, pairs)
        # Beside other images than now some were of one design
        old = np.flatnonzero(row >= 0)
        row[old[known.promise[row[old]] < 0]] = -1
    new = row < 0
    first = _compared(images, pairs[new], similarity[new], read, on_progress)
    # New ones first, then the known
    place = np.where(new, np.cumsum(new) - 1, len(first) + row)
    verified = joined(first, known).at(place)
    verified = replace(verified, images=pairs, similarity=similarity)
    wanted = to_look_at(verified, len(images))
    unwanted = np.flatnonzero(verified.looked & ~np.isin(np.arange(len(pairs)), wanted))
    _put(verified, unwanted, compare(images, pairs[unwanted], read, on_progress))
    rows = wanted[~verified.looked[wanted]]
    care = care_for(verified.promise[rows], verified.score[rows])
    looks = look_closer(images, pairs[rows], care, read, on_progress)
    put_looks(verified, rows, looks, show_little(images.sizes, pairs[rows]))
    return verified


def compare(
    images: DescribedImages,
    pairs: Pairs,
    read: ReadPicture = no_picture,
    on_progress: OnProgress = silent,
) -> VerifiedPairs:
    """Compares pairs by their signatures, and pages in full; each pair by itself.

    Args and returns: see :func:`verify`
    """
    similarity = cosines(images.descriptors, pairs)
    return _compared(images, pairs, similarity, read, on_progress)


def _compared(
    images: DescribedImages,
    pairs: Pairs,
    similarity: NDArray[np.float32],
    read: ReadPicture,
    on_progress: OnProgress,
) -> VerifiedPairs:
    found = verify_pairs(
        images.signatures,
        pairs,
        images.sizes,
        damaged=images.damaged,
        on_progress=on_progress,
    )
    judge_pages(found, pairs, images.signatures, read, on_progress)
    _refuse_unlike_pages(found, similarity)
    promise = promise_of(found, similarity, images.signatures, pairs)
    return replace(_verified(found, pairs, similarity), promise=promise)


def _refuse_unlike_pages(found: PairScores, similarity: NDArray[np.float32]) -> None:
    """Takes back that plain pairs are copies of which nothing else says so.

    Args:
        found: what is said of p pairs, changed in place
        similarity: float32[p], cosines of the descriptors
    """
    unlike = (similarity < LEAST_SIMILAR) & (found.scores < CLEARLY_UNLESS_ALIKE)
    rows = np.flatnonzero(unlike & (found.relations == relation_bits(TOO_PLAIN)))
    found.put(rows, PairScores.of_nothing(len(rows)))


def refuse_one_design(
    found: VerifiedPairs, among: VerifiedPairs, signatures: Signatures
) -> None:
    """Takes back that pairs are copies which are alike only as others are.

    Args:
        found: p pairs, changed in place
        among: all pairs that were compared so far, these too
        signatures: uint8[i, 4608], of the unique images
    """
    rows = np.flatnonzero(found.score >= MIN_COPY_SCORE)
    pairs = found.images[rows]
    others = pictures_like_both(pairs, among.images, among.similarity, among.score)
    refused = rows[of_one_design(signatures, pairs, others)]
    nothing = PairScores.of_nothing(len(refused))
    found.score[refused], found.relation[refused] = nothing.scores, nothing.relations
    found.changes[refused], found.scene[refused] = nothing.changes, nothing.scenes
    found.promise[refused] = refused_promise(found.promise[refused])


def to_look_at(verified: VerifiedPairs, image_count: int) -> Rows:
    """Returns int64[q], the pairs of which a closer look may tell more."""
    promise = first_promise(verified.promise)
    return chosen(promise, verified.images, verified.similarity, image_count)


@dataclass(frozen=True, eq=False)
class Looks:
    """What a closer look says of r pairs.

    Attributes:
        seen: bool[r], both files could be read again
        laid: int64[q] of the r, those of which it can be said what they are
        said: q pairs, what is said of them
    """

    seen: NDArray[np.bool_]
    laid: Rows
    said: VerifiedPairs


def look_closer(
    images: DescribedImages,
    pairs: Pairs,
    care: NDArray[np.int8],
    read: ReadPicture,
    on_progress: OnProgress = silent,
) -> Looks:
    """Looks at pairs in their files; each pair by itself.

    Args:
        images: i unique images
        pairs: int32[r, 2] of them
        care: int8[r], see :func:`~.pair_promise.care_for`
        read: what reads the picture of an image
        on_progress: told after each batch; may raise to cancel
    """
    seen, laid, found = looked_at(pairs, care, images.sizes, read, on_progress)
    seen_in_full = found.correlation > 0
    plain = found.plain & ~seen_in_full
    found.plain[:] = False
    unseen = np.flatnonzero(~seen_in_full)
    pages = found.at(unseen)
    judge_pages(pages, pairs[laid[unseen]], images.signatures, read, on_progress)
    found.put(unseen, pages)
    # Pages that cannot be told stay what they were; soft photographs are unsure, and
    # so is a mark over a plain one, which may be what a form is filled in with
    told = found.relations != relation_bits(TOO_PLAIN)
    told = np.flatnonzero(told | (found.scores == np.float32(MARKED)))
    found.relations[plain & (found.scores > 0)] = relation_bits(TOO_PLAIN)
    laid, found = laid[told], found.at(told)
    # What is missing in a damaged file looks like another moment, and is none
    found.scenes[images.damaged[pairs[laid]].any(axis=1)] = False
    similarity = cosines(images.descriptors, pairs[laid])
    return Looks(seen, laid, _verified(found, pairs[laid], similarity))


def put_looks(
    verified: VerifiedPairs, rows: Rows, looks: Looks, little: NDArray[np.bool_]
) -> None:
    """Puts what a closer look says of some pairs in place of what was said of them.

    Files that could not be read may be there for the next scan.

    Args:
        verified: p pairs, changed in place
        rows: int64[r], those that were looked at
        looks: what is said of them
        little: bool[r], see :func:`~.closer_looks.show_little`
    """
    told, closer = rows[looks.laid], looks.said
    decided = overruled(
        verified.score[told],
        verified.promise[told],
        closer.score,
        closer.similarity,
        little[looks.laid],
    )
    told, closer = told[decided], closer.at(decided)
    _put(verified, told, replace(closer, promise=verified.promise[told]))
    verified.looked[rows[looks.seen]] = True


def _verified(
    found: PairScores, pairs: Pairs, similarity: NDArray[np.float32]
) -> VerifiedPairs:
    return VerifiedPairs(
        pairs,
        similarity,
        found.scores,
        found.relations,
        found.changes,
        found.scenes,
        np.zeros(len(pairs), np.float32),
        np.zeros(len(pairs), bool),
    )


NO_PAIRS = _verified(
    PairScores.of_nothing(0), np.zeros((0, 2), np.int32), np.zeros(0, np.float32)
)


def joined(*parts: VerifiedPairs) -> VerifiedPairs:
    """Returns the pairs of all parts, in this order."""
    columns = (
        np.concatenate([getattr(part, one.name) for part in (NO_PAIRS, *parts)])
        for one in fields(VerifiedPairs)
    )
    return VerifiedPairs(*columns)


def _put(verified: VerifiedPairs, rows: Rows, others: VerifiedPairs) -> None:
    for one in fields(VerifiedPairs):
        getattr(verified, one.name)[rows] = getattr(others, one.name)


def cosines(vectors: Vectors, pairs: Pairs) -> NDArray[np.float32]:
    """Returns float32[p], the cosine similarity of the unit vectors of each pair."""
    a, b = pairs.T
    # A picture is in many pairs, and read once where all of them can be held
    if len(pairs) > len(vectors):
        vectors = held_in_memory(vectors, _HELD)
    return np.clip(row_products(vectors, a, vectors, b), -1, 1)


def _known_rows(known: Pairs, image: Rows, pairs: Pairs) -> Rows:
    """Returns int64[p], where each pair stands among the known, -1 for a new one.

    Args:
        known: int32[q, 2], pairs of unique images of the previous scan
        image: int64[i], the unique image there of each one here; -1 for a new one
        pairs: int32[p, 2], of unique images here
    """
    rows = np.full(len(pairs), -1, np.int64)
    ends = image[pairs]
    both = (ends >= 0).all(axis=1)
    rows[both] = pair_rows(known, ends[both])
    return rows
