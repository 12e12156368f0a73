"""Pictures that are bad in themselves: damaged, too dark, blurred, empty, odd.

Damage is seen by the decoder (:mod:`core.reading.jpeg_damage`). Each other rule is a
threshold on :mod:`core.reading.image_statistics`, and stands beside its constant. The
kinds are those of CleanVision, with other measures: a picture is dark or bright by its
extreme gray levels, blurred by its edges and not by its variance, and odd only where
most of its set is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..reading.image_statistics import column, sharpness

ISSUES = (
    "damaged",
    "dark",
    "bright",
    "blurry",
    "low_information",
    "odd_size",
    "odd_aspect_ratio",
    "grayscale",
)

SURE_ISSUES = ISSUES[:5]
"""What is wrong whatever the rest of the set looks like. The others are hints: a
picture may well be good that only differs from its set, so no export or action
takes them unless asked to."""

_DARK_BELOW = 64
"""Nearly all pixels below a quarter of full light.

Of 50 darkened pictures all, of 24,500 others 0.20 % (CleanVision: all, 0.96 %).
"""

_BRIGHT_ABOVE = 180
"""Nearly no pixel below 70 % of full light.

Of 50 washed-out pictures all, of 24,500 others 0.21 % (CleanVision: 0.32 of
them, 0.23 %).
"""

_BLURRY_BELOW = 3.7
"""Least :func:`~core.reading.image_statistics.sharpness`.

Of 74 blurred pictures in three sets 95 %, of 36,000 others 0.4 %, most of them
soft in truth (CleanVision: 6 %, 1.5 %). Reached by a Gaussian blur of sigma 3
at a longer side of 256 pixels.
"""

_UNIFORM_BELOW = 2.0
_ENTROPY_BELOW = 0.5
_CONTRAST_BELOW = 5.0
"""A blank page, or one with a few specks: less than half a bit of gray levels a
pixel, which is one color on 90 %, or all within a few levels. CleanVision asks
for 3 bits, which calls one line drawing in three empty."""

_SIZE_FENCE = 2.0
_LEAST_SIZE_FACTOR = 1.5
"""Odd sizes lie 2 interquartile ranges of the logarithm of the mean side outside
the quartiles, and differ from them by half at least: in a set where nearly all
have one size the range is 0."""

_NARROW_BELOW = 0.35
_NARROW_SHARE = 0.25
"""Shorter / longer side, as in CleanVision; but no image is odd for it in a set
where a quarter of all are."""

_GRAY_BELOW = 9
_GRAY_SHARE = 0.01
"""Gray pictures have next to no chroma (JPEG leaves some); they are odd only
where 99 of 100 pictures have color. Any such bound is crossed when a few
images leave the set; then no more than one in a hundred becomes a hint. (At
5 %, of 1,406 photographs 69 gray ones did, nearly all of them good.)"""

_MOSTLY = 0.5

Flags = NDArray[np.bool_]


def image_issues(statistics: NDArray[np.float32], damaged: Flags) -> Flags:
    """Tells what is wrong with each picture.

    Args:
        statistics: float32[n, c] of all readable pictures of the set, which is
            what sizes, shapes and grayness are compared with
        damaged: bool[n], the file is damaged inside

    Returns:
        bool[n, 8], a column a name of :data:`ISSUES`
    """
    if not len(statistics):
        return np.zeros((0, len(ISSUES)), bool)
    sides = np.stack([column(statistics, "width"), column(statistics, "height")])
    narrow = sides.min(axis=0) < _NARROW_BELOW * sides.max(axis=0)
    return np.stack(
        [
            damaged,
            *_looks(statistics),
            _odd_size(sides),
            _if_rare(narrow, _NARROW_SHARE),
            _if_rare(_is_gray(statistics), _GRAY_SHARE),
        ],
        axis=1,
    )


def flaws(statistics: NDArray[np.float32]) -> Flags:
    """Tells which pictures look as an edited copy does beside its original.

    Sizes are no flaw: the larger of two copies is the better one, however odd.

    Args:
        statistics: float32[n, c] of all readable pictures of the set

    Returns:
        bool[n]: dark, bright, blurry, empty, or gray in a set that is mostly not
    """
    if not len(statistics):
        return np.zeros(0, bool)
    gray = gray_among_color(statistics)
    flawed: Flags = np.any([*_looks(statistics), gray], axis=0)
    return flawed


def gray_among_color(statistics: NDArray[np.float32]) -> Flags:
    """Tells which pictures are gray, bool[n]: none if most of the set is."""
    return _if_rare(_is_gray(statistics), _MOSTLY)


def _looks(statistics: NDArray[np.float32]) -> tuple[Flags, Flags, Flags, Flags]:
    """Returns who is dark, bright, blurry, empty."""
    dark = column(statistics, "brightest") < _DARK_BELOW
    bright = column(statistics, "darkest") > _BRIGHT_ABOVE
    empty = column(statistics, "entropy") < _ENTROPY_BELOW
    empty |= column(statistics, "contrast") < _CONTRAST_BELOW
    blurry = sharpness(statistics) < _BLURRY_BELOW
    # Where there is nothing to see, nothing can be blurred
    blurry &= column(statistics, "contrast") > _UNIFORM_BELOW
    return dark, bright, blurry, empty


def _is_gray(statistics: NDArray[np.float32]) -> Flags:
    gray: Flags = column(statistics, "chroma") < _GRAY_BELOW
    return gray


def _odd_size(sides: NDArray[np.float32]) -> Flags:
    size = np.log(np.maximum(sides, 1)).mean(axis=0)
    low, high = np.quantile(size, (0.25, 0.75))
    fence = max(_SIZE_FENCE * (high - low), np.log(_LEAST_SIZE_FACTOR))
    odd: Flags = (size < low - fence) | (size > high + fence)
    return odd


def _if_rare(flags: Flags, most: float) -> Flags:
    """Returns the flags, or none of them if they are more than a share."""
    return flags if flags.sum() <= max(1, most * len(flags)) else np.zeros_like(flags)
