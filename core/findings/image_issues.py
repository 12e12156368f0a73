"""Pictures that are bad in themselves: damaged, too dark, blurred, empty, odd.

Damage is seen by the decoder (:mod:`core.reading.jpeg_damage`). Each other rule is a
threshold on :mod:`core.reading.image_statistics`, and stands beside its constant. The
kinds are those of CleanVision, with other measures: a picture is dark or bright by its
extreme gray levels, blurred by its edges and not by its variance, and odd only where
most of its set is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

_DARK_BELOW = (80, 64)
"""Nearly all pixels below this gray level: the first where few pictures are.

Below 80 are 4 of 24,288 scenes (forests that are nearly black; night photographs with
lights begin at 100), 7 of 12,750 pictures of 32 pixels, 1 of 12,717 others. Below 64,
a quarter of full light, are of 50 darkened pictures all, of 24,500 others 0.20 %
(CleanVision: all, 0.96 %).
"""

_FEW = (0.05, 0.5)
"""Few: in a set where more pictures are so dark, or so bright, they are meant to be."""

_BRIGHT_ABOVE = (180, 220)
"""Nearly no pixel below this gray level: the first where few pictures are.

Above 180, 70 % of full light, are of 50 washed-out pictures all, of 24,500 others
0.21 % (CleanVision: 0.32 of them, 0.23 %), but of 626 scanned receipts 12 %: white
paper with little ink. Above 220 is none of these.
"""

DEFAULT_MIN_SHARPNESS = 3.7
"""Least :func:`~core.reading.image_statistics.sharpness`.

Of 74 blurred pictures in three sets 95 %, of 36,000 others 0.4 %, most of them
soft in truth (CleanVision: 6 %, 1.5 %). Reached by a Gaussian blur of sigma 3
at a longer side of 256 pixels.
"""

_UNIFORM_BELOW = 2.0
DEFAULT_MIN_INFORMATION = 0.5
_CONTRAST_OF_A_BIT = 10.0
"""A blank page, or one with a few specks: less than half a bit of gray levels a
pixel, which is one color on 90 %, or all within a few levels (a standard deviation of
5). CleanVision asks for 3 bits, which calls one line drawing in three empty."""

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


@dataclass(frozen=True)
class LookThresholds:
    """From where on a picture looks bad, by its columns of :data:`LOOKS`.

    Attributes:
        min_brightest: dark below, 0 to 255
        max_darkest: bright above, 0 to 255
        min_sharpness: blurry below
        min_information: low information below, in bits
    """

    min_brightest: float
    max_darkest: float
    min_sharpness: float = DEFAULT_MIN_SHARPNESS
    min_information: float = DEFAULT_MIN_INFORMATION


LOOKS = ("brightest", "darkest", "sharpness", "information")


def look_scores(statistics: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns float32[n, 4], what :class:`LookThresholds` are compared with.

    Args:
        statistics: float32[n, c], see :mod:`core.reading.image_statistics`

    Returns:
        a column a name of :data:`LOOKS`: the gray level that 99 % of the pixels do
        not exceed, that which 1 % do not, the sharpness, and the entropy of the gray
        levels in bits, at most their standard deviation / 10
    """
    information = np.minimum(
        column(statistics, "entropy"),
        column(statistics, "contrast") / _CONTRAST_OF_A_BIT,
    )
    scores = (
        column(statistics, "brightest"),
        column(statistics, "darkest"),
        sharpness(statistics),
        information,
    )
    return np.stack(scores, axis=1).astype(np.float32)


def own_min_brightest(statistics: NDArray[np.float32]) -> float:
    """Returns below which gray level pictures are too dark for their set.

    It is 80 where at most 5 % are below, else 64 where at most half are, else 0: what
    most of a set looks like is no fault of a picture (X-rays, the night sky).

    Args:
        statistics: float32[n, c] of all readable pictures of the set
    """
    brightest = column(statistics, "brightest")
    return _first_with_few(_DARK_BELOW, lambda level: brightest < level, 0.0)


def own_max_darkest(statistics: NDArray[np.float32]) -> float:
    """Returns above which gray level pictures are too bright for their set.

    It is 180 where at most 5 % are above, else 220 where at most half are, else 255,
    above which none is: white pages are no washed-out photographs.

    Args:
        statistics: float32[n, c] of all readable pictures of the set
    """
    darkest = column(statistics, "darkest")
    return _first_with_few(_BRIGHT_ABOVE, lambda level: darkest > level, 255.0)


def image_issues(
    statistics: NDArray[np.float32],
    damaged: Flags,
    thresholds: LookThresholds | None = None,
) -> Flags:
    """Tells what is wrong with each picture.

    Args:
        statistics: float32[n, c] of all readable pictures of the set, which is
            what sizes, shapes and grayness are compared with
        damaged: bool[n], the file is damaged inside
        thresholds: on the looks; None for the defaults

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
            *_looks(statistics, thresholds),
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


def _looks(
    statistics: NDArray[np.float32], thresholds: LookThresholds | None = None
) -> tuple[Flags, Flags, Flags, Flags]:
    """Returns who is dark, bright, blurry, empty."""
    limits = thresholds or LookThresholds(
        own_min_brightest(statistics), own_max_darkest(statistics)
    )
    brightest, darkest, sharp, information = look_scores(statistics).T
    dark = brightest < np.float32(limits.min_brightest)
    bright = darkest > np.float32(limits.max_darkest)
    blurry = sharp < np.float32(limits.min_sharpness)
    empty = information < np.float32(limits.min_information)
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


def _first_with_few(
    levels: Sequence[float], beyond: Callable[[float], Flags], otherwise: float
) -> float:
    """Returns the first level beyond which no more are than its share of the set."""
    for level, share in zip(levels, _FEW, strict=True):
        if _are_few(beyond(level), share):
            return float(level)
    return otherwise


def _if_rare(flags: Flags, most: float) -> Flags:
    """Returns the flags, or none of them if they are more than a share."""
    return flags if _are_few(flags, most) else np.zeros_like(flags)


def _are_few(flags: Flags, most: float) -> bool:
    return bool(flags.sum() <= max(1, most * len(flags)))
