"""Which split a unit goes to, so that sizes and classes stay as they are wanted.

A unit is given by its class counts, as pairs of a row and a count: a row a class, and
the size of the unit last, as row -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOTAL_WEIGHT = 200.0
"""How much more a split's size counts than the share of one class in it. Where
every class is a single unit, so that its share cannot be kept, sizes then stay
within 2 % of what was asked for (4.4 / 200, see :class:`Balance`)."""

_ROUNDS = 10
"""Rounds of moving single units; on random units 2 to 4 changed something."""

Ints = NDArray[np.int64]
Unit = list[tuple[int, int]]


class Balance:
    """Counts of classes by split, and how far they are from what is wanted.

    The deviation is the sum of ``(count - wanted) ** 2 / wanted`` over classes
    and splits, and over the sizes of the splits, which count
    ``_TOTAL_WEIGHT`` times as much. Plain Python numbers: a unit has one or
    two classes, and NumPy's calls would take ten times as long.

    Args:
        wanted: float[c + 1, s]; the last row holds the sizes of the splits
    """

    def __init__(self, wanted: NDArray[np.number]) -> None:
        self._wanted = wanted.astype(float).tolist()
        # Where nothing of a class is wanted, one image is one image too many
        least = np.maximum(wanted, np.minimum(1, wanted.sum(axis=1, keepdims=True)))
        weight = 1 / np.maximum(np.where(wanted > 0, wanted, least), 1e-9)
        weight[-1] *= _TOTAL_WEIGHT
        self._weight = weight.tolist()
        now: Any = np.zeros(wanted.shape).tolist()
        self._now: list[list[float]] = now
        self.splits = wanted.shape[1]

    def start(self, counts: Ints) -> None:
        now: Any = counts.astype(float).tolist()
        self._now = now

    def now(self) -> NDArray[np.float64]:
        return np.array(self._now)

    def best(self, vector: Unit, choices: list[int]) -> int:
        """Returns the split where a unit adds least to the deviation."""
        return min(choices, key=lambda split: self._cost(vector, split))

    def add(self, vector: Unit, split: int, times: int = 1) -> None:
        for row, count in vector:
            self._now[row][split] += times * count

    def _cost(self, vector: Unit, split: int) -> float:
        cost = 0.0
        for row, count in vector:
            off = self._now[row][split] - self._wanted[row][split]
            cost += count * (2 * off + count) * self._weight[row][split]
        return cost


def placed(
    balance: Balance,
    vectors: list[Unit],
    choices: Sequence[Ints] | None = None,
) -> list[int]:
    """Places units one after the other, then moves single ones.

    Args:
        balance: of what is placed already
        vectors: class counts of each unit
        choices: splits that each unit may go to; None for all
    """
    if choices is None:
        choices = [np.arange(balance.splits)] * len(vectors)
    may_go = [splits.tolist() for splits in choices]
    place = []
    for vector, splits in zip(vectors, may_go, strict=True):
        place.append(balance.best(vector, splits))
        balance.add(vector, place[-1])
    for _ in range(_ROUNDS):
        changed = False
        for number, (vector, splits) in enumerate(zip(vectors, may_go, strict=True)):
            stay = place[number]
            balance.add(vector, stay, -1)
            # It stays where it is unless another split is better: first wins
            place[number] = balance.best(vector, [stay, *splits])
            balance.add(vector, place[number])
            changed |= place[number] != stay
        if not changed:
            break
    return place


def filled(wanted: NDArray[np.float64], now: NDArray[np.float64], counts: Ints) -> Ints:
    """Returns how many single images of each class go to each split: int64[c, s].

    Args:
        wanted: float[c + 1, s], the last row for all classes together
        now: float[c + 1, s], what the units have taken
        counts: int64[c], single images of each class
    """
    missing = np.maximum(wanted[:-1] - now[:-1], 0)
    total = missing.sum(axis=1, keepdims=True)
    even = wanted[:-1] / np.maximum(wanted[:-1].sum(axis=1, keepdims=True), 1e-12)
    missing = np.where(total > 0, missing / np.maximum(total, 1e-12), even)
    missing *= counts[:, None]
    # Shares such as 0.1 are no binary fractions: 3 may be 2.9999999999999996
    given = np.floor(missing + 1e-9)
    carry = wanted[-1] - now[-1] - missing.sum(axis=0)
    for number, left in enumerate((counts - given.sum(axis=1)).astype(int).tolist()):
        need = missing[number] - given[number] + carry
        given[number, np.argsort(-need, kind="stable")[:left]] += 1
        carry += missing[number] - given[number]
    whole: Ints = given.astype(np.int64)
    return whole


def class_vectors(unit: Ints, classes: Ints, wanted: Ints) -> list[Unit]:
    """Returns the class counts of each wanted unit, its size last as row -1."""
    if not len(wanted):
        return []
    width = int(classes.max()) + 1
    key, count = np.unique(unit * width + classes, return_counts=True)
    owner, row = np.divmod(key, width)
    start = np.searchsorted(owner, wanted)
    stop = np.searchsorted(owner, wanted, "right")
    vectors = []
    for begin, end in zip(start.tolist(), stop.tolist(), strict=True):
        own = count[begin:end].tolist()
        pairs = list(zip(row[begin:end].tolist(), own, strict=True))
        vectors.append([*pairs, (-1, sum(own))])
    return vectors
