"""What a person decided of images, so that no later scan asks again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import pair_keys


@dataclass(frozen=True, eq=False)
class Decisions:
    """The decisions on n images.

    Attributes:
        keep: bool[n], the image is never flagged: it is no copy to drop, no leak,
            no outlier and no bad image, whatever is measured. It chooses no
            keeper: where it is not the keeper, it leaves its cluster
        keeper: bool[n], of its cluster this copy stays and the others go,
            whatever the rules say. All else may still be found of it
        verified: bool[n], the given label is right
        distinct: int64[p, 2], rows that are no copies of each other
    """

    keep: NDArray[np.bool_]
    keeper: NDArray[np.bool_]
    verified: NDArray[np.bool_]
    distinct: NDArray[np.int64]


def no_decisions(count: int) -> Decisions:
    """Returns the decisions on images of which nothing was decided."""
    nothing = np.zeros(count, bool)
    return Decisions(nothing, nothing, nothing, np.empty((0, 2), np.int64))


def ruled_out(
    pairs: NDArray[np.int32], unique_image: NDArray[np.int32], decisions: Decisions
) -> NDArray[np.bool_]:
    """Returns bool[p]: which pairs a person decided are no copies.

    A decision on two rows holds for all rows with the same pictures. Rows of
    one unique image cannot be told apart, so a decision on them rules out nothing.

    Args:
        pairs: int32[p, 2] of unique images
        unique_image: int32[n], of each row; -1 if unreadable
        decisions: on the n rows
    """
    distinct = unique_image[decisions.distinct].astype(np.int64)
    distinct = distinct[(distinct >= 0).all(axis=1)]
    count = int(max(distinct.max(initial=0), pairs.max(initial=0))) + 1
    keys = pair_keys(pairs, count), pair_keys(distinct, count)
    found: NDArray[np.bool_] = np.isin(*keys)
    return found
