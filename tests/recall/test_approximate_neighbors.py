"""The approximate search against the exact one. Compiles for about a minute."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.neighbors.knn_graph import NO_NEIGHBOR, nearest, neighbor_graph
from core.neighbors.nn_descent import compile_ahead

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def vectors():
    return make_vectors()


def make_vectors():
    # Clusters larger than k, as bursts of one scene make them, and lone rows
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(400, 64))
    rows = np.concatenate(
        [center + 0.4 * rng.normal(size=(10, 64)) for center in centers]
        + [centers[0] + 0.05 * rng.normal(size=(60, 64)), rng.normal(size=(500, 64))]
    )
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def recall(found, true):
    hits = [len(np.intersect1d(f, t)) for f, t in zip(found, true, strict=True)]
    return sum(hits) / true.size


def test_it_finds_nearly_all_and_the_same_each_time(vectors):
    exact = neighbor_graph(vectors, 10, exact=True)

    first = neighbor_graph(vectors, 10, exact=False)
    second = neighbor_graph(vectors, 10, exact=False)

    assert recall(first.indices, exact.indices) >= 0.98
    assert np.array_equal(first.indices, second.indices)
    assert (first.indices != NO_NEIGHBOR).all()
    assert (first.indices != np.arange(len(vectors))[:, None]).all()


def test_queries_find_nearly_all(vectors):
    index, queries = vectors[::2], vectors[1::2]
    exact = nearest(index, queries, 5, exact=True)

    found = nearest(index, queries, 5, exact=False)

    assert recall(found.indices, exact.indices) >= 0.98


def test_of_wide_vectors_it_finds_nearly_all_of_the_forty_nearest():
    # Of few directions, as embeddings are, and noise in all others
    rng = np.random.default_rng(5)
    scale = 1 / np.sqrt(np.arange(1, 601))
    rows = rng.normal(size=(6_000, 600)) * scale
    rows[3_000:] = rows[:3_000] + 0.5 * rng.normal(size=(3_000, 600)) * scale
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    true = np.argsort(-(rows.astype(np.float32) @ rows.T.astype(np.float32)), axis=1)
    true = np.array(
        [[n for n in near if n != row][:40] for row, near in enumerate(true[:, :41])]
    )

    graph = neighbor_graph(rows, 40, exact=False)

    assert recall(graph.indices[:, :10], true[:, :10]) >= 0.98
    assert recall(graph.indices, true) >= 0.95


def digest(graph):
    parts = graph.indices.tobytes() + graph.similarities.tobytes()
    return hashlib.sha256(parts).hexdigest()


def test_compiling_ahead_changes_neither_the_result_nor_the_random_state(vectors):
    before = digest(neighbor_graph(vectors, 10, exact=False))
    np.random.seed(7)
    drawn = np.random.random(3).tolist()
    np.random.seed(7)

    compile_ahead()
    after = digest(neighbor_graph(vectors, 10, exact=False))

    assert after == before
    assert np.random.random(3).tolist() == drawn


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="NOT TESTED: Linux")
def test_one_core_finds_what_all_cores_find(vectors):
    job = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from tests.recall import test_approximate_neighbors as test\n"
        "graph = test.neighbor_graph(test.make_vectors(), 10, exact=False)\n"
        "print(test.digest(graph))"
    )
    found = subprocess.run(
        [sys.executable, "-c", job], cwd=ROOT, capture_output=True, check=True
    )

    graph = neighbor_graph(vectors, 10, exact=False)

    assert found.stdout.decode().strip() == digest(graph)
