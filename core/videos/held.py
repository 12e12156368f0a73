"""Frames that show what the one before does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..reading.decode import DecodedImage

_GRAY_SIDE = 64
_SAME_GRAY = 1.0
"""Mean difference of gray levels below which a frame is the one before, held longer.
A frozen picture differs by up to 0.7, since encoders refine it for a while; a fixed
camera by 1.9 and more."""


class HeldFrames:
    """Tells of the frames of one video, in order, which are held longer."""

    def __init__(self) -> None:
        self._gray: NDArray[np.int16] | None = None

    def goes_on(self, image: DecodedImage) -> bool:
        """Returns whether a frame shows what the last that did not go on does.

        Compared with that one, not with its neighbor: a fade changes little by little.
        """
        square = np.ascontiguousarray(image.square(_GRAY_SIDE))
        gray = square.mean(axis=2).astype(np.int16)
        if self._gray is not None and np.abs(gray - self._gray).mean() < _SAME_GRAY:
            return True
        self._gray = gray
        return False
