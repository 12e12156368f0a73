"""Frames that show what the one before does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..reading.decode import DecodedImage

_GRAY_SIDE = 64
_SAME_GRAY = 1.0
"""Mean difference of gray levels below which a frame is the one before, held longer.
A frozen picture differs by up to 0.7, since encoders refine it for a while; a fixed
camera by 1.9 and more, where something moves in it."""

_STILL_GRAY = 0.1
"""The same of two samples in a row of a frozen picture, once it is refined: 0.00 to
0.05. Of an empty corridor they differ by 0.13 and more, by the noise of the camera."""

_FEWEST_STILL = 2


@dataclass(frozen=True)
class StillRun:
    """Samples in a row that are one picture.

    Attributes:
        first: number of the first frame
        last: of the last one, before the next sample that differs
        seconds: from the first to that sample
    """

    first: int
    last: int
    seconds: float


NOT_STILL = StillRun(-1, -1, 0.0)


class HeldFrames:
    """Tells of the frames of one video, in order, which are held longer."""

    def __init__(self) -> None:
        self._gray: NDArray[np.int16] | None = None
        self._before: NDArray[np.int16] | None = None
        self.is_still = self.is_alike = False

    def goes_on(self, image: DecodedImage) -> bool:
        """Returns whether a frame shows what the last that did not go on does.

        Compared with that one, not with its neighbor: a fade changes little by little.
        Whether it is the picture of its neighbor is ``is_still`` afterwards, and
        whether it is but for what an encoder changes, ``is_alike``.
        """
        square = np.ascontiguousarray(image.square(_GRAY_SIDE))
        gray = square.mean(axis=2).astype(np.int16)
        before = gray - 255 if self._before is None else self._before
        apart = float(np.abs(gray - before).mean())
        self.is_still, self.is_alike = apart < _STILL_GRAY, apart < _SAME_GRAY
        self._before = gray
        if self._gray is not None and np.abs(gray - self._gray).mean() < _SAME_GRAY:
            return True
        self._gray = gray
        return False


class StillRuns:
    """Gathers the runs of samples that are one picture, of one video.

    A key frame encodes it anew, so that one sample within a run may differ a little.
    """

    def __init__(self) -> None:
        self.runs: list[StillRun] = []
        self._first = (0, 0.0)
        self._anew: tuple[int, float] | None = None
        self._pairs = 0

    def note(
        self, number: int, seconds: float, *, is_still: bool, is_alike: bool
    ) -> None:
        """Takes in the next sample."""
        if is_still:
            self._pairs += 1
            self._anew = None
        elif is_alike and self._pairs and self._anew is None:
            self._anew = number, seconds
        else:
            self.end(*(self._anew or (number, seconds)))
            self._first = number, seconds

    def end(self, number: int, seconds: float) -> None:
        """Ends the run, before the frame of this number."""
        if self._pairs >= _FEWEST_STILL:
            first, since = self._first
            self.runs.append(StillRun(first, number - 1, seconds - since))
        self._pairs, self._anew = 0, None

    def longest(self, first: int, last: int) -> StillRun:
        """Returns the longest run that begins within some frames."""
        inside = [run for run in self.runs if first <= run.first <= last]
        return max(inside, key=lambda run: run.seconds, default=NOT_STILL)
