"""What was learned of the classes stands where next to nothing changed."""

from dataclasses import fields

import numpy as np
import pytest

from core.findings import class_learning
from core.findings.class_learning import (
    LearnedClasses,
    learn_classes,
    standing_evidence,
)
from core.findings.label_classifier import Inputs, probabilities
from core.findings.label_support import ClassEvidence
from core.findings.schema import NO_LABEL

COUNT = 1000
LATER = 10


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    monkeypatch.setattr(class_learning, "_FEWEST_STANDING", 500)


@pytest.fixture(scope="module")
def pictures():
    """Returns unit vectors of 1,010 images in three classes, and their labels."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, COUNT + LATER).astype(np.int32)
    vectors = random.normal(size=(len(labels), 32)) * 0.25
    vectors[np.arange(len(labels)), labels] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), labels


@pytest.fixture(scope="module")
def first(pictures):
    """Returns what is learned of the first thousand."""
    vectors, labels = pictures
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_learning, "_FEWEST_STANDING", 500)
        return learn_classes((vectors[:COUNT],), labels[:COUNT], alone(COUNT), 3)


def alone(count):
    return np.full(count, -1, np.int64)


def rows_before(*, gone=0, new=0):
    """Returns which of a thousand images each one is: without the first, with others
    after the last."""
    return np.r_[np.arange(gone, COUNT), np.full(new, -1)]


def stand(first, pictures, before, labels=None, cluster=None):
    vectors, given = pictures
    last = COUNT + int((before < 0).sum())
    rows = np.r_[before[before >= 0], np.arange(COUNT, last)]
    labels = given[rows] if labels is None else labels
    cluster = alone(len(rows)) if cluster is None else cluster
    return standing_evidence(*first, before, (vectors[rows],), labels, cluster)


def likely(learned, vectors, rows, fold):
    """Returns rows x classes, what the model of a fold says."""
    inputs = Inputs((vectors,), learned.projections).rows(np.asarray(rows))
    return probabilities(inputs, learned.weights(fold))


def test_images_that_were_there_keep_what_was_said_and_new_ones_are_asked(
    first, pictures
):
    evidence, learned = stand(first, pictures, rows_before(gone=5, new=LATER))

    for one in fields(ClassEvidence):
        kept, known = (getattr(data, one.name) for data in (evidence, first[0]))
        assert np.array_equal(kept[: COUNT - 5], known[5:])
    assert evidence.classes[-LATER:, 0].tolist() == pictures[1][-LATER:].tolist()
    assert (evidence.given[-LATER:] > 0.5).all()
    assert learned.label[-LATER:].tolist() == [NO_LABEL] * LATER
    assert learned.stood and not first[1].stood


def test_what_stands_is_nearly_what_would_be_learned_anew(first, pictures):
    vectors, labels = pictures

    evidence, _ = stand(first, pictures, rows_before(new=LATER))

    anew, _ = learn_classes((vectors,), labels, alone(len(labels)), 3)
    assert np.abs(evidence.given - anew.given).mean() < 0.01
    assert (evidence.classes[:, 0] == anew.classes[:, 0]).mean() > 0.99


@pytest.mark.parametrize("gone, new, stands", [(12, 8, True), (13, 8, False)])
def test_too_much_that_is_new_or_gone_is_learned_anew(
    first, pictures, gone, new, stands
):
    found = stand(first, pictures, rows_before(gone=gone, new=new))

    assert (found is not None) == stands


def test_changes_are_counted_from_what_was_learned(first, pictures):
    vectors, labels = pictures
    evidence, learned = stand(first, pictures, rows_before(gone=11))

    def again(gone):
        rows = np.arange(gone, COUNT)
        return standing_evidence(
            evidence,
            learned,
            rows - 11,
            (vectors[rows],),
            labels[rows],
            alone(len(rows)),
        )

    assert again(20) is not None
    assert again(21) is None


@pytest.mark.parametrize("label", [NO_LABEL, 1, 2])
def test_another_label_is_asked_of_and_the_old_one_again(first, pictures, label):
    vectors, labels = pictures
    row = int(np.flatnonzero(labels == 0)[0])
    other, everyone = labels[:COUNT].copy(), rows_before()
    other[row] = label

    changed = stand(first, pictures, everyone, other)
    back, _ = stand(changed, pictures, everyone)

    known = likely(first[1], vectors, [row], first[1].fold[row])[0]
    said = np.nan if label == NO_LABEL else known[label]
    np.testing.assert_allclose(changed[0].given[row], said, rtol=1e-5)
    np.testing.assert_allclose(back.given, first[0].given, rtol=1e-5)


def test_no_more_labels_may_change_than_images(first, pictures):
    labels = pictures[1][:COUNT].copy()
    labels[:20] = (labels[:20] + 1) % 3
    assert stand(first, pictures, rows_before(), labels) is not None

    labels[20] = NO_LABEL

    assert stand(first, pictures, rows_before(), labels) is None


def test_a_class_that_comes_or_goes_is_learned(first, pictures):
    vectors, labels = pictures
    with_another = labels.copy()
    with_another[-1] = 3
    few = np.where(np.arange(COUNT) < 990, labels[:COUNT] % 2, 2).astype(np.int32)
    of_few = learn_classes((vectors[:COUNT],), few, alone(COUNT), 3)

    assert stand(first, pictures, rows_before(new=LATER), with_another) is None
    assert stand(of_few, pictures, np.arange(991), few[:991]) is not None
    assert stand(of_few, pictures, np.arange(990), few[:990]) is None


def test_a_copy_is_asked_of_a_model_that_did_not_learn_its_original(first, pictures):
    vectors = pictures[0]
    for original in range(10):
        cluster = alone(COUNT + 1)
        cluster[[original, COUNT]] = 7

        evidence, learned = stand(first, pictures, rows_before(new=1), cluster=cluster)

        fold = first[1].fold[original]
        assert learned.fold[COUNT] == fold
        said = likely(first[1], vectors, [COUNT], fold)[0, pictures[1][COUNT]]
        np.testing.assert_allclose(evidence.given[COUNT], said, rtol=1e-5)


def test_one_that_turns_out_to_be_a_copy_later_is_asked_again(first, pictures):
    later = stand(first, pictures, rows_before(new=1))
    fold = later[1].fold[COUNT]
    original = int(np.flatnonzero(later[1].fold[:COUNT] != fold)[0])
    cluster = alone(COUNT + 1)
    cluster[[original, COUNT]] = 7

    evidence, learned = standing_evidence(
        *later,
        np.arange(COUNT + 1),
        (pictures[0][: COUNT + 1],),
        pictures[1][: COUNT + 1],
        cluster,
    )

    assert learned.fold[COUNT] == first[1].fold[original] != fold
    assert evidence.given[COUNT] != later[0].given[COUNT]


def test_clusters_across_folds_count_as_changes(first, pictures):
    fold = first[1].fold
    one, other = (np.flatnonzero(fold == number)[:11] for number in (0, 1))
    cluster = alone(COUNT)
    cluster[one[:10]] = cluster[other[:10]] = np.arange(10)
    evidence, _ = stand(first, pictures, rows_before(), cluster=cluster)
    # The models of either fold learned from a copy
    assert np.isnan(evidence.given[[*one[:10], *other[:10]]]).all()
    assert np.isnan(evidence.given).sum() == 20

    cluster[[one[10], other[10]]] = 10

    assert stand(first, pictures, rows_before(), cluster=cluster) is None


def test_of_few_labels_nothing_is_kept(pictures):
    vectors, labels = pictures
    some = labels[:COUNT].copy()
    some[499:] = NO_LABEL

    _, learned = learn_classes((vectors[:COUNT],), some, alone(COUNT), 3)

    assert learned is None


@pytest.mark.parametrize("count", [COUNT, 6000])
def test_regressions_and_networks_are_kept_as_they_were_learned(count):
    random = np.random.default_rng(0)
    labels = (np.arange(count) % 2).astype(np.int32)
    vectors = (random.normal(size=(count, 8)) + labels[:, None]).astype(np.float32)
    wide = random.normal(size=(count, 300)).astype(np.float32)

    evidence, learned = learn_classes((vectors, wide), labels, alone(count), 2)

    assert isinstance(learned, LearnedClasses)
    assert bool(learned.hidden.size) == (count == 6000)
    inputs = Inputs((vectors, wide), learned.projections)
    for fold in range(5):
        rows = np.flatnonzero(learned.fold == fold)
        said = probabilities(inputs.rows(rows), learned.weights(fold))
        said = said[np.arange(len(rows)), labels[rows]]
        np.testing.assert_allclose(evidence.given[rows], said, rtol=1e-4)
