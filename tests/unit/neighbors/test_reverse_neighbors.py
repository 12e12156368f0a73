import os

import numpy as np
import pytest

from core.neighbors import reverse_neighbors
from core.neighbors.graph_files import graph_in_files
from core.neighbors.knn_graph import NeighborGraph, neighbor_graph
from core.neighbors.reverse_neighbors import with_reverse_neighbors


@pytest.fixture
def vectors():
    rows = np.random.default_rng(0).standard_normal((600, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def graph_of(lists, k):
    indices = np.full((len(lists), k), -1, np.int32)
    similarities = np.full((len(lists), k), -np.inf, np.float32)
    for row, near in enumerate(lists):
        for place, (index, similarity) in enumerate(near):
            indices[row, place], similarities[row, place] = index, similarity
    return NeighborGraph(indices, similarities)


def test_who_finds_a_row_becomes_its_neighbor_where_it_is_near_enough():
    graph = graph_of([[(1, 0.9), (2, 0.5)], [(3, 0.8)], [(3, 0.7), (1, 0.6)], []], 2)

    found = with_reverse_neighbors(graph)

    assert found.indices.tolist() == [[1, 2], [0, 3], [3, 1], [1, 2]]
    expected = np.array([[0.9, 0.5], [0.9, 0.8], [0.7, 0.6], [0.8, 0.7]], np.float32)
    np.testing.assert_array_equal(found.similarities, expected, strict=True)
    assert graph.indices[3].tolist() == [-1, -1]


def test_an_exact_graph_stays_as_it_is(vectors):
    graph = neighbor_graph(vectors, 7)

    found = with_reverse_neighbors(graph)

    np.testing.assert_array_equal(found.indices, graph.indices, strict=True)
    np.testing.assert_array_equal(found.similarities, graph.similarities, strict=True)


@pytest.fixture
def with_losses(vectors):
    """A true graph, and one that lacks a third of it."""
    true = neighbor_graph(vectors, 12)
    lost = np.random.default_rng(1).random(true.indices.shape) < 0.3
    order = np.argsort(lost, axis=1, kind="stable")
    indices, similarities = (
        np.take_along_axis(np.where(lost, gone, values), order, 1)
        for values, gone in (
            (true.indices, np.int32(-1)),
            (true.similarities, np.float32(-np.inf)),
        )
    )
    return true, lost, NeighborGraph(indices, similarities)


@pytest.mark.parametrize("at_once", [64, 2**16])
def test_what_one_side_misses_the_other_brings(with_losses, at_once, monkeypatch):
    monkeypatch.setattr(reverse_neighbors, "_ROWS_AT_ONCE", at_once)
    true, lost, graph = with_losses

    found = with_reverse_neighbors(graph)

    mutual = (true.indices[true.indices] == np.arange(600)[:, None, None]).any(axis=2)
    there = (true.indices[:, :, None] == found.indices[:, None, :]).any(axis=2)
    # An edge of both ends is lost where both lost it
    assert 0.87 < there[mutual].mean() < 0.95
    assert there[~lost].all()
    assert (found.similarities[:, 1:] <= found.similarities[:, :-1]).all()


def test_rows_of_equal_likeness_stand_by_their_numbers():
    graph = graph_of([[(2, 0.5)], [(2, 0.5)], []], 1)

    assert with_reverse_neighbors(graph).indices[2].tolist() == [0]


def test_lists_in_files_that_are_completed_in_parts_are_the_same(
    with_losses, monkeypatch, tmp_path
):
    graph = with_losses[2]
    expected = with_reverse_neighbors(graph)
    monkeypatch.setattr(reverse_neighbors, "_ROWS_OFFERED", 50)

    found = with_reverse_neighbors(graph, graph_in_files(tmp_path, 600, 12))

    np.testing.assert_array_equal(found.indices, expected.indices, strict=True)
    np.testing.assert_array_equal(
        found.similarities, expected.similarities, strict=True
    )
    assert isinstance(found.indices.base, np.memmap)
    assert not list(tmp_path.iterdir()) or os.name == "nt"
