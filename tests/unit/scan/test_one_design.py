"""Which pictures show what is common to two."""

import numpy as np

from core.copy_detection.one_design import OTHERS
from core.scan.one_design import pictures_like_both

COMPARED = np.array([[0, 1], [0, 2], [3, 0], [1, 4], [1, 5], [0, 6]], np.int32)
SIMILARITY = np.array([0.99, 0.9, 0.95, 0.8, 0.97, 0.85], np.float32)


def like_both(scores, pair=(0, 1)):
    found = pictures_like_both(
        np.array([pair], np.int32), COMPARED, SIMILARITY, np.array(scores, np.float32)
    )
    assert found.shape == (1, OTHERS)
    return found[0][found[0] >= 0].tolist()


def test_the_pictures_most_like_either_come_by_turns():
    assert like_both([0.7] * 6) == [3, 5, 2, 4, 6]


def test_what_surely_is_a_copy_does_not_show_what_is_common():
    assert like_both([0.7, 0.7, 0.99, 0.7, 0.7, 0.7]) == [5, 2, 4, 6]


def test_what_was_not_compared_has_none():
    assert like_both([0.7] * 6, pair=(8, 9)) == []
    assert like_both([0.7] * 6, pair=(9, 1)) == [0, 5, 4]
