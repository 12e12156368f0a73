"""What pictures look like from afar."""

import cv2
import numpy as np
from skimage import data

from core.copy_detection import SIGNATURE_SIDE, same_places, signatures


def described(*pictures):
    side = (SIGNATURE_SIDE, SIGNATURE_SIDE)
    squares = [cv2.resize(one, side, interpolation=cv2.INTER_AREA) for one in pictures]
    return signatures(np.array(squares))


def test_a_caption_leaves_most_places_the_same_and_another_picture_few():
    picture = np.uint8(data.astronaut() * 0.7)
    captioned = picture.copy()
    captioned[440:500, 20:320] = 255
    lighter = picture + np.uint8(60)
    other = np.uint8(data.coffee() * 0.7)
    pairs = np.array([[0, 0], [0, 1], [2, 1], [0, 3]], np.int32)

    same = same_places(described(picture, captioned, lighter, other), pairs)

    assert same[0] == 1
    # The caption is 7 % of the picture, and touches more places than it covers
    assert (same[1:3] > 0.85).all()
    assert same[3] < 0.2
