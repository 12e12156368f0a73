"""What a search in cells finds and costs: `python benchmarks/cluster.py [ROWS]`.

Made vectors: neighbors around 2,000 middles, and noise. *Even*: every direction counts
alike, so that nothing holds a neighborhood together: the worst there is. *Falling*: the
first directions count most, as in embeddings. CPU seconds, since they say the same on a
busy machine.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.common.cpu import limited_to  # noqa: E402
from core.neighbors.knn_graph import exact_neighbors  # noqa: E402
from core.sharded_scan.cells import centers_of, present_and_home  # noqa: E402
from core.sharded_scan.searching import REACH, nearest_centers  # noqa: E402

_NEIGHBORS, _ASKED, _DIMS, _MIDDLES = 44, 500, 256, 2_000


def main(rows: int, falling: bool) -> None:
    vectors = _made(rows, falling)
    started = time.process_time()
    with limited_to(1):
        centers = centers_of(vectors)
        cells = nearest_centers(vectors, centers, min(REACH, len(centers)))
        divided = present_and_home(cells, len(centers))
        built = time.process_time() - started
        asked = np.arange(_ASKED) * rows // _ASKED
        found = np.full((rows, _NEIGHBORS), -1, np.int32)
        started, searched = time.process_time(), 0
        # As many cells as hold a quarter of all: the rest costs the same
        for present, home in divided[: max(1, len(divided) // 4)]:
            near = exact_neighbors(vectors[present], home, _NEIGHBORS).indices
            found[present[home]] = present[near]
            searched += len(home)
        each = (time.process_time() - started) / searched
        asked = asked[found[asked, 0] >= 0]
        true = exact_neighbors(vectors, asked, _NEIGHBORS).indices
    shares = [
        (true[:, :k, None] == found[asked][:, None, :k]).any(axis=2).mean()
        for k in (10, 40)
    ]
    sizes = [len(present) for present, _ in divided]
    cells_of = [f"{rows:,}", f"{len(centers):,}", f"{max(sizes):,}"]
    found_of = [f"{share:.4f}" for share in shares]
    cost = [f"{1e3 * built / rows:.3f}", f"{1e3 * each:.3f}"]
    kind = "falling" if falling else "even"
    print("|", " | ".join([kind, *cells_of, *found_of, *cost]), "|")


def _made(rows: int, falling: bool) -> np.ndarray:
    """Returns unit vectors."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((_MIDDLES, _DIMS), np.float32)
    vectors = middles[rng.integers(0, _MIDDLES, rows)]
    vectors += 0.8 * rng.standard_normal(vectors.shape, np.float32)
    if falling:
        vectors /= np.sqrt(1 + np.arange(_DIMS, dtype=np.float32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    for falling in (False, True):
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, falling)
