"""Lists that take in what is new are those of a search from nothing."""

import numpy as np
import pytest

from core.neighbors import incremental
from core.neighbors.incremental import SPARE_NEIGHBORS, updated_graph
from core.neighbors.knn_graph import NO_NEIGHBOR, neighbor_graph


def unit_vectors(count, dims=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, dims))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def updated(vectors, k, was, stays, spare=SPARE_NEIGHBORS):
    """Searches the rows that were there, then brings the lists up to date.

    Returns the lists, and those of a search from nothing.
    """
    before, after = np.flatnonzero(was), np.flatnonzero(stays)
    known = neighbor_graph(vectors[before], k)
    place = np.full(len(vectors), -1)
    place[before] = np.arange(len(before))
    graph = updated_graph(vectors[after], k, known, place[after], spare=spare)
    return graph, neighbor_graph(vectors[after], k)


def rows(count, left_out=()):
    here = np.ones(count, bool)
    here[list(left_out)] = False
    return here


def same(graph, anew, k):
    return np.array_equal(graph.indices[:, :k], anew.indices[:, :k]) and np.allclose(
        graph.similarities[:, :k], anew.similarities[:, :k], atol=1e-6
    )


def test_new_rows_enter_the_lists_of_others_and_get_their_own():
    graph, anew = updated(
        unit_vectors(500), 12, rows(500, range(0, 500, 50)), rows(500)
    )

    assert same(graph, anew, 12)


def test_a_row_that_is_gone_is_in_no_list():
    gone = range(0, 500, 100)
    graph, anew = updated(unit_vectors(500), 12, rows(500), rows(500, gone))

    assert same(graph, anew, 12 - SPARE_NEIGHBORS)
    # What comes after those that are left nobody looked for
    assert (graph.indices == NO_NEIGHBOR).any()


def test_a_row_that_lost_more_than_it_can_spare_is_searched_again():
    vectors = unit_vectors(500)
    gone = neighbor_graph(vectors, 6).indices[0]

    graph, anew = updated(vectors, 12, rows(500), rows(500, gone))

    assert same(graph, anew, 12 - SPARE_NEIGHBORS)


def test_what_is_new_takes_the_place_of_what_is_gone_only_where_it_is_sure():
    """Behind the last that was known may stand others, nearer than the new row."""
    vectors = unit_vectors(300, dims=4)
    was, stays = rows(300, range(0, 20)), rows(300, range(280, 300))

    graph, anew = updated(vectors, 9, was, stays)

    assert same(graph, anew, 9 - SPARE_NEIGHBORS)


def test_many_copies_of_one_new_picture_fill_the_lists_they_belong_to():
    vectors = unit_vectors(400)
    rng = np.random.default_rng(1)
    vectors[:60] = vectors[100] + 0.01 * rng.normal(size=(60, 16))
    vectors[:60] /= np.linalg.norm(vectors[:60], axis=1, keepdims=True)

    graph, anew = updated(vectors, 20, rows(400, range(60)), rows(400))

    assert set(graph.indices[100]) <= set(range(60))
    assert same(graph, anew, 20)


def test_equal_similarities_come_in_the_order_of_their_rows():
    vectors = np.repeat(unit_vectors(40), 10, axis=0)

    graph, anew = updated(vectors, 12, rows(400, range(0, 400, 40)), rows(400))

    assert same(graph, anew, 12 - SPARE_NEIGHBORS)


@pytest.mark.parametrize("count", [6, 9, 14])
def test_lists_of_a_small_set_hold_all_others(count):
    graph, anew = updated(unit_vectors(count), 12, rows(count, [2]), rows(count))

    assert same(graph, anew, 12)


def test_where_nothing_changed_nothing_is_computed(monkeypatch):
    monkeypatch.setattr(incremental, "_meet", None)
    monkeypatch.setattr(incremental, "ranked", None)

    graph, anew = updated(unit_vectors(200), 12, rows(200), rows(200))

    assert same(graph, anew, 12)


def test_fewer_neighbors_than_before_are_the_first_of_them():
    vectors = unit_vectors(200)
    known = neighbor_graph(vectors, 12)

    graph = updated_graph(vectors, 5, known, np.arange(200))

    assert same(graph, known, 5)


def test_where_too_much_is_new_or_gone_a_search_pays_more():
    vectors = unit_vectors(200)

    assert updated(vectors, 12, rows(200, range(50)), rows(200))[0] is None
    assert updated(vectors, 12, rows(200), rows(200, range(150)))[0] is None


@pytest.mark.slow
@pytest.mark.parametrize("changed", [range(0, 5000, 100), range(0, 5000, 20)])
def test_long_vectors_meet_by_their_principal_components(monkeypatch, changed):
    rng = np.random.default_rng(0)
    # As embeddings are: most of the spread in few of many directions
    spread = 1 / np.sqrt(1 + np.arange(600))
    vectors = rng.normal(size=(5000, 600)) * spread
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(np.float32)
    monkeypatch.setattr(incremental, "_MOST_WORK", 0)

    added, anew = updated(vectors, 14, rows(5000, changed), rows(5000))
    removed, without = updated(vectors, 14, rows(5000), rows(5000, changed))

    for graph, full in ((added, anew), (removed, without)):
        found = [len(set(a) & set(b)) for a, b in zip(graph.indices, full.indices)]
        assert np.mean(found) > 9.9
    exact = neighbor_graph(vectors.astype(np.float32)[:, :600], 10)
    assert added.similarities[:, 9].mean() >= exact.similarities[:, 9].mean() - 1e-4
