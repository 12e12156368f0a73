"""Equal pixels in different containers, which no digest of a file sees."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..embedding.image_table import ImageTable
from ..embedding.records import PICTURE_VERSION
from ..progress import OnProgress, Progress, silent
from ..reading.decode import WHOLE, decode_image
from ..reading.files import FileContent, ReadContent, ReadFailure, read_file
from ..storage.record_store import ABSENT, RecordStore
from .scan_data import VerifiedPairs
from .unique_images import DescribedImages, UniqueImages

_PIXELS = np.dtype([("pixels", "u1", (32,))])

_SURELY_ALIKE = 0.99
"""Cosine above which two pictures of equal size may be equal pixel by pixel."""


def join_equal_pixels(
    table: ImageTable,
    images: DescribedImages,
    pairs: VerifiedPairs,
    paths: Sequence[bytes],
    *,
    folder: Path,
    min_score: float,
    max_megapixels: float,
    read_content: ReadContent = read_file,
    on_progress: OnProgress = silent,
) -> UniqueImages:
    """Joins the pixel groups of large pictures in different containers.

    A large JPEG is decoded reduced, so its digest does not see that a PNG, or
    another coding of the JPEG, holds the same pixels. Files that look the
    same are decoded once more, in full, and once only: their digests are kept.

    Args:
        table: of m unique files
        images: the unique images among them
        pairs: of unique images
        paths: absolute file paths of the table
        folder: where digests are kept between runs
        min_score: least score of pairs that may be equal
        max_megapixels: size above which images are not decoded
        read_content: what reads the file of a path
        on_progress: told after each file; may raise to cancel

    Returns:
        the groups of the images, with fewer pixel groups
    """
    alike = _alike_files(table, images, pairs, min_score)
    if not len(alike):
        return images.groups
    wanted = np.unique(alike)
    store = RecordStore(folder / f"pixels-{PICTURE_VERSION}", _PIXELS)
    keys = [digest.tobytes() for digest in table.stored("digest")[wanted]]
    places = store.positions(keys)
    known = places != ABSENT
    kept = store.read(places[known], "pixels")
    digests: dict[int, bytes | None] = dict(
        zip(wanted[known].tolist(), (one.tobytes() for one in kept), strict=True)
    )
    row_of = table.rows()
    rest = np.flatnonzero(~known).tolist()
    with ThreadPoolExecutor(available_cores()) as pool:
        files = [paths[row_of[wanted[place]]] for place in rest]
        found = pool.map(
            lambda path, key: _full_digest(read_content(path), key, max_megapixels),
            files,
            [keys[place] for place in rest],
        )
        for done, (place, digest) in enumerate(zip(rest, found, strict=True), 1):
            digests[int(wanted[place])] = digest
            if digest is not None:
                pixels = np.frombuffer(digest, _PIXELS)
                store.append([keys[place]], pixels)
            on_progress(Progress("Comparing pixels", done, len(rest)))
    same = [
        (one, other)
        for one, other in alike.tolist()
        if digests[one] is not None and digests[one] == digests[other]
    ]
    group = _united(images.groups.pixel_group, np.array(same, np.int64).reshape(-1, 2))
    return replace(images.groups, pixel_group=group)


def _united(group: NDArray[np.int64], same: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns int64[m], one number for the groups of files that are the same.

    Args:
        group: int64[m], of the files
        same: int64[q, 2], files
    """
    # Imported here: few scans have such files
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(group.max(initial=-1)) + 1
    ends = tuple(group[same].T)
    links = coo_matrix((np.ones(len(same), np.int8), ends), shape=(count, count))
    _, part = connected_components(links, directed=False)
    first = np.full(count, count)
    np.minimum.at(first, part, np.arange(count))
    united: NDArray[np.int64] = first[part][group]
    return united


def _alike_files(
    table: ImageTable, images: DescribedImages, pairs: VerifiedPairs, min_score: float
) -> NDArray[np.int64]:
    """Returns int64[q, 2]: unique files that may hold equal pixels unseen."""
    exact = table.column("is_pixel_digest")
    groups, (a, b) = images.groups, pairs.images.T
    alike = (pairs.score >= min_score) & (pairs.similarity >= _SURELY_ALIKE)
    alike &= (images.sizes[a] == images.sizes[b]).all(axis=1)
    between = groups.first_file[pairs.images[alike]]
    # Within a unique image: the first file of each further pixel group
    first_of_group = np.unique(groups.pixel_group, return_index=True)[1]
    representative = groups.first_file[groups.of_file[first_of_group]]
    within = np.stack([representative, first_of_group], axis=1)
    files = np.concatenate([between, within[representative != first_of_group]])
    unseen: NDArray[np.int64] = files[~exact[files].all(axis=1)]
    differ = _coded_differently(table, exact, unseen)
    return unseen[~differ]


def _coded_differently(
    table: ImageTable, exact: NDArray[np.bool_], files: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Returns bool[q], pairs of JPEGs whose coefficients surely differ.

    JPEGs decode to equal pixels where their coefficients are equal, and then to equal
    pixels when they are reduced. What is turned after that may round differently.

    Args:
        table: of m unique files
        exact: bool[m], those that were not reduced
        files: int64[q, 2] of them
    """
    ways = table.stored("orientation")
    differ = np.zeros(len(files), bool)
    rows = np.flatnonzero(~exact[files].any(axis=1))
    one, other = files[rows].T
    for field in ("signature", "statistics"):
        values = table.stored(field)
        differ[rows] |= (values[one] != values[other]).any(axis=1)
    differ[rows] &= ways[one] == ways[other]
    return differ


def _full_digest(
    content: FileContent | ReadFailure, key: bytes, max_megapixels: float
) -> bytes | None:
    """Returns the digest of all that is shown.

    None if the file is no longer that of the key, or is too large to decode whole.
    """
    if isinstance(content, ReadFailure) or content.digest != key:
        return None
    image = decode_image(content.data, side=WHOLE, max_megapixels=max_megapixels)
    return None if isinstance(image, ReadFailure) else image.picture_digest
