"""Cheap numbers on one picture: light, detail, colors.

They are measured once, while the picture is in memory, and kept beside its
vectors; :mod:`core.findings.image_issues` and :mod:`core.findings.outliers` judge by
them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

STATISTICS_VERSION = 1
"""Changes when a number is measured in another way: stored ones are stale."""

IMAGE_STATISTICS = (
    "width",
    "height",
    "darkest",
    "brightest",
    "contrast",
    "entropy",
    "detail",
    "steepest",
    "steepest_blurred",
    "chroma",
)
"""Names of the columns.

* width, height: upright, in pixels
* darkest, brightest: gray levels below which 1 % and 99 % of the pixels lie
* contrast: standard deviation of the gray levels
* entropy: of the histogram of gray levels, 0 to 8 bits
* detail: variance of the Laplacian of the gray picture
* steepest: difference of gray levels within 3 x 3 pixels that 0.1 % of the
  pixels exceed
* steepest_blurred: the same after a blur of 9 x 9 pixels
* chroma: largest less smallest of red, green and blue, its 99th percentile
"""

_ROUNDING = 1e-9
"""Rounding must not push a whole share past its level."""

_DARKEST_AND_BRIGHTEST = 0.01 - _ROUNDING, 0.99 - _ROUNDING
_STEEPEST = 0.999 - _ROUNDING
_MOST_COLORFUL = 0.99 - _ROUNDING
"""Shares of the pixels that lie at or below these levels."""

_KERNEL = np.ones((3, 3), np.uint8)
_CHROMA_SIDE = 32
_LEVELS = 256

LEVELS = np.dtype(
    [
        ("gray", "<f4", (_LEVELS,)),
        ("steep", "<f4", (_LEVELS,)),
        ("steep_blurred", "<f4", (_LEVELS,)),
        ("pixels", "<i8"),
        ("contrast", "<f8"),
        ("detail", "<f8"),
    ]
)
"""What :func:`note_levels` notes of a picture: pixels by their level, how many there
are, the standard deviation of the gray picture and of its Laplacian."""

U8 = NDArray[np.uint8]


def note_levels(gray: U8, levels: NDArray[np.void] | np.void) -> None:
    """Measures a gray picture of 150 x 150 pixels in 0.1 ms.

    Args:
        gray: h x w, longer side at most 256, aspect kept
        levels: of :data:`LEVELS`, where it is noted
    """
    # Two passes of 5 x 5 are close to a Gaussian of sigma 2
    softened = np.asarray(cv2.blur(cv2.blur(gray, (5, 5)), (5, 5)), np.uint8)
    levels["gray"] = _counts(gray)
    levels["steep"] = _counts(_steepness(gray))
    levels["steep_blurred"] = _counts(_steepness(softened))
    levels["pixels"] = gray.size
    levels["contrast"] = _deviation(gray)
    levels["detail"] = _deviation(cv2.Laplacian(gray, cv2.CV_16S))


def image_statistics(
    levels: NDArray[np.void],
    squares: U8,
    width: NDArray[np.integer],
    height: NDArray[np.integer],
) -> NDArray[np.float32]:
    """Tells what was measured of n pictures, some at once: one alone takes as long.

    Args:
        levels: n of :data:`LEVELS`
        squares: n x s x s x 3, the pictures squashed to squares, RGB
        width: n, of the files' pictures, upright
        height: n, of the files' pictures, upright

    Returns:
        float32, n rows with one number a name of :data:`IMAGE_STATISTICS`
    """
    pixels = levels["pixels"][:, None]
    shares = levels["gray"] / pixels
    below = shares.cumsum(axis=1)
    terms = shares * np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    colors = _chroma(squares)
    columns = (
        width,
        height,
        *(_level_at(below, share) for share in _DARKEST_AND_BRIGHTEST),
        levels["contrast"],
        [-row[share > 0].sum() for row, share in zip(terms, shares, strict=True)],
        levels["detail"] ** 2,
        _level_at((levels["steep"] / pixels).cumsum(axis=1), _STEEPEST),
        _level_at((levels["steep_blurred"] / pixels).cumsum(axis=1), _STEEPEST),
        _level_at((colors / colors[0].sum()).cumsum(axis=1), _MOST_COLORFUL),
    )
    return np.stack([np.asarray(one, np.float32) for one in columns], axis=1)


def column(statistics: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    """Returns float32[n], one column of float32[n, c]."""
    picked: NDArray[np.float32] = statistics[:, IMAGE_STATISTICS.index(name)]
    return picked


_BLUR_POWER = 2.4
"""Of 0 to 16 the best at telling 50 blurred pictures from 24,500 others."""

_LIT = 64
"""Darker pictures are judged as if their brightest part were this bright."""


def sharpness(statistics: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns how sharp each picture is, larger is sharper.

    It is the detail, raised by how much of the steepest edges a blur takes
    away. A blurred picture has no detail, and its edges are no less steep when
    blurred again (the idea of Crete et al., The blur effect, SPIE 2007). A flat
    drawing has little detail too, but loses its edges. Measured at a fixed
    size, so it does not depend on the resolution of the file.
    """
    kept = (column(statistics, "steepest_blurred") + 1) / (
        column(statistics, "steepest") + 1
    )
    # A dark picture has little contrast, blurred or not
    light = np.clip(column(statistics, "brightest"), 1, _LIT) / _LIT
    sharp = column(statistics, "detail") * kept**-_BLUR_POWER / np.square(light)
    return sharp.astype(np.float32)


def _chroma(squares: U8) -> NDArray[np.int64]:
    """Returns int64[n, 256]: how often the largest channel exceeds the smallest by so
    much in a part of the pixels."""
    step = max(1, squares.shape[1] // _CHROMA_SIDE)
    red, green, blue = np.moveaxis(squares[:, ::step, ::step], -1, 0)
    most = np.maximum(np.maximum(red, green), blue)
    chroma = most - np.minimum(np.minimum(red, green), blue)
    count = len(squares)
    places = chroma.reshape(count, -1) + _LEVELS * np.arange(count)[:, None]
    return np.bincount(places.ravel(), minlength=_LEVELS * count).reshape(count, -1)


def _level_at(below: NDArray[np.float64], share: float) -> NDArray[np.int64]:
    """Returns int64[n], the first level at or below which so many pixels lie."""
    level: NDArray[np.int64] = (below < share).sum(axis=1)
    return level


def _counts(values: U8) -> NDArray[np.float32]:
    """Returns float32[256], how many pixels have each level."""
    counts = cv2.calcHist([values], [0], None, [_LEVELS], [0, _LEVELS])
    return np.asarray(counts[:, 0], np.float32)


def _steepness(gray: U8) -> U8:
    """Returns the largest less the smallest level within 3 x 3 pixels."""
    return np.asarray(cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, _KERNEL), np.uint8)


def _deviation(values: cv2.typing.MatLike) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])
