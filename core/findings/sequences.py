"""Which images are frames of one recording or burst, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NO_SEQUENCE = -1

FEWEST = 3
"""Images of a sequence."""

_SLACK = 0.1
"""Steps by which a place may be off."""

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sequences:
    """The recording that each of n images is a frame of.

    Attributes:
        code: int32[n], row in ``names``; ``NO_SEQUENCE`` without
        place: int64[n], order in the sequence; equal for one moment
        step: float64[s], the usual difference of the places of neighbors
        names: of the s sequences, distinct
    """

    code: Codes
    place: Ints
    step: Doubles
    names: list[str]


@dataclass(frozen=True, eq=False)
class SequenceLeaks:
    """Recordings that lie in several splits.

    Attributes:
        leak: bool[n], another split holds a frame of the image's sequence
        steps: int64[s, s, 3], ``[a, b]`` images of split a whose sequence has a frame
            in split b: anywhere, at most two steps away, and at most one
    """

    leak: Bools
    steps: Ints


def no_sequences(count: int) -> Sequences:
    """Returns that n images are no frames."""
    return Sequences(
        np.full(count, NO_SEQUENCE, np.int32),
        np.zeros(count, np.int64),
        np.zeros(0),
        [],
    )


def joined(one: Sequences, other: Sequences) -> Sequences:
    """Returns both; an image of both stays in the first.

    What is left of the second may be fewer than :data:`FEWEST`: it is dropped.
    """
    left = np.where(one.code >= 0, NO_SEQUENCE, other.code)
    sizes = np.bincount(left[left >= 0], minlength=len(other.names))
    left = np.where(np.append(sizes, 0)[left] >= FEWEST, left, NO_SEQUENCE)
    more = left >= 0
    return Sequences(
        np.where(more, left + len(one.names), one.code).astype(np.int32),
        np.where(more, other.place, one.place),
        np.concatenate([one.step, other.step]),
        distinct_names([*one.names, *other.names]),
    )


def find_sequence_leaks(
    sequences: Sequences, split: Codes, split_count: int
) -> SequenceLeaks:
    """Finds the recordings that lie in several splits.

    Args:
        sequences: of n images
        split: int32[n], negative without
        split_count: number of splits
    """
    leak = np.zeros(len(split), bool)
    steps = np.zeros((split_count, split_count, 3), np.int64)
    code = np.where(split >= 0, sequences.code, NO_SEQUENCE).astype(np.int64)
    for rows in rows_by_code(code, sequences.place, fewest=2):
        place, own = sequences.place[rows], split[rows]
        step = sequences.step[code[rows[0]]]
        there = np.unique(own)
        if len(there) < 2:
            continue
        leak[rows] = True
        for b in there.tolist():
            far = _nearest(place, place[own == b]) / step
            for a in there[there != b].tolist():
                here = own == a
                within = [(far[here] <= most + _SLACK).sum() for most in (2, 1)]
                steps[a, b] += [here.sum(), *within]
    return SequenceLeaks(leak, steps)


def rows_by_code(code: Ints, place: Ints, fewest: int = FEWEST) -> Iterator[Ints]:
    """Yields the rows of each code that is not negative, by place."""
    rows = np.flatnonzero(code >= 0)
    rows = rows[np.lexsort((rows, place[rows], code[rows]))]
    for own in np.split(rows, np.flatnonzero(np.diff(code[rows])) + 1):
        if len(own) >= max(1, fewest):
            yield own


def distinct_names(names: Sequence[str]) -> list[str]:
    """Returns the names, those that are there already with a number behind."""
    taken: dict[str, int] = {}
    result: dict[str, None] = {}
    for name in names:
        unique = name
        while unique in result:
            taken[name] = taken.get(name, 1) + 1
            unique = f"{name} ({taken[name]})"
        result[unique] = None
    return list(result)


def _nearest(place: Ints, among: Ints) -> Ints:
    """Returns how far the nearest of some ascending places is from each."""
    after = np.minimum(np.searchsorted(among, place), len(among) - 1)
    before = np.maximum(after - 1, 0)
    far: Ints = np.minimum(np.abs(among[after] - place), np.abs(among[before] - place))
    return far
