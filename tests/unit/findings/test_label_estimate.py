"""How many labels are wrong, by flips that are known."""

import numpy as np
import pytest

from core.findings.class_learning import learn_classes
from core.findings.label_estimate import (
    AIMED_PRECISION,
    SCORES,
    estimate,
    estimate_labels,
    mistaken,
    suggestion_confidence,
)
from core.findings.label_issues import judge_labels
from core.findings.label_support import VOTERS, ClassEvidence, gather_evidence
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
    evidence = learn_classes((vectors,), labels, cluster, classes)[0]
    return neighbor_graph(vectors, VOTERS), evidence, labels, cluster, flipped


def estimated(graph, evidence, labels, cluster, classes=3):
    found = judge_labels(gather_evidence(evidence, graph, labels, cluster, classes))
    return found, estimate_labels(
        gather_evidence(evidence, graph, labels, cluster, classes), found.score
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


def flips_of(random, count=1000):
    """Returns scores of wrong labels: on any picture, and on those that are unsure."""
    return np.stack(
        [60 * random.random(count) ** 3 + 0.5, 60 * random.random(count) + 0.5]
    ).astype(np.float32)


def tail_of(random, count, highest=50):
    """Returns scores of right labels of pictures that look like two classes."""
    return (highest * random.random(count) ** (1 / 1.5) + 0.44).astype(np.float32)


def test_scores_are_taken_apart_into_wrong_labels_and_the_tail_of_right_ones():
    random = np.random.default_rng(0)
    flips = flips_of(random)
    wrong, right = flips_of(random, 2000)[0], tail_of(random, 6000)

    found = estimate(np.concatenate([wrong, right]), flips)

    for score in (2, 5, 12):
        low = (wrong < score).sum()
        true = low / (low + (right < score).sum())
        assert found.at(score)[0] == pytest.approx(true, abs=0.06)
        assert found.interval_at(score)[0] < true < found.interval_at(score)[1]


def test_low_scores_that_a_thick_tail_explains_promise_nothing():
    random = np.random.default_rng(0)
    right = tail_of(random, 900)
    assert (right < 5).sum() >= 20

    found = estimate(right, flips_of(random))

    assert found.at(5)[0] < 0.2
    assert found.interval_at(5)[0] == 0
    assert (found.threshold() or 0) <= 1


def test_a_handful_of_low_scores_is_told_less_surely_than_many():
    random = np.random.default_rng(0)
    flips = flips_of(random)

    few, many = (
        estimate(
            np.concatenate([flips_of(random, count)[0], tail_of(random, 5 * count)]),
            flips,
        ).interval_at(5)
        for count in (10, 1000)
    )

    assert few[1] - few[0] > 1.4 * (many[1] - many[0])


def test_without_low_scores_no_label_is_wrong():
    found = estimate(np.full(2000, 99, np.float32), flips_of(np.random.default_rng(0)))

    assert found.wrong < 1
    assert found.threshold() is None


def test_precision_never_grows_with_the_threshold():
    random = np.random.default_rng(0)

    found = estimate((100 * random.random(2000)).astype(np.float32), flips_of(random))

    assert (np.diff(found.precision) <= 0).all()
    place = np.flatnonzero(found.threshold() == SCORES)[0]
    assert place == 0 or found.precision[place] >= AIMED_PRECISION


def test_no_default_is_above_20():
    random = np.random.default_rng(0)
    flips = flips_of(random)

    found = estimate(flips_of(random, 800)[0], flips)

    assert found.at(30)[0] > 0.9
    assert found.threshold() == 20


def test_a_suggestion_is_as_sure_as_its_label_is_wrong():
    random = np.random.default_rng(0)
    found = estimate(
        np.concatenate([flips_of(random, 200)[0], tail_of(random, 300)]),
        flips_of(random),
    )

    confidence = suggestion_confidence(
        found,
        np.array([0.8, 0.8, 25, np.nan], np.float32),
        np.array([1, 0.5, 1, np.nan]),
    )

    assert confidence[0] > 0.9
    assert confidence[1] == pytest.approx(confidence[0] / 2)
    assert confidence[2] < 0.4
    assert np.isnan(confidence[3])


def test_a_label_becomes_another_class_as_often_as_it_looks_like_it():
    support = np.tile([0.6, 0.3, 0.1], (4000, 1))

    flipped = mistaken(support, np.zeros(4000, np.int32), np.random.default_rng(0))

    assert np.bincount(flipped, minlength=3)[0] == 0
    assert (flipped == 1).mean() == pytest.approx(0.75, abs=0.03)


def test_a_handful_of_low_scores_is_not_sure_enough_to_be_flagged():
    random = np.random.default_rng(0)
    flips, tail = flips_of(random), tail_of(random, 600)
    tail = tail[tail > 6]
    low = np.tile(np.linspace(1, 3, 5, dtype=np.float32), 20)

    few, many = (estimate(np.append(some, tail), flips) for some in (low[:40], low))

    assert few.at(1)[0] >= AIMED_PRECISION
    assert few.interval_at(1)[0] < 0.6 < many.interval_at(1)[0]
    assert few.threshold() is None
    assert many.threshold() >= 2
