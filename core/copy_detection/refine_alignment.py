"""Moves overlays until the pictures lie on one another.

By the Gauss-Newton method of Lucas and Kanade (1981), in the compositional form
of Baker and Matthews (2004), with robust weights; at 16, 32, then 64 pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .block_correlation import detail_correlation, still_correlation
from .filters import cached_rows, mean_planes, product_sums
from .overlays import STILL, Overlays, inside, sample
from .planes import WHITE, Pictures
from .signature import GRAY_SIDE
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

_PIXELS_IN_STEP = 2**13
"""Of pairs whose steps are computed together: 16 planes of them stay in the cache."""

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
    warp = np.empty_like(overlays.warp)
    for rows in cached_rows(len(warp), GRAY_SIDE):
        warp[rows] = _finer(pictures, overlays.at(rows), steps)
    return overlays.warped(warp)


def _finer(pictures: Pictures, overlays: Overlays, steps: int) -> Doubles:
    """Does what :func:`align_finely` says for a few pairs: float64[b, 2, 3]."""
    inner = overlays.inner_of(pictures.gray, WHITE)
    outer = pictures.gray[overlays.outer]
    finer = _refine(inner, outer, overlays.warp, steps)
    details, outer = overlays.inner_of(pictures.detail), pictures.detail[overlays.outer]
    before = detail_correlation(details, outer, overlays.warp)
    gained = detail_correlation(details, outer, finer) > before
    return np.where(gained[:, None, None], finer, overlays.warp)


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
    side = inner.shape[1]
    # Made once: memory that is asked for again and again is cleared each time
    steps_of = _Steps(side, min(len(warp), max(1, _PIXELS_IN_STEP // side**2)))
    for rows in cached_rows(len(warp), side):
        result[rows] = _refined(inner[rows], outer[rows], warp[rows], steps, steps_of)
    return result


def _refined(
    inner: Floats, outer: Floats, warp: Doubles, steps: int, steps_of: _Steps
) -> Doubles:
    """Does what :func:`_refine` says for a few pairs."""
    side = inner.shape[1]
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
        step = steps_of(inner, moved, error, weight)
        warp = _compose(warp, np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))
    return warp


class _Steps:
    """The steps of Gauss and Newton of a few pairs at a time, in one work space.

    Args:
        side: of the pictures, in pixels
        at_once: pairs
    """

    def __init__(self, side: int, at_once: int) -> None:
        place = floats((np.arange(side) + 0.5) / side - 0.5)
        # Differences of two pixels of twice a mean are four times its slope
        place_of_slope = place * np.float32(side / 4)
        self._side, self._at_once = side, at_once
        self._x = np.tile(place_of_slope, side)
        self._y = np.repeat(place_of_slope, side)
        # Six of the map, then gain and offset of the brightness
        self._steepest = np.zeros((at_once, 8, side**2), np.float32)
        self._steepest[:, 7] = 1
        self._weighted = np.empty_like(self._steepest)
        self._slopes = np.zeros((2, at_once, side**2), np.float32)

    def __call__(
        self, inner: Floats, moved: Floats, error: Floats, weight: Floats
    ) -> Doubles:
        """Returns by how much to change the maps: float64[b, 6].

        Args:
            inner, moved: float32[b, side, side], of which one is moved onto the other
            error: float32[b, side, side], by how much they differ
            weight: float32[b, side, side], of each pixel; 0 at the edges
        """
        count = len(inner)
        normal = np.empty((count, 8, 8))
        right = np.empty((count, 8, 1))
        flat = (plane.reshape(count, -1) for plane in (inner, moved, error, weight))
        inner, moved, error, weight = flat
        for start in range(0, count, self._at_once):
            rows = slice(start, start + self._at_once)
            products = self._weigh(inner[rows], moved[rows], weight[rows])
            steepest = self._steepest[: len(products)]
            normal[rows] = np.matmul(products, steepest.transpose(0, 2, 1))
            right[rows] = np.matmul(products, error[rows, :, None])
        diagonal = np.arange(8)
        normal[:, diagonal, diagonal] *= 1.001
        normal[:, diagonal, diagonal] += 1e-3
        step = np.linalg.solve(normal, right)[:, :6, 0]
        return np.asarray(step, np.float64)

    def _weigh(self, inner: Floats, moved: Floats, weight: Floats) -> Floats:
        """Fills in how pairs change with the parameters, and returns it weighted."""
        count, side = len(inner), self._side
        steepest, weighted = self._steepest[:count], self._weighted[:count]
        steepest[:, 6] = moved
        both = np.add(inner, moved, out=weighted[:, 0])
        across, along = self._slopes[:, :count]
        # From row to row as well, where no pixel has a weight
        np.subtract(both[:, 2:], both[:, :-2], out=across[:, 1:-1])
        ends = both[:, 2 * side :], both[:, : -2 * side]
        np.subtract(*ends, out=along[:, side:-side])
        for slope, first in ((across, 0), (along, 3)):
            np.multiply(slope, self._x, out=steepest[:, first])
            np.multiply(slope, self._y, out=steepest[:, first + 1])
            np.multiply(slope, np.float32(side / 4), out=steepest[:, first + 2])
        return np.multiply(steepest, weight[:, None], out=weighted)


def _compose(warp: Doubles, step: Doubles) -> Doubles:
    """Applies a step, taken about the middle of the frame, before a warp."""
    linear = step.reshape(-1, 2, 3)[:, :, :2] + np.eye(2)
    shift = 0.5 + step.reshape(-1, 2, 3)[:, :, 2] - 0.5 * linear.sum(axis=2)
    outer = warp[:, :, :2]
    moved = np.matmul(outer, shift[..., None]) + warp[:, :, 2:]
    return np.concatenate([np.matmul(outer, linear), moved], axis=2)
