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

_DARKEST_AND_BRIGHTEST = np.array((0.01, 0.99)) - _ROUNDING
_STEEPEST = 0.999 - _ROUNDING
_MOST_COLORFUL = 0.99 - _ROUNDING
"""Shares of the pixels that lie at or below these levels."""

_KERNEL = np.ones((3, 3), np.uint8)
_CHROMA_SIDE = 32

U8 = NDArray[np.uint8]


def image_statistics(
    pixels: U8, gray: U8, width: int, height: int
) -> NDArray[np.float32]:
    """Measures a picture, in about 0.2 ms.

    Args:
        pixels: s x s x 3, the picture squashed to a square, RGB
        gray: h x w, longer side at most 256, aspect kept
        width: of the file's picture, upright
        height: of the file's picture, upright

    Returns:
        float32, one number a name of :data:`IMAGE_STATISTICS`
    """
    # Two passes of 5 x 5 are close to a Gaussian of sigma 2
    softened = np.asarray(cv2.blur(cv2.blur(gray, (5, 5)), (5, 5)), np.uint8)
    counted = (gray, _steepness(gray), _steepness(softened), _chroma(pixels))
    shares = np.stack([_histogram(values) for values in counted])
    below = shares.cumsum(axis=1)
    share = shares[0][shares[0] > 0]
    darkest, brightest = below[0].searchsorted(_DARKEST_AND_BRIGHTEST).tolist()
    return np.array(
        (
            width,
            height,
            darkest,
            brightest,
            _deviation(gray),
            -(share * np.log2(share)).sum(),
            _deviation(cv2.Laplacian(gray, cv2.CV_16S)) ** 2,
            below[1].searchsorted(_STEEPEST),
            below[2].searchsorted(_STEEPEST),
            below[3].searchsorted(_MOST_COLORFUL),
        ),
        np.float32,
    )


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


def _chroma(pixels: U8) -> U8:
    """Returns the largest less the smallest channel of a part of the pixels."""
    step = max(1, len(pixels) // _CHROMA_SIDE)
    red, green, blue = cv2.split(np.ascontiguousarray(pixels[::step, ::step]))
    most = cv2.max(cv2.max(red, green), blue)
    return np.asarray(cv2.subtract(most, cv2.min(cv2.min(red, green), blue)), np.uint8)


def _histogram(values: U8) -> NDArray[np.float64]:
    """Returns float64[256], shares of the levels."""
    counts = cv2.calcHist([np.ascontiguousarray(values)], [0], None, [256], [0, 256])
    shares: NDArray[np.float64] = counts[:, 0].astype(np.float64) / values.size
    return shares


def _steepness(gray: U8) -> U8:
    """Returns the largest less the smallest level within 3 x 3 pixels."""
    steep = cv2.subtract(cv2.dilate(gray, _KERNEL), cv2.erode(gray, _KERNEL))
    return np.asarray(steep, np.uint8)


def _deviation(values: cv2.typing.MatLike) -> float:
    return float(cv2.meanStdDev(values)[1][0, 0])
