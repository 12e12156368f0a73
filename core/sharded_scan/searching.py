"""The tasks of the search: which cells a picture lies in, and its neighbors there.

Cells are the neighborhoods of centers (spherical k-means). A picture is *at home* in
the nearest and *present* in the :data:`REACH` nearest; it is asked once, at home, among
all that are present there. One cell is an exact search of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..neighbors.brute_force import largest
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, exact_neighbors
from ..progress import OnProgress
from ..scan.candidate_search import candidate_pairs
from ..storage.record_store import StoredColumn, Vectors
from .job_folder import Arrays, JobFolder
from .machine import records_of_task
from .tasks import Result

ASSIGN = f"{__name__}:assign"
SEARCH = f"{__name__}:search"

REACH = 8
"""Cells that a picture is present in. Together with who finds it, .998 of the ten
nearest are found of vectors like real ones, and .95 of those that are made to be hard
(benchmarks/cluster.md); each job measures its own share."""

_ROWS_AT_ONCE = 4096


def assign(
    folder: JobFolder,
    task: str,
    settings: Mapping[str, Any],
    arrays: Arrays,
    on_progress: OnProgress,
) -> Result:
    """Finds the cells that some pictures are present in.

    Args:
        folder: of the job
        task: its name
        settings: ``model``; ``field`` of the records
        arrays: ``files`` packed, ``positions`` int64[n], ``centers`` float32[c, d]
        on_progress: not told

    Returns:
        ``cells`` int32[n, reach], the nearest first
    """
    del task, on_progress
    vectors = _vectors(folder, settings, arrays)
    centers = arrays["centers"]
    cells = nearest_centers(vectors, centers, min(REACH, len(centers)))
    return Result({"cells": cells}, len(vectors))


def nearest_centers(
    vectors: Vectors, centers: NDArray[np.float32], reach: int
) -> NDArray[np.int32]:
    """Returns int32[n, reach], the centers of largest product, the nearest first."""
    nearest = np.empty((len(vectors), reach), np.int32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        products = to_single(vectors[some]) @ centers.T
        found = largest(products, reach)
        order = np.lexsort((found, -np.take_along_axis(products, found, 1)))
        nearest[some] = np.take_along_axis(found, order, 1)
    return nearest


def search(
    folder: JobFolder,
    task: str,
    settings: Mapping[str, Any],
    arrays: Arrays,
    on_progress: OnProgress,
) -> Result:
    """Finds the neighbors of some pictures in one cell.

    Args:
        folder: of the job
        task: its name
        settings: ``model``; ``field`` of the records; ``neighbors`` to keep;
            ``candidates``, how many of these are asked for copies, 0 for none; and
            ``min_similarity`` of copies
        arrays: ``files`` packed, ``positions`` int64[p] of those present, ``images``
            int32[p], their numbers, ascending; ``asked`` int64[q], which of them;
            ``split_holds`` bool[s, p]
        on_progress: not told

    Returns:
        ``indices`` int32[q, k] and ``similarities`` of a neighbor graph, by numbers;
        ``pairs`` int32[e, 2] that may be copies
    """
    del task, on_progress
    vectors, images, rows = (
        _vectors(folder, settings, arrays),
        arrays["images"],
        arrays["asked"],
    )
    present = vectors[np.arange(len(images))]
    graph = exact_neighbors(present, rows, settings["neighbors"])
    pairs = np.zeros((0, 2), np.int32)
    if settings["candidates"]:
        pairs = candidate_pairs(
            graph.first(settings["candidates"]),
            present,
            arrays["split_holds"],
            settings["min_similarity"],
            rows,
        )
    numbered = _numbered(graph, images)
    found = {
        "indices": numbered.indices,
        "similarities": numbered.similarities,
        "pairs": images[pairs],
    }
    return Result(found, len(rows))


def _numbered(graph: NeighborGraph, images: NDArray[np.int32]) -> NeighborGraph:
    there = graph.indices != NO_NEIGHBOR
    indices = np.where(there, images[graph.indices], NO_NEIGHBOR)
    return NeighborGraph(indices.astype(np.int32), graph.similarities)


def _vectors(
    folder: JobFolder, settings: Mapping[str, Any], arrays: Arrays
) -> StoredColumn:
    store = records_of_task(folder, settings["model"], arrays)
    return StoredColumn(store, arrays["positions"], settings["field"])
