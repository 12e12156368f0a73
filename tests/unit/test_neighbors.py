import numpy as np
import pytest

from core.neighbors import NO_NEIGHBOR, nearest, neighbor_graph


def unit_vectors(count, dims=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, dims))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbours_are_sorted_and_never_the_row_itself():
    graph = neighbor_graph(unit_vectors(200), 10)

    assert graph.indices.shape == (200, 10)
    assert (graph.indices != np.arange(200)[:, None]).all()
    assert (np.diff(graph.similarities, axis=1) <= 0).all()


def test_they_are_what_a_naive_search_finds():
    vectors = unit_vectors(300)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -2)

    graph = neighbor_graph(vectors, 7)

    assert np.array_equal(graph.indices, np.argsort(-cosine, axis=1)[:, :7])
    assert np.allclose(
        graph.similarities, np.sort(cosine, axis=1)[:, :-8:-1], atol=1e-6
    )


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_small_set_is_padded(count):
    graph = neighbor_graph(unit_vectors(count), 10)

    assert graph.indices.shape == (count, 10)
    assert ((graph.indices >= 0).sum(axis=1) == max(count - 1, 0)).all()
    assert (graph.indices[:, max(count - 1, 0) :] == NO_NEIGHBOR).all()
    assert np.isneginf(graph.similarities[:, max(count - 1, 0) :]).all()


def test_a_query_may_find_itself_in_another_set():
    vectors = unit_vectors(50)

    graph = nearest(vectors, vectors[[3, 30]], 2)

    assert graph.indices[:, 0].tolist() == [3, 30]
    assert graph.similarities[:, 0] == pytest.approx([1, 1])


def test_equal_similarities_come_in_the_order_of_their_rows():
    vectors = np.eye(6, dtype=np.float32)

    graph = neighbor_graph(vectors, 5)

    for row in range(6):
        assert graph.indices[row].tolist() == [n for n in range(6) if n != row]


def test_half_precision_is_enough():
    vectors = unit_vectors(300, 64)

    half = neighbor_graph(vectors.astype(np.float16), 3)
    full = neighbor_graph(vectors, 3)

    assert (half.indices[:, 0] == full.indices[:, 0]).mean() > 0.97
