"""Known copies: a picture, changed in the ways that pictures are changed.

The kinds are those that data sets hold and benchmarks plant (jpeg, resize,
crop, flip, turn, gray, blur, light, noise, caption); the strengths are fixed,
in shares of the picture's own side, so that small and large pictures are
changed alike.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Random = np.random.Generator

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


def _mirrored(picture: U8, random: Random) -> U8:
    return picture[:, ::-1]


def _turned(picture: U8, random: Random) -> U8:
    return np.rot90(picture, int(random.choice((1, 3))))


def _tilted(picture: U8, random: Random) -> U8:
    height, width = picture.shape[:2]
    degrees = float(random.choice((-_DEGREES, _DEGREES)))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height)), np.uint8)


def _grayed(picture: U8, random: Random) -> U8:
    gray = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(gray, np.uint8)[..., None], 3, axis=2)


def _blurred(picture: U8, random: Random) -> U8:
    sigma = max(picture.shape[:2]) * _BLUR
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _relit(picture: U8, random: Random) -> U8:
    return _rounded(picture.astype(np.float64) * float(random.choice(_GAINS)))


def _contrasted(picture: U8, random: Random) -> U8:
    mean = float(picture.mean())
    return _rounded(
        (picture.astype(np.float64) - mean) * float(random.choice(_CONTRASTS)) + mean
    )


def _noisy(picture: U8, random: Random) -> U8:
    return _rounded(picture + random.normal(0, _NOISE, picture.shape))


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


def _rounded(values: NDArray[np.float64]) -> U8:
    rounded: U8 = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


_WAYS: dict[str, Callable[[U8, Random], U8]] = {
    "re-encoded": _re_encoded,
    "resized": _resized,
    "cropped": _cropped,
    "mirrored": _mirrored,
    "turned by 90 degrees": _turned,
    "turned by 5 degrees": _tilted,
    "gray": _grayed,
    "blurred": _blurred,
    "lighter or darker": _relit,
    "other contrast": _contrasted,
    "noisy": _noisy,
    "captioned": _captioned,
}
AUGMENTATIONS = tuple(_WAYS)
"""Names of the changes, in the order of :func:`augmented_copies`."""


def augmented_copies(picture: U8, seed: int) -> list[bytes]:
    """Returns the picture changed in each way, as files.

    Args:
        picture: uint8[h, w, 3], RGB
        seed: chooses where to crop and which way to turn

    Returns:
        a JPEG a name of :data:`AUGMENTATIONS`
    """
    files = []
    for name, change in _WAYS.items():
        random = np.random.default_rng(seed)
        quality = _LOW_QUALITY if name == "re-encoded" else _QUALITY
        changed = cv2.cvtColor(
            np.ascontiguousarray(change(picture, random)), cv2.COLOR_RGB2BGR
        )
        _, data = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
        files.append(data.tobytes())
    return files
