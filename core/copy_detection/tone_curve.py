"""What a tone curve leaves unexplained between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .filters import blur, blur_each, mean_planes, product_sums, row_medians
from .overlays import Overlays, inside, sample
from .planes import WHITE, Pictures
from .signature import GRAY_SIDE
from .types import Floats, floats

_SOFTENED = 0.8
_SOFTENED_MOVED = 0.65
"""Sigmas, in pixels, that make 64 x 64 pictures comparable; what was sampled
between pixels is softer already."""

_ROBUST_ROUNDS = 3
_TOLERATED_SHARE = 0.1
_TOLERATED_SQUARE = 4.0
"""Squared error that halves a pixel's weight: of the variance, and at least."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Pairs laid over one another: float32[b, 64, 64] each; ``seen`` is 0 or 1."""

    inner: Floats
    outer: Floats
    seen: Floats


def show(pictures: Pictures, overlays: Overlays) -> Shown:
    """Carries overlays out, softened alike."""
    inner = overlays.inner_of(pictures.gray, WHITE)
    outer = sample(pictures.gray[overlays.outer], overlays.warp)
    moved = overlays.moved
    seen = np.ones_like(inner)
    # The edge of what a frame held is a blend with the frame
    blended = moved | overlays.framed | overlays.regrounded
    seen[blended] = inside(overlays.warp[blended], GRAY_SIDE, 1.5)
    outer = blur_each(outer, np.where(moved, _SOFTENED_MOVED, _SOFTENED))
    return Shown(blur(inner, _SOFTENED), outer, seen)


@dataclass(frozen=True, eq=False)
class ToneCurve:
    """The fit of one picture's brightness to the other's; float32[b] each.

    Attributes:
        gain: ratio of contrasts, inner to outer
        shift: by how much the inner picture is brighter, in gray levels
        residual: robust mean of the squared error, in gray levels of the
            picture of higher contrast
        explained: share of the picture that the fit holds for, 0 to 1
        fit: float32[b, 64, 64], how well it holds, 1 perfectly, 0 not or not seen
        error: float32[b, 64, 64], by how much the inner picture is brighter than the
            fit says, in gray levels
    """

    gain: Floats
    shift: Floats
    residual: Floats
    explained: Floats
    fit: Floats
    error: Floats


def fit_tone_curve(shown: Shown) -> ToneCurve:
    """Fits inner = a + b outer + c outer^2, weighted down where it fails.

    The square takes care of gamma, clipped lights and automatic contrast.
    It starts from the pixels that differ by the median, so that a text
    laid over one of them is left aside from the beginning.
    """
    seen, count, pixels = shown.seen, len(shown.seen), GRAY_SIDE**2
    area = seen.sum(axis=(1, 2)) + 1e-6
    # 1, g, h = g^2 - 1; gg, gh, hh; t, tg, th: of which the sums are wanted
    planes = np.empty((count, 9, pixels), np.float32)
    planes[:, 0] = 1
    square = planes.reshape(count, 9, GRAY_SIDE, GRAY_SIDE)
    target, given = square[:, 6], square[:, 1]
    np.subtract(
        shown.inner, mean_planes(product_sums(shown.inner, seen), area), out=target
    )
    np.subtract(
        shown.outer, mean_planes(product_sums(shown.outer, seen), area), out=given
    )
    contrast = product_sums(target, target * seen) / area
    given_contrast = np.maximum(product_sums(given, given * seen) / area, 1)
    spread = np.sqrt(given_contrast)
    given /= spread[:, None, None]
    np.multiply(given, given, out=square[:, 3])
    np.subtract(square[:, 3], 1, out=square[:, 2])
    for place, factors in ((4, (1, 2)), (5, (2, 2)), (7, (6, 1)), (8, (6, 2))):
        np.multiply(planes[:, factors[0]], planes[:, factors[1]], out=planes[:, place])
    flat = seen.reshape(count, pixels)
    least = np.minimum(contrast, given_contrast)[:, None]
    tolerance = floats(_TOLERATED_SHARE * least + _TOLERATED_SQUARE)
    difference = (shown.inner - shown.outer).reshape(count, pixels)
    start = difference - row_medians(difference[:, ::8])
    weight = _robust_weight(start, tolerance, flat)
    left = np.zeros((count, 1, 9), np.float32)
    left[:, 0, 6] = 1
    for _ in range(_ROBUST_ROUNDS):
        sums = np.matmul(planes, weight[:, :, None])[:, :, 0].astype(np.float64)
        normal = sums[:, _OF_BOTH] + np.eye(3) * 1e-2
        terms = floats(np.linalg.solve(normal, sums[:, 6:, None]))[:, :, 0]
        left[:, 0, :3] = -terms
        error = np.matmul(left, planes)[:, 0]
        weight = _robust_weight(error, tolerance, flat)
    total = weight.sum(axis=1) + 1e-6
    gain = np.clip(terms[:, 1] / spread, 0.05, 20)
    # As if the picture of lower contrast had been fitted to the other
    error *= np.clip(1 / gain, 1, 3)[:, None]
    difference *= weight
    return ToneCurve(
        gain=gain,
        shift=difference.sum(axis=1) / total,
        residual=(error * error * weight).sum(axis=1) / total,
        explained=total / area,
        fit=weight.reshape(shown.seen.shape),
        error=error.reshape(shown.seen.shape),
    )


_OF_BOTH = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
"""Which sum is that of the products of two powers."""


def _robust_weight(error: Floats, tolerance: Floats, seen: Floats) -> Floats:
    """Returns how much each pixel counts: float32[b, p]."""
    weight: Floats = error * error
    weight /= tolerance
    weight += 1
    np.divide(seen, weight, out=weight)
    return weight
