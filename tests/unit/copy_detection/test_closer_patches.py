"""Patches in which two pictures differ, and what they hold."""

import cv2
import numpy as np
import pytest
from skimage import data

from core.copy_detection.closer_patches import (
    Patch,
    frames_another,
    patches,
    shows_another_thing,
    shows_things_moved,
)
from core.copy_detection.closer_pixels import likened
from core.copy_detection.overlays import STILL, Overlays

SIDE = 128


def shown(name, side=SIDE):
    picture = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def in_one_frame(one, other):
    """Returns two pictures that lie on one another, and their patches."""
    no, still = np.zeros(1, bool), np.zeros(1, np.int64)
    overlays = Overlays(still, still + 1, still, STILL[None], no, no, no, no)
    like = likened(np.array([one, other], np.float32), overlays, 0)
    return like, patches(like)


def with_a(thing, picture, *places):
    """Lays a thing over a picture, at each place."""
    result = picture.copy()
    for top, left in places:
        result[top : top + len(thing), left : left + thing.shape[1]] = thing
    return result


def sticker(level):
    """A square of one tone with a word on it."""
    square = np.full((30, 30), level, np.uint8)
    cv2.putText(square, "NEW", (3, 19), 0, 0.4, 255 - level, 1)
    return square


def test_a_speck_is_no_patch():
    scene = shown("coffee")
    speck, spot = (shown("chelsea", side) for side in (8, 14))

    assert in_one_frame(scene, with_a(speck, scene, (32, 8)))[1] == []
    assert len(in_one_frame(scene, with_a(spot, scene, (32, 8)))[1]) == 1


def have_moved(one, other):
    like, found = in_one_frame(one, other)
    return shows_things_moved(like, found)


def test_a_patch_knows_which_picture_holds_a_thing():
    scene, thing = shown("coffee"), shown("chelsea", 24)

    _, (patch,) = in_one_frame(scene, with_a(thing, scene, (32, 8)))

    assert patch.steps[1] > 5 * patch.steps[0]
    assert np.allclose(*patch.grounds, rtol=0.1)
    assert 0.8 * 24**2 <= patch.area <= 1.2 * 24**2
    assert patch.filled > 0.8
    assert abs(patch.alike) < 0.5


def test_where_each_picture_holds_a_thing_things_were_moved():
    scene, thing = shown("coffee"), shown("chelsea", 24)
    here, there = (with_a(thing, scene, one) for one in ((32, 8), (80, 56)))

    assert have_moved(here, there)
    assert have_moved(there, np.uint8(here * 0.8 + 10))
    # In one picture alone it may as well have been laid over a copy
    assert not have_moved(scene, with_a(thing, scene, (32, 8), (80, 56)))


def test_two_copies_with_a_sticker_each_are_no_other_moments():
    scene = shown("coffee")
    one = with_a(sticker(240), scene, (32, 8))
    other = with_a(sticker(30), scene, (80, 56))

    assert not have_moved(one, other)


def test_where_nothing_is_still_nothing_is_known_to_have_moved():
    random = np.random.default_rng(3)
    scene, thing = shown("coffee"), shown("chelsea", 24)
    here, there = (
        with_a(thing, scene, one) + random.normal(0, 12, (SIDE, SIDE))
        for one in ((32, 8), (80, 56))
    )

    assert in_one_frame(here, there)[0].noise > 2.5
    assert not have_moved(here, there)


def smooth_ground():
    slope = np.linspace(60, 150, SIDE)
    return np.uint8(np.add.outer(slope, slope[::-1] * 0.3))


def test_a_thing_on_a_smooth_ground_may_have_taken_the_place_of_another():
    ground = smooth_ground()
    one, other = (
        with_a(shown(name, 40), ground, (40, 44)) for name in ("chelsea", "rocket")
    )

    assert shows_another_thing(in_one_frame(one, other)[1])
    # In softer light it is the same, and under a sticker it may be
    darker = np.uint8(one * 0.7)
    assert not shows_another_thing(in_one_frame(one, darker)[1])
    assert not shows_another_thing(in_one_frame(ground, one)[1])


def test_stickers_of_two_copies_at_one_place_are_no_other_thing():
    ground = smooth_ground()
    one, other = (with_a(sticker(level), ground, (40, 44)) for level in (250, 10))

    assert not shows_another_thing(in_one_frame(one, other)[1])


@pytest.mark.parametrize(("name", "is_another"), [("rocket", True), ("coffee", False)])
def test_a_frame_may_hold_another_picture(name, is_another):
    frame = np.zeros((SIDE, SIDE), np.uint8)
    cv2.putText(frame, "FRAME", (2, 30), 0, 1, 90, 2)
    held = np.uint8(shown(name, 80) // 2 + 120)
    one = with_a(np.uint8(shown("coffee", 80) // 2 + 120), frame, (30, 24))

    _, found = in_one_frame(one, with_a(held, frame, (30, 24)))

    assert frames_another(found) == is_another


HELD_BY_ONE = Patch(300, 0.8, (900, 20), (10, 10), 0.1, 0.1, (0.2, 0.9))
HELD_BY_OTHER = Patch(300, 0.8, (20, 900), (10, 10), 0.1, 0.1, (0.9, 0.2))


@pytest.mark.parametrize(
    "change",
    [
        # A caption, another part of the picture, a line, the same in other light, and
        # what differs as much as what lies around it
        {"one_tone": (0.9, 0.5)},
        {"area": 3500},
        {"filled": 0.4},
        {"alike": 0.8},
        {"grounds": (650, 800)},
        {"steps": (300, 900)},
    ],
)
def test_a_thing_that_moved_is_compact_and_one_picture_alone_has_it(change):
    like, _ = in_one_frame(shown("coffee"), shown("coffee"))

    assert shows_things_moved(like, [HELD_BY_ONE, HELD_BY_OTHER])
    assert not shows_things_moved(like, [HELD_BY_ONE, HELD_BY_OTHER._replace(**change)])


REPLACED = Patch(400, 0.8, (900, 700), (10, 10), 0.3, 0.2, (0.2, 0.2))


@pytest.mark.parametrize(
    "change",
    [
        # Lines, one thing in other light, stickers, rough ground, and a thing of which
        # one picture shows nothing
        {"filled": 0.3},
        {"alike": 0.95},
        {"alike_tones": 0.9},
        {"one_tone": (0.6, 0.6)},
        {"grounds": (60, 60)},
        {"steps": (900, 60)},
    ],
)
def test_a_thing_that_took_the_place_of_another_stands_out_in_both(change):
    assert shows_another_thing([REPLACED])
    assert not shows_another_thing([REPLACED._replace(**change)])


FRAMED = Patch(5000, 0.8, (6000, 7000), (100, 100), 0.7, 0.5, (0.4, 0.3))


@pytest.mark.parametrize(
    "change",
    [
        {"area": 1500},
        {"filled": 0.3},
        {"alike": 0.95},
        {"alike_tones": 0.9},
        {"one_tone": (0.6, 0.6)},
        {"grounds": (600, 600)},
        {"steps": (6000, 2500)},
    ],
)
def test_another_picture_in_a_frame_is_large_and_stands_out_from_it(change):
    assert frames_another([FRAMED])
    assert not frames_another([FRAMED._replace(**change)])
