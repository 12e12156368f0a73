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


def test_a_place_is_the_same_if_it_differs_by_less_than_five_beside_the_median():
    random = np.random.default_rng(3)
    brightness = random.integers(0, 256, (6, 64, 64), np.uint8)
    # Close to the bound on either side, and what all of a picture is moved by
    brightness[1:3] = np.clip(brightness[0] // 2 + [[[40]], [[63]]], 0, 255)
    brightness[2, :, ::2] += random.integers(0, 11, (64, 32), np.uint8)
    described = np.zeros((6, 4608), np.uint8)
    described[:, : 64 * 64] = brightness.reshape(6, -1)
    pairs = np.array([(a, b) for a in range(6) for b in range(6)], np.int32)

    same = same_places(described, pairs)

    places = brightness.reshape(6, 16, 4, 16, 4).mean(axis=(2, 4)).reshape(6, 256)
    change = places[pairs[:, 1]] - places[pairs[:, 0]]
    change -= np.median(change, axis=1, keepdims=True)
    assert same.tolist() == (np.abs(change) < 5).mean(axis=1).tolist()
    assert 0 < np.sort(np.unique(same))[-2] < 1
    assert len(same_places(described, pairs[:0])) == 0
