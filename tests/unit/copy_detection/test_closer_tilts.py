"""Pictures that were tilted and lie exactly on one another."""

import cv2
import numpy as np
import pytest

from core.copy_detection.closer_look import THOROUGH, look_closely
from core.copy_detection.closer_overlays import lay_closely, map_between
from core.copy_detection.closer_picture import closer_picture
from core.copy_detection.verify import MIN_COPY_SCORE

PAIR = np.array([[0, 1]])


def scene(seed=0):
    """Returns a picture of soft ground with fine grain and a few things on it."""
    random = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(random.normal(size=(150, 150)), (0, 0), 12) * 300 + 128
    grain = cv2.GaussianBlur(random.normal(size=(150, 150)), (0, 0), 1.2) * 12
    picture = np.repeat((ground + grain)[..., None], 3, axis=2)
    for _ in range(6):
        x, y = random.integers(30, 120, 2).tolist()
        color = random.integers(0, 255, 3).tolist()
        cv2.circle(picture, (x, y), int(random.integers(6, 16)), color, -1)
    return np.clip(picture, 0, 255).astype(np.uint8)


def tilted(picture, degrees):
    turn = cv2.getRotationMatrix2D((74.5, 74.5), degrees, 1)
    return cv2.warpAffine(picture, turn, (150, 150), flags=cv2.INTER_CUBIC)


def evidence(one, other):
    given = [closer_picture(picture, (150, 150)) for picture in (one, other)]
    maps = [map_between(*given)]
    laid = lay_closely(given, PAIR, maps, np.array([True]))
    said = look_closely(given, PAIR, maps, np.array([THOROUGH], np.int8))[1]
    return laid.evidence["tilted"][0], said


@pytest.mark.parametrize("degrees", [-6, 5, 7])
def test_a_tilted_copy_lies_exactly_on_its_original(degrees):
    found, said = evidence(scene(), tilted(scene(), degrees))

    assert found == 1
    assert said.scores[0] >= 0.99


def test_what_is_not_tilted_is_told_otherwise():
    assert evidence(scene(), scene())[0] == 0


def test_a_thing_that_moved_is_no_tilt():
    other = scene()
    other[60:100, 60:100] = scene(seed=5)[60:100, 60:100]

    found, said = evidence(scene(), tilted(other, 5))

    assert found == 0
    assert not len(said.scores) or said.scores[0] < MIN_COPY_SCORE
