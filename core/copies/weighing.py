"""The third test: eleven numbers, one logistic regression."""

from __future__ import annotations

import numpy as np

from .arrays import Doubles, Floats, floats
from .brightness import fit_tone_curve, show
from .colour import fit_colour
from .overlays import Overlays
from .pictures import Pictures
from .sharpness import equally_sharp

MIN_PROMISING = -3.0
"""Log odds from which on overlays are refined at full size, the dearest step:
one in 900 of the planted copies found has less before."""

_WEIGHTS = {
    "residual": -1,
    "explained": 17.92,
    "tones": 2.14,
    "tone_change": -0.76,
    "desaturation": -4.07,
    "colour_residual": -1.35,
    "colourfulness": 0.91,
    "zoom": -8.62,
    "turned": -3.65,
    "moved": 1.01,
    "reach": -20.22,
}
_INTERCEPT = -18.74
"""Log odds that a pair is a copy, by the evidence explained below.

Learned by logistic regression (scikit-learn, C=3, standardised inputs) from the
55,904 candidate pairs of the benchmark of 25,000 images, seed 7, and 1,000 of
its images changed in 35 other ways (turns, logos, borders, gamma and so on;
weight 0.3). Other cuttings of the same photograph count as no copies, with
weight 0.3; pairs that only look the same are left out. The intercept lets 51
wrong pairs of those through, one in 26 of the accepted; it then finds 0.896 of
the planted near copies (0.893 in five folds). Not learned from: photographs,
seed 9 (0.904, no wrong pair), and seed 31 (0.867, 4 wrong pairs).
"""

_LONGEST_REACH = 0.3
"""Frames: beyond, an overlay is wrong anyhow."""

_LEAST_RESIDUAL = np.float32(0.3)
_LEAST_COLOUR = np.float32(1.5)
_FAINT_COLOUR = np.float32(3)
"""Rounding and JPEG noise, in (squared) levels: less than that says nothing."""

_SHIFT_AS_GAIN = 40
"""Grey levels that weigh as much as a contrast changed by a factor of e."""

_BEST_BRIGHTNESS = float(
    _WEIGHTS["residual"] * np.log(_LEAST_RESIDUAL) + _WEIGHTS["explained"]
)


def copy_logits(pictures: Pictures, overlays: Overlays, best: Doubles) -> Doubles:
    """Returns the log odds that each pair is a copy.

    Pairs whose frames and colours alone keep them from being promising get
    -inf: their brightness, the dear part, is not compared.

    Args:
        pictures: of all pairs
        overlays: of the b pairs
        best: float64[b], their :func:`best_logits`
    """
    rows = np.flatnonzero(best >= MIN_PROMISING)
    rest = np.full(len(best), -np.inf)
    rest[rows] = _weighed(brightness_evidence(pictures, overlays.at(rows)))
    logits: Doubles = best - _BEST_BRIGHTNESS + rest
    return logits


def best_logits(pictures: Pictures, overlays: Overlays) -> Doubles:
    """Returns the log odds if the brightness agreed perfectly."""
    first = frame_evidence(pictures, overlays)
    first |= colour_evidence(pictures, overlays)
    return _INTERCEPT + _weighed(first) + _BEST_BRIGHTNESS


def _weighed(evidence: dict[str, Floats]) -> Doubles:
    terms = [_WEIGHTS[name] * value for name, value in evidence.items()]
    total: Doubles = np.sum(terms, axis=0, dtype=np.float64)
    return total


def frame_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """How the frames lie.

    tones: log of how many tones the plainer picture uses (entropy)
    zoom: log of the ratio of the areas shown
    turned: 1 where one is mirrored or turned, else 0
    moved: 1 where the frames do not lie exactly on one another, else 0
    reach: how far, in frames, the inner reaches out of the outer; two
        cuttings of one scene overlap, but a copy holds or is held
    """
    area = np.abs(np.linalg.det(overlays.warp[:, :, :2]))
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    at = np.matmul(overlays.warp, corners.T)
    reach = np.maximum(at - 1, -at).max(axis=(1, 2))
    tones = pictures.tones
    return {
        "tones": np.minimum(tones[overlays.inner], tones[overlays.outer]),
        "zoom": floats(np.abs(np.log(np.clip(area, 0.05, 5)))),
        "turned": floats(overlays.turn > 0),
        "moved": floats(overlays.moved),
        "reach": floats(np.clip(reach, 0, _LONGEST_REACH)),
    }


def colour_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the colours.

    desaturation: colour lost between the two, 0 none to 1 all
    colour_residual: log of the colour that no desaturation explains
    colourfulness: log of the colour of the more colourful picture
    """
    colour = fit_colour(pictures, overlays)
    return {
        "desaturation": 1 - colour.kept,
        "colour_residual": np.log(colour.residual + _LEAST_COLOUR),
        "colourfulness": np.log(colour.strength + _FAINT_COLOUR),
    }


def brightness_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the brightness.

    residual: log of the unexplained brightness, robustly averaged, in grey
        levels squared, after the best tone curve
    explained: share of the picture that the tone curve explains, 0 to 1
    tone_change: how far the tone curve is from none
    """
    curve = fit_tone_curve(equally_sharp(show(pictures, overlays)))
    change = np.abs(np.log(curve.gain)) + np.abs(curve.shift) / _SHIFT_AS_GAIN
    return {
        "residual": np.log(curve.residual + _LEAST_RESIDUAL),
        "explained": curve.explained,
        "tone_change": change,
    }
