"""Copies made of some pictures of a set in known ways, and described like pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection import SIGNATURE_SIDE, Signatures, signatures
from ..copy_detection.augmentations import augmented_copies
from ..copy_detection.compositions import resized
from ..embedding.records import ImageEmbedder
from ..progress import OnProgress, Progress
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import FileContent, ReadContent, ReadFailure
from .plain_pages import Picture, ReadPicture

_LONGEST = 256
"""Pixels to which larger pictures are shrunk: twice what is compared."""

Floats = NDArray[np.float32]
_Session = Callable[[NDArray[np.uint8]], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class SyntheticCopies:
    """What is known of c made copies.

    Attributes:
        vectors: float32[c, d], copy vectors of unit length
        signatures: uint8[c, q]
        sizes: int32[c, 2], width and height
        files: the c files
    """

    vectors: Floats
    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    files: list[bytes]


@dataclass(frozen=True, eq=False)
class JoinedSignatures:
    """Those of the pictures, then those of the made copies."""

    pictures: Signatures
    copies: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.pictures) + len(self.copies)

    def __getitem__(self, rows: NDArray[np.integer] | slice, /) -> NDArray[np.uint8]:
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        made = rows >= len(self.pictures)
        result = np.empty((len(rows), self.copies.shape[1]), np.uint8)
        result[~made] = self.pictures[rows[~made]]
        result[made] = self.copies[rows[made] - len(self.pictures)]
        return result


def joined_copies(copies: Sequence[SyntheticCopies]) -> SyntheticCopies:
    """Returns all copies of some pictures, at least one, in this order."""
    return SyntheticCopies(
        np.concatenate([one.vectors for one in copies]),
        np.concatenate([one.signatures for one in copies]),
        np.concatenate([one.sizes for one in copies]),
        [file for one in copies for file in one.files],
    )


def reader_with_copies(
    read_picture: ReadPicture, files: Sequence[bytes], count: int
) -> ReadPicture:
    """Returns what reads one of some pictures, or a made copy, counted after them.

    Args:
        read_picture: what reads one of the pictures
        files: of the copies
        count: number of pictures
    """

    def read(item: int, side: int) -> Picture:
        if item < count:
            return read_picture(item, side)
        copy = _decoded(files[item - count], side, digests=False)
        return None if copy is None else copy.fitted(side)

    return read


def made_copies(
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    sizes: NDArray[np.int32],
    read_content: ReadContent,
    on_progress: OnProgress,
) -> list[SyntheticCopies | None]:
    """Copies and describes pictures, each in all ways.

    Args:
        paths: s files to copy
        embedder: the model that describes the copies
        sizes: int32[m, 2], width and height of the pictures of the set
        read_content: what reads the file of a path
        on_progress: told before and after; may raise to cancel

    Returns:
        the copies of each file; None for one that can no longer be read
    """
    workers = max(1, min(available_cores(), len(paths)))
    result: list[SyntheticCopies | None] = [None] * len(paths)
    session = embedder.open_session()

    def work(first: int) -> None:
        for row in range(first, len(paths), workers):
            content = read_content(paths[row])
            result[row] = _copies_of(content, embedder.input_size, session, sizes)

    on_progress(Progress("Trying known copies", 0, 1))
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, range(workers)):
            pass
    on_progress(Progress("Trying known copies", 1, 1))
    return result


def _copies_of(
    content: FileContent | ReadFailure,
    side: int,
    session: _Session,
    sizes: NDArray[np.int32],
) -> SyntheticCopies | None:
    if isinstance(content, ReadFailure):
        return None
    picture = _decoded(content.data, side)
    if picture is None:
        return None
    seed = int.from_bytes(picture.picture_digest[:8], "big")
    upright = _at_most(picture.upright(), _LONGEST)
    made = augmented_copies(upright, seed, _sized_like(sizes, seed))
    decoded = [_decoded(data, side, digests=False) for data in made]
    copies = [copy for copy in decoded if copy is not None]
    if len(copies) < len(made):
        return None
    vectors, _ = session(np.stack([copy.square_for_model(side) for copy in copies]))
    if not np.isfinite(vectors).all():
        return None
    return SyntheticCopies(
        np.asarray(vectors, np.float32),
        signatures(np.stack([copy.square(SIGNATURE_SIDE) for copy in copies])),
        np.array([(copy.width, copy.height) for copy in copies], np.int32),
        made,
    )


def _sized_like(
    sizes: NDArray[np.int32], seed: int
) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Returns what brings a copy to the size of a picture of the set.

    Where all pictures have one size, to that size; else its longer side to that of a
    picture that is drawn, and its shape is kept.
    """
    drawn = sizes[seed % len(sizes)].tolist()
    one_size = (sizes == sizes[0]).all()
    longest = min(max(drawn), _LONGEST)

    def sized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        tall, wide = (drawn[1], drawn[0]) if one_size else picture.shape[:2]
        scale = longest / max(tall, wide)
        return resized(picture, round(wide * scale), round(tall * scale))

    return sized


def _decoded(data: bytes, side: int, *, digests: bool = True) -> DecodedImage | None:
    picture = decode_image(
        data,
        side=max(side, SIGNATURE_SIDE),
        max_megapixels=np.inf,
        digests=digests,
    )
    return None if isinstance(picture, ReadFailure) else picture


def _at_most(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (round(side * scale) for side in picture.shape[:2])
    return resized(picture, width, height)
