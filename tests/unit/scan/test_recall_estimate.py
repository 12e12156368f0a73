import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.copy_detection.augmentations import AUGMENTATIONS, COVERED, UNCOVERED
from core.scan.recall_estimate import (
    ACCEPTED_FALSE_RATE,
    NO_COPY_SCORES,
    CopyScores,
    calibrated_score,
    expected_recall,
    false_rate,
    recall_interval,
)


def trial(others, found=1.0):
    copies = np.full((3, len(AUGMENTATIONS)), found, np.float32)
    return scores_of(copies, others)


def scores_of(alone, others=()):
    uncovered, covered = (
        np.zeros((len(alone), count), np.float32) for count in (UNCOVERED, COVERED)
    )
    return CopyScores(alone, uncovered, covered, np.array(others, np.float32))


def test_the_expected_recall_is_the_share_found_of_each_change():
    scores = np.zeros((4, len(AUGMENTATIONS)), np.float32)
    scores[:3, 0] = 0.7
    scores[:, 1] = [0.59, 0.6, 0.61, 1]

    recall = expected_recall(scores_of(scores), 0.6)

    assert list(recall) == list(AUGMENTATIONS)
    assert list(recall.values())[:3] == [0.75, 0.75, 0.0]


def test_copies_that_are_found_by_picture_count_as_few():
    by_picture, mixed = np.zeros((2, 40, 10), np.float32)
    by_picture[:20], mixed[:, ::2] = 1, 1
    mixed[::2] = mixed[::2, ::-1]
    mixed[:4, 0] = 1

    share, low, high = recall_interval(by_picture, 0.6, by_kind=False)
    _, mixed_low, mixed_high = recall_interval(mixed, 0.6, by_kind=False)

    assert share == 0.5
    assert (low, high) == pytest.approx((0.35, 0.65), abs=0.01)
    assert 0.44 < mixed_low < 0.5 < mixed_high < 0.56


def test_kinds_of_change_that_differ_widen_the_interval():
    scores = np.zeros((40, 10), np.float32)
    scores[:, :5] = 1

    alike = recall_interval(scores, 0.6, by_kind=False)
    differing = recall_interval(scores, 0.6, by_kind=True)

    assert alike[0] == differing[0] == 0.5
    assert differing[1] < 0.25 < 0.4 < alike[1] < alike[2] < 0.6 < 0.75 < differing[2]


def test_a_few_pictures_promise_little():
    low, high = recall_interval(np.ones((8, 6), np.float32), 0.6, by_kind=False)[1:]

    assert 0.5 < low < 0.7
    assert high == 1
    assert recall_interval(np.ones((1, 6), np.float32), 0.6, by_kind=False)[1] < 0.1


def test_without_a_trial_nothing_is_expected():
    assert expected_recall(NO_COPY_SCORES, 0.6) == {}
    assert false_rate(NO_COPY_SCORES, 0.6) is None
    assert calibrated_score(NO_COPY_SCORES, 0.6) == 0.6


def test_the_false_rate_is_the_share_that_passes():
    assert false_rate(trial([0.1, 0.5, 0.6, 0.9]), 0.6) == 0.5


def test_the_threshold_is_raised_above_the_non_copies_that_pass():
    others = [0.0] * 2990 + [0.65] * 5 + [0.8, 0.81, 0.9, 0.95, 0.97]

    score = calibrated_score(trial(others), 0.6)

    # Of 3,000 pairs 3 may pass: those from 0.9 on
    assert score == pytest.approx(0.811)
    assert false_rate(trial(others), score) == ACCEPTED_FALSE_RATE


def test_one_pair_that_passes_raises_nothing():
    assert calibrated_score(trial([0.0] * 50 + [0.9]), 0.6) == 0.6


@given(
    st.lists(st.floats(0, 1, width=32), max_size=60), st.floats(0.1, 0.9), st.booleans()
)
def test_the_threshold_is_never_lowered_and_holds_what_it_says(others, score, many):
    if many:
        others = others * 100
    found = trial(others)

    raised = calibrated_score(found, score)

    assert score <= raised <= 1
    passing = int((found.negative_scores >= np.float32(raised)).sum())
    full = int((found.negative_scores == 1).sum())
    assert passing <= max(1, int(ACCEPTED_FALSE_RATE * len(others)), full)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_expects_more(seed, one, other):
    random = np.random.default_rng(seed)
    found = CopyScores(
        random.random((5, len(AUGMENTATIONS)), np.float32),
        random.random((5, UNCOVERED), np.float32),
        random.random((5, COVERED), np.float32),
        random.random(9, np.float32),
    )
    low, high = sorted((one, other))

    assert false_rate(found, high) <= false_rate(found, low)
    for name, recall in expected_recall(found, high).items():
        assert recall <= expected_recall(found, low)[name]
