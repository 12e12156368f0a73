"""Known copies: a picture, changed in the ways that pictures are changed.

Some are changed in one way, of the kinds that data sets hold and benchmarks plant
(jpeg, resize, crop, flip, turn, gray, blur, light, noise, caption, frame); the
strengths are in shares of the picture's own side, so that small and large pictures are
changed alike. Others are changed in two to five ways, as people change them, see
:mod:`.compositions`. Each is saved at a size that the data set has: where all pictures
have 32 pixels, a part of one is enlarged to 32.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .compositions import (
    U8,
    Random,
    bordered,
    changed,
    clipped,
    covering_changes,
    encoded,
    gray,
    letterboxed,
    mirrored,
    sticker,
    uncovered_changes,
    watermarked,
)

_QUALITY = 90
_LOW_QUALITY = 40
_CROP = 0.9
_DEGREES = 5.0
_BLUR = 1 / 128
_GAINS = (0.7, 1.35)
_CONTRASTS = (0.6, 1.5)
_NOISE = 10.0
_CAPTION = "copy of a picture"


def _re_encoded(picture: U8, random: Random) -> U8:
    return picture


def _resized(picture: U8, random: Random) -> U8:
    height, width = picture.shape[:2]
    half = max(1, width // 2), max(1, height // 2)
    return np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)


def _cropped(picture: U8, random: Random) -> U8:
    height, width = (max(1, round(side * _CROP)) for side in picture.shape[:2])
    top = int(random.integers(picture.shape[0] - height + 1))
    left = int(random.integers(picture.shape[1] - width + 1))
    return picture[top : top + height, left : left + width]


def _turned(picture: U8, random: Random) -> U8:
    return np.rot90(picture, int(random.choice((1, 3))))


def _tilted(picture: U8, random: Random) -> U8:
    height, width = picture.shape[:2]
    degrees = float(random.choice((-_DEGREES, _DEGREES)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height)), np.uint8)


def _blurred(picture: U8, random: Random) -> U8:
    sigma = max(picture.shape[:2]) * _BLUR
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _relit(picture: U8, random: Random) -> U8:
    return clipped(picture.astype(np.float64) * float(random.choice(_GAINS)))


def _contrasted(picture: U8, random: Random) -> U8:
    mean = float(picture.mean())
    return clipped(
        (picture.astype(np.float64) - mean) * float(random.choice(_CONTRASTS)) + mean
    )


def _noisy(picture: U8, random: Random) -> U8:
    return clipped(picture + random.normal(0, _NOISE, picture.shape))


def _captioned(picture: U8, random: Random) -> U8:
    """Writes black on a white bar over 62 % of the width, near the lower edge."""
    result: U8 = np.ascontiguousarray(picture).copy()
    height, width = result.shape[:2]
    top, bottom = round(height * 0.85), round(height * 0.96)
    left, right = round(width * 0.03), round(width * 0.65)
    result[top:bottom, left:right] = 255
    wide = max(cv2.getTextSize(_CAPTION, cv2.FONT_HERSHEY_SIMPLEX, 1, 1)[0][0], 1)
    scale = 0.9 * (right - left) / wide
    place = round(left + 0.03 * width), round(bottom - 0.03 * height)
    cv2.putText(result, _CAPTION, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 1)
    return result


_WAYS: dict[str, Callable[[U8, Random], U8]] = {
    "re-encoded": _re_encoded,
    "resized": _resized,
    "cropped": _cropped,
    "mirrored": mirrored,
    "turned by 90 degrees": _turned,
    "turned by 5 degrees": _tilted,
    "gray": gray,
    "blurred": _blurred,
    "lighter or darker": _relit,
    "other contrast": _contrasted,
    "noisy": _noisy,
    "captioned": _captioned,
    "with a sticker": sticker,
    "watermarked": watermarked,
    "framed": bordered,
    "letterboxed": letterboxed,
}
AUGMENTATIONS = tuple(_WAYS)
"""Names of the changes, in the order of :func:`augmented_copies`."""

UNCOVERED, COVERED = 3, 3
"""Copies of a picture with two to five changes, without and with a caption, a sticker,
a mark or a frame among them."""


def augmented_copies(picture: U8, seed: int, sized: Callable[[U8], U8]) -> list[bytes]:
    """Returns copies of the picture, as files.

    Args:
        picture: uint8[h, w, 3], RGB
        seed: chooses where to crop, which way to turn, and the compositions
        sized: what brings a copy to the size at which it is saved

    Returns:
        a JPEG a name of :data:`AUGMENTATIONS`, then :data:`UNCOVERED` and
        :data:`COVERED` with several changes
    """
    files = []
    for name, change in _WAYS.items():
        random = np.random.default_rng(seed)
        quality = _LOW_QUALITY if name == "re-encoded" else _QUALITY
        files.append(encoded(sized(change(picture, random)), quality))
    random = np.random.default_rng(seed)
    for draw in [uncovered_changes] * UNCOVERED + [covering_changes] * COVERED:
        several = changed(picture, draw(random), random)
        files.append(encoded(sized(several), _QUALITY))
    return files
