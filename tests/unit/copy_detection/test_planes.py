"""Sums over planes that are made otherwise than they are defined."""

import cv2
import numpy as np
import pytest

from core.copy_detection.filters import (
    blur,
    blur_each,
    halve,
    level_counts,
    row_medians,
    slopes,
)
from core.copy_detection.overlays import STILL, inside, sample


def warps(count, seed=0):
    random = np.random.default_rng(seed)
    moved = STILL + random.normal(0, 0.15, (count, 2, 3))
    return np.concatenate([STILL[None], moved, np.zeros((1, 2, 3))])


@pytest.mark.parametrize("side", [16, 32, 64, 128])
@pytest.mark.parametrize("margin", [0.25, 0.5, 1.5])
@pytest.mark.parametrize("border", [0, 1])
def test_what_is_inside_a_frame_is_what_the_map_says(side, margin, border):
    maps = warps(60)
    place = (np.arange(side) + 0.5) / side
    x, y = place[None, None, :], place[None, :, None]
    at = [
        maps[:, i, 0, None, None] * x
        + maps[:, i, 1, None, None] * y
        + maps[:, i, 2, None, None]
        for i in (0, 1)
    ]
    edge = margin / side
    expected = np.all(
        [(one >= edge - 1e-9) & (one <= 1 - edge + 1e-9) for one in at], axis=0
    )
    frame = np.zeros((side, side), bool)
    frame[border : side - border, border : side - border] = True

    found = inside(maps, side, margin, border)

    assert found.dtype == np.float32
    np.testing.assert_array_equal(found > 0, expected & frame)


def test_a_frame_that_does_not_move_is_not_sampled_between_pixels():
    pictures = np.random.default_rng(0).random((3, 32, 32), np.float32)
    maps = np.stack([STILL, STILL + 0.05, STILL])

    found = sample(pictures, maps)

    np.testing.assert_array_equal(found[[0, 2]], pictures[[0, 2]])
    assert not np.array_equal(found[1], pictures[1])


@pytest.mark.parametrize("side", [16, 32, 64])
@pytest.mark.parametrize("sigma", [0.8, 3.0])
def test_a_blur_is_that_of_opencv_at_every_size(side, sigma):
    pictures = np.random.default_rng(0).random((3, side, side), np.float32) * 255

    expected = [cv2.GaussianBlur(one, (0, 0), sigma) for one in pictures]

    np.testing.assert_allclose(blur(pictures, sigma), expected, atol=1e-3)


def test_pictures_are_blurred_each_by_its_own_sigma():
    pictures = np.random.default_rng(0).random((2, 64, 64), np.float32) * 255

    found = blur_each(pictures, np.array([0.65, 0.8]))

    np.testing.assert_array_equal(found[0], blur(pictures[:1], 0.65)[0])
    np.testing.assert_array_equal(found[1], blur(pictures[1:], 0.8)[0])


def test_slopes_are_those_of_numpy():
    pictures = np.random.default_rng(0).random((3, 16, 16), np.float32)

    for slope, expected in zip(
        slopes(pictures), np.gradient(pictures, axis=(1, 2)), strict=True
    ):
        np.testing.assert_allclose(slope, expected, atol=1e-6)


@pytest.mark.parametrize("steps", [256, 32])
def test_levels_are_counted_each_in_its_step(steps):
    gray = np.arange(256, dtype=np.uint8).repeat(3)[: 3 * 250].reshape(30, 25)

    found = level_counts(gray, steps)

    expected = np.bincount(gray.ravel() // (256 // steps), minlength=steps)
    np.testing.assert_array_equal(found, expected)


def test_halves_are_means_of_four_pixels_of_one_picture():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64))

    found = halve(pictures.astype(np.float32))

    expected = pictures.reshape(3, 32, 2, 32, 2).mean(axis=(2, 4))
    np.testing.assert_array_equal(found, expected)
    assert halve(np.empty((0, 32, 32), np.float32)).shape == (0, 16, 16)


def test_medians_of_rows_are_those_of_numpy():
    rows = np.random.default_rng(0).normal(0, 40, (50, 256)).astype(np.float32)

    found = row_medians(rows)

    np.testing.assert_array_equal(found, np.median(rows, axis=1, keepdims=True))
