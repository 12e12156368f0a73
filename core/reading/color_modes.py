"""A picture of any mode as 8-bit RGB, and what of it that does not hold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .bit_depth import Tile, scale_of, tiles, to_8_bit

_WHITE = 255.0
_HIDDEN_CONTRAST = 4.0
"""Standard deviation below which nothing is seen of a drawing: white ink, whose
shape is in the transparency alone, looks like a blank page on white."""

U8 = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture as it is looked at, and what that lacks.

    Attributes:
        rgb: uint8[h, w, 3], as stored in the file (not turned upright)
        rest: [h, w, ...] of all samples that ``rgb`` cannot tell apart, such as
            those of 16 bits; None where ``rgb`` holds all
        kind: what ``rest`` is: pictures of two kinds are never equal
    """

    rgb: U8
    rest: NDArray[Any] | None = None
    kind: str = ""


def to_rgb(image: Image.Image, bits: int | None = None) -> Shown:
    """Converts a picture that Pillow has loaded.

    Args:
        image: of any mode
        bits: in use, as the file says, of samples of more than 8

    Raises:
        NonfiniteError: not one sample is a number
    """
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        clear = image.info.get("transparency")
        return deep_to_rgb(np.asarray(image)[..., None], bits=bits, clear=clear)
    if image.mode in ("RGBa", "La"):
        # Multiplied by their transparency: converted, they lose samples
        return Shown(_without_alpha(image).rgb, np.asarray(image), image.mode)
    if image.has_transparency_data:
        return _without_alpha(image)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for tile, pixels in _converted_tiles(image, "RGB"):
        rgb[tile] = pixels
    if image.mode in ("1", "L", "P", "RGB", "RGBX"):
        return Shown(rgb)
    return Shown(rgb, np.asarray(image), image.mode)


def signed_to_rgb(image: Image.Image) -> Shown:
    """Converts a JPEG 2000 of samples with a sign, which Pillow moves above zero.

    Args:
        image: loaded; those of several bands are shown as Pillow has them

    Raises:
        NonfiniteError: not one sample is a number
    """
    if image.mode != "L" and not image.mode.startswith("I;16"):
        return to_rgb(image)
    moved = np.asarray(image)
    half = np.iinfo(moved.dtype).max // 2 + 1
    signed = moved.dtype.str.replace("u", "i")
    samples = (moved.astype(np.int32) - half).astype(signed)
    return deep_to_rgb(samples.reshape(*samples.shape[:2], -1))


def deep_to_rgb(
    samples: NDArray[Any],
    *,
    bits: int | None = None,
    fill: float | None = None,
    inverted: bool = False,
    has_alpha: bool = False,
    space: str = "",
    clear: Any = None,
) -> Shown:
    """Converts samples of any depth.

    Args:
        samples: [h, w, bands], 1 to 4 of them; of two the first is shown, of more
            the first three are red, green and blue
        bits: in use, as the file says
        fill: the value that stands for "no data", as the file says
        inverted: the smallest is white
        has_alpha: the last band says how opaque the others are
        space: what the bands are: "" for gray or RGB, "CMYK", or "bands" for three
            or more that the file does not name
        clear: the sample, or the samples of a pixel, that is transparent

    Raises:
        NonfiniteError: not one sample is a number
    """
    samples = samples.astype(samples.dtype.newbyteorder("<"), copy=False)
    kind = f"{samples.dtype.str} {fill} {has_alpha} {space} {clear}"
    is_common = samples.dtype == np.uint8 and fill is None and clear is None
    if is_common and has_alpha and samples.shape[2] == 4:
        return _shown_rgba(samples)
    colors, alpha = samples, None
    if has_alpha:
        colors = samples[..., :-1]
        highest = 1.0 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
        alpha = np.rint(np.clip(samples[..., -1] / highest, 0, 1) * 255)
        alpha = alpha.astype(np.uint8)
    elif clear is not None:
        alpha = np.where((samples == clear).all(axis=2), 0, 255).astype(np.uint8)
    if space == "CMYK":
        inks = to_8_bit(colors, scale_of(colors, bits, fill))
        return Shown(
            np.asarray(Image.fromarray(inks, "CMYK").convert("RGB")), samples, kind
        )
    bands = 3 if colors.shape[2] >= 3 else 1
    colors = np.ascontiguousarray(colors[..., :bands])
    shown = to_8_bit(colors, scale_of(colors, bits, fill, inverted))
    rgb = shown if bands == 3 else np.repeat(shown, 3, axis=2)
    if alpha is not None and alpha.min() < _WHITE:
        _lay(rgb, alpha)
    if is_common and alpha is None and samples.shape[2] in (1, 3) and space == "":
        return Shown(rgb)
    return Shown(rgb, samples, kind)


def colored_of_16_bits(data: bytes, bits: int | None) -> Shown:
    """Converts a PNG or JPEG 2000 of several bands of 16 bits; Pillow drops 8.

    Args:
        data: the whole file, found to be sound
        bits: in use, as the file says
    """
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.dtype != np.uint16 or bgr.ndim != 3:
        raise ValueError("the picture of 16 bits cannot be decoded")
    has_alpha = bgr.shape[2] == 4
    code = cv2.COLOR_BGRA2RGBA if has_alpha else cv2.COLOR_BGR2RGB
    samples = np.asarray(cv2.cvtColor(bgr, code))
    if has_alpha and samples[..., 3].min() == np.iinfo(np.uint16).max:
        samples, has_alpha = np.ascontiguousarray(samples[..., :3]), False
    return deep_to_rgb(samples, bits=bits, has_alpha=has_alpha)


def _without_alpha(image: Image.Image) -> Shown:
    """Lays a picture on white, or on black where white would hide it."""
    rgba = np.empty((image.height, image.width, 4), np.uint8)
    for tile, pixels in _converted_tiles(image, "RGBA"):
        rgba[tile] = pixels
    return _shown_rgba(rgba)


def _shown_rgba(rgba: U8) -> Shown:
    """Lays uint8[h, w, 4] on a background; may change it."""
    rgb, alpha = np.ascontiguousarray(rgba[..., :3]), rgba[..., 3]
    if alpha.min() == _WHITE:
        return Shown(rgb)
    # What is transparent throughout shows no color
    np.multiply(rgba, (alpha > 0)[..., None], out=rgba)
    _lay(rgb, alpha)
    return Shown(rgb, rgba, "RGBA")


def _lay(rgb: U8, alpha: U8) -> None:
    """Lays uint8[h, w, 3] on a background, in place, by uint8[h, w]."""
    white = 0.0 if _is_hidden_by_white(rgb, alpha) else _WHITE
    for tile in tiles(*alpha.shape):
        rgb[tile] = np.rint(_laid_on(white, rgb[tile], alpha[tile]))


def _is_hidden_by_white(rgb: U8, alpha: U8) -> bool:
    """True if the picture has contrast on black and none on white."""
    deviations = []
    for background in (_WHITE, 0.0):
        total = squares = 0.0
        for tile in tiles(*alpha.shape):
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


def _converted_tiles(image: Image.Image, mode: str) -> Iterator[tuple[Tile, U8]]:
    """Yields where each tile lies and its pixels, uint8[h, w, channels]."""
    for rows, columns in tiles(image.height, image.width):
        box = (columns.start, rows.start, columns.stop, rows.stop)
        tile = image if box == (0, 0, *image.size) else image.crop(box)
        # What is converted to its own mode is copied
        pixels = np.asarray(tile if tile.mode == mode else tile.convert(mode))
        yield (rows, columns), pixels
