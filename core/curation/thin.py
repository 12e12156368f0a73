"""Which images of a series show no more than one that is kept.

In order of place an image begins a new *burst* when it differs enough from the one that
began the last; the others of a burst are dropped. It is compared with that one and not
with its neighbor: of a slow fade each frame is like the one before, and all would go.

Before a fixed camera, somebody small who walks by changes the vector of the picture
little. So it is noted where a part of a dropped image differs from the kept one, and
such images may be kept too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import MIN_PART_CHANGE, part_change
from ..errors import InputError
from ..neighbors.knn_graph import neighbor_graph
from ..scan.scan_data import Thinning
from .select import representative_order

NO_SERIES = -1
NO_BURST = -1
NO_LABEL = -1
DEFAULT_MIN_CHANGE = 0.05
"""Cosine distance of copy vectors. Of 851 frames of four videos 95 are kept, and none
of the others is less alike to a kept one than 0.95; every n-th frame, as many, leaves
frames of 0.84."""

_LOOKED_AHEAD = 256
"""Images that are compared at once with the first of a burst, at most."""

_NEIGHBORS = 40
"""Similar images that an image can stand for."""

_ROWS_AT_ONCE = 8192

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Levels = NDArray[np.int16]


def check_min_change(value: float) -> None:
    """Raises :class:`InputError` unless a distance keeps some and drops some."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < 1:
        raise InputError(
            f"min_change must be a number above 0 and below 1, got {value!r}: at 0 "
            f"all images are kept, at 1 nearly none. Frames differ by "
            f"{DEFAULT_MIN_CHANGE:g} where something happened."
        )


def check_flag(name: str, value: bool) -> None:
    """Raises :class:`InputError` unless it is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, got {value!r}.")


def in_part_text(count: int) -> str:
    """Says how many images that can go show something in a part, for a person."""
    return (
        f"{count:,} of those that can go differ from the kept one in a part, as where "
        "something small moved; keep_parts=True keeps them"
    )


def thin_by_change(
    vectors: NDArray[np.floating],
    series: Ints,
    place: Ints,
    label: Codes,
    protected: Bools,
    min_change: float,
    sharpness: Floats | None = None,
    levels: Levels | None = None,
    *,
    keep_parts: bool = False,
) -> Thinning:
    """Keeps of each series the images that differ from the one kept before.

    Besides these, the protected ones are kept, and of each burst the first image of
    each further class.

    Args:
        vectors: n x d, unit copy vectors
        series: int64[n], equal for images of one series; ``NO_SERIES`` for an image
            that is not thinned
        place: int64[n], order in the series
        label: int32[n], class codes; ``NO_LABEL`` without
        protected: bool[n]
        min_change: cosine distance from which on an image begins a burst, above 0
        sharpness: float32[n], to keep the sharpest image of a burst in place of its
            first; None for the first
        levels: int16[n, p], see :func:`core.copy_detection.part_levels`; None if they
            are not known
        keep_parts: an image of which a part differs begins a burst as well
    """
    burst = np.full(len(series), NO_BURST, np.int64)
    rows = np.flatnonzero(series != NO_SERIES)
    rows = rows[np.lexsort((rows, place[rows], series[rows]))]
    kept = series == NO_SERIES
    in_part = np.zeros(len(series), bool)
    number, parts = 0, levels if keep_parts else None
    for left in np.split(rows, np.flatnonzero(np.diff(series[rows])) + 1):
        while len(left):
            alike = _end_of_burst(vectors, parts, left, 1 - min_change)
            own, left = left[:alike], left[alike:]
            burst[own] = number
            best = own[0] if sharpness is None else own[np.argmax(sharpness[own])]
            kept[best] = True
            kept[_first_of_other_classes(own, label, best)] = True
            if levels is not None:
                in_part[own] = _differ_in_part(levels[own], levels[best])
            number += 1
    kept |= protected
    return Thinning(burst, kept, in_part & ~kept)


def thin_to_count(
    vectors: NDArray[np.floating],
    considered: Bools,
    label: Codes,
    protected: Bools,
    count: int,
) -> Thinning:
    """Keeps the images that stand for the rest; each other joins the nearest.

    They are chosen as :mod:`core.curation.select` chooses. Protected images and those
    that are alone in their class are kept first, and count.

    Args:
        vectors: n x d, unit copy vectors; the order of the rows decides between equals
        considered: bool[n], the images to choose from; all others are left alone
        label: int32[n], class codes; ``NO_LABEL`` without
        protected: bool[n]
        count: images to keep
    """
    rows = np.flatnonzero(considered)
    table = vectors[rows]
    own = label[rows]
    sizes = np.bincount(own[own >= 0], minlength=int(own.max(initial=0)) + 1)
    alone = (own >= 0) & (sizes[own] == 1)
    first = np.flatnonzero(protected[rows] | alone)
    every, given = np.ones(len(rows), bool), np.zeros(len(rows), bool)
    given[first] = True
    more = representative_order(
        neighbor_graph(table, _NEIGHBORS),
        max(0, count - len(first)),
        may_be_chosen=every,
        counts=every,
        given=given,
    )
    chosen = np.concatenate([first, more])
    burst = np.full(len(label), NO_BURST, np.int64)
    kept = ~considered | protected
    kept[rows[chosen]] = True
    if len(chosen):
        centers = table[chosen].astype(np.float32).T
        for begin in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            burst[rows[part]] = (table[part].astype(np.float32) @ centers).argmax(1)
    burst[rows[chosen]] = np.arange(len(chosen))
    return Thinning(burst, kept, np.zeros(len(kept), bool))


def _end_of_burst(
    vectors: NDArray[np.floating], parts: Levels | None, rows: Ints, least_alike: float
) -> int:
    """Returns how many of the rows, from the first on, are alike to the first."""
    first = vectors[rows[0]].astype(np.float32)
    start, some = 1, 1
    while start < len(rows):
        own = rows[start : start + some]
        differs = vectors[own].astype(np.float32) @ first <= least_alike
        if parts is not None:
            differs |= _differ_in_part(parts[own], parts[rows[0]])
        other = np.flatnonzero(differs)
        if len(other):
            return start + int(other[0])
        # Most bursts are short, a few are very long
        start, some = start + some, min(2 * some, _LOOKED_AHEAD)
    return len(rows)


def _differ_in_part(levels: Levels, other: Levels) -> Bools:
    differ: Bools = part_change(levels, other) >= MIN_PART_CHANGE
    return differ


def _first_of_other_classes(rows: Ints, label: Codes, kept: int) -> Ints:
    """Returns the first row of each class that the kept one is not of."""
    classes, first = np.unique(label[rows], return_index=True)
    others: Ints = rows[first[(classes != NO_LABEL) & (classes != label[kept])]]
    return others
