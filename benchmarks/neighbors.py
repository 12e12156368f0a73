"""Where approximate search overtakes exact search, and how much it misses.

    python benchmarks/neighbors.py

Vectors are mixtures of the default model's embeddings of the demo pictures: 256
numbers for copies, 1,280 for looks, which brute force may search by their principal
components. Each search runs in a process of its own, so that
pynndescent's compile time counts, as it does for a user. Writes neighbors.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from importlib import metadata
from itertools import product
from pathlib import Path

import numpy as np
from measuring import instructions, peak_megabytes

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "cli")]

SIZES = (25_000, 50_000, 100_000, 120_000, 200_000)
MOST_WORK = 4e12
"""Products of two numbers up to which the exact search is tried, too."""

WAYS = {"exact": True, "brute force": None, "graph": False}
QUERIES = 2_000
K = 10
WORK = Path(os.environ.get("TMPDIR", "/tmp")) / "winnow-neighbors"


def make_vectors() -> None:
    from demo_images import make_demo_images

    from core.models.registry import load_embedder
    from core.reading.decode import DecodedImage, decode_image

    images = make_demo_images(ROOT / "winnow-demo")
    pictures = [
        decode_image(path.read_bytes(), side=128, max_megapixels=64)
        for path in sorted(images.rglob("*.*"))
    ]
    squares = [p.square(128) for p in pictures if isinstance(p, DecodedImage)]
    heads = load_embedder().open_session()(np.stack(squares))
    for base in heads:
        make_vectors_like(base)


def make_vectors_like(base: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for size in SIZES:
        a, b = base[rng.integers(0, len(base), (2, size))]
        share = rng.uniform(0.5, 1, (size, 1))
        rows = share * a + (1 - share) * b
        rows += rng.normal(0, 0.5 / np.sqrt(rows.shape[1]), rows.shape)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        np.save(WORK / f"{size}-{rows.shape[1]}.npy", rows.astype(np.float16))


def search(size: int, dims: int, way: str) -> None:
    """Runs in a child: prints what one search took and found."""
    from core.neighbors.knn_graph import nearest, neighbor_graph

    vectors = np.load(WORK / f"{size}-{dims}.npy")
    used = time.process_time()
    graph = neighbor_graph(vectors, K, exact=WAYS[way])
    cpu = time.process_time() - used
    rows = np.arange(0, size, size // QUERIES)
    true = nearest(vectors, vectors[rows], K + 1, exact=True).indices[:, 1:]
    hits = sum(
        len(np.intersect1d(found, wanted))
        for found, wanted in zip(graph.indices[rows], true, strict=True)
    )
    print(json.dumps([cpu, hits / true.size, peak_megabytes()]))


def main() -> None:
    WORK.mkdir(exist_ok=True)
    make_vectors()
    lines = [
        "# Exact and approximate search",
        "",
        f"{date.today()}, `python benchmarks/neighbors.py`, {os.cpu_count()} cores, "
        f"{instructions()}, pynndescent {metadata.version('pynndescent')}, k = {K}. "
        "Each search in a new process: compiling is included. Brute force searches "
        "1,280 numbers by 128 principal components above 75,000 vectors. Absolute "
        "times belong to this machine; compare the rows.",
        "",
        "| vectors | numbers | search | CPU s | recall@10 | peak MB |",
        "| --: | --: | :-- | --: | --: | --: |",
    ]
    for size, dims, way in product(SIZES, (256, 1280), WAYS):
        if way == "exact" and size**2 * dims > MOST_WORK:
            continue
        command = [sys.executable, __file__, str(size), str(dims), way]
        output = subprocess.run(command, capture_output=True, check=True).stdout
        cpu, recall, peak = json.loads(output)
        row = f"| {size:,} | {dims:,} | {way} | {cpu:.1f} | {recall:.4f} |"
        lines.append(f"{row} {peak:,.0f} |")
        print(lines[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        search(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    else:
        main()
