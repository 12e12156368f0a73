import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.neighbors import incremental
from core.neighbors.incremental import updated_graph
from core.neighbors.knn_graph import neighbor_graph


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


def updated(vectors, before, after, graph, k, spare):
    """Brings lists of the rows before to those after, however many are new."""
    earlier = np.full(len(vectors), -1)
    earlier[before] = np.arange(len(before))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incremental, "_MOST_NEW", 1)
        return updated_graph(vectors[after], k, graph, earlier[after], spare=spare)


def assert_right_but_for_the_spare(graph, anew, k, spare):
    surely = k - spare
    assert np.array_equal(graph.indices[:, :surely], anew.indices[:, :surely])
    assert np.array_equal(graph.similarities[:, :surely], anew.similarities[:, :surely])


@settings(max_examples=100)
@given(histories())
def test_whatever_comes_and_goes_the_lists_are_those_of_a_search_from_nothing(history):
    vectors, was, stays, k, spare = history
    before, after = np.flatnonzero(was), np.flatnonzero(stays)
    known = neighbor_graph(vectors[before], k)

    graph = updated(vectors, before, after, known, k, spare)

    anew = neighbor_graph(vectors[after], k)
    assert_right_but_for_the_spare(graph, anew, k, spare)
    # And of those to spare, what is there is right
    there = graph.indices >= 0
    assert np.array_equal(graph.indices[there], anew.indices[there])


@settings(max_examples=50)
@given(histories(), st.integers(0, 2**32 - 1))
def test_so_they_are_after_many_changes(history, seed):
    vectors, was, _, k, spare = history
    random = np.random.default_rng(seed)
    now = np.flatnonzero(was)
    graph = neighbor_graph(vectors[now], k)

    for _ in range(5):
        before, now = now, np.flatnonzero(random.random(len(vectors)) < 0.8)
        if not len(now):
            return
        graph = updated(vectors, before, now, graph, k, spare)

    anew = neighbor_graph(vectors[now], k)
    assert_right_but_for_the_spare(graph, anew, k, spare)
