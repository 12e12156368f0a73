import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.findings.image_issues import ISSUES, image_issues
from core.findings.label_issues import judge_labels
from core.findings.label_support import ClassEvidence, gather_evidence
from core.findings.outliers import outlier_distances, outlier_threshold
from core.findings.schema import NO_LABEL
from core.neighbors.distinct_neighbors import distinct_neighbors
from core.neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, neighbor_graph
from core.reading.image_statistics import (
    IMAGE_STATISTICS,
    LEVELS,
    image_statistics,
    note_levels,
)

CLASSES = 4


@st.composite
def worlds(draw):
    """Returns a graph, clusters and labels of up to 30 items."""
    count = draw(st.integers(0, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = draw(st.integers(1, 12))
    cluster = random.integers(-clusters, clusters, count).clip(-1)
    labels = random.integers(-1, CLASSES, count).astype(np.int32)
    neighbors = draw(st.integers(1, 35))
    return neighbor_graph(vectors, neighbors), cluster, labels


def naive_strangers(graph, cluster, row, most):
    seen, found = set(), []
    for other, similarity in zip(
        graph.indices[row].tolist(), graph.similarities[row].tolist(), strict=True
    ):
        if other == NO_NEIGHBOR:
            continue
        same = cluster[row] >= 0 and cluster[other] == cluster[row]
        if same or (cluster[other] >= 0 and cluster[other] in seen):
            continue
        seen.add(cluster[other])
        found.append((other, similarity))
    return found[:most]


def shuffled(graph, order):
    """Returns the graph of the same items in another order."""
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    moved = graph.indices[order]
    indices = np.where(moved == NO_NEIGHBOR, NO_NEIGHBOR, place[moved])
    return NeighborGraph(indices.astype(np.int32), graph.similarities[order])


def some_evidence(labels, seed=0):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(CLASSES), len(labels)).astype(np.float32)
    best = np.argsort(-chances, axis=1).astype(np.int32)
    given_chance = np.where(
        labels == NO_LABEL, np.nan, chances[np.arange(len(labels)), labels]
    )
    return ClassEvidence(
        np.pad(best, ((0, 0), (0, 1)), constant_values=-1),
        np.pad(np.take_along_axis(chances, best, 1), ((0, 0), (0, 1))),
        given_chance.astype(np.float32),
    )


def every_label_of_every_item(count):
    return np.stack(
        [np.repeat(np.arange(count), CLASSES), np.tile(np.arange(CLASSES), count)],
        axis=1,
    )


@given(worlds(), st.integers(1, 25))
def test_strangers_are_what_a_naive_walk_finds(world, most):
    graph, cluster, _ = world

    found = distinct_neighbors(graph, cluster, most).of(slice(None))

    for row in range(len(cluster)):
        listed = found.indices[row][found.indices[row] != NO_NEIGHBOR]
        wanted = naive_strangers(graph, cluster, row, most)
        assert listed.tolist() == [other for other, _ in wanted]


@given(worlds())
def test_distances_are_what_a_naive_mean_gives(world):
    graph, cluster, _ = world

    found = outlier_distances(graph, cluster)

    alone = np.full(len(cluster), np.nan)
    for row in range(len(cluster)):
        near = naive_strangers(graph, cluster, row, 20)
        apart = [1 - similarity for _, similarity in near]
        listed = graph.indices[row] != NO_NEIGHBOR
        if listed.all() and graph.k < len(cluster) - 1:
            apart += [1 - graph.similarities[row, -1]] * (20 - len(apart))
        if apart:
            alone[row] = np.mean(apart)
        assert found.nearest[row] == (near[0][0] if near else NO_NEIGHBOR)
    for row, own in enumerate(alone):
        # Copies are as far as they are in the mean
        copies = (cluster == cluster[row]) & ~np.isnan(alone)
        known = cluster[row] >= 0 and not np.isnan(own)
        expected = alone[copies].mean() if known else own
        assert np.isclose(found.distance[row], expected, atol=1e-5, equal_nan=True)


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_moves_no_distance_and_no_score(world, random):
    graph, cluster, labels = world
    order = np.array(random.sample(range(len(cluster)), len(cluster)), int)
    evidence = some_evidence(labels)
    moved_evidence = ClassEvidence(
        evidence.classes[order], evidence.probabilities[order], evidence.given[order]
    )
    moved = shuffled(graph, order)

    distance = outlier_distances(graph, cluster).distance
    moved_distance = outlier_distances(moved, cluster[order]).distance
    judged = judge_labels(gather_evidence(evidence, graph, labels, cluster, CLASSES))
    moved_judged = judge_labels(
        gather_evidence(moved_evidence, moved, labels[order], cluster[order], CLASSES)
    )

    assert np.array_equal(distance[order], moved_distance, equal_nan=True)
    assert np.array_equal(judged.score[order], moved_judged.score, equal_nan=True)
    assert np.array_equal(judged.suggestion[order], moved_judged.suggestion)


@given(worlds(), st.booleans())
def test_scores_stay_in_range_and_stand_for_labels_only(world, classifier):
    graph, cluster, labels = world
    evidence = some_evidence(labels)
    if not classifier:
        evidence.given[:] = np.nan

    found = judge_labels(gather_evidence(evidence, graph, labels, cluster, CLASSES))

    known = ~np.isnan(found.score)
    assert ((found.score[known] >= 0) & (found.score[known] <= 100)).all()
    assert not known[labels == NO_LABEL].any()
    assert (found.suggestion[labels == NO_LABEL] == NO_LABEL).all()
    assert not (found.suggestion == labels)[labels != NO_LABEL].any()
    assert (found.issue == (known & (found.score < 5))).all()
    # A suggestion has more support than the given label, and so scores it < 50
    assert (found.score[known & (found.suggestion != NO_LABEL)] < 50).all()


@given(worlds())
def test_votes_are_what_a_naive_count_gives(world):
    graph, cluster, labels = world
    evidence = some_evidence(labels)
    evidence.given[:] = np.nan

    found = judge_labels(gather_evidence(evidence, graph, labels, cluster, CLASSES))

    for row in np.flatnonzero(~np.isnan(found.score)):
        votes = np.zeros(CLASSES)
        for other, similarity in naive_strangers(graph, cluster, row, 40):
            if labels[other] != NO_LABEL:
                votes[labels[other]] += max(similarity, 0) ** 16
        own = votes[labels[row]]
        rival = np.delete(votes, labels[row]).max()
        if len(np.unique(labels[labels != NO_LABEL])) > 1:
            assert np.isclose(found.score[row], 100 * own / (own + rival), atol=1e-3)


@given(worlds(), st.randoms(use_true_random=False))
def test_what_else_is_judged_and_in_which_order_moves_no_score(world, random):
    graph, cluster, labels = world
    evidence = some_evidence(labels)
    pairs = every_label_of_every_item(len(labels))
    order = np.array(random.sample(range(len(pairs)), len(pairs)), int)

    found, moved = (
        judge_labels(
            gather_evidence(evidence, graph, labels, cluster, CLASSES), judged=judged
        )
        for judged in (pairs, pairs[order])
    )
    own = judge_labels(gather_evidence(evidence, graph, labels, cluster, CLASSES))

    assert np.array_equal(found.score[order], moved.score, equal_nan=True)
    assert np.array_equal(found.suggestion[order], moved.suggestion)
    if len(np.unique(labels[labels != NO_LABEL])) > 1:
        voting = pairs[:, 1] == labels[pairs[:, 0]]
        labeled = labels != NO_LABEL
        assert np.array_equal(found.score[voting], own.score[labeled], equal_nan=True)


@given(worlds())
def test_a_label_no_stranger_votes_with_is_not_judged(world):
    graph, cluster, labels = world
    pairs = every_label_of_every_item(len(labels))

    found = judge_labels(
        gather_evidence(some_evidence(labels), graph, labels, cluster, CLASSES),
        judged=pairs,
    )

    group = np.where(cluster >= 0, cluster, -1 - np.arange(len(cluster)))
    for row, (item, label) in enumerate(pairs):
        if not ((labels == label) & (group != group[item])).any():
            assert np.isnan(found.score[row])


@given(st.lists(st.floats(0, 2, width=32), max_size=40))
def test_never_more_than_a_quarter_are_outliers(values):
    distance = np.array(values, np.float32)

    flagged = (distance > outlier_threshold(distance)).sum()

    assert flagged <= len(distance) / 4


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_picture_can_be_measured_and_judged(width, height, seed):
    random = np.random.default_rng(seed)
    gray = random.integers(0, 256, (height, width)).astype(np.uint8)
    pixels = random.integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    levels = np.zeros(2, LEVELS)
    note_levels(gray, levels[0])
    note_levels(gray.T.copy(), levels[1])

    rows = image_statistics(levels, pixels, np.full(2, width), np.full(2, height))

    assert rows.shape == (2, len(IMAGE_STATISTICS))
    assert np.isfinite(rows).all()
    alone = image_statistics(levels[:1], pixels[:1], *np.array([[width], [height]]))
    assert (alone == rows[:1]).all()
    assert image_issues(rows, np.zeros(2, bool)).shape == (2, len(ISSUES))
