"""What selected images are worth for training, beside other ways to select.

    python benchmarks/selection.py FOLDER

FOLDER holds a folder a class. Prints the accuracy of a linear classifier on a quarter
of the images, learned from some of 3,000 others: mean of five draws, and the difference
from as many random images with its 95 % interval.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.curation.select import representative_order  # noqa: E402
from core.embedding.embed import embed_images  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import neighbor_graph  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402
from core.storage.cache import cache_folder  # noqa: E402

BUDGETS, DRAWS, POOL = (30, 100, 300), 5, 3000
_WITHIN = 2.776
"""Quantile of Student's distribution for five draws."""

Floats = NDArray[np.float32]


def read(folder: Path) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Returns features, the same reduced for learning, and the classes."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    table = embed_images(
        [os.fsencode(path) for path in paths],
        load_embedder(),
        folder=cache_folder(),
        max_megapixels=100,
    )
    images = unique_images(table)
    rows = table.rows()[images.groups.first_file]
    features = np.asarray(images.features[np.arange(len(images))]).astype(np.float32)
    centered = features - features.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(centered[::4].T))
    reduced = centered @ axes[:, -128:] / np.sqrt(values[-128:].mean())
    classes = np.array([paths[row].parent.name for row in rows])
    return features, reduced.astype(np.float32), classes


def uniqueness(features: Floats) -> NDArray[np.int64]:
    """Returns the rows by FiftyOne Brain's uniqueness, most unique first.

    The formula of fiftyone-brain 0.25: a weighted mean of the distances to the second,
    third and fourth nearest neighbors.
    """
    graph = neighbor_graph(features, 4)
    distance = np.sqrt(np.maximum(2 - 2 * graph.similarities[:, 1:4], 0))
    return np.argsort(-(distance * [0.6, 0.3, 0.1]).mean(axis=1))


def k_center(features: Floats, count: int) -> NDArray[np.int64]:
    """Returns the rows in the order of the greedy k-center of Gonzalez (1985)."""
    row = int((features @ features.mean(axis=0)).argmax())
    similarity = features @ features[row]
    chosen = [row]
    while len(chosen) < count:
        similarity[row] = np.inf
        row = int(similarity.argmin())
        chosen.append(row)
        np.maximum(similarity, features @ features[row], out=similarity)
    return np.array(chosen)


def ways(
    features: Floats, reduced: Floats, codes: NDArray[np.int32], seed: int
) -> dict[str, dict[int, NDArray[np.int64]]]:
    """Returns the rows that each way selects, by how many."""
    every = np.ones(len(features), bool)
    flags = {"may_be_chosen": every, "counts": every, "given": ~every}
    graph, most = neighbor_graph(features, 40), max(BUDGETS)
    orders = {
        "random": np.random.default_rng(seed).permutation(len(features)),
        "select": representative_order(graph, most, **flags),
        "select, balanced": representative_order(graph, most, stratum=codes, **flags),
        "k-center": k_center(features, most),
        "uniqueness": uniqueness(features),
    }
    found = {name: {n: order[:n] for n in BUDGETS} for name, order in orders.items()}
    found["k-means"] = {}
    for n in BUDGETS:
        means = MiniBatchKMeans(n, random_state=seed, n_init=1).fit(reduced)
        found["k-means"][n] = np.unique(means.transform(reduced).argmin(axis=0))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    features, reduced, classes = read(parser.parse_args().folder)
    is_test = np.arange(len(features)) % 4 == 0
    scores: dict[tuple[str, int], list[float]] = defaultdict(list)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        others = np.flatnonzero(~is_test)
        pool = rng.choice(others, min(POOL, len(others)), replace=False)
        codes = np.unique(classes[pool], return_inverse=True)[1].astype(np.int32)
        for name, chosen in ways(features[pool], reduced[pool], codes, seed).items():
            for n, rows in chosen.items():
                model = LogisticRegression(C=0.05, max_iter=100)
                model.fit(reduced[pool[rows]], classes[pool[rows]])
                score = model.score(reduced[is_test], classes[is_test])
                scores[name, n].append(score)
    for (name, n), found in sorted(scores.items(), key=lambda one: one[0][1]):
        more = np.array(found) - scores["random", n]
        reach = _WITHIN * more.std(ddof=1) / np.sqrt(DRAWS)
        print(f"{n:4} {name:17} {np.mean(found):.3f} {more.mean():+.3f} ± {reach:.3f}")


if __name__ == "__main__":
    main()
