"""How many labels are wrong, by flips that are known."""

import numpy as np
import pytest

from core.findings.label_estimate import (
    AIMED_PRECISION,
    SCORES,
    _mistaken,
    estimate,
    estimate_labels,
    suggestion_confidence,
)
from core.findings.label_issues import (
    judge_labels,
    label_evidence,
)
from core.findings.label_support import VOTERS, ClassEvidence, witnesses_of
from core.findings.schema import NO_LABEL
from core.neighbors.knn_graph import neighbor_graph


def world(count=1500, wrong=0.1, classes=3, spread=0.25, seed=0):
    """Returns graph, evidence, labels and which are wrong: pictures of some classes.

    A wrong label is that of the class that comes second in the picture.
    """
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, count).astype(np.int32)
    vectors = random.normal(size=(count, 16)) * spread
    vectors[np.arange(count), truth] += 1
    second = vectors[:, :classes].copy()
    second[np.arange(count), truth] = -9
    flipped = random.random(count) < wrong
    labels = np.where(flipped, second.argmax(axis=1), truth).astype(np.int32)
    vectors = vectors.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cluster = np.full(count, -1, np.int64)
    evidence = label_evidence((vectors,), labels, cluster, classes)
    return neighbor_graph(vectors, VOTERS), evidence, labels, cluster, flipped


def estimated(graph, evidence, labels, cluster, classes=3):
    found = judge_labels(witnesses_of(evidence, graph, labels, cluster, classes))
    return found, estimate_labels(
        witnesses_of(evidence, graph, labels, cluster, classes), found.score
    )


def test_the_wrong_labels_are_counted_and_the_threshold_keeps_its_promise():
    graph, evidence, labels, cluster, wrong = world()

    found, expected = estimated(graph, evidence, labels, cluster)

    assert 0.7 * wrong.sum() < expected.wrong < 1.3 * wrong.sum()
    flagged = found.score < expected.threshold()
    precision, recall = expected.at(expected.threshold())
    assert precision >= AIMED_PRECISION
    assert wrong[flagged].mean() > precision - 0.1
    assert flagged[wrong].mean() == pytest.approx(recall, abs=0.15)


def test_more_wrong_labels_are_more_wrong_labels():
    few, many = (estimated(*world(wrong=share)[:4])[1].wrong for share in (0.03, 0.2))

    assert many > 3 * few


def test_the_same_input_gives_the_same_estimate():
    given = world(count=1200)[:4]

    assert estimated(*given)[1].wrong == estimated(*given)[1].wrong


@pytest.mark.parametrize("count", [0, 900])
def test_fewer_than_1000_labels_tell_nothing(count):
    graph, evidence, labels, cluster, _ = world(count=1200)
    labels = np.where(np.arange(1200) < count, labels, NO_LABEL).astype(np.int32)

    assert estimated(graph, evidence, labels, cluster)[1] is None


def test_one_class_tells_nothing():
    graph, _, labels, cluster, _ = world(count=1200)
    silent = ClassEvidence(
        np.full((1200, 5), NO_LABEL, np.int32),
        np.zeros((1200, 5), np.float32),
        np.full(1200, np.nan, np.float32),
    )

    assert estimated(graph, silent, np.zeros_like(labels), cluster)[1] is None


def test_as_many_are_wrong_as_low_scores_and_found_flips_say():
    # 30 of 1,000 score 3.2, as half of the flips do; the rest scores higher
    scores = np.repeat([3.2, 90], [30, 970]).astype(np.float32)
    flips = np.repeat([3.2, 60], [50, 50]).astype(np.float32)

    found = estimate(scores, flips)

    assert found.wrong == pytest.approx(60)
    assert found.at(3.5) == (pytest.approx(1), pytest.approx(0.5))
    assert found.at(3)[1] == 0


def test_where_few_flips_are_found_nothing_is_concluded():
    # One flip in ten scores 1.2 and none of the labels: that bounds nothing
    scores = np.repeat([3.2, 90], [30, 970]).astype(np.float32)
    flips = np.repeat([1.2, 3.2, 60], [10, 40, 50]).astype(np.float32)

    assert estimate(scores, flips).wrong == pytest.approx(60)


def test_precision_never_grows_with_the_threshold():
    random = np.random.default_rng(0)

    found = estimate(
        (100 * random.random(2000)).astype(np.float32),
        (60 * random.random(300)).astype(np.float32),
    )

    assert (np.diff(found.precision) <= 0).all()
    place = np.flatnonzero(found.threshold() == SCORES)[0]
    assert place == 0 or found.precision[place] >= AIMED_PRECISION


def test_no_default_is_above_12():
    scores = np.repeat([3.2, 40, 90], [30, 30, 940]).astype(np.float32)
    flips = np.repeat([3.2, 40], [50, 50]).astype(np.float32)

    found = estimate(scores, flips)

    assert found.at(45)[0] == pytest.approx(1)
    assert found.threshold() == 12


def test_a_suggestion_is_as_sure_as_its_label_is_wrong():
    scores = np.repeat([3.2, 25, 90], [30, 300, 700]).astype(np.float32)
    flips = np.repeat([3.2, 25], [60, 40]).astype(np.float32)
    found = estimate(scores, flips)

    confidence = suggestion_confidence(
        found,
        np.array([3.2, 3.2, 25, np.nan], np.float32),
        np.array([1, 0.5, 1, np.nan]),
    )

    assert confidence[:2].tolist() == pytest.approx([1, 0.5])
    # 20 of the 300 that score 25
    assert confidence[2] == pytest.approx(20 / 300)
    assert np.isnan(confidence[3])


def test_a_label_becomes_another_class_as_often_as_it_looks_like_it():
    support = np.tile([0.6, 0.3, 0.1], (4000, 1))

    flipped = _mistaken(support, np.zeros(4000, np.int32), np.random.default_rng(0))

    assert np.bincount(flipped, minlength=3)[0] == 0
    assert (flipped == 1).mean() == pytest.approx(0.75, abs=0.03)
