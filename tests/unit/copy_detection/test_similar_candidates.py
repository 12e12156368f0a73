"""Which neighbors by the descriptors are compared."""

import numpy as np

from core.copy_detection import similar_enough


def test_the_nearest_may_be_less_alike_than_the_others():
    similarities = np.array(
        [[0.9, 0.75, 0.74], [0.74, 0.74, 0.7], [0.5, 0.4, 0.3], [0.49, 0.4, 0.3]],
        np.float32,
    )

    enough = similar_enough(similarities, 0.75)

    assert enough.tolist() == [
        [True, True, False],
        [True, False, False],
        [True, False, False],
        [False, False, False],
    ]


def test_farther_neighbors_must_be_more_alike():
    similarities = np.full((3, 7), [[0.76], [0.81], [0.86]], np.float32)

    enough = similar_enough(similarities, 0.75)

    assert enough.sum(axis=1).tolist() == [3, 5, 7]
    assert (np.sort(~enough, axis=1) == ~enough).all()


def test_without_neighbors_there_is_nothing_to_compare():
    assert similar_enough(np.zeros((3, 0), np.float32), 0.75).shape == (3, 0)
