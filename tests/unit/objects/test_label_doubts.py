import numpy as np
import pytest

from core.objects.label_doubts import (
    FEWEST_OF_CLASS,
    can_be_judged,
    looks_alike,
    shows_another,
)


def test_a_class_with_few_distinct_objects_cannot_be_judged():
    count = FEWEST_OF_CLASS
    labels = np.array([0] * count + [1] * count + [-1])
    images = np.arange(len(labels))
    # Two objects of class 1 show the same, and one has no crop
    assert can_be_judged(labels, images).tolist() == [True] * 2 * count + [False]
    images[count + 1] = images[count]
    assert can_be_judged(labels, images).tolist() == (
        [True] * count + [False] * (count + 1)
    )
    images[0] = -1
    assert not can_be_judged(labels, images).any()
    assert can_be_judged(labels[:0], images[:0]).tolist() == []


def test_what_many_of_a_class_look_like_is_no_doubt():
    labels = np.array([0] * 40 + [1] * 40 + [-1] * 9)
    suggested = np.full(len(labels), -1)
    score = np.full(len(labels), 20.0)
    # Five of class 0 look like class 1, and four of class 1 like class 0
    suggested[:5], suggested[40:44], suggested[80:] = 1, 0, 0

    found = looks_alike(labels, suggested, score)

    assert np.flatnonzero(found).tolist() == [0, 1, 2, 3, 4]
    # Each like another class: these may well be wrong
    suggested[:5] = [1, 2, 3, 4, 5]
    assert not looks_alike(labels, suggested, score).any()
    # Two of a class of 20 are a tenth, and few
    few = np.array([1, 1] + [-1] * 17)
    assert not looks_alike(np.zeros(19, int), few, score[:19]).any()
    assert looks_alike(labels[:0], labels[:0], score[:0]).tolist() == []


@pytest.mark.parametrize(("far", "excused"), [(5, True), (6, False)])
def test_many_that_look_like_another_class_and_not_like_their_own_are_doubted(
    far, excused
):
    labels, suggested = np.zeros(40, int), np.array([1] * 9 + [-1] * 31)
    score = np.array([4.9] * far + [5.0] * (9 - far) + [90.0] * 31)

    found = looks_alike(labels, suggested, score)

    assert found.tolist() == [excused] * 9 + [False] * 31


def test_a_crop_with_a_box_of_the_suggested_class_is_no_doubt():
    boxes = np.array(
        [
            [0.1, 0.1, 0.5, 0.9],  # a person
            [0.2, 0.2, 0.3, 0.6],  # its tie
            [0.8, 0.8, 0.9, 0.9],  # another tie
            [0.1, 0.1, 0.5, 0.9],  # a person at that place of another picture
        ]
    )
    file, labels = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0])

    def asked(rows, suggested):
        rows, suggested = np.array(rows, int), np.array(suggested, int)
        return shows_another(rows, suggested, file, boxes, labels).tolist()

    # The tie lies on the person; of the person the tie covers an eighth
    assert asked([1, 2, 0], [0, 0, 1]) == [True, False, False]
    assert asked([1], [-1]) == [False] and asked([], []) == []
    # Not by itself
    assert asked([1], [1]) == [False]
