from dataclasses import replace

import numpy as np
import pytest

from core.findings.outliers import (
    CAUSES,
    NEIGHBORS_NEEDED,
    NO_CAUSE,
    OutlierDistances,
    outlier_causes,
    outlier_distances,
    outlier_threshold,
)
from core.neighbors import distinct_neighbors
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

    ends = 1 - graph.similarities[60:, -1]
    assert np.allclose(found.distance[60:], ends.mean(), atol=1e-6)
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
    assert found.distance == pytest.approx([0.55, 0.55, 0.5])


def test_copies_are_outliers_together_or_not_at_all():
    """Two copies of one far picture, between whose own distances the threshold is."""
    copies = bundle(9, 2, 0.05, 2)
    vectors = np.concatenate([bundle(0, 60, 0.5, 1), copies])
    cluster = np.r_[np.full(60, -1), [7, 7]]
    own = (
        distances(vectors[:-1]).distance[-1],
        distances(np.delete(vectors, 60, axis=0)).distance[-1],
    )
    found = distances(vectors, cluster).distance

    assert own[0] != own[1]
    assert found[60] == found[61] == pytest.approx(np.mean(own), abs=1e-3)
    assert len(np.unique(found[:60])) > 1


def test_both_graphs_and_the_traits_count():
    graph = NeighborGraph(
        np.array([[1], [0]], np.int32), np.full((2, 1), 0.5, np.float32)
    )
    copies = NeighborGraph(
        np.array([[1], [0]], np.int32), np.full((2, 1), 0.0, np.float32)
    )
    traits = statistics(2, entropy=[0, 1.5 * np.sqrt(2)])

    found = outlier_distances(graph, LONERS[:2], copy_graph=copies, statistics=traits)

    assert found.subject == pytest.approx([0.8 * 0.5] * 2)
    assert found.style == pytest.approx([0.2 * 1.0 + 0.06 * 1.0] * 2)
    assert found.distance == pytest.approx([0.66] * 2)


def test_distances_do_not_depend_on_how_many_rows_are_looked_at_at_once(monkeypatch):
    vectors = np.concatenate([bundle(0, 90, 0.1, 1), bundle(1, 60, 0.2, 2)])
    cluster = np.where(np.arange(150) < 100, np.arange(150) // 4, -1)
    graph, copies = (neighbor_graph(rows, 40) for rows in (vectors, vectors[::-1]))
    given = {"copy_graph": copies, "statistics": statistics(150, entropy=cluster)}
    expected = outlier_distances(graph, cluster, **given)
    monkeypatch.setattr(distinct_neighbors, "_ROWS_AT_ONCE", 7)

    found = outlier_distances(graph, cluster, **given)

    for name in ("distance", "nearest", "subject", "style"):
        one, other = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(one, other, err_msg=name, strict=True)


def test_a_gray_picture_is_no_stranger_for_its_color_alone():
    graph = NeighborGraph(
        np.array([[1], [0]], np.int32), np.full((2, 1), 0.5, np.float32)
    )

    found = outlier_distances(
        graph, LONERS[:2], statistics=statistics(2, chroma=[0, 200])
    )

    assert found.distance == pytest.approx([0.5] * 2)


def test_unrelated_pictures_change_no_distance():
    # Two worlds at a right angle; the tolerance is zero: not one bit
    world, other = bundle(0, 100, 0.05, 1), bundle(40, 300, 0.05, 2)
    traits = statistics(400, entropy=np.linspace(0, 8, 400))

    alone = distances(world, statistics=traits[:100]).distance
    crowded = distances(np.concatenate([world, other]), statistics=traits).distance

    assert np.array_equal(alone, crowded[:100])


def test_the_threshold_follows_the_upper_tail():
    # Median 50, and 90 % are not above 90
    values = np.arange(101, dtype=np.float32)

    assert outlier_threshold(values) == pytest.approx(90 + 1.5 * 40)
    assert outlier_threshold(np.r_[values, np.nan]) == pytest.approx(150)


def test_of_many_images_few_are_beyond_the_fence_by_chance():
    random = np.random.default_rng(0)

    for count, spreads in ((100, 1.5), (600, np.log(20) / np.log(5)), (9000, 2)):
        values = random.exponential(size=count).astype(np.float32)
        middle, high = np.quantile(values, (0.5, 0.9), method="lower")
        fence = high + spreads * (high - middle)
        assert outlier_threshold(values) == pytest.approx(fence)


def test_a_heavy_tail_needs_more_than_a_light_one():
    values = np.linspace(0, 1, 1001).astype(np.float32)
    heavy = np.where(values > 0.75, values + 4 * (values - 0.75), values)

    assert outlier_threshold(heavy) > outlier_threshold(values) + 1


def test_one_of_ten_may_be_an_outlier():
    values = np.r_[np.linspace(0.3, 0.35, 9), 0.9].astype(np.float32)

    assert (values > outlier_threshold(values)).tolist() == [False] * 9 + [True]


def test_a_clean_set_has_few_outliers():
    found = distances(bundle(0, 1000, 0.3, 5)).distance

    assert (found > outlier_threshold(found)).mean() < 0.01


def causes_of(count=100, **more):
    """Returns the causes of ten outliers, strange in both parts, of so many items."""
    parts = np.r_[np.full(10, 0.9), np.linspace(0.2, 0.4, count - 10)]
    parts = parts.astype(np.float32)
    found = OutlierDistances(2 * parts, np.zeros(count, np.int32), parts, parts)
    subject, style = more.pop("subject", parts), more.pop("style", parts)
    found = replace(found, subject=subject, style=style)
    no = np.zeros(count, bool)
    more = {
        "blank": no,
        "dark": no,
        "gray": no,
        "entropy": np.full(count, 7, np.float32),
    } | more
    codes = outlier_causes(np.arange(count) < 10, found, **more)
    return [None if code == NO_CAUSE else CAUSES[code] for code in codes.tolist()]


def only(row, count=100):
    return np.arange(count) == row


def test_without_a_reason_there_is_no_cause():
    assert causes_of() == [None] * 100


def test_causes_are_told_in_order():
    causes = causes_of(
        blank=only(0) | only(50),
        dark=only(0) | only(1),
        entropy=np.where(only(2) | only(1), 1, 7).astype(np.float32),
    )

    assert causes[:4] == ["blank", "dark", "plain ground", None]
    # It is no outlier
    assert causes[50] is None


def test_a_class_with_few_pictures_is_rare():
    sizes = np.where(np.arange(100) < 2, [5] * 100, 500)

    assert causes_of(class_size=sizes)[:3] == ["rare class", "rare class", None]
    assert causes_of(class_size=np.zeros(100, int)) == [None] * 100


def test_plain_grounds_are_no_cause_where_many_have_them():
    entropy = np.where(np.arange(100) < 6, 1, 7).astype(np.float32)

    assert causes_of(entropy=entropy) == [None] * 100


def test_the_part_that_is_much_stranger_is_the_cause():
    usual = np.linspace(0.2, 0.4, 90)
    far = np.r_[np.full(10, 0.9), usual].astype(np.float32)
    near = np.r_[np.full(10, 0.4), usual].astype(np.float32)

    assert causes_of(style=near)[:10] == ["another subject"] * 10
    assert causes_of(subject=near)[:10] == ["another style"] * 10
    assert causes_of(subject=near, gray=only(3))[3] == "gray among color"
    assert causes_of(style=near, gray=only(3))[3] == "another subject"
    assert causes_of(subject=far, style=far)[0] is None
