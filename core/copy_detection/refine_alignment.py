"""Moves overlays until the pictures lie on one another.

By the Gauss-Newton method of Lucas and Kanade (1981), in the compositional form
of Baker and Matthews (2004), with robust weights; at 16, 32, then 64 pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .block_correlation import detail_correlation, still_correlation
from .filters import mean_planes, product_sums
from .overlays import STILL, Overlays, inside, sample
from .planes import WHITE, Pictures
from .types import Doubles, Floats, floats

_SIMPLER = 0.01
"""What a move must gain in correlation over none at all."""

_STEPS = 4
_FINE_STEPS = 2
"""Gauss-Newton steps at 16 and 32 pixels: 8 do not bring more pairs into place. And at
64 pixels, where little is left to move."""

_FIRST_STEPS = 2
_HOPEFUL = 0.33
"""Steps at 16 pixels after which pairs of no such correlation are left as they lie: of
four sets .991 to .998 of those that come to lie on one another have it, and a third of
the others, which are nine in ten pairs of scenes."""

_PIXELS_AT_ONCE = 2**17
"""Of pairs that are refined together: what is held of them stays in the cache."""

_LONGEST_STEP = 0.15
"""Of the frame, a step: keeps flat pictures from running away."""


def align_roughly(pictures: Pictures, overlays: Overlays) -> tuple[Overlays, Floats]:
    """Refines at 16 x 16 and keeps the best of three overlays.

    Beside the refined one: the whole frames, turned and not. An overlaid
    text misleads the coarse search, and a plain copy needs no move.
    """
    shown = overlays.inner_of(pictures.gray16, WHITE)
    searched = pictures.gray16[overlays.outer]
    found = _refine(shown, searched, overlays.warp, _FIRST_STEPS)
    outer = pictures.detail32[overlays.outer]
    turned = overlays.inner_of(pictures.detail32)
    correlation = np.full((3, len(found)), -1, np.float32)
    correlation[0] = detail_correlation(turned, outer, found)
    correlation[1] = still_correlation(turned, outer) + _SIMPLER
    was_turned = np.flatnonzero(overlays.turn)
    straight = replace(overlays.at(was_turned), turn=np.zeros(len(was_turned), int))
    correlation[2, was_turned] = _SIMPLER + still_correlation(
        straight.inner_of(pictures.detail32), outer[was_turned]
    )
    hopeful = np.flatnonzero(correlation.max(axis=0) >= _HOPEFUL)
    found[hopeful] = _refine(
        shown[hopeful], searched[hopeful], found[hopeful], _STEPS - _FIRST_STEPS
    )
    correlation[0, hopeful] = detail_correlation(
        turned[hopeful], outer[hopeful], found[hopeful]
    )
    best = correlation.argmax(axis=0)
    overlays = replace(
        overlays,
        turn=np.where(best == 2, 0, overlays.turn),
        warp=np.where((best == 0)[:, None, None], found, STILL),
    )
    return overlays, correlation.max(axis=0)


def align(
    pictures: Pictures, overlays: Overlays, correlation: Floats
) -> tuple[Overlays, Floats]:
    """Refines at 32 x 32 where that makes the pictures more alike."""
    inner = overlays.inner_of(pictures.gray32, WHITE)
    finer = _refine(inner, pictures.gray32[overlays.outer], overlays.warp)
    details = overlays.inner_of(pictures.detail32)
    outer = pictures.detail32[overlays.outer]
    finer_correlation = detail_correlation(details, outer, finer)
    gained = (finer_correlation > correlation)[:, None, None]
    overlays = overlays.warped(np.where(gained, finer, overlays.warp))
    return overlays, np.maximum(correlation, finer_correlation)


def align_finely(
    pictures: Pictures, overlays: Overlays, steps: int = _FINE_STEPS
) -> Overlays:
    """Refines at 64 x 64 where that makes the pictures more alike."""
    inner = overlays.inner_of(pictures.gray, WHITE)
    outer = pictures.gray[overlays.outer]
    finer = _refine(inner, outer, overlays.warp, steps)
    details, outer = overlays.inner_of(pictures.detail), pictures.detail[overlays.outer]
    before = detail_correlation(details, outer, overlays.warp)
    gained = detail_correlation(details, outer, finer) > before
    return overlays.warped(np.where(gained[:, None, None], finer, overlays.warp))


def align_in_detail(gray: Floats, overlays: Overlays) -> Overlays:
    """Refines at the size of the pictures, float32[m, side, side]."""
    inner = overlays.inner_of(gray, WHITE)
    return overlays.warped(_refine(inner, gray[overlays.outer], overlays.warp))


def _refine(
    inner: Floats, outer: Floats, warp: Doubles, steps: int = _STEPS
) -> Doubles:
    """Moves the outer pictures onto the inner ones.

    Minimises the squared difference after a gain and an offset, weighted
    down where it is large (Geman and McClure's weights), over the six
    parameters of an affine map; with the mean of both gradients (Malis 2004).
    """
    result = np.empty_like(warp)
    at_once = max(1, _PIXELS_AT_ONCE // inner.shape[1] ** 2)
    for start in range(0, len(warp), at_once):
        rows = slice(start, start + at_once)
        result[rows] = _refined(inner[rows], outer[rows], warp[rows], steps)
    return result


def _refined(inner: Floats, outer: Floats, warp: Doubles, steps: int) -> Doubles:
    """Does what :func:`_refine` says for a few pairs."""
    count, side, _ = inner.shape
    place = floats((np.arange(side) + 0.5) / side - 0.5)
    x, y = place[None, None, :], place[None, :, None]
    # Gain and offset of the brightness are the last two
    steepest = np.zeros((count, 8, side, side), np.float32)
    steepest[:, 7] = 1
    slope_x, slope_y = steepest[:, 2], steepest[:, 5]
    weighted = np.empty_like(steepest)
    flat = steepest.reshape(count, 8, side * side)
    diagonal = np.arange(8)
    for _ in range(steps):
        seen = inside(warp, side, 0.5, border=1)
        area = seen.sum(axis=(1, 2)) + 1e-6
        moved = sample(outer, warp)
        moved -= mean_planes(product_sums(moved, seen), area)
        target = inner - mean_planes(product_sums(inner, seen), area)
        part = moved * seen
        contrast = product_sums(moved, part) + 1e-3
        gain = product_sums(target, part) / contrast
        moved *= np.clip(gain, 0.2, 5)[:, None, None]
        error = np.subtract(target, moved, out=target)
        weight = np.multiply(error, error, out=part)
        scale = 1.5 * np.sqrt(product_sums(weight, seen) / area) + 1
        weight *= (1 / scale**2)[:, None, None]
        weight += 1
        np.divide(seen, weight, out=weight)
        steepest[:, 6] = moved
        # Twice their mean; its differences of two pixels are four times the slope
        both = np.add(inner, moved, out=moved)
        np.subtract(both[:, :, 2:], both[:, :, :-2], out=slope_x[:, :, 1:-1])
        np.subtract(both[:, 2:], both[:, :-2], out=slope_y[:, 1:-1])
        slope_x *= np.float32(side / 4)
        slope_y *= np.float32(side / 4)
        for slope, first in ((slope_x, 0), (slope_y, 3)):
            np.multiply(slope, x, out=steepest[:, first])
            np.multiply(slope, y, out=steepest[:, first + 1])
        np.multiply(steepest, weight[:, None], out=weighted)
        products = weighted.reshape(flat.shape)
        normal = np.matmul(products, flat.transpose(0, 2, 1)).astype(np.float64)
        normal[:, diagonal, diagonal] *= 1.001
        normal[:, diagonal, diagonal] += 1e-3
        right = np.matmul(products, error.reshape(count, side * side, 1))
        step = np.linalg.solve(normal, right.astype(np.float64))[:, :6, 0]
        warp = _compose(warp, np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))
    return warp


def _compose(warp: Doubles, step: Doubles) -> Doubles:
    """Applies a step, taken about the middle of the frame, before a warp."""
    linear = step.reshape(-1, 2, 3)[:, :, :2] + np.eye(2)
    shift = 0.5 + step.reshape(-1, 2, 3)[:, :, 2] - 0.5 * linear.sum(axis=2)
    outer = warp[:, :, :2]
    moved = np.matmul(outer, shift[..., None]) + warp[:, :, 2:]
    return np.concatenate([np.matmul(outer, linear), moved], axis=2)
