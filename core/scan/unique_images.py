"""Collapses pictures that are surely the same before any search.

Ten thousand identical images would fill each other's neighbor lists and
hide everything else; collapsed, they are one item with many rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import Signatures

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class UniqueImages:
    """m contents collapsed to fewer items.

    Attributes:
        item: int32[m], the item of each content
        pixel_group: int64[m], equal for contents with equal decoded pixels
        first: int64[i], the content that stands for each item
    """

    item: NDArray[np.int32]
    pixel_group: NDArray[np.int64]
    first: NDArray[np.int64]


def collapse(
    picture_digests: NDArray[np.uint8],
    vectors: NDArray[np.generic],
    signatures: Signatures,
) -> UniqueImages:
    """Makes one item of all contents with equal pixels or equal looks.

    Equal looks without equal pixels come from pictures that are the same at
    the model's input size, such as blank pages of different sizes. A vector
    alone is no proof: a coarse model gives one vector to many pictures.

    Args:
        picture_digests: uint8[m, 32]
        vectors: m x d, in the same order
        signatures: uint8[m, q], see :func:`core.copy_detection.signatures`
    """
    pixel_first, pixel_group = distinct_rows(picture_digests)
    look_first, look_group = distinct_rows(_looks(vectors, signatures, pixel_first))
    return UniqueImages(
        item=look_group[pixel_group].astype(np.int32),
        pixel_group=pixel_group,
        first=pixel_first[look_first],
    )


def _looks(
    vectors: NDArray[np.generic], signatures: Signatures, rows: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Returns uint8[r, 32]: digests of vector and signature of these rows."""
    looks = np.empty((len(rows), hashlib.sha256().digest_size), np.uint8)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        pairs = zip(vectors[part], signatures[part], strict=True)
        for row, (vector, signature) in enumerate(pairs, start):
            digest = hashlib.sha256(vector.tobytes() + signature.tobytes()).digest()
            looks[row] = np.frombuffer(digest, np.uint8)
    return looks


def distinct_rows(
    rows: NDArray[np.generic],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers the distinct rows in order of their first appearance.

    Returns:
        int64[g], the first row of each group, and int64[m], each row's group
    """
    if not rows.shape[0] or not rows.shape[1]:
        every = np.arange(rows.shape[0], dtype=np.int64)
        return every, every
    packed = np.ascontiguousarray(rows)
    whole_row = np.dtype((np.void, packed.dtype.itemsize * packed.shape[1]))
    _, first, group = np.unique(
        packed.view(whole_row)[:, 0], return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[group.reshape(-1)].astype(np.int64)
