import numpy as np
import pytest

from core.neighbors import int8_search, knn_graph
from core.neighbors.int8_search import probably_most_similar
from core.neighbors.knn_graph import (
    exact_neighbors,
    nearest,
    nearest_above,
    neighbor_graph,
)


def unit_rows(rows, dims, seed=0, spread=1.0):
    """Rows around one direction: the smaller the spread, the more alike."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=dims) + spread * rng.normal(size=(rows, dims))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.mark.parametrize("dims", [2, 64, 1280])
@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0])
def test_no_other_row_is_more_similar_than_it_says(dims, spread):
    vectors, queries = unit_rows(900, dims, 0, spread), unit_rows(70, dims, 1, spread)

    found, reach = probably_most_similar(vectors, queries, 30)

    products = queries @ vectors.T
    np.put_along_axis(products, found, -np.inf, axis=1)
    assert found.shape == (70, 30)
    assert (products.max(axis=1) <= reach).all()


def test_all_rows_found_leave_none_to_fear():
    vectors = unit_rows(20, 16)

    found, reach = probably_most_similar(vectors, vectors[:3], 20)

    assert (np.sort(found, axis=1) == np.arange(20)).all()
    assert np.isneginf(reach).all()


def test_zero_vectors_are_like_nothing():
    vectors = np.zeros((50, 8), np.float32)

    found, reach = probably_most_similar(vectors, vectors[:2], 5)

    assert found.shape == (2, 5) and np.isfinite(reach).all()


def test_parts_of_the_rows_do_not_change_what_is_found(monkeypatch):
    vectors = unit_rows(1000, 32)
    whole, reach = probably_most_similar(vectors, vectors, 12)

    monkeypatch.setattr("core.neighbors.int8_search._PART", 32 * 170)
    parts, reach_of_parts = probably_most_similar(vectors, vectors, 12)

    assert np.array_equal(reach, reach_of_parts)
    same = np.sort(whole, axis=1) == np.sort(parts, axis=1)
    assert same.mean() > 0.99  # Ties of the last place aside


def count_precise(monkeypatch):
    """Returns a list to which each precise search adds its number of queries."""
    asked = []
    precise = knn_graph.most_similar

    def counted(vectors, queries, k):
        asked.append(len(queries))
        return precise(vectors, queries, k)

    monkeypatch.setattr(knn_graph, "most_similar", counted)
    return asked


@pytest.mark.parametrize(("dims", "spread"), [(3, 0.3), (64, 0.003), (256, 1.0)])
def test_integers_and_single_precision_give_the_same_lists(monkeypatch, dims, spread):
    vectors, queries = unit_rows(2500, dims, 0, spread), unit_rows(90, dims, 1, spread)
    asked = count_precise(monkeypatch)
    graph, found = neighbor_graph(vectors, 20), nearest(vectors, queries, 20)
    again = sum(asked)
    monkeypatch.setattr(knn_graph, "_INTEGERS_ABOVE", 10_000)

    wanted, found_precisely = neighbor_graph(vectors, 20), nearest(vectors, queries, 20)

    assert np.array_equal(graph.indices, wanted.indices)
    assert np.array_equal(graph.similarities, wanted.similarities)
    assert np.array_equal(found.indices, found_precisely.indices)
    # Pictures that are all alike cannot be told apart by integers
    assert (again > 2000) == (dims != 256)


def test_few_rows_of_crowds_are_searched_again(monkeypatch):
    rng = np.random.default_rng(0)
    crowds = rng.normal(size=(30, 256))[rng.integers(0, 30, 3000)]
    vectors = crowds + 0.3 * rng.normal(size=crowds.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = count_precise(monkeypatch)

    neighbor_graph(vectors.astype(np.float32), 44)

    # With 20 rows to spare as for longer vectors they would be 2,880
    assert sum(asked) < 100


def test_numbers_that_rounding_takes_away_are_not_trusted():
    rng = np.random.default_rng(0)
    vectors = 0.0067 * np.sign(rng.normal(size=(100, 3060))).astype(np.float32)
    vectors[:, 0] = 0.87

    _, reach = probably_most_similar(vectors, vectors[:5], 40)

    assert np.isposinf(reach).all()


def above(graph, least):
    """Returns the rows and similarities of a graph, blank where they are below."""
    blank = graph.similarities < least
    return np.where(blank, -1, graph.indices), np.where(blank, 0, graph.similarities)


@pytest.mark.parametrize(
    ("dims", "spread", "least"), [(64, 1.0, 0.75), (64, 0.3, 0.92), (3, 0.3, 0.999)]
)
def test_those_above_a_similarity_are_the_nearest_of_all(
    monkeypatch, dims, spread, least
):
    vectors, rows = unit_rows(2500, dims, 0, spread), np.arange(2500)
    # Of each tenth row one that is much like it
    vectors[::10] = vectors[1::10] + 0.3 * (vectors[::10] - vectors[1::10])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = np.roll(vectors, 7, axis=0)[:90].copy()
    wanted = (nearest(vectors, queries, 3), exact_neighbors(vectors, rows, 3))
    monkeypatch.setattr("core.neighbors.int8_search._BAND", 300)

    found = nearest_above(vectors, queries, 3, least)
    of_rows = nearest_above(vectors, vectors, 3, least, own=rows)

    assert 0 < (wanted[1].similarities[:, 1] >= least).sum() < 2500
    for one, other in zip((found, of_rows), wanted, strict=True):
        for mine, theirs in zip(above(one, least), above(other, least), strict=True):
            assert np.array_equal(mine, theirs)


def test_rows_out_of_reach_of_a_query_are_not_multiplied_with_it(monkeypatch):
    # In the first number, which varies most, they lie evenly from -0.7 to 0.7
    vectors = 0.1 * unit_rows(3000, 16, 4)
    vectors[:, 0] = np.random.default_rng(4).permutation(np.linspace(-0.7, 0.7, 3000))
    vectors[:, 1] = np.sqrt(1 - np.square(vectors[:, 0]))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    monkeypatch.setattr("core.neighbors.int8_search._BAND", 300)

    bands = list(int8_search._within_reach(vectors, vectors, 0.995))

    products = sum(len(rows) * len(asked) for rows, asked in bands)
    assert 0.1 < products / 3000**2 < 0.3
    assert sorted(np.concatenate([rows for rows, _ in bands])) == list(range(3000))
    alike = vectors @ vectors.T >= 0.995
    within = np.zeros_like(alike)
    for rows, asked in bands:
        within[np.ix_(asked, rows)] = True
    assert not (alike & ~within).any()
    far = np.zeros((1, 16), np.float32)
    far[0, 0] = -1
    assert nearest_above(vectors, far, 1, 0.995).indices.tolist() == [[-1]]


def test_only_queries_with_many_above_are_searched_again(monkeypatch):
    # All but one lie together; zeros are like nothing
    vectors = np.concatenate([unit_rows(2400, 64, spread=0.1), np.zeros((200, 64))])
    vectors = vectors.astype(np.float32)
    queries = np.concatenate([vectors[:5], -vectors[5:12], vectors[-3:]])
    asked = []
    searched = knn_graph._searched_exactly

    def counted(vectors, queries, own, k):
        asked.append(len(queries))
        return searched(vectors, queries, own, k)

    monkeypatch.setattr(knn_graph, "_searched_exactly", counted)

    graph = nearest_above(vectors, queries, 2, 0.92)

    assert asked == [5]
    assert (graph.similarities[:5] >= 0.92).all()
    assert (graph.indices[5:] == knn_graph.NO_NEIGHBOR).all()
    assert np.isneginf(graph.similarities[5:]).all()
