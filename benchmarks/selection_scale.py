"""How long it takes to select images from a million, and what memory it needs.

    python benchmarks/selection_scale.py [--rows 1000000] [--chosen 100000]

The vectors are made: clouds of a hundred around random centers, some of them one more
rare than the next. Their neighbors are searched within the clouds, exactly; a scan has
stored them when a selection begins.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import own_megabytes, peak_megabytes  # noqa: E402

from core.curation.select import representative_order  # noqa: E402
from core.findings.label_support import VOTERS  # noqa: E402
from core.neighbors.knn_graph import NeighborGraph  # noqa: E402

CLOUD, DIMENSIONS = 100, 16


def made_graph(rows: int, random: np.random.Generator) -> NeighborGraph:
    """Returns the neighbors of made vectors, nearest first."""
    indices = np.empty((rows, VOTERS), np.int32)
    similarities = np.empty((rows, VOTERS), np.float32)
    own = np.arange(CLOUD)
    for start in range(0, rows, CLOUD):
        center = random.normal(size=DIMENSIONS)
        spread = random.uniform(0.2, 1)
        vectors = center + spread * random.normal(size=(CLOUD, DIMENSIONS))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        similarity = vectors @ vectors.T
        similarity[own, own] = -np.inf
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :VOTERS]
        part = slice(start, start + CLOUD)
        indices[part] = start + nearest
        similarities[part] = np.take_along_axis(similarity, nearest, 1)
    return NeighborGraph(indices, similarities)


def flags(rows: int) -> dict[str, NDArray[np.bool_]]:
    every = np.ones(rows, bool)
    return {"may_be_chosen": every, "counts": every, "given": ~every}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--chosen", type=int, default=100_000)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    graph = made_graph(options.rows, random)
    before = own_megabytes()
    for strata in (1, 10):
        stratum = random.integers(0, strata, options.rows).astype(np.int32)
        started, cpu = time.perf_counter(), time.process_time()
        chosen = representative_order(
            graph, options.chosen, stratum=stratum, **flags(options.rows)
        )
        print(
            f"{len(chosen):,} of {options.rows:,}, {strata} strata: "
            f"{time.perf_counter() - started:.0f} s, "
            f"{time.process_time() - cpu:.0f} CPU seconds, peak memory "
            f"{peak_megabytes() / 1024:.1f} GB, {before / 1024:.1f} before",
            flush=True,
        )


if __name__ == "__main__":
    main()
