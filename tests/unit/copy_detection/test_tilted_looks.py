"""Pictures that look alike if one of them is tilted."""

import cv2
import numpy as np
import pytest
from skimage import data

from core.copy_detection import SIGNATURE_SIDE, signatures, tilted_likeness


def shown(name):
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    return cv2.resize(getattr(data, name)(), side, interpolation=cv2.INTER_AREA)


def tilted(picture, degrees):
    middle = ((SIGNATURE_SIDE - 1) / 2,) * 2
    tilt = cv2.getRotationMatrix2D(middle, degrees, 1)
    return cv2.warpAffine(picture, tilt, (SIGNATURE_SIDE, SIGNATURE_SIDE))


def likeness(*pictures):
    """Returns how the first is like each of the others."""
    pairs = [(0, other) for other in range(1, len(pictures))]
    return tilted_likeness(signatures(np.array(pictures)), np.array(pairs, np.int32))


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea"])
def test_a_tilted_copy_is_more_like_its_original_once_that_is_tilted(name):
    picture = shown(name)

    either_way = likeness(picture, tilted(picture, 5), tilted(picture, -5))
    others = likeness(picture, picture, shown("rocket"), tilted(shown("rocket"), 5))

    assert (either_way > 1).all()
    assert (others < 0.9).all()


def test_tilts_between_those_that_are_tried_are_seen_too():
    picture = shown("astronaut")
    found = likeness(picture, *(tilted(picture, by) for by in (3, 4, 6.2, 8)))

    assert (found > 0.85).all()


def test_a_copy_in_other_light_is_as_much_alike_and_a_blank_picture_not_at_all():
    picture = shown("astronaut")
    darker = np.uint8(tilted(picture, 5) * 0.6 + 40)
    blank = np.full_like(picture, 128)

    bright, dark, none = likeness(picture, tilted(picture, 5), darker, blank)

    assert abs(bright - dark) < 0.1
    assert none == 0
    assert likeness(blank, blank)[0] == 0


def test_each_pair_is_told_by_itself():
    pictures = [shown("coffee"), tilted(shown("coffee"), 4), shown("rocket")]

    assert likeness(*pictures)[0] == pytest.approx(likeness(*pictures[:2])[0], abs=1e-5)
    none = tilted_likeness(signatures(np.array(pictures)), np.zeros((0, 2), np.int32))
    assert len(none) == 0
