"""Turns by 90 degrees, of the picture as it is and of its mirror image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .types import Floats, Ints

ORIENTATIONS = 8
"""Turns by 90 degrees (0 to 3), and the same of the mirrored picture (4 to 7)."""

TURN_BACK = np.array([0, 3, 2, 1, 4, 5, 6, 7])
"""The turn that undoes each."""

MIRRORED_FROM = 4


def turn_planes(picture: NDArray[Any], turn: int) -> NDArray[Any]:
    """Turns the last two axes: mirrored first from 4 on, then by 90 degrees."""
    if turn >= MIRRORED_FROM:
        picture = picture[..., ::-1]
    return np.rot90(picture, turn % 4, axes=(-2, -1))


def turn_each(pictures: Floats, orientations: Ints) -> Floats:
    """Turns each picture its own way."""
    result = np.empty_like(pictures)
    for turn in np.unique(orientations).tolist():
        rows = orientations == turn
        result[rows] = turn_planes(pictures[rows], turn)
    return result
