"""Neighbor graphs that lie in files: of more rows than a process should hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .knn_graph import NeighborGraph


def graph_in_files(folder: Path, rows: int, k: int) -> NeighborGraph:
    """Returns room for a graph; the system keeps in memory what there is space for.

    The files have no names and are gone with the graph, also when the process is
    killed.

    Args:
        folder: on a disk with 8 bytes a neighbor to spare
        rows: of the graph
        k: neighbors a row
    """
    folder.mkdir(parents=True, exist_ok=True)

    def mapped(dtype: DTypeLike) -> NDArray[Any]:
        with tempfile.TemporaryFile(dir=folder) as file:
            # A plain array: each slice of a memmap would be one, which is slow
            return np.asarray(np.memmap(file, dtype, "w+", shape=(rows, k)))

    return NeighborGraph(mapped(np.int32), mapped(np.float32))
