import numpy as np
import pytest

from core.findings.outliers import (
    CAUSES,
    NEIGHBORS_NEEDED,
    NO_CAUSE,
    outlier_causes,
    outlier_distances,
    outlier_threshold,
)
from core.neighbors.knn_graph import NeighborGraph, neighbor_graph
from core.reading.image_statistics import IMAGE_STATISTICS

LONERS = np.full(1000, -1, np.int64)


def unit(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def bundle(direction, count, spread, seed):
    """Returns count unit vectors around an axis of 64."""
    noise = np.random.default_rng(seed).normal(size=(count, 64)) * spread
    noise[:, direction] += 1
    return unit(noise)


def distances(vectors, cluster=None, **more):
    cluster = LONERS[: len(vectors)] if cluster is None else cluster
    return outlier_distances(neighbor_graph(vectors, NEIGHBORS_NEEDED), cluster, **more)


def statistics(count, **columns):
    table = np.ones((count, len(IMAGE_STATISTICS)), np.float32)
    for name, values in columns.items():
        table[:, IMAGE_STATISTICS.index(name)] = values
    return table


def test_a_picture_unlike_all_others_is_the_farthest_and_is_flagged():
    vectors = np.concatenate([bundle(0, 200, 0.05, 1), bundle(9, 1, 0.05, 2)])

    found = distances(vectors).distance

    assert found.argmax() == 200
    assert found[200] > outlier_threshold(found)
    assert (found > outlier_threshold(found)).mean() < 0.05


def test_own_copies_do_not_keep_an_outlier_company():
    vectors = np.concatenate([bundle(0, 200, 0.05, 1), bundle(9, 30, 0.001, 2)])
    cluster = np.r_[np.full(200, -1), np.full(30, 7)]

    hidden = distances(vectors).distance
    seen = distances(vectors, cluster).distance

    assert hidden[200:].max() < 0.01
    assert seen[200:].min() > 0.9


def test_a_dozen_twins_that_are_no_copies_do_not_hide_each_other():
    vectors = np.concatenate([bundle(0, 200, 0.05, 1), bundle(9, 9, 0.05, 2)])

    found = distances(vectors).distance

    assert found[200:].min() > outlier_threshold(found)


def test_copies_of_another_picture_count_as_one_neighbor():
    vectors = np.concatenate([bundle(0, 30, 0.05, 1), bundle(0, 20, 0.0001, 2)])
    cluster = np.r_[np.full(30, -1), np.full(20, 3)]

    apart = distances(vectors[:31], cluster[:31]).distance
    together = distances(vectors, cluster).distance

    assert np.allclose(apart[:30], together[:30], atol=1e-3)


def test_where_copies_fill_the_list_the_missing_strangers_are_no_nearer_than_its_end():
    # 45 copies, of which each sees 40 others and no stranger
    vectors = np.concatenate([bundle(0, 60, 0.05, 1), bundle(9, 45, 0.01, 2)])
    cluster = np.r_[np.full(60, -1), np.full(45, 0)]
    graph = neighbor_graph(vectors, NEIGHBORS_NEEDED)

    found = outlier_distances(graph, cluster)

    assert np.allclose(found.distance[60:], 1 - graph.similarities[60:, -1], atol=1e-6)
    assert (found.nearest[60:] == -1).all()


def test_without_any_stranger_there_is_no_distance():
    vectors = bundle(0, 5, 0.05, 1)

    everything_one_cluster = distances(vectors, np.zeros(5, np.int64))
    alone = distances(vectors[:1])

    assert np.isnan(everything_one_cluster.distance).all()
    assert (everything_one_cluster.nearest == -1).all()
    assert np.isnan(alone.distance).all()


@pytest.mark.parametrize("count", [0, 2, 5])
def test_small_sets_have_distances_and_no_outliers(count):
    found = distances(bundle(0, count, 0.5, 1))

    assert np.isfinite(found.distance).all()
    assert outlier_threshold(found.distance) == np.inf


def test_the_nearest_stranger_is_named():
    graph = NeighborGraph(
        np.array([[1, 2], [0, 2], [0, 1]], np.int32),
        np.array([[0.9, 0.5], [0.9, 0.4], [0.5, 0.4]], np.float32),
    )

    found = outlier_distances(graph, np.array([4, 4, -1]))

    # Item 2 sees two copies of one picture: the nearer counts
    assert found.nearest.tolist() == [2, 2, 0]
    assert found.distance == pytest.approx([0.5, 0.6, 0.5])


def test_both_graphs_and_the_traits_count():
    graph = NeighborGraph(
        np.array([[1], [0]], np.int32), np.full((2, 1), 0.5, np.float32)
    )
    copies = NeighborGraph(
        np.array([[1], [0]], np.int32), np.full((2, 1), 0.0, np.float32)
    )
    traits = statistics(2, entropy=[0, 1.5 * np.sqrt(3)])

    found = outlier_distances(
        graph, LONERS[:2], copy_graph=copies, statistics=traits
    ).distance

    assert found == pytest.approx([0.6 * 0.5 + 0.4 * 1.0 + 0.06 * 1.0] * 2)


def test_unrelated_pictures_change_no_distance():
    # Two worlds at a right angle; the tolerance is zero: not one bit
    world, other = bundle(0, 100, 0.05, 1), bundle(40, 300, 0.05, 2)
    traits = statistics(400, entropy=np.linspace(0, 8, 400))

    alone = distances(world, statistics=traits[:100]).distance
    crowded = distances(np.concatenate([world, other]), statistics=traits).distance

    assert np.array_equal(alone, crowded[:100])


def test_the_threshold_is_the_upper_quartile_and_a_bit():
    # Quartiles 25 and 75
    values = np.arange(101, dtype=np.float32)

    assert outlier_threshold(values) == pytest.approx(75 + 1.2 * 50)
    assert outlier_threshold(np.r_[values, np.nan]) == pytest.approx(135)


def test_a_clean_set_has_few_outliers():
    found = distances(bundle(0, 1000, 0.3, 5)).distance

    assert (found > outlier_threshold(found)).mean() < 0.01


def test_causes_are_told_in_order():
    outlier = np.array([True, True, True, True, False])
    blank = np.array([True, False, False, False, True])
    dark = np.array([True, True, False, False, False])
    sizes = np.array([5, 5, 5, 500, 5])

    causes = outlier_causes(outlier, blank=blank, dark=dark, class_size=sizes)

    assert [CAUSES[c] for c in causes[:4]] == list(CAUSES)
    assert causes[4] == NO_CAUSE


def test_without_labels_no_class_is_rare():
    yes, no = np.array([True]), np.array([False])

    assert outlier_causes(yes, blank=no, dark=no).tolist() == [3]
    assert outlier_causes(
        yes, blank=no, dark=no, class_size=np.array([0])
    ).tolist() == [3]
