"""Where the details of two pictures agree."""

import cv2
import numpy as np
import pytest

from core.copy_detection.agreement import agreement
from core.copy_detection.filters import high_pass, masked_high_pass
from core.copy_detection.tone_curve import Shown, fit_tone_curve


def soft_picture(seed):
    """Draws a picture of 64 x 64 with little contrast, as fog has."""
    random = np.random.default_rng(seed)
    picture = np.zeros((64, 64), np.float32)
    for size in (6, 12, 24):
        noise = random.normal(size=(size, size)).astype(np.float32)
        picture += cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC) * 5
    return 110 + picture


def judged(one, other):
    shown = Shown(one[None], other[None], np.ones((1, 64, 64), np.float32))
    return agreement(shown, fit_tone_curve(shown))


@pytest.mark.parametrize("level", [0, 255])
def test_a_caption_says_nothing_of_what_lies_beside_it(level):
    picture = soft_picture(1)
    captioned = picture.copy()
    captioned[54:61, 2:40] = level

    found = judged(picture, captioned)

    assert found.unlike[0] > 0.2 and found.rest[0] < 0.85
    assert found.bare[0] > 0.93 and found.bare_least[0] > 0.95
    assert found.bare_unlike[0] < 0.05
    assert found.bare_alike[0] > found.alike[0]


def test_next_to_nothing_of_another_picture_is_explained():
    found = judged(soft_picture(1), soft_picture(2))

    assert found.bare_alike[0] < 5 and found.patch[0] + found.scattered[0] > 0.5


def test_equal_pictures_have_nothing_covered():
    found = judged(soft_picture(3), soft_picture(3))

    assert found.bare[0] == pytest.approx(found.rest[0])
    assert found.bare_alike[0] == pytest.approx(found.alike[0])


def test_details_inside_a_mask_know_nothing_of_what_lies_outside():
    picture = soft_picture(4)[None]
    mask = np.ones_like(picture)
    mask[:, :20] = 0
    other = np.where(mask > 0, picture, 255).astype(np.float32)

    one, two = masked_high_pass((picture, other), mask, 3)

    assert np.array_equal(one, two) and not one[:, :20].any()
    plain, _ = masked_high_pass((mask * 200, mask * 200), mask, 3)
    assert np.abs(plain).max() < 0.01
    whole, _ = masked_high_pass((picture, other), np.ones_like(mask), 3)
    assert np.allclose(whole, high_pass(picture, 3), atol=1e-3)
