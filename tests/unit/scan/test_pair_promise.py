"""What a closer look at pairs promises, and the care that it is worth."""

import cv2
import numpy as np
import pytest

from core.copy_detection import PairScores, signatures
from core.copy_detection.closer_look import DOUBTED, GLANCE, MARK, THOROUGH
from core.scan import pair_promise
from core.scan.pair_promise import care_for, promise_in_place, promise_of
from tests.unit.copy_detection.test_closer_look import photo


def care(promise):
    """With which care pairs are looked at that the signatures refuse."""
    return care_for(promise, np.zeros(len(promise), np.float32)).tolist()


def test_pairs_of_which_the_signatures_leave_doubt_are_worth_more_than_a_glance():
    found = PairScores.of_nothing(6)
    found.chance[:] = 0, 0.3, 0.001, 0, 0, 0
    found.correlation[:] = 0.5, 0.5, 0.5, 0.95, 0.95, 0.95
    found.scores[5] = 0.9
    similarity = np.array([0.8, 0.8, 0.8, 0.8, 0.9, 0.9], np.float32)
    same = np.zeros(6, np.float32)

    promise = promise_in_place(found, similarity, same)

    assert care(promise) == [GLANCE, THOROUGH, GLANCE, GLANCE, THOROUGH, GLANCE]
    assert (promise > 0).tolist() == [True] * 5 + [False]


def test_what_the_signatures_take_for_a_copy_is_looked_at_as_one_in_doubt():
    promise = np.array([0.05, 0.9, 0.9], np.float32)
    scores = np.array([0, 0.59, 0.61], np.float32)

    assert care_for(promise, scores).tolist() == [GLANCE, THOROUGH, DOUBTED]


def test_features_are_looked_for_in_such_pairs_that_have_a_chance_of_their_own():
    picture = cv2.resize(photo("coffee"), (128, 128))
    described = signatures(np.array([picture, picture]))
    pairs = np.array([[0, 1]] * 3, np.int32)
    found = PairScores.of_nothing(3)
    found.scores[:] = 0.01
    found.chance[:] = 0, 0.3, 0.7
    similarity = np.full(3, 0.6, np.float32)

    promise = promise_of(found, similarity, described, pairs)

    assert care(promise) == [MARK, THOROUGH, THOROUGH]
    # The mark is worth more than the chance, unless that is larger
    assert promise == pytest.approx([0.5, 0.5, 0.7], abs=0.02)


def test_pairs_of_which_most_is_the_same_in_place_are_worth_more_too():
    found, same = PairScores.of_nothing(4), np.array([0.5, 0.8, 0.9, 0.9], np.float32)
    similarity = np.array([0.8, 0.8, 0.8, 0.6], np.float32)

    promise = promise_in_place(found, similarity, same)

    assert care(promise) == [GLANCE, GLANCE, THOROUGH, GLANCE]
    assert promise[1] > 2 * promise[0]


def test_a_picture_that_shows_half_of_another_is_worth_more_than_a_glance():
    squares = np.array([photo("coffee"), photo("coffee"), photo("astronaut")])
    squares[1:, 80:] = 255
    described = signatures(np.array([cv2.resize(one, (128, 128)) for one in squares]))
    pairs = np.array([[0, 1], [0, 2], [1, 2]], np.int32)
    similarity = np.full(3, 0.4, np.float32)

    promise = promise_of(PairScores.of_nothing(3), similarity, described, pairs)

    assert care(promise) == [THOROUGH, GLANCE, GLANCE]


def test_a_refused_copy_that_was_tilted_is_glanced_at_before_others():
    tilt = cv2.getRotationMatrix2D((63.5, 63.5), 5, 1)
    picture = cv2.resize(photo("astronaut"), (128, 128)) // 3
    tilted = cv2.warpAffine(picture, tilt, (128, 128))
    other = cv2.resize(photo("coffee"), (128, 128)) // 3
    described = signatures(np.array([picture, tilted, other]))
    pairs = np.array([[0, 1], [0, 2], [1, 0], [0, 1]], np.int32)
    found = PairScores.of_nothing(4)
    found.scores[2] = 0.9
    similarity = np.array([0.8, 0.8, 0.8, 0.4], np.float32)

    promise = promise_of(found, similarity, described, pairs)

    assert care(promise) == [GLANCE] * 4
    # More than if all of two other pictures were the same in place
    same = np.ones(4, np.float32)
    assert promise[0] > promise_in_place(found, np.full_like(same, 0.7), same)[0]
    assert promise[2] == 0
    assert max(promise[1], promise[3]) < promise[0]


@pytest.mark.slow
def test_processes_promise_what_this_process_does(answers_of_workers, monkeypatch):
    names = "astronaut", "coffee", "chelsea", "cat"
    squares = [cv2.resize(photo(name), (128, 128)) for name in names]
    squares += [np.roll(one, shift, axis=1) for one in squares for shift in (1, 3, 40)]
    described = signatures(np.array(squares))
    pairs = np.array(
        [(a, b) for a in range(len(squares)) for b in range(a)] * 20, np.int32
    )
    found = PairScores.of_nothing(len(pairs))
    found.chance[::7], found.scores[::11] = 0.4, 0.9
    similarity = np.linspace(0.3, 1, len(pairs)).astype(np.float32)
    asked = found, similarity, described, pairs
    monkeypatch.setattr(pair_promise, "_AT_ONCE", 100)
    here = promise_of(*asked)
    monkeypatch.setattr(pair_promise, "_A_PROCESS", len(pairs) // 3)

    theirs = promise_of(*asked)

    assert len(answers_of_workers) > 1
    assert all(answers_of_workers)
    assert len(np.unique(here)) > 10
    assert np.array_equal(here, theirs)
