"""Pictures as 8 x 8 cosine coefficients, which a turn only permutes.

The low cosine coefficients of a small gray picture are what perceptual hashes
keep the signs of (pHash: Zauner 2010); here they are compared as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .orientations import ORIENTATIONS, turn_planes
from .signature import GRAY_SIDE
from .types import Bools, Doubles, Floats, Ints, floats

BASES = 8
"""Cosine waves along each axis."""

_BLANK_LENGTH = 4.0
"""Spectra weaker than this (a contrast of 0.25 of 255) stay shorter than 1, so
that blank pictures are like nothing."""

_MIN_LENGTH = 0.999


def whole_spectra(gray: Floats) -> Floats:
    """Returns unit vectors float32[b, 64] of whole pictures: float32[b, 64, 64] in."""
    return window_spectra(gray, WHOLE_FRAME, 1)[:, 0]


def half_spectra(gray: Floats) -> Floats:
    """Returns unit vectors float32[2, b, 64], of upper and lower halves.

    Args:
        gray: float32[b, 64, 64]
    """
    across = np.matmul(gray, WHOLE_FRAME.T)
    return np.stack([_weighted(np.matmul(half, across)) for half in _HALVES])


def _weighted(spectra: Floats) -> Floats:
    """Returns unit vectors float32[..., 64] of coefficients float32[..., 8, 8]."""
    flat = (spectra * _BASIS_WEIGHTS).reshape(*spectra.shape[:-2], BASES**2)
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    return floats(flat / np.maximum(length, _BLANK_LENGTH))


def has_contrast(spectra: NDArray[np.floating]) -> Bools:
    """Returns bool[b], spectra that can be gone by.

    Those of too little contrast are shorter than 1.
    """
    contrasted: Bools = np.linalg.norm(spectra, axis=1) > _MIN_LENGTH
    return contrasted


def window_spectra(gray: Floats, cut: Floats, steps: int) -> Floats:
    """Returns unit vectors float32[b, steps * steps, 64] of cut-out windows.

    Args:
        gray: float32[b, 64, 64]
        cut: from :func:`window_bases`, of as many steps
        steps: positions of the window along each axis
    """
    side = BASES
    both = np.matmul(np.matmul(cut, gray), cut.T)
    grid = both.reshape(-1, steps, side, steps, side).transpose(0, 1, 3, 2, 4)
    return _weighted(grid.reshape(len(gray), steps * steps, side, side))


def _cosine_bases() -> Doubles:
    """Returns the 8 lowest of the 16 rows of an orthonormal DCT-II."""
    angle = np.pi * np.outer(np.arange(BASES), np.arange(16) + 0.5) / 16
    bases: Doubles = np.cos(angle) * np.sqrt(2 / 16)
    bases[0] /= np.sqrt(2)
    return bases


def _area_means(offset: float, side: float) -> Doubles:
    """Returns 16 x 64: means over 16 equal parts of a window of a row."""
    edges = (offset + side * np.arange(17) / 16) * GRAY_SIDE
    pixel = np.arange(GRAY_SIDE)
    shared = np.minimum(edges[1:, None], pixel + 1) - np.maximum(
        edges[:-1, None], pixel
    )
    means: Doubles = np.clip(shared, 0, None) / (edges[1:] - edges[:-1])[:, None]
    return means


def offsets(side: float, steps: int) -> Doubles:
    """Returns where windows of a side, in frames, start along an axis."""
    return np.linspace(0, 1 - side, steps)


def window_bases(side: float, steps: int) -> Floats:
    """Returns float32[steps * 8, 64]: the cosine waves of windows along an axis."""
    means = [_cosine_bases() @ _area_means(x, side) for x in offsets(side, steps)]
    return floats(np.concatenate(means))


def _basis_weights() -> Floats:
    """Returns 8 x 8 weights: no mean, less of the slopes than of the rest.

    Slow gradients are alike in most photographs. Halving their say cut the
    pairs that pass by a sixth at equal recall (measured on the bench).
    """
    index = np.arange(BASES)
    weights = np.minimum(1, np.sqrt(np.hypot(index[:, None], index) / 4))
    weights[0, 0] = 0
    return floats(weights)


WHOLE_FRAME = window_bases(1.0, 1)
_HALVES = window_bases(0.5, 2).reshape(2, BASES, GRAY_SIDE)
_BASIS_WEIGHTS = _basis_weights()


def _spectrum_turns() -> tuple[Ints, Floats]:
    """Returns, a turn, where each coefficient comes from and its sign.

    A cosine of odd index changes its sign when its axis is reversed, and a
    turn by 90 degrees swaps the axes.
    """
    bases = _cosine_bases()
    pictures = np.einsum("ui,vj->uvij", bases, bases).reshape(-1, 16, 16)
    flat = pictures.reshape(BASES**2, -1)
    turned = [turn_planes(pictures, turn) for turn in range(ORIENTATIONS)]
    response = np.stack([flat @ t.reshape(BASES**2, -1).T for t in turned])
    source = np.abs(response).argmax(axis=2)
    sign = np.take_along_axis(response, source[:, :, None], axis=2)[..., 0]
    return source, floats(np.rint(sign))


_SOURCES, _SIGNS = _spectrum_turns()


def turned_spectra(spectra: Floats, turn: Ints | int) -> Floats:
    """Turns spectra float32[b, 64], all alike or each its own way."""
    source = np.broadcast_to(_SOURCES[turn], spectra.shape)
    return floats(np.take_along_axis(spectra, source, axis=1) * _SIGNS[turn])


def every_turn(spectra: Floats) -> Floats:
    """Returns float32[b, 8, 64]: spectra float32[b, 64], turned in each way."""
    turned = np.take(spectra, _SOURCES.ravel(), axis=1)
    return floats(turned.reshape(len(spectra), *_SIGNS.shape) * _SIGNS)
