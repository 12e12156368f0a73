"""The third test: rules that contradict a copy, then one logistic regression."""

from __future__ import annotations

import numpy as np

from .agreement import agreement
from .color import fit_color
from .overlays import Overlays
from .planes import Pictures
from .sharpness import equally_sharp
from .tone_curve import fit_tone_curve, show
from .types import Bools, Doubles, Floats, Ints, floats

MIN_PROMISING = -3.0
"""Log odds from which on overlays are refined at full size, the dearest step:
one in 900 of the planted copies found has less before."""

_WEIGHTS = {
    "residual": -1,
    "explained": 17.92,
    "tones": 2.14,
    "tone_change": -0.76,
    "desaturation": -4.07,
    "color_residual": -1.35,
    "colorfulness": 0.91,
    "zoom": -8.62,
    "turned": -3.65,
    "moved": 1.01,
    "overhang": -20.22,
    "through_view": -2.2,
}
_INTERCEPT = -18.74
"""Log odds that a pair is a copy, by the evidence explained below.

Learned by logistic regression (scikit-learn, C=3, standardized inputs) from the
55,904 candidate pairs of the benchmark of 25,000 images, seed 7, and 1,000 of
its images changed in 35 other ways (turns, logos, borders, gamma and so on;
weight 0.3). Other cuttings of the same photograph count as no copies, with
weight 0.3; pairs that only look the same are left out. The weight of
``through_view`` was not learned: fewer copies than look-alikes come that way, and
2.2 keeps out the look-alikes of 6,000 mixed images, seed 31 (icons and flags on
other grounds).
"""

_LONGEST_REACH = 0.3
"""Frames: beyond, an overlay is wrong anyhow."""

_MAX_REACH = 0.15
"""Frames by which a copy reaches out of its original at most."""

_MIN_AGREEMENT = 0.6
"""Of the details beside the largest patch, and of the picture's brightness: what has
less is no copy, whatever else speaks for it."""

_PLAIN_TONES = 2.1
_PLAIN_TONES_ALTERED = 2.6
_FEW_BLOCKS = 2.8
"""Logarithms, of tones and of blocks of 8 x 8 that agree: less is a plain picture."""

_MAX_HUE = 2.6
_MAX_HUE_PLAIN = 2.2
"""Logarithms of the color that no loss of color explains: 12 levels, and 6 of plain
pictures, of which another color makes another thing."""

_EXACT = 0.85
_SEVERAL = 3
_SOME_UNLIKE = 0.02
"""Residual beside what differs, number of places, and share of unlike blocks, that
make it stand out. Filled-in forms differ in three places or more; noise, cuts and
clipped lights of plain photographs leave one or two."""

_LEAST_RESIDUAL = np.float32(0.3)
_LEAST_COLOR = np.float32(1.5)
_FAINT_COLOR = np.float32(3)
"""Rounding and JPEG noise, in (squared) levels: less than that says nothing."""

_SHIFT_AS_GAIN = 40
"""Gray levels that weigh as much as a contrast changed by a factor of e."""


_BEST_BRIGHTNESS = float(
    _WEIGHTS["residual"] * np.log(_LEAST_RESIDUAL) + _WEIGHTS["explained"]
)


def copy_logits(
    pictures: Pictures, overlays: Overlays, first: dict[str, Floats]
) -> Doubles:
    """Returns the log odds that each pair is a copy.

    Pairs whose frames and colors alone keep them from being promising, and those
    that are :func:`contradicted`, get -inf. The brightness of the former, the dear
    part, is not compared.

    Args:
        pictures: of all pairs
        overlays: of the b pairs
        first: their :func:`first_evidence`
    """
    best = best_logits(first)
    logits = np.full(len(best), -np.inf)
    rows = np.flatnonzero(best >= MIN_PROMISING)
    brightness = brightness_evidence(pictures, overlays.at(rows))
    total = best[rows] - _BEST_BRIGHTNESS + _weighed(brightness)
    evidence = brightness | at_rows(first, rows)
    logits[rows] = np.where(contradicted(evidence), -np.inf, total)
    return logits


def first_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """Returns what is known before the brightness is compared; float32[b] each."""
    evidence = frame_evidence(pictures, overlays)
    return evidence | color_evidence(pictures, overlays)


def best_logits(first: dict[str, Floats]) -> Doubles:
    """Returns the log odds if the brightness agreed perfectly: float64[b]."""
    best: Doubles = _INTERCEPT + _weighed(first) + _BEST_BRIGHTNESS
    return best


def at_rows(evidence: dict[str, Floats], rows: Ints) -> dict[str, Floats]:
    """Returns the evidence of some pairs."""
    return {name: values[rows] for name, values in evidence.items()}


def _weighed(evidence: dict[str, Floats]) -> Doubles:
    terms = [
        weight * evidence[name].astype(np.float64)
        for name, weight in _WEIGHTS.items()
        if name in evidence
    ]
    total: Doubles = np.sum(terms, axis=0, dtype=np.float64)
    return total


def contradicted(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs the pictures cannot tell to be copies: bool[b].

    Two cuttings of one scene; those of which too little agrees; and plain pictures
    (forms, drawings, one thing on a smooth ground) with a place that differs: there a
    covered copy looks like another form, and little else is there to prove a copy.
    """
    agrees = np.minimum(evidence["rest"], evidence["explained"])
    little = _shows_little(evidence)
    # Icons that differ in a detail look alike most when they are turned as well
    altered = evidence["turned"] + evidence["inverted"] > 0
    tones = np.where(altered, _PLAIN_TONES_ALTERED, _PLAIN_TONES)
    plain = (evidence["tones"] < tones) | little
    # A blurred scan differs a little everywhere, another form much in places
    several = (evidence["places"] >= _SEVERAL) & (evidence["residual"] < _EXACT)
    unlike = (evidence["unlike"] > _SOME_UNLIKE) | little
    differs = several | ((evidence["places"] > 0) & unlike)
    differs |= altered & (evidence["unlike"] > _SOME_UNLIKE)
    hue = np.where(plain, _MAX_HUE_PLAIN, _MAX_HUE)
    result: Bools = evidence["overhang"] > _MAX_REACH
    result |= evidence["color_residual"] > hue
    return result | (agrees < _MIN_AGREEMENT) | (plain & differs)


def is_plain(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs show too little to tell a copy from another page: bool[b]."""
    plain: Bools = evidence["tones"] < _PLAIN_TONES
    return plain | _shows_little(evidence)


def _shows_little(evidence: dict[str, Floats]) -> Bools:
    little: Bools = evidence["alike"] < _FEW_BLOCKS
    return little


def frame_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """How the frames lie.

    tones: log of how many tones the plainer picture uses (entropy)
    zoom: log of the ratio of the areas shown
    turned: 1 where one is mirrored or turned, else 0
    moved: 1 where the frames do not lie exactly on one another, else 0
    overhang: how far, in frames, the inner reaches out of the outer; two
        cuttings of one scene overlap, but a copy holds or is held
    through_view: 1 where one is looked at as a negative, without margins that
        differ, or on another ground
    inverted: 1 where one is looked at as a negative
    """
    area = np.abs(np.linalg.det(overlays.warp[:, :, :2]))
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    at = np.matmul(overlays.warp, corners.T)
    overhang = np.maximum(at - 1, -at).max(axis=(1, 2))
    tones = pictures.tones
    return {
        "tones": np.minimum(tones[overlays.inner], tones[overlays.outer]),
        "zoom": floats(np.abs(np.log(np.clip(area, 0.05, 5)))),
        "turned": floats(overlays.turn > 0),
        "moved": floats(overlays.moved),
        "overhang": floats(np.clip(overhang, 0, _LONGEST_REACH)),
        "inverted": floats(overlays.inverted),
        "through_view": floats(overlays.through_view),
    }


def color_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the colors.

    desaturation: color lost between the two, 0 none to 1 all
    color_residual: log of the color that no desaturation explains
    colorfulness: log of the color of the more colorful picture
    """
    color = fit_color(pictures, overlays)
    return {
        "desaturation": 1 - color.kept,
        "color_residual": np.log(color.residual + _LEAST_COLOR),
        "colorfulness": np.log(color.strength + _FAINT_COLOR),
    }


def brightness_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the brightness.

    residual: log of the unexplained brightness, robustly averaged, in gray
        levels squared, after the best tone curve
    explained: share of the picture that the tone curve explains, 0 to 1
    tone_change: how far the tone curve is from none
    alike: log of the number of blocks that agree
    unlike, rest, places: see :class:`~.agreement.Agreement`
    """
    shown = equally_sharp(show(pictures, overlays))
    curve = fit_tone_curve(shown)
    agrees = agreement(shown, curve)
    change = np.abs(np.log(curve.gain)) + np.abs(curve.shift) / _SHIFT_AS_GAIN
    return {
        "residual": np.log(curve.residual + _LEAST_RESIDUAL),
        "explained": curve.explained,
        "tone_change": change,
        "alike": np.log1p(agrees.alike),
        "unlike": agrees.unlike,
        "rest": agrees.rest,
        "places": agrees.places,
    }
