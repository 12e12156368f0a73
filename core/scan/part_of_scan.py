"""Some samples of a scan as a scan of their own."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..findings.label_support import ClassEvidence
from ..neighbors.knn_graph import NeighborGraph
from .image_labels import connected_groups
from .judgment import NO_SAMPLE
from .scan_data import ImageGraphs, Pairs, ScanData
from .unique_images import UniqueImages

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Record = TypeVar("Record")


def groups_of(scan_data: ScanData, accepted: Bools, *, recordings: bool) -> Ints:
    """Returns int64[n]: a number for samples that belong together, each its own else.

    Copies, and moments of one scene, however many steps apart: whoever takes all of a
    group takes whole clusters, scenes and leaks.

    Args:
        scan_data: of n samples
        accepted: bool[p], the pairs that are copies
        recordings: whether the frames of one belong together too, which may be many
    """
    pairs, images = scan_data.pairs, scan_data.sample_images
    count = len(scan_data.images.first_file)
    together = [pairs.images[accepted | pairs.scene]]
    if recordings:
        together.append(_next_frames(images, scan_data.sequences.code))
    linked = connected_groups(count, np.concatenate(together))
    # Images without a group follow those with one, and samples without an image these
    alone = np.where(linked < 0, count + np.arange(count), linked)
    own = 2 * count + np.arange(len(images))
    return np.where(images < 0, own, np.append(alone, -1)[images])


def _next_frames(images: NDArray[np.int32], code: NDArray[np.int32]) -> Pairs:
    """Returns int32[q, 2], pairs of images that hold each recording together."""
    framed = np.flatnonzero((images >= 0) & (code >= 0))
    framed = framed[np.argsort(code[framed], kind="stable")]
    pairs = np.stack([framed[:-1], framed[1:]], axis=1)
    found: Pairs = images[pairs[code[pairs[:, 0]] == code[pairs[:, 1]]]]
    return found


def part_of_scan(scan_data: ScanData, rows: Ints) -> ScanData:
    """Returns the scan of some of its samples; what was judged stays.

    Nothing is said of the set as a whole, which they are not; of a recording only the
    frames among them count.

    Args:
        scan_data: with a fixed judgment
        rows: int64[c], ascending; whole groups, see :func:`groups_of`
    """
    assert scan_data.fixed is not None
    samples, files, images = scan_data.samples, scan_data.files, scan_data.images
    known = samples.unique_file[rows]
    used_files = np.unique(known[known >= 0])
    used_images, of_file = np.unique(images.of_file[used_files], return_inverse=True)
    pairs = scan_data.pairs
    inside = np.isin(pairs.images, used_images).all(axis=1)
    kept = _rows_of(pairs, np.flatnonzero(inside))
    renumbered = np.searchsorted(used_images, kept.images).astype(np.int32)
    places = np.full(len(samples) + 1, NO_SAMPLE)
    places[rows] = np.arange(len(rows))
    fixed = _rows_of(scan_data.fixed, rows)
    return replace(
        scan_data,
        samples=replace(
            _rows_of(samples, rows),
            unique_file=np.where(known < 0, -1, np.searchsorted(used_files, known)),
            path_rank=np.argsort(np.argsort(samples.path_rank[rows])),
        ),
        files=_rows_of(files, used_files),
        images=UniqueImages(
            of_file.reshape(-1).astype(np.int32),
            images.pixel_group[used_files],
            np.searchsorted(used_files, images.first_file[used_images]),
        ),
        graphs=_no_graphs(len(used_images)),
        pairs=replace(kept, images=renumbered),
        sequences=replace(
            scan_data.sequences,
            code=scan_data.sequences.code[rows],
            place=scan_data.sequences.place[rows],
        ),
        classes=_no_evidence(len(used_images)),
        overview=None,
        inputs=replace(scan_data.inputs, proposed=None),
        trial=None,
        learned=None,
        seen=None,
        fixed=replace(
            fixed,
            **{
                name: places[getattr(fixed, name)]
                for name in ("nearest", "support", "counterexample")
            },
        ),
    )


def without_graphs(scan_data: ScanData) -> ScanData:
    """Returns the scan without what its fixed judgment replaces."""
    count = len(scan_data.images.first_file)
    return replace(
        scan_data,
        graphs=_no_graphs(count),
        classes=_no_evidence(count),
        learned=None,
        seen=None,
        overview=None,
    )


def _rows_of(record: Record, rows: NDArray[Any]) -> Record:
    """Returns some rows of all arrays of a record, and of those in it."""
    taken = {}
    for one in fields(record):  # type: ignore[arg-type]
        value = getattr(record, one.name)
        if isinstance(value, np.ndarray):
            taken[one.name] = value[rows]
        elif is_dataclass(value):
            taken[one.name] = _rows_of(value, rows)
    return replace(record, **taken)  # type: ignore[type-var]


def _no_graphs(count: int) -> ImageGraphs:
    nobody = NeighborGraph(
        np.zeros((count, 0), np.int32), np.zeros((count, 0), np.float32)
    )
    return ImageGraphs(nobody, None, 0)


def _no_evidence(count: int) -> ClassEvidence:
    return ClassEvidence(
        np.zeros((count, 0), np.int32),
        np.zeros((count, 0), np.float32),
        np.full(count, np.nan, np.float32),
    )
