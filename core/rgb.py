"""A picture of any mode as 8-bit RGB: transparency, 16 bits and floats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE = 255.0
_HIDDEN_CONTRAST = 4.0
"""Standard deviation below which nothing is seen of a drawing: white ink, whose
shape is in the transparency alone, looks like a blank page on white."""

_TILE_SIDE = 512
"""Pixels a side of what is computed at once: a large picture as a whole takes
gigabytes in floats."""

U8 = NDArray[np.uint8]


class NonfiniteError(ValueError):
    """The samples of a picture cannot be scaled to 8 bits."""


def to_rgb(image: Image.Image) -> tuple[U8, NDArray[Any] | None]:
    """Converts a picture that Pillow has loaded.

    Returns:
        uint8[h, w, 3], and what that does not hold: samples [h, w] of more than
        8 bits, or transparency; None if it holds all

    Raises:
        NonfiniteError: a sample is NaN or infinite
    """
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        samples = np.asarray(image)
        return _grey_to_rgb(_deep_to_8_bit(samples)), samples
    if "A" in image.mode or "transparency" in image.info:
        return _without_alpha(image)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for tile, pixels in _converted_tiles(image, "RGB"):
        rgb[tile] = pixels
    return rgb, None


def _without_alpha(image: Image.Image) -> tuple[U8, U8 | None]:
    """Lays a picture on white, or on black where white would hide it.

    Returns:
        uint8[h, w, 3], and uint8[h, w], alpha, if anything shows through
    """
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8)
    for tile, rgba in _converted_tiles(image, "RGBA"):
        rgb[tile], alpha[tile] = rgba[..., :3], rgba[..., 3]
    if alpha.min() == _WHITE:
        return rgb, None
    white = 0.0 if _is_hidden_by_white(rgb, alpha) else _WHITE
    for tile in _tiles(*alpha.shape):
        rgb[tile] = np.rint(_laid_on(white, rgb[tile], alpha[tile]))
    return rgb, alpha


def _is_hidden_by_white(rgb: U8, alpha: U8) -> bool:
    """True if the picture has contrast on black and none on white."""
    deviations = []
    for background in (_WHITE, 0.0):
        total = squares = 0.0
        for tile in _tiles(*alpha.shape):
            laid = _laid_on(background, rgb[tile], alpha[tile])
            total += float(laid.sum(dtype=np.float64))
            squares += float(np.square(laid).sum(dtype=np.float64))
        variance = squares / rgb.size - (total / rgb.size) ** 2
        deviations.append(math.sqrt(max(variance, 0.0)))
    on_white, on_black = deviations
    return on_white < _HIDDEN_CONTRAST < on_black


def _laid_on(background: float, rgb: U8, alpha: U8) -> NDArray[np.float32]:
    opacity = alpha[..., None].astype(np.float32) / np.float32(_WHITE)
    laid: NDArray[np.float32] = rgb * opacity + np.float32(background) * (1 - opacity)
    return laid


def _deep_to_8_bit(samples: NDArray[Any]) -> U8:
    """Scales 16-bit, 32-bit and float samples to 8 bits without clipping."""
    # A NaN anywhere is the minimum, and infinity is an end
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise NonfiniteError("the picture holds NaN or infinity")
    if samples.dtype.kind in "iu" and low >= 0 and high < 65536:
        low, high = 0.0, 65535.0
    grey = np.empty(samples.shape, np.uint8)
    for tile in _tiles(*samples.shape):
        values = samples[tile].astype(np.float64)
        grey[tile] = np.rint((values - low) / ((high - low) or 1) * 255)
    return grey


def _converted_tiles(
    image: Image.Image, mode: str
) -> Iterator[tuple[tuple[slice, slice], U8]]:
    """Yields where each tile lies and its pixels, uint8[h, w, channels]."""
    for rows, columns in _tiles(image.height, image.width):
        box = (columns.start, rows.start, columns.stop, rows.stop)
        yield (rows, columns), np.asarray(image.crop(box).convert(mode))


def _tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Cuts a picture into pieces of at most _TILE_SIDE x _TILE_SIDE."""
    for top in range(0, height, _TILE_SIDE):
        for left in range(0, width, _TILE_SIDE):
            yield (
                slice(top, min(top + _TILE_SIDE, height)),
                slice(left, min(left + _TILE_SIDE, width)),
            )


def _grey_to_rgb(grey: U8) -> U8:
    return np.repeat(grey[..., None], 3, axis=2)
