"""Half precision: OpenCV rounds and widens as NumPy does."""

from __future__ import annotations

import numpy as np

from core.common.float16 import to_half, to_single


def test_numbers_of_every_size_are_rounded_to_half_as_numpy_does() -> None:
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**32, (500, 64), dtype=np.uint32)
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    exact = halves[np.isfinite(halves)].astype(np.float32)
    # Half-way between two halves, where the even one is taken
    midway = (exact[:-1] + exact[1:]) / 2
    numbers = np.concatenate([bits.view(np.float32).ravel(), exact, midway])
    numbers = numbers[: len(numbers) // 8 * 8].reshape(-1, 8)

    found = to_half(numbers)

    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float16)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float16


def test_what_is_rounded_is_widened_to_the_same_number() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(-1, 16)

    np.testing.assert_array_equal(to_half(to_single(halves)), halves)


def test_no_rows_are_rounded_to_no_rows() -> None:
    assert to_half(np.zeros((0, 3), np.float32)).shape == (0, 3)
