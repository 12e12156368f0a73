"""What a person's model says: evidence for labels, and findings of its own."""

from dataclasses import replace

import numpy as np
import pytest

from core.findings.class_learning import learn_classes
from core.findings.label_issues import judge_labels
from core.findings.label_support import (
    VOTERS,
    class_support,
    gather_evidence,
)
from core.findings.prediction_weight import prediction_weight
from core.findings.predictions import (
    Predictions,
    confidently_wrong,
    hardest,
    hardness,
    seems_to_repeat,
)
from core.neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, neighbor_graph


def said(*rows):
    """Predictions of rows of {class: probability}."""
    classes = np.full((len(rows), 5), -1, np.int32)
    chances = np.zeros((len(rows), 5), np.float32)
    for number, row in enumerate(rows):
        ordered = sorted(row.items(), key=lambda one: -one[1])
        for place, (code, chance) in enumerate(ordered):
            classes[number, place], chances[number, place] = code, chance
    return Predictions(classes, chances)


def test_the_rest_of_a_prediction_is_shared_by_the_other_classes():
    spread = said({1: 0.7}, {0: 0.5, 2: 0.3}, {-1: 0.6}, {}).spread(4)

    assert spread[0] == pytest.approx([0.1, 0.7, 0.1, 0.1])
    assert spread[1] == pytest.approx([0.5, 0.1, 0.3, 0.1])
    # It is of a class that no label has: nothing parts the others
    assert spread[2] == pytest.approx([0.1] * 4)
    assert spread[3] == pytest.approx([0.25] * 4)


def test_hardness_is_zero_for_a_sure_model_and_one_for_a_guess():
    found = hardness(said({0: 1.0}, {0: 0.5, 1: 0.5}, {2: 0.25}, {}), 4)

    assert found[:3] == pytest.approx([0, 0.5, 1])
    assert np.isnan(found[3])


def test_the_hardest_are_the_twentieth_least_sure_of_those_with_a_prediction():
    values = np.append(np.linspace(0, 1, 100), np.full(900, np.nan))

    assert np.flatnonzero(hardest(values.astype(np.float32))).tolist() == [
        95, 96, 97, 98, 99
    ]  # fmt: skip
    assert not hardest(np.zeros(50, np.float32)).any()
    assert not hardest(np.full(3, np.nan, np.float32)).any()


def test_confidently_wrong_is_as_sure_as_the_model_usually_is_when_right():
    predictions = said({0: 0.9}, {0: 0.7}, {0: 0.85}, {0: 0.75}, {1: 0.9}, {0: 0.9})
    labels = np.array([0, 0, 1, 1, 1, -1], np.int32)

    # 0.8 is the mean of images with label 0
    assert confidently_wrong(predictions, labels).tolist() == [
        False, False, True, False, False, False
    ]  # fmt: skip


def test_a_class_that_no_label_has_is_not_confidently_anything():
    assert not confidently_wrong(said({-1: 0.99}, {}), np.array([0, 0], np.int32)).any()


def test_a_model_that_learned_the_labels_is_told():
    labels = np.zeros(20, np.int32)
    doubtful = np.arange(20) < 12
    repeats = said(*[{0: 0.99}] * 20)
    honest = said(*[{number % 2: 0.9} for number in range(20)])

    assert seems_to_repeat(repeats, labels, doubtful)
    assert not seems_to_repeat(honest, labels, doubtful)
    assert not seems_to_repeat(repeats, labels, np.arange(20) < 9)
    # A good model, where all else knows nothing
    good = said(*[{number == 15: 0.9} for number in range(20)])
    assert not seems_to_repeat(good, labels, doubtful)


def world(seed):
    """Returns vectors of one sensor, probabilities of another, and flipped labels."""
    random = np.random.default_rng(seed)
    count, classes = 600, 4
    truth = random.integers(0, classes, count).astype(np.int32)

    def sensed():
        seen = random.normal(size=(count, 12)) * 0.45
        seen[np.arange(count), truth] += 1
        return seen

    vectors = sensed().astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = 4 * sensed()[:, :classes]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    best = np.argsort(-chances, axis=1)
    predictions = Predictions(
        best.astype(np.int32),
        np.take_along_axis(chances, best, 1).astype(np.float32),
    )
    labels = truth.copy()
    flipped = random.random(count) < 0.1
    labels[flipped] = (truth[flipped] + random.integers(1, classes, count)[flipped]) % 4
    return vectors, predictions, labels, flipped


def average_precision(score, wrong):
    from sklearn.metrics import average_precision_score

    return average_precision_score(wrong, -score)


@pytest.mark.parametrize("seed", range(3))
def test_both_together_find_more_wrong_labels_than_each_alone(seed):
    vectors, predictions, labels, flipped = world(seed)
    alone = np.full(len(labels), -1, np.int64)
    evidence = learn_classes((vectors,), labels, alone, 4)[0]
    graph = neighbor_graph(vectors, VOTERS)

    def judged(predictions):
        return judge_labels(
            gather_evidence(evidence, graph, labels, alone, 4, predictions=predictions)
        ).score

    chances = predictions.spread(4)
    given = chances[np.arange(len(labels)), labels]
    chances[np.arange(len(labels)), labels] = 0
    by_model = average_precision(given / (given + chances.max(axis=1)), flipped)
    by_images = average_precision(judged(None), flipped)
    together = average_precision(judged(predictions), flipped)

    assert together > max(by_model, by_images) + 0.02


def test_an_image_without_a_prediction_is_judged_as_without_predictions():
    vectors, predictions, labels, _ = world(0)
    alone = np.full(len(labels), -1, np.int64)
    evidence = learn_classes((vectors,), labels, alone, 4)[0]
    graph = neighbor_graph(vectors, VOTERS)
    rows = np.where(np.arange(len(labels)) % 2, -1, np.arange(len(labels)))

    without = judge_labels(gather_evidence(evidence, graph, labels, alone, 4)).score
    some = judge_labels(
        gather_evidence(
            evidence, graph, labels, alone, 4, predictions=predictions.of(rows)
        )
    ).score

    assert (some[1::2] == without[1::2]).all()
    assert (some[::2] != without[::2]).mean() > 0.9


def test_a_prediction_alone_judges_where_nothing_else_speaks():
    vectors, predictions, labels, _ = world(0)
    alone = np.full(4, -1, np.int64)
    labels = np.array([0, 0, 1, 1], np.int32)
    evidence = learn_classes((vectors[:4],), labels, alone, 2)[0]
    nobody = NeighborGraph(np.full((4, 1), NO_NEIGHBOR), np.zeros((4, 1), np.float32))

    found = judge_labels(
        gather_evidence(
            evidence,
            nobody,
            labels,
            alone,
            2,
            predictions=said({0: 0.9}, {1: 0.9}, {1: 0.5}, {1: 1.0}),
        )
    )

    assert found.score == pytest.approx([90, 10, 50, 100], abs=1)
    assert found.suggestion.tolist() == [-1, 1, -1, -1]


def test_a_model_that_knows_the_classes_weighs_more_than_one_that_does_not():
    vectors, predictions, labels, _ = world(0)
    alone = np.full(len(labels), -1, np.int64)
    evidence = learn_classes((vectors,), labels, alone, 4)[0]
    graph = neighbor_graph(vectors, VOTERS)
    rows = np.arange(len(labels))
    own = class_support(gather_evidence(evidence, graph, labels, alone, 4), rows)
    blind = predictions.of(np.random.default_rng(0).permutation(rows))

    assert 0.2 < prediction_weight(own, predictions, labels) <= 0.5
    assert prediction_weight(own, blind, labels) == 0
    assert prediction_weight(own[:0], predictions.of(rows[:0]), labels[:0]) == 0


def test_a_model_weighs_by_what_it_knows_where_the_neighbors_doubt():
    random = np.random.default_rng(0)
    count, classes = 1500, 3
    rows = np.arange(count)
    labels = random.integers(0, classes, count).astype(np.int32)
    alike = rows < 150

    def seen(of_the_label):
        """Support, for two classes where pictures are alike."""
        found = 0.9 * random.random((count, classes))
        found[rows, labels] += np.where(alike, of_the_label, 1)
        found[rows, (labels + 1) % classes] += np.where(alike, 0.5, 0)
        return found / found.sum(axis=1, keepdims=True)

    own = seen(0.5)
    knowing, erring = (
        said(*(dict(enumerate(row)) for row in seen(one).tolist())) for one in (0.9, 0)
    )

    assert prediction_weight(own, knowing, labels) == 0.5
    assert prediction_weight(own, erring, labels) <= 0.1
    assert prediction_weight(own, knowing, labels) == 0.5


def test_a_model_without_weight_changes_nothing():
    vectors, predictions, labels, _ = world(0)
    alone = np.full(len(labels), -1, np.int64)
    evidence = learn_classes((vectors,), labels, alone, 4)[0]
    graph = neighbor_graph(vectors, VOTERS)
    silent = replace(predictions, weight=0.0)

    without = judge_labels(gather_evidence(evidence, graph, labels, alone, 4))
    found = judge_labels(
        gather_evidence(evidence, graph, labels, alone, 4, predictions=silent)
    )

    assert (found.score == without.score).all()
