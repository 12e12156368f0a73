"""Images that stand for the rest."""

import numpy as np
import pytest

from core.curation.select import representative_order
from core.neighbors.knn_graph import neighbor_graph


def clouds(*sizes, spread=0.2, seed=0):
    rng = np.random.default_rng(seed)
    centers = np.linalg.qr(rng.normal(size=(32, len(sizes))))[0].T
    rows = np.repeat(centers, sizes, axis=0)
    rows = rows + spread * rng.normal(size=rows.shape) / np.sqrt(32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.fixture
def choose():
    def run(vectors, count, k=12, **more):
        every = np.ones(len(vectors), bool)
        given = {"may_be_chosen": every, "counts": every, "given": ~every}
        graph = neighbor_graph(vectors, min(k, len(vectors) - 1))
        return representative_order(graph, count, **{**given, **more}).tolist()

    return run


def test_each_cloud_gets_one_before_any_gets_two(choose):
    vectors = clouds(40, 40, 10, 10)

    chosen = choose(vectors, 4, k=39)

    cloud = np.repeat([0, 1, 2, 3], [40, 40, 10, 10])
    assert sorted(cloud[chosen]) == [0, 1, 2, 3]


def test_it_is_the_greedy_choice_without_short_cuts(choose):
    """Against every gain computed anew at every step."""
    vectors = clouds(15, 9, 6, spread=1.0)
    chosen = choose(vectors, 10, k=29)

    similarity = vectors.astype(np.float64) @ vectors.T
    off = ~np.eye(30, dtype=bool)
    floor = np.quantile(similarity[off].astype(np.float32), 0.1)
    similarity = np.clip((similarity - floor) / (1 - floor), 0, 1)
    covered, greedy = np.zeros(30), []
    for _ in range(10):
        gains = np.maximum(similarity - covered, 0).sum(axis=1)
        gains[greedy] = -1
        greedy.append(int(gains.round(6).argmax()))
        covered = np.maximum(covered, similarity[greedy[-1]])
    assert chosen == greedy


def test_what_resembles_a_given_image_is_not_chosen_first(choose):
    vectors = clouds(40, 20)
    given = np.arange(60) < 5

    (first,) = choose(vectors, 1, k=19, given=given)

    assert first >= 40


def test_only_what_may_be_is_chosen_and_no_more_than_there_is(choose):
    may = np.arange(50) % 10 == 0

    chosen = choose(clouds(50), 100, may_be_chosen=may)

    assert sorted(chosen) == [0, 10, 20, 30, 40]


def test_strata_get_equal_shares_and_given_images_count(choose):
    stratum = np.repeat([0, 1, 2], [70, 25, 5]).astype(np.int32)
    given = np.arange(100) < 4

    chosen = choose(clouds(100), 26, stratum=stratum, given=given)

    assert np.bincount(stratum[chosen]).tolist() == [9, 12, 5]


def test_images_that_do_not_count_draw_no_choice(choose):
    vectors = clouds(60, 12)
    counts = np.arange(72) >= 60

    (first,) = choose(vectors, 1, k=11, counts=counts)

    assert first >= 60


def test_the_same_input_gives_the_same_choice(choose):
    vectors = clouds(80, 40, spread=1.0)

    assert choose(vectors, 30) == choose(vectors, 30)
