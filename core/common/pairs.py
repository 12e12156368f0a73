"""Pairs of numbered things, whichever way round they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pairs = NDArray[np.integer]
Ints = NDArray[np.int64]

_BITS = 32


def pair_keys(pairs: Pairs, count: int) -> Ints:
    """Returns int64[p]: one number per pair, equal for (a, b) and (b, a).

    Args:
        pairs: p x 2, from 0
        count: more than the largest number in any of the pairs to be compared
    """
    low, high = np.sort(pairs.astype(np.int64), axis=1).T
    keys: Ints = low * count + high
    return keys


def distinct_pairs(*found: Pairs) -> NDArray[np.int32]:
    """Returns each pair of two things once, smaller number first, sorted.

    Args:
        found: p x 2 each, from 0
    """
    one, other = np.concatenate(found).T
    low, high = np.minimum(one, other), np.maximum(one, other)
    # As one number each: rows of numbers sort many times as slowly
    keys = np.unique((low.astype(np.int64) << _BITS | high)[low < high])
    return np.stack([keys >> _BITS, keys & (2**_BITS - 1)], axis=1).astype(np.int32)


def pair_rows(pairs: Pairs, wanted: Pairs) -> Ints:
    """Returns int64[q]: the first row of each wanted pair among the pairs.

    Args:
        pairs: p x 2, from 0
        wanted: q x 2

    Returns:
        -1 where it is not among them
    """
    count = int(max(pairs.max(initial=0), wanted.max(initial=0))) + 1
    keys, sought = pair_keys(pairs, count), pair_keys(wanted, count)
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys[order], sought)
    row = np.append(order, -1)[place]
    return np.where(np.append(keys, -1)[row] == sought, row, -1)


def places_in_runs(ordered: NDArray[np.integer]) -> Ints:
    """Returns int64[p]: the place of each of ascending numbers among its equals."""
    places: Ints = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    return places
