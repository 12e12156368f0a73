"""Copies made of some pictures of a set in known ways, and described like pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..copy_detection import SIGNATURE_SIDE, Signatures, signatures
from ..copy_detection.augmentations import (
    AUGMENTATIONS,
    COVERED,
    UNCOVERED,
    augmented_copies,
)
from ..copy_detection.compositions import resized
from ..embedding.records import ImageEmbedder
from ..progress import OnProgress, Progress
from ..reading.decode import DecodedImage, decode_image
from ..reading.files import FileContent, ReadContent, ReadFailure

LONGEST = 256
"""Pixels to which larger pictures are shrunk: twice what is compared."""

COPIES = len(AUGMENTATIONS) + UNCOVERED + COVERED
"""That are made of each picture."""

Floats = NDArray[np.float32]
_Session = Callable[[NDArray[np.uint8]], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class SyntheticCopies:
    """What is known of c made copies.

    Attributes:
        vectors: float32[c, d], copy vectors of unit length
        signatures: uint8[c, q]
        sizes: int32[c, 2], width and height
    """

    vectors: Floats
    signatures: NDArray[np.uint8]
    sizes: NDArray[np.int32]

    def of_picture(self, row: int) -> SyntheticCopies:
        """Returns those of one of the pictures."""
        own = slice(row * COPIES, (row + 1) * COPIES)
        return SyntheticCopies(self.vectors[own], self.signatures[own], self.sizes[own])


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
    )


class CopyFiles:
    """The files of made copies; those that are not at hand are made when asked for.

    Args:
        paths: s files that were copied
        digests: uint8[s, 32], of the files as they were described
        fits: int32[s, 3], to which size, see :func:`made_copies`
        side: of the model's input, in pixels
        read_content: what reads the file of a path
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        digests: NDArray[np.uint8],
        fits: NDArray[np.int32],
        side: int,
        read_content: ReadContent,
    ) -> None:
        self._paths = paths
        self._digests = digests
        self._fits = fits
        self._side = side
        self._read_content = read_content
        self._files: dict[int, list[bytes]] = {}
        self._lock = Lock()

    def put(self, row: int, files: list[bytes]) -> None:
        """Keeps the copies of one file."""
        self._files[row] = files

    def file(self, copy: int) -> bytes | None:
        """Returns one of the s x c copies; None if its picture cannot be read now."""
        row, which = divmod(copy, COPIES)
        # One thread makes what others wait for
        with self._lock:
            if row not in self._files:
                content = _as_described(
                    self._read_content(self._paths[row]), self._digests[row]
                )
                self._files[row] = _files_of(content, self._side, self._fits[row])
        return self._files[row][which] if self._files[row] else None


def made_copies(
    paths: Sequence[bytes],
    digests: NDArray[np.uint8],
    embedder: ImageEmbedder,
    fits: NDArray[np.int32],
    read_content: ReadContent,
    on_progress: OnProgress,
) -> list[tuple[SyntheticCopies, list[bytes]] | None]:
    """Copies and describes pictures, each in all ways.

    Args:
        paths: s files to copy
        digests: uint8[s, 32], of the files as they were described
        embedder: the model that describes the copies
        fits: int32[s, 3], the longer side to which the copies of each are brought;
            width and height of their shape, 0 to keep it
        read_content: what reads the file of a path
        on_progress: told before and after; may raise to cancel

    Returns:
        the copies of each file, and their files; None for one that can no longer be
        read
    """
    result: list[tuple[SyntheticCopies, list[bytes]] | None] = [None] * len(paths)
    if not paths:
        return result
    workers = max(1, min(available_cores(), len(paths)))
    session, side = embedder.open_session(), embedder.input_size

    def work(first: int) -> None:
        for row in range(first, len(paths), workers):
            content = _as_described(read_content(paths[row]), digests[row])
            files = _files_of(content, side, fits[row])
            described = _described(files, side, session)
            if described is not None:
                result[row] = described, files

    on_progress(Progress("Trying known copies", 0, 1))
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, range(workers)):
            pass
    on_progress(Progress("Trying known copies", 1, 1))
    return result


def _as_described(
    content: FileContent | ReadFailure, digest: NDArray[np.uint8]
) -> FileContent | ReadFailure:
    """Refuses a file that has changed since it was described."""
    if isinstance(content, FileContent) and content.digest != digest.tobytes():
        return ReadFailure("read_error", "the file changed during the scan")
    return content


def _files_of(
    content: FileContent | ReadFailure, side: int, fit: NDArray[np.int32]
) -> list[bytes]:
    """Returns the files of the copies of one picture; none if it cannot be read."""
    if isinstance(content, ReadFailure):
        return []
    picture = _decoded(content.data, side)
    if picture is None:
        return []
    seed = int.from_bytes(picture.picture_digest[:8], "big")
    upright = _at_most(picture.upright(), LONGEST)
    longest, *shape = fit.tolist()

    def sized(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        wide, tall = shape if any(shape) else picture.shape[1::-1]
        scale = longest / max(tall, wide)
        return resized(picture, round(wide * scale), round(tall * scale))

    return augmented_copies(upright, seed, sized)


def _described(
    files: list[bytes], side: int, session: _Session
) -> SyntheticCopies | None:
    decoded = [_decoded(data, side, digests=False) for data in files]
    copies = [copy for copy in decoded if copy is not None]
    if not copies or len(copies) < len(files):
        return None
    vectors, _ = session(np.stack([copy.square_for_model(side) for copy in copies]))
    if not np.isfinite(vectors).all():
        return None
    return SyntheticCopies(
        np.asarray(vectors, np.float32),
        signatures(np.stack([copy.square(SIGNATURE_SIDE) for copy in copies])),
        np.array([(copy.width, copy.height) for copy in copies], np.int32),
    )


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
