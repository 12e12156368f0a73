"""Pictures that are alike as others are, and those that share what is their own."""

import cv2
import numpy as np
import pytest

from core.copy_detection import signatures
from core.copy_detection.one_design import OTHERS, of_one_design

SIDE = 128


def cells(count, *, own=12, seed=0):
    """Returns pictures of one design, each with stains of its own."""
    random = np.random.default_rng(seed)
    design = np.full((SIDE, SIDE), 150.0)
    design[20:28] = design[60:68] = design[100:108] = 40
    design += cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)), (0, 0), 3) * 120
    return [
        design + cv2.GaussianBlur(random.normal(size=(SIDE, SIDE)), (0, 0), 3) * own * 9
        for _ in range(count)
    ]


def described(pictures):
    gray = np.clip(np.array(pictures), 0, 255).astype(np.uint8)
    return signatures(np.repeat(gray[..., None], 3, axis=3))


def judged(pictures, others=None):
    """Says so of the first two pictures, by eight others."""
    others = np.arange(2, 2 + OTHERS) if others is None else others
    return of_one_design(described(pictures), np.array([[0, 1]]), np.array([others]))[0]


def brighter(picture):
    noise = np.random.default_rng(1).normal(size=picture.shape)
    return picture * 0.9 + 20 + noise


def test_things_of_one_design_are_alike_only_as_others_are():
    assert judged(cells(2 + OTHERS, own=5))


def test_frames_of_one_camera_in_which_nothing_happens_are_copies_still():
    random = np.random.default_rng(2)
    still = cells(1)[0]
    frames = [still + random.normal(size=still.shape) for _ in range(2 + OTHERS)]

    assert not judged(frames)
    frames[1][40:60, 40:60] += 25
    assert judged(frames)


def test_a_copy_of_one_of_them_shares_what_is_its_own():
    one, *others = cells(1 + OTHERS, own=5)

    assert not judged([one, brighter(one), *others])


def strangers(count):
    random = np.random.default_rng(3)
    noise = [random.normal(size=(SIDE, SIDE)) for _ in range(count)]
    return [cv2.GaussianBlur(one, (0, 0), 3) * 600 + 128 for one in noise]


def test_a_third_copy_among_the_others_explains_nothing():
    one, *_ = cells(1)

    assert not judged([one, brighter(one), one + 4, *strangers(OTHERS - 1)])


def test_pictures_of_which_others_show_little_are_of_no_design():
    assert not judged([*cells(2, own=5), *strangers(OTHERS)])


@pytest.mark.parametrize("turn", [np.fliplr, np.flipud, np.rot90, np.transpose])
def test_a_copy_that_is_turned_shares_what_is_its_own(turn):
    one, *others = (cell + turn(cell) - 100 for cell in cells(1 + OTHERS, own=5))
    one = one + np.linspace(0, 60, SIDE) * (np.arange(SIDE)[:, None] % 16 < 4)

    assert not judged([one, brighter(turn(one)), *others])


@pytest.mark.parametrize("known", [0, OTHERS - 1])
def test_too_few_others_say_nothing(known):
    others = np.full(OTHERS, -1)
    others[:known] = np.arange(2, 2 + known)

    assert not judged(cells(2 + OTHERS, own=5), others)


def test_what_is_cut_from_another_place_is_of_no_design():
    one, other, *others = cells(2 + OTHERS, own=5)
    cut = cv2.resize(other[8:120, 8:120], (SIDE, SIDE), interpolation=cv2.INTER_AREA)

    assert not judged([one, cut, *others])
