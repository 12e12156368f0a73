import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.objects.boxes import BOX_ISSUES, box_issues, iou_of, overlaps
from core.objects.units import corners, look_like_pixels, units_of

SIZES = np.array([[200, 100], [640, 480]], np.int32)


def issues(boxes, labels=None, file=None, attributes=None, crowd=None, **options):
    boxes = np.array(boxes, float)
    count = len(boxes)
    file = np.zeros(count, int) if file is None else np.array(file)
    labels = np.zeros(count, int) if labels is None else np.array(labels)
    attributes = np.zeros(count, int) if attributes is None else np.array(attributes)
    units = units_of(file, boxes, SIZES, is_crowd=crowd)
    found = box_issues(units, boxes, SIZES, labels, attributes, **options)
    return [[BOX_ISSUES[i] for i in np.flatnonzero(row)] for row in found]


def test_boxes_become_pixels_of_their_pictures():
    boxes = np.array([[0.1, 0.2, 0.5, 0.5], [0.1, 0.2, 0.5, 0.5]])

    units = units_of(np.array([0, 1]), boxes, SIZES)

    assert units.box.tolist() == [[20, 20, 120, 70], [64, 96, 384, 336]]
    assert units.status.tolist() == [0, 0]


def test_a_margin_shows_more_of_the_picture_but_not_what_is_beyond():
    boxes = np.array([[0.0, 0.2, 0.5, 0.5]])

    units = units_of(np.array([0]), boxes, SIZES, margin=0.2)

    assert units.box.tolist() == [[0, 10, 120, 80]]


@pytest.mark.parametrize(
    ("box", "status"),
    [
        ([np.nan, 0, 0.5, 0.5], "degenerate"),
        ([0.1, 0.1, 0, 0.5], "degenerate"),
        ([0.1, 0.1, 0.5, -0.2], "degenerate"),
        ([0.1, 0.1, np.inf, 0.2], "degenerate"),
        ([1.2, 0.1, 0.3, 0.3], "outside"),
        ([0.1, -0.5, 0.3, 0.5], "outside"),
    ],
)
def test_boxes_without_a_picture_say_why(box, status):
    assert issues([box, [0.1, 0.1, 0.5, 0.5]]) == [[status], []]


def test_a_box_partly_outside_is_cut_to_the_picture_and_said():
    boxes = np.array([[-0.1, 0.1, 0.5, 0.5], [-0.004, 0.1, 0.5, 0.5]])

    assert units_of(np.array([0, 0]), boxes, SIZES).box[0].tolist() == [0, 10, 80, 60]
    assert issues(boxes) == [["outside"], []]


def test_tiny_boxes_are_named_and_not_cut_out():
    boxes = np.array([[0.1, 0.1, 0.04, 0.5]])

    units = units_of(np.array([0]), boxes, SIZES)

    assert issues(boxes) == [["tiny"]]
    assert not units.can_be_cut.any()


def test_of_two_boxes_on_one_object_the_poorer_is_the_duplicate():
    twice = [[0.1, 0.1, 0.5, 0.5], [0.105, 0.1, 0.5, 0.5]]

    assert issues(twice) == [[], ["duplicate"]]
    assert issues(twice, attributes=[0, 2]) == [["duplicate"], []]
    assert issues(twice, labels=[0, 1]) == [["two_labels"], ["two_labels"]]
    assert issues(twice, file=[0, 1]) == [[], []]
    assert issues(twice, min_overlap=0.99) == [[], []]


def test_a_chain_of_boxes_loses_only_those_that_a_kept_one_covers():
    chain = [[0.1, 0.1, 0.5, 0.5], [0.13, 0.1, 0.5, 0.5], [0.16, 0.1, 0.5, 0.5]]

    assert issues(chain) == [[], ["duplicate"], []]


def test_crowds_are_no_second_boxes():
    twice = [[0.1, 0.1, 0.5, 0.5], [0.1, 0.1, 0.5, 0.5]]

    assert issues(twice, crowd=np.array([True, False])) == [[], []]


def test_sizes_and_shapes_far_from_those_of_the_class_are_odd():
    rng = np.random.default_rng(0)
    boxes = np.full((50, 4), 0.3)
    boxes[:, :2] = rng.uniform(0.05, 0.4, (50, 2))
    boxes[:, 2:] *= rng.uniform(0.8, 1.25, (50, 2))
    boxes[7, 2:] = 0.06
    boxes[9] = 0.05, 0.3, 0.9, 0.1
    # The same boxes are ordinary for another class
    labels = np.where(np.arange(50) < 25, 0, 1)

    found = issues(boxes, labels, file=np.ones(50, int))

    assert "odd_size" in found[7]
    assert "odd_aspect_ratio" in found[9]
    assert sum("odd_size" in row for row in found) <= 2
    few = issues(boxes[:10], file=np.ones(10, int))
    assert not any("odd_size" in row for row in few)


def test_what_the_picture_cuts_off_has_no_odd_size_or_shape():
    boxes = np.full((40, 4), 0.3)
    boxes[5] = 0, 0.3, 0.02, 0.3
    boxes[6] = 0.98, 0.3, 0.02, 0.3
    boxes[7] = 0.5, 0.3, 0.02, 0.3

    found = issues(boxes, file=np.ones(40, int), min_overlap=1.0)

    odd = [row for row, names in enumerate(found) if "odd_aspect_ratio" in names]
    assert odd == [7]


def test_a_class_in_which_many_are_far_out_has_no_usual_shape():
    boxes = np.full((200, 4), 0.3)
    boxes[:4, 2] = 0.02
    assert sum("odd_aspect_ratio" in row for row in _issues_alone(boxes)) == 4

    boxes[4, 2] = 0.02
    assert not any("odd_aspect_ratio" in row for row in _issues_alone(boxes))


def _issues_alone(boxes):
    return issues(boxes, file=np.ones(len(boxes), int), min_overlap=1.0)


def test_boxes_that_are_all_alike_are_not_odd_by_their_rounding():
    boxes = np.full((50, 4), 0.3)
    boxes[::7, 2] += 0.001

    found = issues(boxes, file=np.arange(50) % 2, min_overlap=1.0)
    assert not any("odd_size" in row or "odd_aspect_ratio" in row for row in found)


def test_a_box_around_the_whole_picture_is_said():
    assert issues([[0, 0, 1, 1], [0, 0, 1, 0.5]]) == [["whole_picture"], []]


def test_pixels_in_place_of_shares_are_recognized():
    assert look_like_pixels(np.array([[10, 20, 200, 100], [0, 0, 50, 60]], float))
    assert not look_like_pixels(np.array([[0.1, 0.2, 0.9, 0.9], [2, 0.1, 0.1, 0.1]]))
    assert not look_like_pixels(np.zeros((0, 4)))


@st.composite
def pictures_of_boxes(draw):
    numbers = st.integers(0, 12)
    rows = draw(st.lists(st.tuples(st.integers(0, 3), *[numbers] * 4), max_size=25))
    table = np.array(rows, float).reshape(-1, 5)
    table[:, 3:] += 1
    return table[:, 0].astype(int), corners(table[:, 1:])


@given(pictures_of_boxes(), st.sampled_from([0.1, 0.5, 0.85, 1.0]))
def test_overlaps_are_those_of_all_pairs(pictures, least):
    file, boxes = pictures
    everyone = np.ones(len(file), bool)

    found = overlaps(file, boxes, everyone, least)

    iou = iou_of(boxes[:, None], boxes[None])
    together = (file[:, None] == file) & (iou >= least)
    assert found.pairs.tolist() == np.argwhere(np.triu(together, 1)).tolist()


def test_ten_thousand_boxes_in_one_picture_are_compared():
    rng = np.random.default_rng(1)
    boxes = corners(rng.uniform(0.01, 0.2, (10_000, 4)))
    boxes[-1] = boxes[0]

    found = overlaps(np.zeros(10_000, int), boxes, np.ones(10_000, bool), 0.85)

    assert [0, 9_999] in found.pairs.tolist()
