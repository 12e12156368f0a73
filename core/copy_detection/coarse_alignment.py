"""The first test: the best turn and window of a pair, by correlation."""

from __future__ import annotations

import numpy as np

from .dct import (
    BASES,
    every_turn,
    offsets,
    turned_spectra,
    whole_spectra,
    window_bases,
    window_spectra,
)
from .filters import cached_rows
from .orientations import ORIENTATIONS, TURN_BACK
from .overlays import Overlays, joined
from .planes import Pictures
from .signature import GRAY_SIDE
from .types import Doubles, Floats, Ints

_PREFERRED = 0.02
"""What a turn or a window must gain, in correlation, to be preferred."""

_NEGATIVE = 0.1
"""What a negative must gain: far fewer copies are inverted than look the contrary."""

_SURE_NEGATIVE = 0.6
"""Negatives are looked for by the whole frames only, at this correlation."""

_WINDOWS = ((0.9, 2), (0.8, 3), (0.68, 3))
"""Side of the window in frames, positions an axis: a coarse net whose gaps
refining closes. Copies cropped to less than 0.6 of a side are not looked for."""

_AT_ONCE = 512
"""Pairs that are compared together."""


def lay_over(pictures: Pictures, a: Ints, b: Ints) -> tuple[Overlays, Floats]:
    """Finds the best turn and window of each pair by correlation.

    Pictures are compared by their 8 x 8 lowest cosine coefficients: turns
    only permute them and flip their signs.
    """
    spectra, windows = _spectra(pictures)
    parts = [
        _lay_over(
            spectra, windows, a[start : start + _AT_ONCE], b[start : start + _AT_ONCE]
        )
        for start in range(0, max(len(a), 1), _AT_ONCE)
    ]
    overlays, scores = zip(*parts, strict=True)
    return joined(overlays), np.concatenate(scores)


def _spectra(pictures: Pictures) -> tuple[Floats, Floats]:
    """Returns unit vectors of m pictures: float32[m, 64], and float32[m, w, 64] of the
    w windows."""
    count = len(pictures.sizes)
    spectra = np.empty((count, BASES**2), np.float32)
    windows = np.empty((count, len(_WINDOW_LIST) - 1, BASES**2), np.float32)
    for some in cached_rows(count, GRAY_SIDE):
        gray = pictures.at(some).gray
        spectra[some] = whole_spectra(gray)
        first = 0
        for cut, steps in _CUTS:
            last = first + steps**2
            windows[some, first:last] = window_spectra(gray, cut, steps)
            first = last
    return spectra, windows


def _lay_over(
    spectra: Floats, windows: Floats, a: Ints, b: Ints
) -> tuple[Overlays, Floats]:
    """Does what :func:`lay_over` says for a few pairs."""
    row = np.arange(len(a))
    turned_b = every_turn(spectra[b])
    whole = np.matmul(turned_b, spectra[a][:, :, None])[..., 0]
    negative = np.where(whole < -_SURE_NEGATIVE, -whole - _NEGATIVE, -1)
    whole = np.concatenate([whole, negative], axis=1)
    whole[:, np.arange(2 * ORIENTATIONS) % ORIENTATIONS > 0] -= _PREFERRED
    best = whole.argmax(axis=1)
    score = whole[row, best].astype(np.float64)
    inverted, best_turn = best >= ORIENTATIONS, best % ORIENTATIONS
    sign = np.where(inverted, -1, 1).astype(np.float32)
    # A negative found by a window has gained as much
    cost = _NEGATIVE * inverted
    turn, window = best_turn.copy(), np.zeros(len(a), np.int64)
    b_is_outer = np.zeros(len(a), bool)
    turned = np.flatnonzero(best_turn)
    for outer, inner, is_b in ((a, b, False), (b, a, True)):
        for some, tried in (
            (row, np.zeros_like(best_turn)),
            (turned, best_turn[turned]),
        ):
            # What turns b onto a turns a onto b when it is undone
            undone = TURN_BACK[tried] if is_b else tried
            sought = turned_spectra(spectra[inner[some]], undone) * sign[some, None]
            found = np.matmul(windows[outer[some]], sought[:, :, None])[..., 0]
            at = found.argmax(axis=1)
            gain = found[np.arange(len(some)), at] - _PREFERRED * (1 + (tried > 0))
            gain -= cost[some]
            wins = gain > score[some]
            won = some[wins]
            score[won], turn[won], window[won] = gain[wins], undone[wins], at[wins] + 1
            b_is_outer[won] = is_b
    overlays = Overlays(
        np.where(b_is_outer, a, b),
        np.where(b_is_outer, b, a),
        turn,
        _window_warps(window),
        inverted,
        *np.zeros((3, len(a)), bool),
    )
    return overlays, score.astype(np.float32)


_CUTS = [(window_bases(side, steps), steps) for side, steps in _WINDOWS]


def _window_list() -> Doubles:
    """Returns float64[1 + windows, 3]: side, y, x; the whole frame first."""
    rows = [(1.0, 0.0, 0.0)]
    for side, steps in _WINDOWS:
        places = offsets(side, steps).tolist()
        rows += [(side, y, x) for y in places for x in places]
    return np.array(rows)


_WINDOW_LIST = _window_list()


def _window_warps(window: Ints) -> Doubles:
    """Returns float64[b, 2, 3]: the maps of the frame into the windows."""
    warps = np.zeros((len(window), 2, 3))
    side, y, x = _WINDOW_LIST[window].T
    warps[:, 0, 0] = warps[:, 1, 1] = side
    warps[:, 0, 2], warps[:, 1, 2] = x, y
    return warps
