"""Pairs that are looked at closely, by this process or by workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..common.made_once import made_once
from ..copy_detection.closer_look import MARK, look_closely
from ..copy_detection.closer_overlays import map_between
from ..copy_detection.closer_picture import CloserPicture, closer_picture
from .picture_reader import Picture, Portable, read_portable

LOOK_SIDE = 256
"""Longer side, in pixels, at which pictures are read for it."""

_KEPT = 64
"""Pictures that are kept in memory, of 350 kB each. For 1,718 looks among 24,335
scenes, at 2,328 pictures, 2,355 are read so, and 2,402 with 24 kept."""

_READ_QUICKLY = 2**20
"""Pixels; larger pictures are read by several threads, which decode side by side."""

Item: TypeAlias = int | Portable
Read: TypeAlias = Callable[[Any, int], Picture]
Each: TypeAlias = Callable[
    [Callable[[Any], CloserPicture | None], Iterable[Any]],
    Iterator[CloserPicture | None],
]


class PairLooker:
    """Looks at the pairs of a batch, and keeps some pictures for the next.

    Args:
        read: reads the picture of an item at a longest side; None if it cannot
        each: calls a function with each of several items, for large pictures
    """

    def __init__(self, read: Read, each: Each = map) -> None:
        self._each = each

        # No method, which would hold this object: pictures go when it goes
        @made_once(_KEPT)
        def picture_of(item: Item, width: int, height: int) -> CloserPicture | None:
            picture = read(item, LOOK_SIDE)
            return None if picture is None else closer_picture(picture, (width, height))

        self._picture_of = picture_of

    def __call__(
        self,
        items: Sequence[Item],
        sizes: NDArray[np.int32],
        pairs: NDArray[np.int64],
        care: NDArray[np.int8],
    ) -> tuple[NDArray[Any], ...]:
        """Looks at pairs.

        Args:
            items: m, of the pictures
            sizes: int32[m, 2], width and height
            pairs: int64[p, 2] of the m
            care: int8[p], see :func:`~.pair_promise.care_for`

        Returns:
            int64[q], the pairs of which both pictures could be read; int64[r], those of
            which it can be said what they are; and the columns of the
            :class:`~core.copy_detection.PairScores` that say it
        """
        asked = zip(items, *sizes.T.tolist(), strict=True)
        is_large = (sizes.prod(axis=1) > _READ_QUICKLY).any()
        each = self._each if is_large else map
        given = list(each(lambda one: self._picture_of(*one), asked))
        is_read = np.array([one is not None for one in given])
        rows = np.flatnonzero(is_read[pairs].all(axis=1))
        ends = (np.cumsum(is_read) - 1)[pairs[rows]]
        known = [one for one in given if one is not None]
        maps = [
            map_between(known[a], known[b], by_features=one != MARK)
            for (a, b), one in zip(ends.tolist(), care[rows].tolist(), strict=True)
        ]
        laid, found = look_closely(known, ends, maps, care[rows])
        return rows, rows[laid], *found.columns()


def portable_looker(max_megapixels: float) -> PairLooker:
    """Returns what looks at pairs in any process, whose items are portable."""
    return PairLooker(partial(read_portable, max_megapixels=max_megapixels))
