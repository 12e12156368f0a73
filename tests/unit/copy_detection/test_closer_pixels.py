"""What pixels say of pairs that lie on one another."""

import cv2
import numpy as np
import pytest
from skimage import data

from core.copy_detection.boosted_trees import (
    CLOSER_MOMENTS,
    CLOSER_PIXELS,
    learned_trees,
)
from core.copy_detection.closer_pixels import NAMES, pixel_evidence
from core.copy_detection.overlays import STILL, Overlays

SIDE = 128


def shown(name):
    picture = cv2.cvtColor(getattr(data, name)(), cv2.COLOR_RGB2GRAY)
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def said_of(one, other):
    """Returns the evidence of two pictures in one frame."""
    no = np.zeros(1, bool)
    still = np.zeros(1, np.int64)
    overlays = Overlays(still, still + 1, still, STILL[None], no, no, no, no)
    found = pixel_evidence(np.array([one, other], np.float32), overlays)
    return {name: float(values[0]) for name, values in found.items()}


def captioned(picture):
    result = picture.copy()
    result[96:122, 10:118] = 240
    cv2.putText(result, "a caption", (16, 115), 0, 0.6, 20, 1)
    return result


def watermarked(picture):
    layer = np.zeros((SIDE, SIDE), np.uint8)
    for row in range(14, SIDE, 30):
        cv2.putText(layer, "STOCK STOCK", (0, row), 0, 0.6, 255, 1)
    opacity = 0.7 * layer / 255
    return (picture * (1 - opacity) + 255 * opacity).astype(np.uint8)


def moved(picture):
    """Moves each place by some pixels, neighbors alike."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    sway = 2.5 * np.sin(y / 9) + 2.5 * np.cos(x / 11)
    return cv2.remap(picture, x + sway, y - sway, cv2.INTER_LINEAR)


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
@pytest.mark.parametrize("cover", [captioned, watermarked])
def test_beside_what_lies_over_a_copy_all_is_what_it_was(name, cover):
    picture = shown(name)
    # Darker, of less contrast, and softer
    copy = cv2.GaussianBlur((cover(picture) * 0.7).astype(np.uint8), (0, 0), 1.2)

    said, other = said_of(picture, copy), said_of(picture, moved(picture))

    assert said["pixel_apart"] < 0.05 < other["pixel_apart"]
    assert said["pixel_kept"] > 0.8 > other["pixel_kept"]
    assert said["pixel_blocks"] > other["pixel_blocks"] + 0.3
    assert said["pixel_on_edges"] < other["pixel_on_edges"]


def test_a_caption_is_one_patch_and_a_mark_is_thin_and_makes_all_lighter():
    picture = shown("coffee")

    patch, thin = (
        said_of(picture, captioned(picture)),
        said_of(picture, watermarked(picture)),
    )

    assert patch["pixel_largest"] == pytest.approx(26 * 108 / SIDE**2, rel=0.3)
    assert patch["pixel_filled"] > 0.8
    assert patch["pixel_thick"] > 0.6 > 0.2 > thin["pixel_thick"]
    assert thin["pixel_thin_sided"] > 0.95
    assert thin["pixel_spread"] > patch["pixel_spread"]


def test_tones_and_sharpness_are_made_alike_first():
    picture = shown("astronaut")
    soft = cv2.GaussianBlur((picture * 0.5 + 60).astype(np.uint8), (0, 0), 2)

    one, other = said_of(picture, soft), said_of(soft, picture)

    for said in (one, other):
        assert said["pixel_gain"] == pytest.approx(np.log(2), abs=0.15)
        assert said["pixel_blur"] > 0
        assert said["pixel_bare"] > 0.9


def test_each_pair_is_told_by_itself_and_nothing_seen_is_nothing_said():
    pictures = np.array([shown("astronaut"), shown("coffee")], np.float32)
    ends = np.array([0, 0, 1]), np.array([1, 0, 0])
    no = np.zeros(3, bool)
    warp = np.stack([STILL, STILL, STILL + [[0, 0, 3], [0, 0, 3]]])
    overlays = Overlays(*ends, np.zeros(3, np.int64), warp, no, no, no, no)

    every = pixel_evidence(pictures, overlays)
    each = [pixel_evidence(pictures, overlays.at(np.array([row]))) for row in range(3)]

    for name in NAMES:
        assert [float(one[name][0]) for one in each] == every[name].tolist()
        assert every[name][2] == 0


@pytest.mark.parametrize("name", [CLOSER_PIXELS, CLOSER_MOMENTS])
def test_the_trees_of_pairs_in_doubt_know_the_pixels(name):
    assert set(NAMES) <= set(learned_trees(name).evidence)
