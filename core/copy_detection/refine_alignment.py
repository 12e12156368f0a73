"""Moves overlays until the pictures lie on one another.

By the Gauss-Newton method of Lucas and Kanade (1981), in the compositional form
of Baker and Matthews (2004), with robust weights; at 16, 32, then 64 pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .block_correlation import detail_likeness
from .filters import high_pass, mean_planes, product_sums
from .overlays import STILL, Overlays, inside, sample
from .planes import DETAIL_SIGMA, WHITE, Pictures
from .types import Doubles, Floats, floats

_SIMPLER = 0.01
"""What a move must gain in likeness over none at all."""

_STEPS = 4
_FINE_STEPS = 2
"""Gauss-Newton steps at 16 and 32 pixels: 8 do not bring more pairs into place. And at
64 pixels, where little is left to move."""

_LONGEST_STEP = 0.15
"""Of the frame, a step: keeps flat pictures from running away."""


def align_roughly(pictures: Pictures, overlays: Overlays) -> tuple[Overlays, Floats]:
    """Refines at 16 x 16 and keeps the best of three overlays.

    Beside the refined one: the whole frames, turned and not. An overlaid
    text misleads the coarse search, and a plain copy needs no move.
    """
    found = _refine(
        overlays.inner_of(pictures.gray16, WHITE),
        pictures.gray16[overlays.outer],
        overlays.warp,
    )
    outer = pictures.detail32[overlays.outer]
    turned = overlays.inner_of(pictures.detail32)
    still = np.broadcast_to(STILL, found.shape)
    correlation = np.full((3, len(found)), -1, np.float32)
    correlation[0] = detail_likeness(turned, outer, found)
    correlation[1] = detail_likeness(turned, outer, still) + _SIMPLER
    was_turned = np.flatnonzero(overlays.turn)
    straight = replace(overlays.at(was_turned), turn=np.zeros(len(was_turned), int))
    correlation[2, was_turned] = _SIMPLER + detail_likeness(
        straight.inner_of(pictures.detail32), outer[was_turned], still[was_turned]
    )
    best = correlation.argmax(axis=0)
    overlays = replace(
        overlays,
        turn=np.where(best == 2, 0, overlays.turn),
        warp=np.where((best == 0)[:, None, None], found, still),
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
    finer_likeness = detail_likeness(details, outer, finer)
    gained = (finer_likeness > correlation)[:, None, None]
    overlays = overlays.warped(np.where(gained, finer, overlays.warp))
    return overlays, np.maximum(correlation, finer_likeness)


def align_finely(pictures: Pictures, overlays: Overlays) -> Overlays:
    """Refines at 64 x 64 where that makes the pictures more alike."""
    inner = overlays.inner_of(pictures.gray, WHITE)
    outer = pictures.gray[overlays.outer]
    finer = _refine(inner, outer, overlays.warp, _FINE_STEPS)
    details, outer = high_pass(inner, DETAIL_SIGMA), high_pass(outer, DETAIL_SIGMA)
    before = detail_likeness(details, outer, overlays.warp)
    gained = detail_likeness(details, outer, finer) > before
    return overlays.warped(np.where(gained[:, None, None], finer, overlays.warp))


def _refine(
    inner: Floats, outer: Floats, warp: Doubles, steps: int = _STEPS
) -> Doubles:
    """Moves the outer pictures onto the inner ones.

    Minimises the squared difference after a gain and an offset, weighted
    down where it is large (Geman and McClure's weights), over the six
    parameters of an affine map; with the mean of both gradients (Malis 2004).
    """
    count, side, _ = inner.shape
    place = floats((np.arange(side) + 0.5) / side - 0.5)
    x, y = place[None, None, :], place[None, :, None]
    inner_y, inner_x = np.gradient(inner, axis=(1, 2))
    steepest = np.ones((count, 8, side, side), np.float32)
    border = np.zeros((side, side), np.float32)
    border[1:-1, 1:-1] = 1
    diagonal = np.arange(8)
    for _ in range(steps):
        seen = inside(warp, side, 0.5) * border
        area = seen.sum(axis=(1, 2)) + 1e-6
        target = inner - mean_planes(product_sums(inner, seen), area)
        moved = sample(outer, warp)
        moved -= mean_planes(product_sums(moved, seen), area)
        contrast = product_sums(moved, moved * seen) + 1e-3
        gain = product_sums(target, moved * seen) / contrast
        moved *= np.clip(gain, 0.2, 5)[:, None, None]
        error = target - moved
        scale = 1.5 * np.sqrt(product_sums(error, error * seen) / area) + 1
        weight = seen / (1 + (error / scale[:, None, None]) ** 2)
        moved_y, moved_x = np.gradient(moved, axis=(1, 2))
        slope_x = (inner_x + moved_x) * np.float32(side / 2)
        slope_y = (inner_y + moved_y) * np.float32(side / 2)
        for column, value in enumerate(
            (slope_x * x, slope_x * y, slope_x, slope_y * x, slope_y * y, slope_y)
        ):
            steepest[:, column] = value
        steepest[:, 6] = moved
        flat = steepest.reshape(count, 8, side * side)
        weighted = flat * weight.reshape(count, 1, side * side)
        normal = np.matmul(weighted, flat.transpose(0, 2, 1)).astype(np.float64)
        normal[:, diagonal, diagonal] *= 1.001
        normal[:, diagonal, diagonal] += 1e-3
        right = np.matmul(weighted, error.reshape(count, side * side, 1))
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
