"""Collapses pictures that are surely the same before any search.

Ten thousand identical images would fill each other's neighbor lists and
hide everything else; collapsed, they are one unique image with many samples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.rows import distinct_rows
from ..copy_detection import Signatures, is_blank
from ..embedding.image_table import ImageTable
from ..reading.jpeg_damage import NO_DAMAGE
from ..storage.record_store import StoredColumn, Vectors, stored_order

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class UniqueImages:
    """m unique files collapsed to i unique images.

    Attributes:
        of_file: int32[m], the unique image of each unique file
        pixel_group: int64[m], equal where all that is shown is equal
        first_file: int64[i], the unique file that represents each unique image
    """

    of_file: NDArray[np.int32]
    pixel_group: NDArray[np.int64]
    first_file: NDArray[np.int64]

    def of_samples(self, unique_file: NDArray[np.int64]) -> NDArray[np.int32]:
        """Returns int32[n]: the unique image of each sample, -1 if unreadable.

        Args:
            unique_file: int64[n], the unique file of each sample; -1 if unreadable
        """
        return np.append(self.of_file, np.int32(-1))[unique_file]


@dataclass(frozen=True, eq=False)
class DescribedImages:
    """i unique images, and what the pass over the files learned of each.

    Attributes:
        groups: which files each unites
        digests: uint8[i, 32], SHA-256 of the file that represents each
        descriptors: i x c, unit vectors in which copies are near
        features: i x f, unit vectors in which like contents are near; equal to the
            descriptors where there is one vector for both
        signatures: uint8[i, q], see :func:`core.copy_detection.signatures`
        sizes: int32[i, 2], width and height
        damaged: bool[i], the file is damaged inside
    """

    groups: UniqueImages
    digests: NDArray[np.uint8]
    descriptors: Vectors
    features: Vectors
    signatures: Signatures
    sizes: NDArray[np.int32]
    damaged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.digests)


def unique_images(
    table: ImageTable, given: NDArray[np.float32] | None = None
) -> DescribedImages:
    """Finds the unique images among the files that were read.

    Args:
        table: of m unique files
        given: m x d, embeddings made elsewhere, instead of those of the table
    """
    descriptors: Vectors = table.stored("copy") if given is None else _unit_rows(given)
    signatures = table.stored("signature")
    groups = collapse(table.column("picture_digest"), descriptors, signatures)
    first = groups.first_file
    # Stored ones are read when rows of them are asked for
    if isinstance(descriptors, StoredColumn):
        own: Vectors = descriptors.at(first)
        features: Vectors = table.stored("features").at(first)
    else:
        own = features = descriptors[first]
    return DescribedImages(
        groups=groups,
        digests=table.values("digest", first),
        descriptors=own,
        features=features,
        signatures=signatures.at(first),
        sizes=table.sizes(first),
        damaged=table.values("damage", first) != NO_DAMAGE,
    )


def _unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.float32(1e-12))
    return unit


def collapse(
    picture_digests: NDArray[np.uint8],
    vectors: Vectors,
    signatures: Signatures,
) -> UniqueImages:
    """Unites files with equal pixels or equal looks.

    Equal looks without equal pixels come from pictures that are the same at
    the model's input size. A vector alone is no proof: a coarse model gives one
    vector to many pictures. Nor are the looks of blank pictures, which look alike
    whatever they are of: empty masks of 950 shapes are 950 pictures.

    Args:
        picture_digests: uint8[m, 32]
        vectors: m x d, in the same order
        signatures: uint8[m, q], see :func:`core.copy_detection.signatures`
    """
    pixel_first, pixel_group = distinct_rows(picture_digests)
    looks = _looks(vectors, signatures, pixel_first)
    look_first, look_group = distinct_rows(looks)
    shared = np.bincount(look_group, minlength=len(look_first)) > 1
    shared[shared] = is_blank(signatures[pixel_first[look_first[shared]]])
    if shared.any():
        blank = np.flatnonzero(shared[look_group])
        looks[blank] = picture_digests[pixel_first[blank]]
        look_first, look_group = distinct_rows(looks)
    return UniqueImages(
        of_file=look_group[pixel_group].astype(np.int32),
        pixel_group=pixel_group,
        first_file=pixel_first[look_first],
    )


def _looks(
    vectors: Vectors, signatures: Signatures, rows: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Returns uint8[r, 32]: digests of vector and signature of these rows."""
    looks = np.empty((len(rows), hashlib.sha256().digest_size), np.uint8)
    order = stored_order(vectors, rows)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        places = order[start : start + _ROWS_AT_ONCE]
        part = rows[places]
        pairs = zip(places.tolist(), vectors[part], signatures[part], strict=True)
        for row, vector, signature in pairs:
            digest = hashlib.sha256(vector)
            digest.update(signature)
            looks[row] = np.frombuffer(digest.digest(), np.uint8)
    return looks
