"""Which images the set is judged by: independent ones, and not too many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_DRAWN = 10_000
"""Images that are looked at: the standard error of an AUROC is below 0.01 then."""


def drawn_images(
    strata: NDArray[np.int64], group: NDArray[np.int64], most: int = MOST_DRAWN
) -> NDArray[np.int64]:
    """Returns the images to look at, ascending: small strata first, then an even rest.

    Of a group only its first image counts: copies and moments of one scene say
    together what one of them says, and as many they would feign certainty.

    Args:
        strata: int64[i], such as class and split; images stand in an order that
            means nothing, such as that of their digests
        group: int64[i], of images that are not independent; negative for none
        most: so many at most
    """
    rows = first_of_groups(group)
    order = np.argsort(strata[rows], kind="stable")
    ordered = strata[rows][order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(ordered)])
    place = np.arange(len(ordered)) - np.repeat(starts, sizes)
    # The first of each stratum, then the second of each, and so on
    turn = np.lexsort((order, place))[:most]
    return np.sort(rows[order[turn]])


def first_of_groups(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the rows that are the first of their group, or in none, ascending."""
    alone = np.where(group >= 0, group, -1 - np.arange(len(group)))
    first: NDArray[np.int64] = np.sort(np.unique(alone, return_index=True)[1])
    return first
