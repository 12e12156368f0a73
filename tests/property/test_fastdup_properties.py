"""fastdup's rules against a naive reading of them, and their laws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.fastdup.rules import (
    components,
    edges_of,
    nearest_rows,
    outlier_edges,
    similar_edges,
)


@st.composite
def vectors(draw):
    """Rows of which some are equal; directions differ by far more than rounding."""
    seed = draw(st.integers(0, 2**32 - 1))
    distinct = draw(st.integers(1, 12))
    rows = draw(st.lists(st.integers(0, distinct - 1), min_size=2, max_size=25))
    made = np.random.default_rng(seed).normal(size=(distinct, 6))
    return made[rows].astype(np.float32)


def naive_neighbors(rows, k):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = np.round(unit.astype(float) @ unit.T.astype(float), 5)
    return [np.lexsort((np.arange(len(rows)), -c))[: k + 1].tolist() for c in cosine]


@given(vectors(), st.integers(1, 4))
def test_the_nearest_rows_are_those_of_a_full_comparison(rows, k):
    found, similarity = nearest_rows(rows, k)
    for own, wanted in zip(found.tolist(), naive_neighbors(rows, k), strict=True):
        assert [row for row in own if row >= 0] == wanted
    assert (np.diff(np.where(found < 0, -2, similarity), axis=1) <= 1e-6).all()


@given(vectors(), st.floats(0, 1))
def test_outliers_are_the_least_similar_edges(rows, share):
    found = nearest_rows(rows)
    edges, least = edges_of(*found), outlier_edges(*found, share)
    every = np.sort(edges.similarity)
    assert (least.similarity == every[: len(least.source)][::-1]).all()
    assert len(least.source) >= int(share * len(edges.source))


@given(vectors(), st.floats(-1, 1))
def test_components_are_what_the_edges_reach(rows, cut):
    edges = edges_of(*nearest_rows(rows))
    found = components(edges, len(rows), cut)
    reach = np.eye(len(rows), dtype=bool)
    for a, b, s in zip(edges.source, edges.target, edges.similarity, strict=True):
        if s >= np.float32(cut):
            reach[a, b] = reach[b, a] = True
    for _ in rows:
        reach = reach @ reach
    assert (reach == (found.component[:, None] == found.component)).all()
    assert found.count.sum() == 2 * (edges.similarity >= cut).sum()
    _, first = np.unique(found.component, return_index=True)
    assert (np.diff(first) > 0).all()


@given(vectors(), st.floats(0.1, 100))
def test_the_length_of_the_vectors_does_not_matter(rows, factor):
    one = similar_edges(edges_of(*nearest_rows(rows)), -1)
    other = similar_edges(edges_of(*nearest_rows(rows * np.float32(factor))), -1)
    assert set(zip(one.source, one.target, strict=True)) == set(
        zip(other.source, other.target, strict=True)
    )
