"""The most similar rows by a graph that is improved step by step (pynndescent).

Its result depends on how many threads share the rows, so they are always two,
also on more cores or on one. Numba compiles it for 20 to 60 s in every new
process: :func:`compile_ahead` does that while something else is waited for.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores

_THREADS = 2
_EXTRA, _LEAST = 10, 51
"""Neighbors kept beyond those asked for, and, by the rows of an index, at least: of
100,000 x 256 recall@10 is 0.9926 with 31, 0.9951 with 41 and 0.9960 with 51. A query
for 15 finds as many of the five nearest as one for 31, 0.9976, in less than half of
the time."""

_MOST_CANDIDATES = 20
"""Neighbors a row compares in a step. With 50 neighbors a row, on 24,466 x 128 and
100,000 x 256 numbers, it takes a fifth less time than the package's 50 and misses
0.0007 and 0.002 more of the ten nearest. For a million rows the candidates take 0.3
instead of 1 GB."""

_LEAST_CHANGED = 0.02
"""Share of the neighbors that a last step changes; the package's 0.001 takes two
fifths more time on 200,000 x 128 and finds 0.0005 more of the ten nearest."""

_QUERY_EPSILON = 0.3
"""How far a query looks beyond what seems nearest; the package's 0.1 misses
a twelfth of what lone queries should find."""

_SEED = 0
_TRIED_ROWS, _TRIED_DIMS = 1_000, 16

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]

_compiling: threading.Thread | None = None


def compile_ahead() -> None:
    """Compiles in the background; the next search waits for the rest of it."""
    global _compiling
    if _compiling is None:
        # A daemon: who stops a scan does not wait for it
        _compiling = threading.Thread(
            target=_compile, name="winnow-compile", daemon=True
        )
        _compiling.start()


def nearly_most_similar(data: Floats, queries: Floats | None, k: int) -> Indices:
    """Finds nearly all of the k rows nearest to each query.

    Args:
        data: float32[n, d], unit rows
        queries: float32[q, d], unit rows; None asks for each row of ``data``
        k: rows a query, less than n

    Returns:
        int32[q, k or more], nearest first, -1 where too few were found
    """
    # Numba's threads are not to be started by two at once
    if _compiling is not None:
        _compiling.join()
    wanted = min(k + _EXTRA, len(data) - 1)
    index = _index(data, min(max(wanted, _LEAST), len(data) - 1))
    if queries is None:
        nearest_first = index.neighbor_graph[0]
    else:
        nearest_first = index.query(queries, k=wanted, epsilon=_QUERY_EPSILON)[0]
    return np.asarray(nearest_first, np.int32)


def _compile() -> None:
    """Searches a few random rows: what is compiled does not depend on them."""
    rows = np.random.default_rng(_SEED).random((_TRIED_ROWS, _TRIED_DIMS), np.float32)
    _index(rows, _LEAST)


def _index(data: Floats, neighbors: int) -> Any:
    # Numba starts its threads once, as many as there are cores, unless told
    # before it is imported
    if available_cores() < _THREADS and "numba" not in sys.modules:
        os.environ.setdefault("NUMBA_NUM_THREADS", str(_THREADS))
    import numba
    from pynndescent import NNDescent

    return NNDescent(
        data,
        metric="euclidean",
        n_neighbors=neighbors,
        max_candidates=_MOST_CANDIDATES,
        delta=_LEAST_CHANGED,
        random_state=_SEED,
        parallel_batch_queries=True,
        n_jobs=min(_THREADS, numba.get_num_threads()),
    )
