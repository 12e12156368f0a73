import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core import known_neighbors
from core.known_neighbors import updated_graph
from core.neighbors import neighbor_graph


@st.composite
def histories(draw):
    """Returns vectors, some of them equal, which were there, and which are."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 60))
    vectors = random.normal(size=(count, draw(st.sampled_from((2, 3, 8)))))
    for _ in range(draw(st.integers(0, 2))):
        vectors[random.integers(0, count, 2)] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    was = random.random(count) < draw(st.sampled_from((0.5, 0.8, 1)))
    stays = random.random(count) < draw(st.sampled_from((0.5, 0.8, 1)))
    # Some row is there before and after
    was[0] = stays[0] = True
    k, spare = draw(st.integers(3, 20)), draw(st.integers(0, 2))
    return vectors.astype(np.float32), was, stays, k, spare


@settings(max_examples=100)
@given(histories())
def test_whatever_comes_and_goes_the_lists_are_those_of_a_search_from_nothing(history):
    vectors, was, stays, k, spare = history
    before, after = np.flatnonzero(was), np.flatnonzero(stays)
    earlier = np.full(len(vectors), -1)
    earlier[before] = np.arange(len(before))
    known = neighbor_graph(vectors[before], k)
    most = known_neighbors._MOST_NEW
    known_neighbors._MOST_NEW = 1
    try:
        graph = updated_graph(vectors[after], k, known, earlier[after], spare=spare)
    finally:
        known_neighbors._MOST_NEW = most

    anew = neighbor_graph(vectors[after], k)
    surely = k - spare
    assert np.array_equal(graph.indices[:, :surely], anew.indices[:, :surely])
    assert np.array_equal(graph.similarities[:, :surely], anew.similarities[:, :surely])
    # And of those to spare, what is there is right
    there = graph.indices >= 0
    assert np.array_equal(graph.indices[there], anew.indices[there])


@settings(max_examples=50)
@given(histories(), st.integers(0, 2**32 - 1))
def test_so_they_are_after_many_changes(history, seed):
    vectors, was, _, k, spare = history
    random = np.random.default_rng(seed)
    most = known_neighbors._MOST_NEW
    known_neighbors._MOST_NEW = 1
    now = np.flatnonzero(was)
    graph = neighbor_graph(vectors[now], k)
    try:
        for _ in range(5):
            place = np.full(len(vectors), -1)
            place[now] = np.arange(len(now))
            now = np.flatnonzero(random.random(len(vectors)) < 0.8)
            if not len(now):
                return
            graph = updated_graph(vectors[now], k, graph, place[now], spare=spare)
    finally:
        known_neighbors._MOST_NEW = most

    anew = neighbor_graph(vectors[now], k)
    surely = k - spare
    assert np.array_equal(graph.indices[:, :surely], anew.indices[:, :surely])
