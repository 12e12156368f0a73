import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.copy_detection.orientations import TURN_BACK, turn_planes
from core.objects.agreement import AGREEMENTS, Overlay, carried, compare_boxes

STILL = np.eye(2, 3)
BOXES = np.array([[0.1, 0.1, 0.3, 0.3], [0.5, 0.2, 0.8, 0.6], [0.2, 0.6, 0.4, 0.9]])
LABELS = np.array([0, 1, 2])


def compare(one, other, one_labels=LABELS, other_labels=LABELS, overlay=None):
    overlay = overlay or Overlay(0, STILL)
    found = compare_boxes(
        np.array(one), np.array(one_labels), np.array(other), np.array(other_labels),
        overlay,
    )  # fmt: skip
    return tuple(
        [AGREEMENTS[kind] if kind >= 0 else None for kind in side.kind.tolist()]
        for side in found
    )


@pytest.mark.parametrize("turn", range(8))
def test_boxes_turn_with_their_picture(turn):
    picture = np.zeros((100, 100))
    picture[10:30, 50:80] = 1

    box = carried(np.array([[0.5, 0.1, 0.8, 0.3]]), Overlay(turn, STILL))[0]

    rows, columns = np.nonzero(turn_planes(picture, turn))
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert (box * 100).tolist() == pytest.approx(seen)


@given(
    st.integers(0, 7),
    st.floats(0.5, 2),
    st.floats(0.5, 2),
    st.floats(-0.3, 0.3),
    st.floats(-0.3, 0.3),
)
def test_a_box_carried_there_and_back_is_the_box(turn, wide, tall, right, down):
    there = Overlay(turn, np.array([[wide, 0, right], [0, tall, down]]))
    undo = np.array([[1 / wide, 0, -right / wide], [0, 1 / tall, -down / tall]])

    moved = carried(carried(BOXES, there), Overlay(0, undo))
    back = carried(moved, Overlay(int(TURN_BACK[turn]), STILL))

    assert back == pytest.approx(BOXES, abs=1e-6)


def test_equal_boxes_agree():
    assert compare(BOXES, BOXES[::-1], LABELS, LABELS[::-1]) == (
        ["agrees"] * 3,
        ["agrees"] * 3,
    )


def test_what_one_side_lacks_is_missing_there():
    assert compare(BOXES, BOXES[:2], LABELS, LABELS[:2]) == (
        ["agrees", "agrees", "missing"],
        ["agrees", "agrees"],
    )


def test_other_labels_and_other_places_are_told_apart():
    moved = BOXES + [[0] * 4, [0.06, 0, 0.06, 0], [0] * 4]

    assert compare(BOXES, moved, LABELS, [0, 1, 9]) == (
        ["agrees", "shifted", "other label"],
        ["agrees", "shifted", "other label"],
    )


def test_a_crop_is_not_asked_for_what_it_does_not_show():
    # The other picture is the right half of the first
    right_half = Overlay(0, np.array([[2.0, 0, -1], [0, 1, 0]]))
    other = carried(BOXES[1:2], right_half)

    assert compare(BOXES, other, LABELS, [1], right_half) == (
        [None, "agrees", None],
        ["agrees"],
    )


def test_a_box_that_is_partly_shown_is_compared_by_that_part():
    # Of the box only what is right of .56 is shown, four fifths of it
    cut = Overlay(0, np.array([[1 / 0.44, 0, -0.56 / 0.44], [0, 1, 0]]))
    shown = np.clip(carried(BOXES[1:2], cut), 0, 1)

    assert compare(BOXES[1:2], shown, [1], [1], cut) == (["agrees"], ["agrees"])


@pytest.mark.parametrize("turn", [2, 4, 5])
def test_mirrored_and_turned_copies_agree(turn):
    overlay = Overlay(turn, STILL)

    assert compare(BOXES, carried(BOXES, overlay), overlay=overlay)[0] == ["agrees"] * 3


def test_pictures_without_boxes_are_compared():
    none = np.zeros((0, 4))

    assert compare(BOXES, none, LABELS, []) == (["missing"] * 3, [])
    assert compare(none, none, [], []) == ([], [])
