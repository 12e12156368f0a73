"""How the colors of two pictures relate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .overlays import Overlays, inside, sample
from .planes import Pictures
from .signature import COLOR_SIDE
from .types import Floats, floats

_MIDDLE = np.pad(np.ones((COLOR_SIDE - 2,) * 2, np.float32), 1)
"""1 but at the edge of the frame."""

_COLORLESS = 18.0
"""Mean squared color of both planes below which none can be lost."""


@dataclass(frozen=True, eq=False)
class Color:
    """How the colors of pairs relate; float32[b] each.

    Attributes:
        kept: color gain of the paler picture, 0 gray to 1 unchanged
        residual: root mean square of what the gain leaves, in levels
        strength: root mean square color of the more colorful picture
    """

    kept: Floats
    residual: Floats
    strength: Floats


def fit_color(pictures: Pictures, overlays: Overlays) -> Color:
    """Fits the paler picture's colors as a fraction of the other's.

    One factor for both color differences and no offset: gray, paler and
    darker copies are explained, another hue is not.
    """
    inner = overlays.inner_of(pictures.color)
    outer = pictures.color[overlays.outer]
    outer = np.stack([sample(outer[:, c], overlays.warp) for c in (0, 1)], axis=1)
    mask = inside(overlays.warp, COLOR_SIDE, 0.25)[:, None]
    # The edge of what a frame held is a blend with the frame
    blended = np.flatnonzero(overlays.framed | overlays.regrounded)
    mask[blended] *= _MIDDLE
    area = mask.sum(axis=(1, 2, 3)) + 1e-6

    def mean(a: Floats, b: Floats) -> Floats:
        return floats((a * b * mask).sum(axis=(1, 2, 3)) / area)

    inner_square, outer_square = mean(inner, inner), mean(outer, outer)
    product = mean(inner, outer)
    strong = np.maximum(inner_square, outer_square)
    pale = np.minimum(inner_square, outer_square)
    factor = np.clip(product / np.maximum(strong, 1e-3), 0, 1)
    left = pale - 2 * factor * product + factor * factor * strong
    return Color(
        kept=floats(np.where(strong < _COLORLESS, 1, factor)),
        residual=np.sqrt(np.maximum(left, 0)),
        strength=np.sqrt(strong),
    )
