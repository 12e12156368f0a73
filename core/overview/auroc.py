"""How well numbers tell one kind of image from the rest, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FALSE_RATE = 0.01
"""At most so many sets with nothing to find have a finding, of each kind of test; so of
all kinds together, at most one in twenty."""


@dataclass(frozen=True)
class Auroc:
    """The area under a receiver operating characteristic, with an interval.

    Attributes:
        value: chance that an image of the kind has the larger number, 0 to 1; 0.5 is
            chance
        low: of the interval
        high: of the interval
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def normal_quantile(tests: int, false_rate: float = FALSE_RATE) -> float:
    """Returns how many standard errors an interval needs on each side.

    Args:
        tests: how many intervals are looked at together (Bonferroni)
        false_rate: chance that any of them misses
    """
    from scipy.special import ndtri

    return float(ndtri(1 - false_rate / (2 * max(1, tests))))


def mean_ranks(values: NDArray[np.floating]) -> Doubles:
    """Returns the rank of each number in its column, from 1; ties share their mean.

    As ``scipy.stats.rankdata``, whose import alone takes longer than all of the tests.

    Args:
        values: n x p, or n
    """
    columns = values.reshape(len(values), -1)
    result = np.empty(columns.shape)
    for place, column in enumerate(columns.T):
        _, place_of, counts = np.unique(column, return_inverse=True, return_counts=True)
        result[:, place] = (np.cumsum(counts) - (counts - 1) / 2)[place_of.reshape(-1)]
    return result.reshape(values.shape)


def one_against_rest(values: Floats, kinds: Codes, kind_count: int) -> Doubles:
    """Returns p x k: the AUROC of each number for each kind against all others.

    It is the Mann-Whitney statistic over the number of pairs; ties count half.

    Args:
        values: float32[n, p], without NaN
        kinds: int32[n], codes from 0
        kind_count: k, number of kinds

    Returns:
        NaN where a kind has no image, or all
    """
    counts = np.bincount(kinds, minlength=kind_count).astype(np.float64)
    members = np.zeros((kind_count, len(kinds)))
    members[kinds, np.arange(len(kinds))] = 1
    sums = (members @ mean_ranks(values)).T
    pairs = counts * (len(kinds) - counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Doubles = (sums - counts * (counts + 1) / 2) / pairs
    return result


def standard_error(auroc: Doubles, ones: Doubles, others: Doubles) -> Doubles:
    """Returns the standard error of AUROCs of so many images on each side.

    The larger of that under no difference and that of Hanley and McNeil (Radiology
    1982), so that neither a chance result nor a strong one looks too sure.
    """
    best = np.maximum(auroc, 1 - auroc)
    both = best / (2 - best) - best**2
    twice = 2 * best**2 / (1 + best) - best**2
    pairs = ones * others
    with np.errstate(invalid="ignore", divide="ignore"):
        given = best * (1 - best) + (ones - 1) * both + (others - 1) * twice
        error: Doubles = np.sqrt(
            np.maximum(given / pairs, (ones + others + 1) / (12 * pairs))
        )
    return error


def within_strata(
    score: Doubles, is_one: NDArray[np.bool_], strata: Codes
) -> tuple[float, float] | None:
    """Returns AUROC and standard error of a score, compared within strata only.

    Strata count by the harmonic mean of their sides (van Elteren, 1960), so that
    what parts the strata says nothing of the sides.

    Args:
        score: float64[n]
        is_one: bool[n], the side that should score more
        strata: int32[n]

    Returns:
        None if no stratum has images of both sides
    """
    total = weights = variance = 0.0
    for stratum in np.unique(strata):
        here = strata == stratum
        ones = int(is_one[here].sum())
        others = int(here.sum()) - ones
        if not ones or not others:
            continue
        rank = mean_ranks(score[here])[is_one[here]].sum()
        area = (rank - ones * (ones + 1) / 2) / (ones * others)
        weight = ones * others / (ones + others)
        error = standard_error(*(np.float64(one) for one in (area, ones, others)))
        total += weight * area
        variance += (weight * float(error)) ** 2
        weights += weight
    if not weights:
        return None
    return float(total / weights), float(np.sqrt(variance) / weights)
