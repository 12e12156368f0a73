"""The approximate search against the exact one. Compiles for about a minute."""

import numpy as np
import pytest

from core.neighbors import NO_NEIGHBOR, nearest, neighbor_graph

pytestmark = pytest.mark.recall


@pytest.fixture(scope="module")
def vectors():
    # Clusters larger than k, as bursts of one scene make them, and lone rows
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(400, 64))
    rows = np.concatenate(
        [centre + 0.4 * rng.normal(size=(10, 64)) for centre in centres]
        + [centres[0] + 0.05 * rng.normal(size=(60, 64)), rng.normal(size=(500, 64))]
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
