"""Compares the pictures of candidate pairs, or reuses what a scan found before."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_rows
from ..copy_detection import verify_pairs
from ..neighbors.knn_graph import row_products
from ..progress import OnProgress, silent
from ..storage.record_store import Vectors
from .plain_pages import ReadPage, judge_pages, no_page
from .previous_scan import PreviousScan
from .scan_data import Pairs, VerifiedPairs
from .unique_images import DescribedImages

Rows = NDArray[np.int64]


def verify(
    images: DescribedImages,
    pairs: Pairs,
    previous: PreviousScan | None = None,
    read_page: ReadPage = no_page,
    on_progress: OnProgress = silent,
) -> VerifiedPairs:
    """Compares the pictures of pairs, each by itself.

    Args:
        images: i unique images
        pairs: int32[p, 2] of them
        previous: the previous scan, whose comparisons are reused where both files
            are the same to the byte
        read_page: what reads the picture of an image in full; without it plain pages
            cannot be told
        on_progress: told after each batch; may raise to cancel
    """
    row: Rows = np.full(len(pairs), -1, np.int64)
    known = None
    if previous is not None and previous.pairs is not None:
        known = previous.pairs
        row = _known_rows(known.images, previous.image, pairs)
    new = row < 0
    found = verify_pairs(
        images.signatures,
        pairs[new],
        images.sizes,
        damaged=images.damaged,
        on_progress=on_progress,
    )
    judge_pages(found, pairs[new], images.signatures, read_page, on_progress)
    score = np.empty(len(pairs), np.float32)
    relation = np.empty(len(pairs), np.int16)
    changes = np.empty(len(pairs), np.uint8)
    scene = np.empty(len(pairs), bool)
    score[new], relation[new] = found.scores, found.relations
    changes[new], scene[new] = found.changes, found.scenes
    if known is not None:
        same = row[~new]
        score[~new], relation[~new] = known.score[same], known.relation[same]
        changes[~new], scene[~new] = known.changes[same], known.scene[same]
    similarity = cosines(images.descriptors, pairs)
    return VerifiedPairs(pairs, similarity, score, relation, changes, scene)


NO_PAIRS = VerifiedPairs(
    np.zeros((0, 2), np.int32),
    np.zeros(0, np.float32),
    np.zeros(0, np.float32),
    np.zeros(0, np.int16),
    np.zeros(0, np.uint8),
    np.zeros(0, bool),
)


def joined(*parts: VerifiedPairs) -> VerifiedPairs:
    """Returns the pairs of all parts, in this order."""
    columns = (
        np.concatenate([getattr(part, one.name) for part in (NO_PAIRS, *parts)])
        for one in fields(VerifiedPairs)
    )
    return VerifiedPairs(*columns)


def cosines(vectors: Vectors, pairs: Pairs) -> NDArray[np.float32]:
    """Returns float32[p], the cosine similarity of the unit vectors of each pair."""
    a, b = pairs.T
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
