"""How often a finding is right, from a random sample that a person looked at."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Precision:
    """The share of a finding that is right.

    Attributes:
        right: images of the sample that are
        judged: images of the sample
        population: images of the finding
        share: right by judged; NaN if nothing was judged
        low: the least share of the finding that fits the sample
        high: the largest
    """

    right: int
    judged: int
    population: int
    share: float
    low: float
    high: float


def draw(population: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Returns which of a population to look at, sorted, each at most once."""
    random = np.random.default_rng(seed)
    chosen = random.choice(population, min(wanted, population), replace=False)
    return np.sort(chosen).astype(np.int64)


def precision(right: int, judged: int, population: int) -> Precision:
    """Returns the share that is right, with its 95 % interval.

    The interval of Clopper and Pearson (1934) for a finite population: those
    numbers of right images are in it for which neither so few nor so many right
    ones in the sample are less likely than 2.5 % (by the hypergeometric
    distribution, Buonaccorsi 1987). It holds the truth in at least 95 of 100
    samples, and shrinks to a point when all was looked at.

    Args:
        right: images that are right
        judged: images of the sample, drawn at random without replacement
        population: images it was drawn from

    Raises:
        ValueError: numbers that no sample can have
    """
    if not 0 <= right <= judged <= population:
        raise ValueError(f"{right} of {judged} of {population} is no sample")
    if not judged:
        return Precision(0, 0, population, math.nan, 0.0, 1.0)
    # Imported here: 0.3 s that only this function needs
    from scipy.stats import hypergeom

    tail = (1 - CONFIDENCE) / 2
    # What is possible at all: the rest of the finding is all wrong, or all right
    possible = range(right, population - (judged - right) + 1)

    def so_many(total: int) -> bool:
        return bool(hypergeom.sf(right - 1, population, total, judged) > tail)

    def too_few(total: int) -> bool:
        return bool(hypergeom.cdf(right, population, total, judged) <= tail)

    low = possible[bisect_left(possible, True, key=so_many)]
    high = possible[bisect_left(possible, True, key=too_few) - 1]
    return Precision(
        right, judged, population, right / judged, low / population, high / population
    )
