"""Neighbor graphs that lie in files: of more rows than a process should hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..common.writable import check_writable
from .knn_graph import NeighborGraph

_BYTES_A_NEIGHBOR = 8


def graph_in_files(folder: Path, rows: int, k: int) -> NeighborGraph:
    """Returns room for a graph; the system keeps in memory what there is space for.

    The files have no names and are gone with the graph, also when the process is
    killed.

    Args:
        folder: on a disk with 8 bytes a neighbor to spare
        rows: of the graph
        k: neighbors a row

    Raises:
        InputError: its disk has too little room. A file that is mapped takes its room
            page after page, and the process would be killed where a page finds none.
    """
    check_writable(
        folder,
        "The folder for lists of neighbors",
        "Free some space, or put the job's folder on a larger disk, and run the same "
        "command again: it goes on where it stopped.",
        free=_BYTES_A_NEIGHBOR * rows * k,
    )

    def mapped(dtype: DTypeLike) -> NDArray[Any]:
        with tempfile.TemporaryFile(dir=folder) as file:
            # A plain array: each slice of a memmap would be one, which is slow
            return np.asarray(np.memmap(file, dtype, "w+", shape=(rows, k)))

    return NeighborGraph(mapped(np.int32), mapped(np.float32))
