"""How much sharper one of two pictures is, and how to make them alike."""

from __future__ import annotations

import numpy as np

from .filters import BLOCKS, block_sums, blur, cached_rows, high_pass, product_sums
from .overlays import Overlays
from .planes import WHITE, Pictures
from .signature import GRAY_SIDE
from .tone_curve import Shown
from .types import Floats, floats

_BLURS = (0.5, 0.8, 1.2, 1.8, 2.6)
"""Sigmas, in pixels of 64 x 64, that a sharper picture is blurred by."""

_SHARPER_BY = 0.08
"""Log ratio of energies from which on one counts as sharper."""

_FINE_SIGMA = 1.5
_FINE_NOISE = 0.15


def equally_sharp(shown: Shown) -> Shown:
    """Blurs the sharper picture of each pair until both are alike sharp.

    Without it a blurred or enlarged copy leaves a residual at every edge.
    """
    inner, outer = shown.inner.copy(), shown.outer.copy()
    gain = _contrast_ratio(shown)
    same = np.ones_like(gain)
    area = np.maximum(block_sums(shown.seen), 1)
    energy = _fine_energy(inner, shown.seen, area, same)
    other = _fine_energy(outer, shown.seen, area, gain)
    excess = _excess(energy, other)
    for pictures, own, sign in ((inner, same, 1), (outer, gain, -1)):
        rows = np.flatnonzero(sign * excess > _SHARPER_BY)
        if not len(rows):
            continue
        given, wanted = pictures[rows], (other if sign > 0 else energy)[rows]
        gap = np.abs(excess[rows])
        for sigma in _BLURS:
            blurred = blur(given, sigma)
            fine = _fine_energy(blurred, shown.seen[rows], area[rows], own[rows])
            left = _excess(fine, wanted)
            better = np.abs(left) < gap
            pictures[rows[better]] = blurred[better]
            # A stronger blur only makes worse what is no sharper any more
            still = np.flatnonzero(left > 0)
            if not len(still):
                break
            rows, given, wanted = rows[still], given[still], wanted[still]
            gap = np.minimum(gap, np.abs(left))[still]
    return Shown(inner, outer, shown.seen)


def sharpness_excess(pictures: Pictures, overlays: Overlays) -> Floats:
    """Returns by how much, as a log ratio of energies, one is sharper."""
    result = np.empty(len(overlays.inner), np.float32)
    for rows in cached_rows(len(result), GRAY_SIDE):
        some = overlays.at(rows)
        inner = some.inner_of(pictures.gray, WHITE)
        outer = pictures.gray[some.outer]
        energy, other = (
            floats(block_sums(high_pass(gray, 1.0) ** 2) / BLOCKS**2 + 0.5)
            for gray in (inner, outer)
        )
        result[rows] = np.abs(_excess(energy, other))
    return result


def _contrast_ratio(shown: Shown) -> Floats:
    area = shown.seen.sum(axis=(1, 2)) + 1e-6
    inner = _contrast(shown.inner, shown.seen, area)
    return floats(np.sqrt(inner / _contrast(shown.outer, shown.seen, area)))


def _contrast(pictures: Floats, seen: Floats, area: Floats) -> Floats:
    """Returns the variance of what is seen, at least 1."""
    mean = product_sums(pictures, seen) / area
    square = product_sums(pictures, pictures * seen) / area
    return floats(np.maximum(square - mean * mean, 1))


def _fine_energy(pictures: Floats, seen: Floats, area: Floats, gain: Floats) -> Floats:
    """Returns the energy of fine details in blocks: float32[b, 64].

    Args:
        pictures, seen: float32[b, 64, 64]
        area: float32[b, 64], how much of each block is seen, at least 1
        gain: float32[b], by which the contrast is changed
    """
    fine = high_pass(pictures, _FINE_SIGMA)
    fine *= seen
    fine *= fine
    mean = block_sums(fine) / area
    return floats(mean * (gain * gain)[:, None] + _FINE_NOISE)


def _excess(energy: Floats, other: Floats) -> Floats:
    """Returns the mean log ratio of block energies, strong blocks first."""
    weight = np.sqrt(energy * other)
    return floats((np.log(energy / other) * weight).sum(axis=1) / weight.sum(axis=1))
