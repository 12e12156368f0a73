"""Rows of bytes as numbers: these sort many times as fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]

_WORD = 8


def words_of(rows: NDArray[np.generic]) -> Words:
    """Returns uint64[m, w] in the order of the rows' bytes, the shorter filled up.

    Args:
        rows: m x d, of whatever type
    """
    data = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)
    missing = -data.shape[1] % _WORD
    if missing:
        data = np.pad(data, ((0, 0), (0, missing)))
    return data.view(">u8").astype(np.uint64)


def order_of(words: Words) -> Ints:
    """Returns int64[m], the rows in ascending order; equal ones as they stand."""
    order: Ints = np.lexsort(words.T[::-1])
    return order


def distinct_rows(rows: NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Numbers the distinct rows in order of their first appearance.

    Args:
        rows: m x d, of whatever type; equal are rows of equal bytes

    Returns:
        int64[g], the first row of each group, and int64[m], each row's group
    """
    if not rows.shape[0] or not rows.shape[1]:
        every = np.arange(rows.shape[0], dtype=np.int64)
        return every, every
    words = words_of(rows)
    order = order_of(words)
    starts = np.ones(len(order), bool)
    starts[1:] = False
    for column in words.T:
        ordered = column[order]
        starts[1:] |= ordered[1:] != ordered[:-1]
    # Equal rows stand as they came, so that the first of a run came first
    first = order[starts]
    by_appearance = np.argsort(first)
    number = np.empty_like(first)
    number[by_appearance] = np.arange(len(first))
    group = np.empty_like(order)
    group[order] = number[np.cumsum(starts) - 1]
    return first[by_appearance], group
