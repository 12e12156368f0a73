"""What a search in cells finds and costs, of made vectors of several kinds.

    python benchmarks/cluster_cells.py KIND ROWS [--records OUT/records]

*real*: between a vector of a job's records and one of its ten nearest, with noise, as
scale.py makes them; *real features*: the same of 1,280 numbers. The others are made of
nothing: *clustered*, around 2,000 middles with little noise; *even*, with much, so that
nothing holds a neighborhood together; *falling*, likewise, but the first directions
count most; *uniform*, all over a sphere of 16 dimensions.

Vectors lie in a file in half precision, and are made and divided in pieces: a call that
was stopped goes on. CPU seconds of one thread, since they say the same on a busy
machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.common.cpu import limited_to  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import exact_neighbors, neighbor_graph  # noqa: E402
from core.sharded_scan.cells import centers_of, present_and_home  # noqa: E402
from core.sharded_scan.searching import REACH, nearest_centers  # noqa: E402

KINDS = ("real", "real features", "clustered", "even", "falling", "uniform")
_NEIGHBORS, _ASKED, _TIMED = 44, 500, 8
_DIMS, _MIDDLES, _SPHERE = 256, 2_000, 16
_PIECE, _ROWS_AT_ONCE = 250_000, 20_000
_REAL_ROWS = 25_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("rows", type=int)
    parser.add_argument("--records", type=Path)
    options = parser.parse_args()
    name = f"winnow-cells-{options.kind.replace(' ', '-')}-{options.rows}"
    work = Path(tempfile.gettempdir()) / name
    work.mkdir(exist_ok=True)
    with limited_to(1):
        vectors = made(options.kind, options.rows, options.records, work)
        print(measured(options.kind, vectors, work))


def measured(kind: str, vectors: np.ndarray, work: Path) -> str:
    """Returns a row of the table."""
    rows = len(vectors)
    centers, cells, dividing = divided(vectors, work)
    parts = present_and_home(cells, len(centers))
    sizes = [len(present) for present, _ in parts]
    rng = np.random.default_rng(1)
    asked = np.sort(rng.choice(rows, min(_ASKED, rows), replace=False))
    true = exact_neighbors(vectors, asked, 40)
    near = true.indices
    # Whom the rows find, and whom those find that should
    found = lists(vectors, parts, cells[:, 0], np.unique([*asked, *near.ravel()]))
    own = (near[:, :, None] == found(asked)[:, None, :]).any(axis=2)
    their = (found(near.ravel()) == np.repeat(asked, 40)[:, None]).any(axis=1)
    either = own | their.reshape(near.shape)
    alike = true.similarities >= load_embedder().min_candidate_similarity
    shares = [own[:, :10], own, either[:, :10], either]
    numbers = [f"{share.mean():.4f}" for share in shares]
    numbers.append(f"{either[alike].mean():.4f}" if alike.any() else "none")
    parts_of = [
        f"{rows:,} x {vectors.shape[1]:,}",
        f"{len(parts):,}",
        f"{max(sizes):,}",
    ]
    searching = 1e3 * cost(vectors, parts)
    cells_of = [kind, *parts_of, *numbers, f"{dividing:.3f}", f"{searching:.3f}"]
    return f"| {' | '.join(cells_of)} |"


def divided(vectors: np.ndarray, work: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns the centers, the cells of each row and CPU-ms a row; keeps pieces."""
    if not (work / "centers.npy").exists():
        began = time.process_time()
        centers = centers_of(vectors)
        note(work, "centers", time.process_time() - began)
        np.save(work / "centers.npy", centers)
    centers = np.load(work / "centers.npy")
    pieces = []
    for start in range(0, len(vectors), _PIECE):
        file = work / f"cells-{start}.npy"
        if not file.exists():
            began = time.process_time()
            piece = vectors[start : start + _PIECE]
            cells = nearest_centers(piece, centers, REACH)
            note(work, file.stem, time.process_time() - began)
            np.save(file, cells)
        pieces.append(np.load(file))
    took = json.loads((work / "seconds.json").read_text())
    return centers, np.concatenate(pieces), 1e3 * sum(took.values()) / len(vectors)


def note(work: Path, step: str, seconds: float) -> None:
    """Keeps what a step took, for a call that goes on."""
    file = work / "seconds.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({**known, step: seconds}))


def lists(vectors, parts, home, rows):  # type: ignore[no-untyped-def]
    """Returns what gives the lists of some rows, each searched in its home cell."""
    found = np.full((len(rows), _NEIGHBORS), -1, np.int32)
    for cell in np.unique(home[rows]).tolist():
        present = parts[cell][0]
        mine = np.flatnonzero(home[rows] == cell)
        places = np.searchsorted(present, rows[mine])
        near = exact_neighbors(vectors[present], places, _NEIGHBORS).indices
        found[mine] = np.where(near >= 0, present[near], -1)
    return lambda some: found[np.searchsorted(rows, some)]


def cost(vectors, parts):  # type: ignore[no-untyped-def]
    """Returns CPU seconds a row of some cells, spread over all, searched in full."""
    some = parts[:: max(1, len(parts) // _TIMED)]
    began = time.process_time()
    for present, home in some:
        exact_neighbors(vectors[present], home, _NEIGHBORS)
    return (time.process_time() - began) / sum(len(home) for _, home in some)


def made(kind: str, rows: int, records: Path | None, work: Path) -> np.ndarray:
    """Returns unit rows, float16, in a file."""
    ready = work / "ready"
    started = int(ready.read_text()) if ready.exists() else 0
    file = work / "vectors.npy"
    if started == rows:
        return np.load(file, mmap_mode="r")
    real = real_vectors(kind, records) if kind.startswith("real") else None
    dims = _DIMS if real is None else real.shape[1]
    near = None if real is None else neighbor_graph(real, 10).indices
    shape = (rows, dims)
    mode = "r+" if started else "w+"
    vectors = np.lib.format.open_memmap(file, mode, np.float16, shape)
    for start in range(started, rows, _ROWS_AT_ONCE):
        some = min(_ROWS_AT_ONCE, rows - start)
        piece = (
            mixed(real, near, some, start)
            if real is not None and near is not None
            else drawn(kind, some, start)
        )
        vectors[start : start + some] = piece / np.linalg.norm(piece, axis=1)[:, None]
        ready.write_text(str(start + some))
    vectors.flush()
    return np.load(file, mmap_mode="r")


def real_vectors(kind: str, records: Path | None) -> np.ndarray:
    """Returns float32[r, d] of a job's records."""
    import pyarrow.parquet as pq

    if records is None:
        raise SystemExit(f"{kind}: name the records of a job, --records OUT/records")
    field = "features" if kind == "real features" else "copy"
    column = pq.read_table(records, columns=[field])[field].combine_chunks()
    size = column.type.list_size
    every = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, size)
    some = np.random.default_rng(0).permutation(len(every))[:_REAL_ROWS]
    return every[some].astype(np.float32)


def mixed(real: np.ndarray, near: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Makes rows as scale.py does."""
    rng = np.random.default_rng(seed)
    one = rng.integers(0, len(real), count)
    other = near[one, rng.integers(0, near.shape[1], count)]
    share = rng.uniform(0, 0.5, (count, 1)).astype(np.float32)
    loud = 0.5 * rng.uniform(0, 1, (count, 1)).astype(np.float32)
    row = real[one] * (1 - share) + real[other] * share
    # Half of the noise where the numbers are: features are not negative
    row += loud * rng.standard_normal(row.shape, np.float32) * np.abs(row)
    return row


def drawn(kind: str, count: int, seed: int) -> np.ndarray:
    """Draws rows of nothing real."""
    fixed, rng = np.random.default_rng(0), np.random.default_rng(1 + seed)
    if kind == "uniform":
        axes = np.linalg.qr(fixed.standard_normal((_DIMS, _SPHERE)))[0]
        return rng.standard_normal((count, _SPHERE), np.float32) @ axes.T
    middles = fixed.standard_normal((_MIDDLES, _DIMS), np.float32)
    noise = 0.3 if kind == "clustered" else 0.8
    rows = middles[rng.integers(0, _MIDDLES, count)]
    rows += noise * rng.standard_normal(rows.shape, np.float32)
    if kind == "falling":
        rows /= np.sqrt(1 + np.arange(_DIMS, dtype=np.float32))
    return rows


if __name__ == "__main__":
    main()
