"""The map that the local features of two pictures agree on."""

import cv2
import numpy as np
import pytest
from skimage import data

from core.copy_detection.local_features import feature_map, local_features
from core.copy_detection.overlays import corners

FRAME = np.array([[0.2, 0.8, 0.5], [0.3, 0.4, 0.9]])


@pytest.fixture(scope="module")
def gray():
    return cv2.resize(
        cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY),
        (150, 150),
        interpolation=cv2.INTER_AREA,
    )


def squeezed_and_turned(gray):
    """Returns the picture after an affine map, and the map between the frames."""
    pixels = np.array([[0.8, 0.17, 8.0], [-0.1, 0.9, 20.0]])
    moved = cv2.warpAffine(gray, pixels, gray.shape[::-1], borderValue=90)
    frames = pixels.copy()
    # From pixel centers to frames
    frames[:, 2] = (pixels[:, 2] + 0.5 - pixels[:, :2].sum(axis=1) / 2) / len(gray)
    return moved, frames


def carried(warp, points):
    return warp[:, :2] @ points + warp[:, 2:]


def test_a_picture_that_is_squeezed_turned_and_written_on_is_found_in_place(gray):
    moved, frames = squeezed_and_turned(gray)
    moved[120:140, 20:120] = 255
    cv2.putText(moved, "a caption", (24, 136), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0)

    found = feature_map(local_features(gray), local_features(moved))

    apart = carried(found.warp, FRAME) - carried(frames, FRAME)
    assert np.abs(apart).max() < 1 / len(gray)
    assert len(found.at) >= 20
    assert found.apart < 0.5


def test_a_mirror_image_is_found_and_its_map_turns_the_frame_over(gray):
    found = feature_map(local_features(gray), local_features(gray[:, ::-1].copy()))

    assert np.linalg.det(found.warp[:, :2]) < 0
    mirrored = np.array([[[-1.0, 0, 1], [0, 1, 0]]])
    assert np.abs(corners(found.warp[None]) - corners(mirrored)).max() < 0.01


def test_a_negative_is_found_and_told(gray):
    found = feature_map(local_features(gray), local_features(255 - gray[:, ::-1]))

    assert found.inverted
    assert np.linalg.det(found.warp[:, :2]) < 0
    assert len(found.at) >= 50


def test_the_features_of_a_mirror_image_are_known_without_looking(gray):
    looked = local_features(gray[:, ::-1].copy())
    known = local_features(gray).mirrored()

    alike = (looked.descriptors @ known.descriptors.T).max(axis=1)

    assert np.median(alike) > 0.97


def test_pictures_of_other_things_agree_on_little(gray):
    other = cv2.cvtColor(cv2.resize(data.coffee(), (150, 150)), cv2.COLOR_RGB2GRAY)

    found = feature_map(local_features(gray), local_features(other))

    assert found is None or len(found.at) < 8


def test_a_blank_picture_has_no_features_and_no_map(gray):
    blank = local_features(np.full((100, 60), 200, np.uint8))

    assert len(blank.points) == 0
    assert feature_map(blank, local_features(gray)) is None
    assert feature_map(local_features(gray), blank) is None


def test_the_same_features_give_the_same_map_whatever_was_drawn_before(gray):
    one, other = local_features(gray), local_features(squeezed_and_turned(gray)[0])

    first = feature_map(one, other)
    cv2.setRNGSeed(12345)
    cv2.randu(np.zeros(7, np.uint8), 0, 255)
    again = feature_map(one, other)

    np.testing.assert_array_equal(first.warp, again.warp)
    np.testing.assert_array_equal(first.at, again.at)
