import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.copy_detection.frame_maps import turn_map
from core.copy_detection.orientations import turn_planes
from core.copy_detection.overlays import STILL, after, inverse
from core.objects.agreement import (
    AGREEMENTS,
    Copies,
    agree,
    carried,
    compare_boxes,
)

BOXES = np.array([[0.1, 0.1, 0.3, 0.3], [0.5, 0.2, 0.8, 0.6], [0.2, 0.6, 0.4, 0.9]])
LABELS = [0, 1, 2]
NAMES = dict(enumerate(AGREEMENTS)) | {-1: None}


def judge(boxes, labels, pairs, maps, exact=None, **settings):
    """What copies say of the boxes of pictures, a list a picture."""
    picture = np.repeat(np.arange(len(boxes)), [len(one) for one in boxes])
    every = np.concatenate([np.reshape(one, (-1, 4)) for one in boxes])
    codes = np.array([code for one in labels for code in one], np.int64)
    pairs = np.array(pairs)
    counts = np.ones(len(every), bool)
    found = compare_boxes(Copies(pairs, np.array(maps)), picture, every, counts)
    exact = counts if exact is None else np.array(exact)
    result = agree(found, pairs, picture, len(boxes), codes, exact, **settings)
    kinds = [NAMES[kind] for kind in result.kind.tolist()]
    ends = np.cumsum([0, *(len(one) for one in boxes)]).tolist()
    return result, [kinds[a:b] for a, b in zip(ends, ends[1:])]


def compare(one, other, one_labels=LABELS, other_labels=LABELS, there=STILL):
    return judge([one, other], [one_labels, other_labels], [(0, 1)], [there])[1]


@pytest.mark.parametrize("turn", range(8))
def test_boxes_turn_with_their_picture(turn):
    picture = np.zeros((100, 100))
    picture[10:30, 50:80] = 1

    box = carried(np.array([[0.5, 0.1, 0.8, 0.3]]), turn_map(turn))[0]

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
    moved = np.array([[wide, 0, right], [0, tall, down]])
    there = after(moved, turn_map(turn))

    back = carried(carried(BOXES, there), inverse(there))

    assert back == pytest.approx(BOXES, abs=1e-6)


def test_equal_boxes_agree_in_any_order():
    assert compare(BOXES, BOXES[::-1], LABELS, LABELS[::-1]) == [["agrees"] * 3] * 2


def test_what_one_side_lacks_is_missing_there():
    result, kinds = judge([BOXES, BOXES[:2]], [LABELS, LABELS[:2]], [(0, 1)], [STILL])

    assert kinds == [["agrees", "agrees", "missing"], ["agrees", "agrees"]]
    assert result.lacking.tolist() == [0, 1]
    assert result.conflict.tolist() == [True, True]


def test_other_labels_and_other_places_are_told_apart():
    moved = BOXES + [[0] * 4, [0.06, 0, 0.06, 0], [0] * 4]

    result, kinds = judge([BOXES, moved], [LABELS, [0, 1, 9]], [(0, 1)], [STILL])

    assert kinds == [["agrees", "shifted", "other label"]] * 2
    assert result.label.tolist() == [-1, -1, 9, -1, -1, 2]


def test_edges_of_tiny_boxes_and_unknown_labels_contradict_none():
    moved = BOXES + [[0] * 4, [0.06, 0, 0.06, 0], [0] * 4]
    exact = [True, False, True] * 2

    _, kinds = judge(
        [BOXES, moved], [LABELS, [0, 1, -1]], [(0, 1)], [STILL], exact=exact
    )

    assert kinds == [["agrees"] * 3] * 2


def test_the_overlap_that_is_asked_for_counts():
    moved = BOXES + 0.02
    _, strict = judge(
        [BOXES, moved], [LABELS] * 2, [(0, 1)], [STILL], min_agreement=0.9
    )
    _, mild = judge([BOXES, moved], [LABELS] * 2, [(0, 1)], [STILL], min_agreement=0.5)

    assert strict == [["shifted"] * 3] * 2 and mild == [["agrees"] * 3] * 2


def test_a_crop_is_not_asked_for_what_it_does_not_show():
    right_half = np.array([[2.0, 0, -1], [0, 1, 0]])
    other = carried(BOXES[1:2], right_half)

    assert compare(BOXES, other, LABELS, [1], right_half) == [
        [None, "agrees", None],
        ["agrees"],
    ]
    # And whichever of the two comes first
    assert compare(other, BOXES, [1], LABELS, inverse(right_half)) == [
        ["agrees"],
        [None, "agrees", None],
    ]


def test_a_box_that_is_partly_shown_is_compared_by_that_part():
    # Of the box only what is right of .56 is shown, four fifths of it
    cut = np.array([[1 / 0.44, 0, -0.56 / 0.44], [0, 1, 0]])
    shown = np.clip(carried(BOXES[1:2], cut), 0, 1)

    assert compare(BOXES[1:2], shown, [1], [1], cut) == [["agrees"], ["agrees"]]


@pytest.mark.parametrize("turn", [2, 4, 5])
def test_mirrored_and_turned_copies_agree(turn):
    there = turn_map(turn)

    assert compare(BOXES, carried(BOXES, there), there=there)[0] == ["agrees"] * 3


def test_of_crowded_boxes_partners_are_those_that_fit_best_together():
    # The middle box of the second lies on both of the first
    one = [[0.10, 0, 0.30, 1], [0.18, 0, 0.38, 1]]
    other = [[0.16, 0, 0.36, 1], [0.09, 0, 0.29, 1]]

    assert compare(one, other, [0, 1], [1, 0]) == [["agrees"] * 2] * 2


def test_of_several_copies_the_gravest_counts_and_boxes_are_counted_once():
    boxes = [BOXES, BOXES[:1], BOXES, BOXES[:1] + [[0.04, 0, 0.04, 0]]]
    labels = [LABELS, [0], [0, 1, 7], [0]]
    pairs = [(1, 0), (2, 0), (3, 0), (1, 2)]

    result, kinds = judge(boxes, labels, pairs, [STILL] * 4)

    assert kinds[0] == ["shifted", "missing", "other label"]
    assert result.label[2] == 7
    # Two copies have the two boxes that picture 1 lacks
    assert result.lacking.tolist() == [0, 2, 0, 2]
    assert result.compared.tolist() == [True] * 4


def test_pictures_without_boxes_are_compared():
    assert compare(BOXES, [], LABELS, []) == [["missing"] * 3, []]
    result, kinds = judge([[], [], BOXES], [[], [], LABELS], [(0, 1)], [STILL])
    assert kinds == [[], [], [None] * 3]
    assert result.compared.tolist() == [True, True, False]


def test_ten_thousand_boxes_in_one_picture_are_compared():
    places = np.stack(np.meshgrid(*[np.linspace(0, 0.99, 100)] * 2), -1).reshape(-1, 2)
    boxes = np.concatenate([places, places + 0.012], axis=1)
    labels = list(range(len(boxes)))

    kinds = compare(boxes, boxes[1:], labels, labels[1:])

    assert kinds[0] == ["missing"] + ["agrees"] * 9_999
