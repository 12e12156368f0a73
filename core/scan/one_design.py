"""Which pictures show what is common to the two of a pair: those most like both."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from ..copy_detection.one_design import OTHERS

_SURELY_COPIES = 0.98
"""Score of a copy that does not show what is common: of one photograph there may be
more copies than others are asked. Things that differ by so little that most of them
score as much are therefore not told apart."""

_MOST_ASKED = 64
"""Pictures most like either that are asked: a keeper may be compared with thousands."""

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
OthersOf = Callable[[Pairs], Rows]
"""int32[p, 2] -> int64[p, 8], see :func:`pictures_like_both`."""


def refused_promise(promise: Floats) -> Floats:
    """Returns the promise of pairs that are alike only as others are: below 0.

    What it was is kept, so that the same scan asks for the same looks. Beside other
    images such a pair may be a copy: a scan of those compares it anew.
    """
    refused: Floats = np.float32(-1) - promise
    return refused


def first_promise(promise: Floats) -> Floats:
    """Returns the promise that pairs had before any was refused."""
    first: Floats = np.where(promise < 0, refused_promise(promise), promise)
    return first


def pictures_like_both(
    pairs: Pairs, compared: Pairs, similarity: Floats, scores: Floats
) -> Rows:
    """Returns the pictures most like both of each pair: int64[p, 8], -1 padded.

    They are those that were proposed as copies of either, by turns, most alike first,
    but for those that surely are copies.

    Args:
        pairs: int32[p, 2]; what is in no compared pair has none
        compared: int32[q, 2], all pairs that were compared
        similarity: float32[q], cosines of the descriptors
        scores: float32[q], how surely they are copies
    """
    is_asked = np.zeros(max(pairs.max(initial=0), compared.max(initial=0)) + 1, bool)
    is_asked[pairs] = True
    # Of a million pairs few are of images that have copies
    rows = [np.flatnonzero(is_asked[compared[:, end]]) for end in (0, 1)]
    image, other = (
        np.concatenate([compared[rows[0], end], compared[rows[1], 1 - end]])
        for end in (0, 1)
    )
    row = np.concatenate(rows)
    order = np.lexsort((other, -similarity[row], image))
    image, other = image[order], other[order]
    is_copy = scores[row[order]] >= _SURELY_COPIES
    starts, ends = (
        np.searchsorted(image, pairs, side=one) for one in ("left", "right")
    )
    ends = np.minimum(ends, starts + _MOST_ASKED)
    result = np.full((len(pairs), OTHERS), -1, np.int64)
    for place, pair in enumerate(pairs.tolist()):
        spans = [slice(*span) for span in zip(starts[place], ends[place], strict=True)]
        left = set(pair)
        for span in spans:
            left.update(other[span][is_copy[span]].tolist())
        by_turns = zip_longest(*(other[span].tolist() for span in spans))
        distinct = dict.fromkeys(one for both in by_turns for one in both)
        found = [one for one in distinct if one is not None and one not in left]
        result[place, : len(found[:OTHERS])] = found[:OTHERS]
    return result
