import numpy as np
import pytest

from core.findings.class_learning import _FOLDS, _around, learn_classes
from core.findings.label_issues import judge_labels
from core.findings.label_support import VOTERS, ClassEvidence, gather_evidence
from core.findings.schema import NO_LABEL
from core.neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, neighbor_graph
from core.progress import Progress


def silent_evidence(count):
    """What the classifier says when it has nothing to say."""
    return ClassEvidence(
        np.full((count, 5), NO_LABEL, np.int32),
        np.zeros((count, 5), np.float32),
        np.full(count, np.nan, np.float32),
    )


def classes_of_vectors(counts, spread=0.1, dims=32, seed=0):
    """Returns unit vectors around an axis a class, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    vectors = random.normal(size=(len(labels), dims)) * spread
    vectors[np.arange(len(labels)), labels] += 1
    order = random.permutation(len(labels))
    vectors, labels = vectors[order].astype(np.float32), labels[order]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def loners(count):
    return np.full(count, -1, np.int64)


def judge(vectors, labels, cluster=None, classifier=True, **more):
    cluster = loners(len(labels)) if cluster is None else cluster
    count = int(labels.max(initial=0)) + 1
    evidence = silent_evidence(len(labels))
    if classifier:
        evidence = learn_classes((vectors,), labels, cluster, count)[0]
    graph = neighbor_graph(vectors, VOTERS)
    return judge_labels(
        gather_evidence(evidence, graph, labels, cluster, count), **more
    )


def graph_of(*rows):
    """Rows of (neighbor, similarity) pairs."""
    width = max(len(row) for row in rows)
    padded = [[*row, *[(NO_NEIGHBOR, -np.inf)] * (width - len(row))] for row in rows]
    table = np.array(padded, np.float64).reshape(len(rows), width, 2)
    return NeighborGraph(
        table[..., 0].astype(np.int32), table[..., 1].astype(np.float32)
    )


@pytest.mark.parametrize("classifier", [True, False])
def test_wrong_labels_score_low_and_the_right_one_is_suggested(classifier):
    vectors, truth = classes_of_vectors([100, 100, 60], spread=0.07)
    wrong = np.arange(0, 260, 26)
    labels = truth.copy()
    labels[wrong] = (labels[wrong] + 1) % 3

    found = judge(vectors, labels, classifier=classifier, min_label_score=20)

    assert np.flatnonzero(found.issue).tolist() == wrong.tolist()
    assert (found.suggestion[wrong] == truth[wrong]).all()
    assert np.delete(found.score, wrong).min() > 30
    assert (np.delete(found.suggestion, wrong) == NO_LABEL).all()


def test_the_classifier_never_saw_the_item_it_speaks_of():
    # Pure noise: whoever had seen an item would know its label
    vectors, _ = classes_of_vectors([300], spread=1.0, dims=200)
    labels = np.random.default_rng(1).integers(0, 2, 300).astype(np.int32)

    evidence = learn_classes((vectors,), labels, loners(300), 2)[0]

    assert 0.4 < evidence.given.mean() < 0.6


def test_it_learns_from_all_the_others():
    fold = np.random.default_rng(0).integers(0, _FOLDS, 60)
    drawn = np.flatnonzero(np.arange(60) % 3)

    rows, others = _around(fold, drawn)

    for number, of_others in enumerate(others):
        nexts = (number + 1 + np.arange(_FOLDS - 1)) % _FOLDS
        expected = [drawn[fold[drawn] == after] for after in nexts]
        assert rows[of_others].tolist() == np.concatenate(expected).tolist()


def test_nor_its_copies():
    random = np.random.default_rng(1)
    originals = random.normal(size=(150, 200)).astype(np.float32)
    vectors = np.concatenate([originals, originals])
    labels = np.tile(random.integers(0, 2, 150), 2).astype(np.int32)
    cluster = np.tile(np.arange(150), 2)

    kept_apart = learn_classes((vectors,), labels, cluster, 2)[0].given
    mixed = learn_classes((vectors,), labels, loners(300), 2)[0].given

    assert 0.4 < kept_apart.mean() < 0.6
    assert mixed.mean() > 0.7


def test_a_cluster_has_one_vote():
    # Item 0 (label 0) sees three copies of label 1 and two strangers of label 0
    graph = graph_of(
        [(1, 0.9), (2, 0.9), (3, 0.9), (4, 0.9), (5, 0.9)], *[[(0, 0.9)]] * 5
    )
    labels = np.array([0, 1, 1, 1, 0, 0], np.int32)

    alone = judge_labels(
        gather_evidence(silent_evidence(6), graph, labels, loners(6), 2)
    )
    copies = judge_labels(
        gather_evidence(
            silent_evidence(6), graph, labels, np.array([-1, 8, 8, 8, -1, -1]), 2
        )
    )

    assert alone.score[0] == pytest.approx(40)
    assert copies.score[0] == pytest.approx(100 * 2 / 3)


def test_own_copies_have_no_vote():
    graph = graph_of([(1, 1.0), (2, 0.5)], [(0, 1.0), (2, 0.5)], [(0, 0.5)], [(2, 0.5)])
    labels = np.array([0, 0, 1, 0], np.int32)

    found = judge_labels(
        gather_evidence(silent_evidence(4), graph, labels, np.array([3, 3, -1, -1]), 2)
    )

    assert found.score[0] == found.score[1] == 0
    assert found.suggestion[0] == 1


def test_near_neighbors_are_louder():
    graph = graph_of([(1, 0.9), (2, 0.8)], [(0, 0.9)], [(0, 0.8)], [(0, 0.5)])
    labels = np.array([0, 0, 1, 1], np.int32)

    found = judge_labels(
        gather_evidence(silent_evidence(4), graph, labels, loners(4), 2)
    )

    assert found.score[0] == pytest.approx(100 / (1 + (0.8 / 0.9) ** 16), abs=1e-3)


def test_votes_and_classifier_are_pooled_by_their_geometric_mean():
    graph = graph_of([(1, 0.9)], [(0, 0.9)], [(0, 0.9)])
    labels = np.array([0, 0, 1], np.int32)
    evidence = ClassEvidence(
        np.array([[1, 0, -1, -1, -1]] * 3, np.int32),
        np.array([[0.8, 0.2, 0, 0, 0]] * 3, np.float32),
        np.array([0.2, 0.2, 0.8], np.float32),
    )

    found = judge_labels(gather_evidence(evidence, graph, labels, loners(3), 2))

    # Votes say 1 : 0 for the given label, the classifier 0.2 : 0.8
    own, other = np.sqrt([1.02 * 0.201, 0.02 * 0.801])
    assert found.score[0] == pytest.approx(100 * own / (own + other))


def test_the_suggestion_has_a_share_of_all_classes_but_the_given_one():
    labels = np.array([0, 1, 2, 1], np.int32)
    evidence = ClassEvidence(
        np.array([[1, 2, 0, -1, -1]] * 4, np.int32),
        np.array([[0.6, 0.3, 0.1, 0, 0]] * 4, np.float32),
        np.array([0.1, 0.6, 0.3, 0.6], np.float32),
    )
    graph = graph_of([(1, 0.9)], [(3, 0.9)], [(0, 0.9)], [(1, 0.9)])

    found = judge_labels(gather_evidence(evidence, graph, labels, loners(4), 3))

    assert found.suggestion[:2].tolist() == [1, NO_LABEL]
    likely, unlikely = np.sqrt([1.02 * 0.601, 0.02 * 0.301])
    assert found.suggestion_share[0] == pytest.approx(likely / (likely + unlikely))
    assert np.isnan(found.suggestion_share[1])


def test_the_copy_graph_votes_too():
    graph = graph_of([(1, 0.9)], [(0, 0.9)], [(0, 0.9)], [(1, 0.9)])
    copies = graph_of([(2, 0.9)], [(0, 0.9)], [(0, 0.9)], [(1, 0.9)])
    labels = np.array([0, 0, 1, 1], np.int32)

    found = judge_labels(
        gather_evidence(
            silent_evidence(4), graph, labels, loners(4), 2, copy_graph=copies
        )
    )

    assert found.score[0] == pytest.approx(50)


def test_one_class_only_agrees_with_itself():
    vectors, labels = classes_of_vectors([30])

    found = judge(vectors, labels)

    assert (found.score == 100).all()
    assert not found.issue.any()
    assert (found.suggestion == NO_LABEL).all()


def test_a_class_of_one_picture_cannot_be_judged_but_may_be_a_slip():
    vectors, labels = classes_of_vectors([50, 50])
    labels[7] = 2

    found = judge(vectors, labels)

    assert np.isnan(found.score[7])
    assert not found.issue[7]
    assert found.suggestion[7] == (0 if vectors[7, 0] > vectors[7, 1] else 1)


def test_copies_of_one_picture_are_a_class_of_one_picture():
    vectors, labels = classes_of_vectors([50, 50, 2])
    cluster = np.where(labels == 2, 5, -1)

    found = judge(vectors, labels, cluster)

    assert np.isnan(found.score[labels == 2]).all()
    assert np.isfinite(found.score[labels != 2]).all()


def test_a_class_of_two_pictures_that_look_alike_is_fine():
    vectors, labels = classes_of_vectors([100, 100, 2], spread=0.02)

    found = judge(vectors, labels)

    assert found.score[labels == 2].min() > 10
    assert not found.issue.any()


def test_labels_that_all_occur_once_cannot_be_judged():
    vectors, _ = classes_of_vectors([12])
    labels = np.arange(12, dtype=np.int32)

    found = judge(vectors, labels)

    assert np.isnan(found.score).all()
    assert not found.issue.any()


def test_classes_of_one_picture_are_learned_from_in_every_fold():
    vectors, _ = classes_of_vectors([12])
    labels = np.arange(12, dtype=np.int32)

    evidence = learn_classes((vectors,), labels, loners(12), 12)[0]

    assert np.isfinite(evidence.given).all()


def test_nothing_is_learned_of_copies_of_one_picture():
    vectors, labels = classes_of_vectors([10, 10])
    one_cluster = np.zeros(20, np.int64)

    evidence = learn_classes((vectors,), labels, one_cluster, 2)[0]
    found = judge(vectors, labels, one_cluster)

    assert np.isnan(evidence.given).all()
    assert (evidence.classes == NO_LABEL).all()
    assert np.isnan(found.score).all()


def test_who_would_be_asked_of_one_class_only_is_not_asked():
    vectors, labels = classes_of_vectors([20, 5])
    cluster = np.where(labels == 1, 3, -1)

    evidence = learn_classes((vectors,), labels, cluster, 2)[0]

    # Without the cluster, and so in its fold, the second class has no picture
    assert np.isnan(evidence.given[labels == 1]).all()
    assert 12 <= np.isfinite(evidence.given[labels == 0]).sum() < 20


def test_an_item_with_two_labels_votes_with_one_and_both_are_judged():
    graph = graph_of([(1, 0.9)], [(0, 0.9)], [(0, 0.9)], [(1, 0.9)])
    labels = np.array([0, 0, 1, 1], np.int32)
    pairs = np.array([[0, 1], [0, 0], [1, 0]])

    alone = judge_labels(
        gather_evidence(silent_evidence(4), graph, labels, loners(4), 2)
    )
    found = judge_labels(
        gather_evidence(silent_evidence(4), graph, labels, loners(4), 2), judged=pairs
    )

    assert found.score.tolist() == [0, 100, 100]
    assert found.suggestion.tolist() == [0, NO_LABEL, NO_LABEL]
    assert found.score[1:].tolist() == alone.score[:2].tolist()


def test_the_classifier_speaks_of_a_second_label_too():
    graph = graph_of([(1, 0.9)], [(0, 0.9)], [(0, 0.9)])
    labels = np.array([0, 0, 1], np.int32)
    evidence = ClassEvidence(
        np.array([[1, 0, -1, -1, -1]] * 3, np.int32),
        np.array([[0.8, 0.2, 0, 0, 0]] * 3, np.float32),
        np.array([0.2, 0.2, 0.8], np.float32),
    )

    found = judge_labels(
        gather_evidence(evidence, graph, labels, loners(3), 2),
        judged=np.array([[0, 0], [0, 1]]),
    )

    # Votes say 1 : 0, the classifier 0.2 : 0.8
    own, other = np.sqrt([1.02 * 0.201, 0.02 * 0.801])
    share = 100 * own / (own + other)
    assert found.score.tolist() == pytest.approx([share, 100 - share])


def test_a_label_nobody_votes_with_cannot_be_judged():
    graph = graph_of([(1, 0.9)], [(0, 0.9)], [(0, 0.9)])
    labels = np.zeros(3, np.int32)

    found = judge_labels(
        gather_evidence(silent_evidence(3), graph, labels, loners(3), 2),
        judged=np.array([[0, 0], [0, 1], [1, 0]]),
    )

    assert found.score[[0, 2]].tolist() == [100, 100]
    assert np.isnan(found.score[1])
    assert found.suggestion[1] == 0


def test_images_without_label_have_no_score_and_no_vote():
    vectors, labels = classes_of_vectors([60, 60])
    unlabeled = np.arange(0, 120, 3)
    labels[unlabeled] = NO_LABEL

    found = judge(vectors, labels)

    assert np.isnan(found.score[unlabeled]).all()
    assert (found.suggestion[unlabeled] == NO_LABEL).all()
    assert not found.issue[unlabeled].any()
    assert np.delete(found.score, unlabeled).min() > 90


def test_fewer_than_ten_labels_are_judged_by_votes_alone():
    vectors, labels = classes_of_vectors([4, 4])

    evidence = learn_classes((vectors,), labels, loners(8), 2)[0]
    found = judge(vectors, labels)

    assert np.isnan(evidence.given).all()
    assert (found.score > 50).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_smallest_sets_are_defined(count):
    vectors, labels = (
        classes_of_vectors([1] * count)
        if count
        else (
            np.zeros((0, 4), np.float32),
            np.zeros(0, np.int32),
        )
    )

    found = judge(vectors, labels)

    assert not found.issue.any()


@pytest.mark.slow
def test_hundreds_of_classes_are_learned_from_few_rows_each():
    vectors, labels = classes_of_vectors([12] * 300, spread=0.05, dims=320)
    wrong = np.arange(0, 3600, 120)
    truth = labels[wrong].copy()
    labels[wrong] = (truth + 150) % 300

    found = judge(vectors, labels)

    assert (found.suggestion[wrong] == truth).all()
    assert found.issue[wrong].mean() > 0.9
    assert np.delete(found.issue, wrong).mean() < 0.01


def test_the_threshold_decides_what_is_an_issue():
    vectors, labels = classes_of_vectors([40, 40], spread=0.4)

    strict = judge(vectors, labels, min_label_score=0)
    loose = judge(vectors, labels, min_label_score=100.1)

    assert not strict.issue.any()
    assert loose.issue.all()


def test_evidence_is_the_same_with_one_thread_and_with_two():
    from threadpoolctl import threadpool_limits

    vectors, labels = classes_of_vectors([150, 150, 90], spread=0.5, dims=300)

    with threadpool_limits(1):
        one = learn_classes((vectors,), labels, loners(390), 3)[0]
    two = learn_classes((vectors,), labels, loners(390), 3)[0]

    assert np.array_equal(one.classes, two.classes)
    assert np.array_equal(one.probabilities, two.probabilities)
    assert np.array_equal(one.given, two.given)


def test_learning_tells_how_far_it_is_and_can_be_stopped():
    vectors, labels = classes_of_vectors([30, 30])
    told: list[Progress] = []

    def stop(progress):
        told.append(progress)
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_classes((vectors,), labels, loners(60), 2, on_progress=stop)[0]

    assert [progress.done for progress in told] == [0, 1, 2]
    assert all(progress.total == 5 for progress in told)


def test_probabilities_are_sorted_and_belong_to_known_classes():
    vectors, labels = classes_of_vectors([40, 0, 40, 40])

    evidence = learn_classes((vectors,), labels, loners(120), 4)[0]

    assert (np.diff(evidence.probabilities, axis=1) <= 0).all()
    assert set(np.unique(evidence.classes)) == {-1, 0, 2, 3}
    assert evidence.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_what_no_line_parts_is_learned_from_many_rows():
    # Two classes in the corners of a square, as in exclusive or
    random = np.random.default_rng(0)
    corner = random.integers(0, 2, (6000, 2))
    vectors = random.normal(size=(6000, 8)) * 0.2
    vectors[:, :2] += 2 * corner - 1
    vectors = vectors.astype(np.float32)
    labels = (corner[:, 0] != corner[:, 1]).astype(np.int32)

    def accuracy(count):
        found = learn_classes((vectors[:count],), labels[:count], loners(count), 2)[0]
        return (found.classes[:, 0] == labels[:count]).mean()

    assert accuracy(6000) > 0.98
    # From few rows a regression is learned, which cannot
    assert accuracy(1000) < 0.7


@pytest.mark.slow
def test_many_rows_give_the_same_evidence_again():
    vectors, labels = classes_of_vectors([3000, 3000], spread=0.3)

    one, again = (learn_classes((vectors,), labels, loners(6000), 2)[0] for _ in "12")

    assert np.array_equal(one.given, again.given)
    assert one.given.mean() > 0.9
