"""A strip of four frames, by which a person knows a video."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..reading.decode import DecodedImage

SIDE = 120
"""Longer side of a frame, in pixels."""

SHOWN = 4
_MOST = 4 * SHOWN
_QUALITY = 80


class Strip:
    """Takes frames of a video whose length is not known before it ends.

    Of the frames it keeps every second one whenever there are many, so that those that
    are left are evenly spread.
    """

    def __init__(self) -> None:
        self._frames: list[NDArray[np.uint8]] = []
        self._every, self._seen = 1, 0

    def add(self, image: DecodedImage) -> None:
        if self._seen % self._every == 0:
            self._frames.append(image.fitted(SIDE))
            if len(self._frames) == _MOST:
                self._frames = self._frames[::2]
                self._every *= 2
        self._seen += 1

    def jpeg(self) -> bytes:
        """Returns the frames side by side, of videos with fewer all of them."""
        count = len(self._frames)
        places = np.unique((np.arange(SHOWN) * 2 + 1) * count // (2 * SHOWN))
        strip = np.concatenate([self._frames[place] for place in places], axis=1)
        bgr = cv2.cvtColor(strip, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        return data.tobytes()
