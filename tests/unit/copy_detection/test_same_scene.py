"""Copies, other moments and views of one scene, and different pictures."""

import itertools

import cv2
import numpy as np
import pytest

from core.copy_detection import (
    MIN_COPY_SCORE,
    SIGNATURE_SIDE,
    signatures,
    verify_pairs,
)
from core.copy_detection.same_scene import slide

SIDE = 256


def landscape(seed, side=2 * SIDE):
    """Draws hills with blotches of all sizes, as photographs have."""
    random = np.random.default_rng(seed)
    picture = np.zeros((side, side, 3), np.float32)
    for size in (4, 8, 16, 32, 64):
        noise = random.normal(size=(size, size, 3)).astype(np.float32)
        picture += cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC) * 18
    gray = picture.mean(axis=2, keepdims=True)
    picture = 120 + gray + 0.4 * (picture - gray)
    return np.clip(picture, 0, 255).astype(np.uint8)


def framed(picture, left, top):
    return picture[top : top + SIDE, left : left + SIDE]


def answer(one, other):
    squares = [
        cv2.resize(each, (SIGNATURE_SIDE,) * 2, interpolation=cv2.INTER_AREA)
        for each in (one, other)
    ]
    sizes = np.array([each.shape[1::-1] for each in (one, other)], np.int32)
    pairs = np.array([[0, 1]], np.int32)
    found = verify_pairs(signatures(np.array(squares)), pairs, sizes)
    if found.scores[0] >= MIN_COPY_SCORE:
        return "copy"
    return "scene" if found.scenes[0] else "different"


@pytest.fixture(params=[1, 2, 3])
def scene(request):
    return landscape(request.param)


def test_a_camera_that_moved_a_little_shows_the_same_scene(scene):
    one, other = framed(scene, 100, 100), framed(scene, 112, 104)

    assert answer(one, other) == "scene"


@pytest.mark.parametrize("pixels", [4, 12, 24])
def test_a_pan_shows_the_same_scene_frame_by_frame(scene, pixels):
    one = framed(scene, 100, 100)

    assert answer(one, framed(scene, 100 + pixels, 100)) == "scene"
    assert answer(one, framed(scene, 100, 100 - pixels)) == "scene"


@pytest.mark.parametrize("border", [cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
@pytest.mark.parametrize("shift", [(20, 0), (-20, 0), (0, 20), (0, -20)])
def test_a_picture_that_was_shifted_in_its_frame_is_a_copy(scene, border, shift):
    one = framed(scene, 100, 100)
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    shifted = cv2.warpAffine(one, move, (SIDE, SIDE), borderMode=border)

    assert answer(one, shifted) == "copy"


@pytest.mark.parametrize(("wider", "taller"), [(20, 0), (0, 20), (14, -10)])
def test_two_cuttings_of_one_photograph_of_other_shapes_are_copies(
    scene, wider, taller
):
    one = framed(scene, 100, 100)
    other = scene[90 : 90 + SIDE + taller, 108 : 108 + SIDE + wider]

    assert answer(one, other) == "copy"


def test_what_is_cut_out_of_a_picture_is_a_copy(scene):
    one = framed(scene, 100, 100)

    assert answer(one, one[10:240, 20:250]) == "copy"


def test_a_picture_that_is_only_lighter_is_a_copy(scene):
    one = framed(scene, 100, 100)
    lighter = np.clip(one * 1.2 + 12, 0, 255).astype(np.uint8)

    assert answer(one, lighter) == "copy"


def test_things_that_moved_before_a_still_camera_are_another_moment(scene):
    one = framed(scene, 100, 100).copy()
    leaves = np.random.default_rng(4).normal(size=(64, 64, 1)) * 8
    other = one + cv2.resize(leaves, (SIDE, SIDE))[..., None]
    other = np.clip(other, 0, 255).astype(np.uint8)
    for place in ((60, 80), (150, 60), (90, 180)):
        cv2.circle(one, place, 9, (20, 20, 25), -1)
        cv2.circle(other, (place[0] + 34, place[1] + 30), 9, (20, 20, 25), -1)

    assert answer(one, other) == "scene"


def test_other_pictures_are_different(scene):
    assert answer(framed(scene, 100, 100), landscape(99)) == "different"


def test_what_holds_another_has_no_slide():
    inside = np.array([[[0.8, 0, 0.1], [0, 0.8, 0.2]]])
    around = np.array([[[1.25, 0, -0.125], [0, 1.25, -0.125]]])
    tilted = np.array([[[0.99, -0.05, 0.03], [0.05, 0.99, -0.02]]])

    assert slide(inside) <= 0
    assert slide(around) <= 0
    assert slide(tilted) <= 0


def test_a_frame_that_moved_on_slides_by_as_much():
    moved = np.array([[[1, 0, 0.04], [0, 1, -0.01]]])

    assert slide(moved) == pytest.approx(0.04)


def under_a_mark(picture, level=255, share=0.3):
    """Lays lines and words over the whole picture, as stock photographs have them."""
    mark = np.zeros((SIDE, SIDE), np.float32)
    for row in range(3):
        where = (6, 50 + 80 * row)
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(mark, "SAMPLE SAMPLE", where, font, 1, 1, 2, cv2.LINE_AA)
    for ends in (((0, 0), (SIDE, SIDE)), ((0, SIDE), (SIDE, 0))):
        cv2.line(mark, *ends, 1, 2, cv2.LINE_AA)
    part = share * mark[:, :, None]
    return (picture * (1 - part) + level * part).astype(np.uint8)


@pytest.mark.parametrize("level", [0, 255])
def test_a_mark_laid_over_the_whole_picture_is_no_other_moment(scene, level):
    original = framed(scene, 100, 100)
    marked = under_a_mark(original, level)

    assert answer(original, marked) == "copy"


def tissue(seed):
    """Draws a smooth ground of one color, and faint vessels of this picture alone."""
    random = np.random.default_rng(seed)
    light = cv2.resize(random.normal(0, 9, (4, 4)), (SIDE, SIDE))
    for _ in range(4):
        ends = random.integers(0, SIDE, (2, 2)).tolist()
        cv2.line(light, *ends, float(random.uniform(-25, -10)), 3, cv2.LINE_AA)
    color = np.array([200, 95, 70])
    return (color + light[:, :, None]).clip(0, 255).astype(np.uint8)


def test_plain_pictures_under_one_mark_are_no_copies():
    marked = [under_a_mark(tissue(seed), share=0.6) for seed in range(6)]

    for one, other in itertools.combinations(marked, 2):
        assert answer(one, other) != "copy"
    # The mark itself is no reason against a copy
    again = cv2.imencode(".jpg", marked[0], [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    assert answer(marked[0], cv2.imdecode(again, cv2.IMREAD_COLOR)) == "copy"


def page(seed):
    """Draws a scanned receipt: the lines of a form, the words of this one."""
    form, random = np.random.default_rng(0), np.random.default_rng(seed)
    paper = cv2.resize(form.normal(235, 6, (9, 9)), (SIDE, 2 * SIDE))
    for top in range(16, 2 * SIDE - 16, 12):
        left, width = form.integers(16, 60), form.integers(60, 160)
        for x in range(left, left + width, 5):
            ink = random.integers(30, 200)
            cv2.rectangle(paper, (x, top), (x + 3, top + 6), int(ink), -1)
    return cv2.cvtColor(paper.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


@pytest.mark.parametrize("seed", range(1, 6))
def test_pages_of_one_layout_are_no_scene(seed):
    assert answer(page(seed), page(seed + 10)) == "different"


def thing(seed):
    """Draws a lid on a table in the light of a lamp."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    table = 150 + 70 * np.exp(-3 * ((x - 0.3) ** 2 + (y - 0.2) ** 2))
    table = np.repeat(table[..., None], 3, axis=2) * (0.9, 0.95, 1)
    size, color = random.integers(40, 80), random.integers(40, 220, 3)
    for ring in range(int(size), 10, -9):
        tone = (color * random.uniform(0.6, 1.2)).clip(0, 255).tolist()
        cv2.circle(table, (128, 128), ring, tone, -1, cv2.LINE_AA)
    return table.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(1, 9))
def test_things_of_one_kind_on_one_table_are_no_scene(seed):
    assert answer(thing(seed), thing(seed + 20)) == "different"
