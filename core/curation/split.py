"""Splits that no copy crosses: a new one, or the smallest change to a present one.

What must stay together is a *unit*: images that copies connect, however long the
chain, and images of one group (a video, a patient). Clusters do not do here: a
cluster is a star, and two stars may hold two images that are copies of each
other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .split_balance import Balance, class_vectors, filled, placed

NO_SPLIT = -1
NO_GROUP = -1
NO_LABEL = -1

_SHARES_ADD_UP = 0.005
"""Three thirds may be written 0.333."""

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SmallestChange:
    """What becomes of a present split.

    Attributes:
        split: int32[n], as it was, or another one; ``NO_SPLIT`` where the image
            was in none, or is left out
        left_out: bool[n], taken out of its split, because a copy of it, or its
            group, is in a split that must not change
        unresolved: bool[n], stays, though its unit also lies in another split: both
            must not change
    """

    split: Codes
    left_out: Bools
    unresolved: Bools


def check_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """Returns the shares, which then add up to 1 exactly enough.

    Raises:
        InputError: no two splits, or shares that are none
    """
    if len(shares) < 2 or not all(name.strip() for name in shares):
        raise InputError(
            "A split needs at least two names with their shares, such as "
            "{'train': 0.8, 'valid': 0.1, 'test': 0.1}."
        )
    for name, share in shares.items():
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if not number or not math.isfinite(share) or share <= 0:
            raise InputError(
                f"The share of '{name}' must be a number above 0, got {share!r}."
            )
    total = sum(shares.values())
    if abs(total - 1) > _SHARES_ADD_UP:
        hint = " (did you give per cent?)" if abs(total - 100) < 1 else ""
        raise InputError(f"The shares must add up to 1, not to {total:g}{hint}.")
    return {name.strip(): share / total for name, share in shares.items()}


def units(unique_image: Codes, pairs: Codes, group: Codes) -> Ints:
    """Numbers what must stay in one split.

    Args:
        unique_image: int32[n], equal for files that surely are the same
            picture; negative for one that cannot be read
        pairs: int32[p, 2] of unique images, each accepted as copies of one another
        group: int32[n], such as the video that an image is from; ``NO_GROUP``

    Returns:
        int64[n], equal for images that copies or groups connect
    """
    # Imported here: few callers need it
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(unique_image)
    image_count = int(max(unique_image.max(initial=-1), pairs.max(initial=-1))) + 1
    groups = int(group.max(initial=-1)) + 1
    rows = np.arange(count)
    read, grouped = unique_image >= 0, group >= 0
    first_image, first_group = count, count + image_count
    ends = (
        np.concatenate([rows[read], rows[grouped], first_image + pairs[:, 0]]),
        np.concatenate(
            [
                first_image + unique_image[read],
                first_group + group[grouped],
                first_image + pairs[:, 1],
            ]
        ),
    )
    size = first_group + groups
    links = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(size, size))
    component = connected_components(links, directed=False)[1][:count]
    return _codes(component)


def new_split(
    unit: Ints,
    label: Codes,
    shares: Sequence[float],
    *,
    rank: Ints,
    seed: int = 0,
) -> Codes:
    """Divides images anew; whole units, with the share of each class kept.

    Units of several images go first, the largest first, each to where the
    squared deviations (as in a chi-square statistic) from the wanted counts of
    its classes grow least; then single units move while that helps. Images that
    are a unit of their own fill what is missing, class by class, to within one
    image of the best; what rounding leaves is handed on to the next class, so
    that the sizes of the splits stay right with thousands of small classes.
    (Iterative stratification, Sechidis, Tsoumakas and Vlahavas 2011, is this
    greedy idea for images with many labels.)

    Args:
        unit: int64[n], see :func:`units`
        label: int32[n], ``NO_LABEL`` without; a class of its own
        shares: of each split, all above 0, that add up to 1
        rank: int64[n], an order of the images that does not depend on how they
            are listed, such as that of their paths
        seed: another one gives another split

    Returns:
        int32[n]
    """
    by_rank = np.argsort(rank, kind="stable")
    unit, classes = _renumbered(unit[by_rank]), _classes(label)[by_rank]
    split = np.full(len(unit), NO_SPLIT, np.int32)
    if not len(unit):
        return split
    random = np.random.default_rng(seed)
    sizes = np.bincount(unit)
    tie = random.permutation(len(sizes))
    class_sizes = np.bincount(classes)
    wanted = np.outer(np.append(class_sizes, len(unit)), shares)
    balance = Balance(wanted)
    several = np.flatnonzero(sizes > 1)
    several = several[np.lexsort((tie[several], -sizes[several]))]
    vectors = class_vectors(unit, classes, several)
    place = placed(balance, vectors)
    in_several = sizes[unit] > 1
    place_of = np.full(len(sizes), NO_SPLIT, np.int32)
    place_of[several] = place
    split[in_several] = place_of[unit[in_several]]

    alone = np.flatnonzero(~in_several)
    alone = alone[random.permutation(len(alone))]
    alone = alone[np.argsort(classes[alone], kind="stable")]
    counts = np.bincount(classes[alone], minlength=len(class_sizes))
    given = filled(wanted, balance.now(), counts)
    every = np.tile(np.arange(len(shares), dtype=np.int32), len(counts))
    split[alone] = np.repeat(every, given.reshape(-1))
    return split[np.argsort(by_rank)]


def smallest_change(
    unit: Ints,
    label: Codes,
    present: Codes,
    split_count: int,
    *,
    rank: Ints,
    fixed: Sequence[int] = (),
) -> SmallestChange:
    """Moves as few images as possible until no unit lies in two splits.

    Each unit goes to the split that most of its images are in: no other way
    moves fewer. Where two splits hold as many, the class counts decide. A fixed
    split neither loses nor gains an image, so the rest of a unit that lies in one
    is left out of all splits.

    Args:
        unit: int64[n], see :func:`units`
        label: int32[n], ``NO_LABEL`` without
        present: int32[n], ``NO_SPLIT`` where an image is in none; it stays so
        split_count: number of splits
        rank: as for :func:`new_split`
        fixed: splits that must not change
    """
    by_rank = np.argsort(rank, kind="stable")
    unit, classes = _renumbered(unit[by_rank]), _classes(label)[by_rank]
    split = present[by_rank].copy()
    has = split != NO_SPLIT
    held = np.zeros((int(unit.max(initial=-1)) + 1, split_count), np.int64)
    np.add.at(held, (unit[has], split[has]), 1)
    is_fixed = np.zeros(split_count, bool)
    is_fixed[list(fixed)] = True
    crosses = (held > 0).sum(axis=1) > 1
    in_fixed = (held[:, is_fixed] > 0).sum(axis=1)

    inside = has & np.isin(split, np.flatnonzero(is_fixed))
    left_out = has & ~inside & (crosses & (in_fixed > 0))[unit]
    unresolved = inside & (in_fixed > 1)[unit]
    split[left_out] = NO_SPLIT

    most = held.max(axis=1, initial=0)
    free = crosses & (in_fixed == 0)
    best = (held == most[:, None]) & free[:, None]
    target = np.where(free, np.argmax(best, axis=1), NO_SPLIT)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    settled = has & free[unit] & ~np.isin(unit, tied)
    split[settled] = target[unit[settled]]

    balance = Balance(_counts(present[by_rank], classes, split_count))
    waits = has & np.isin(unit, tied)
    balance.start(_counts(np.where(waits, NO_SPLIT, split), classes, split_count))
    tied = tied[np.argsort(-held[tied].sum(axis=1), kind="stable")]
    vectors = class_vectors(unit[has], classes[has], tied)
    target[tied] = placed(balance, vectors, [np.flatnonzero(best[t]) for t in tied])
    split[waits] = target[unit[waits]]

    place = np.argsort(by_rank)
    return SmallestChange(split[place], left_out[place], unresolved[place])


def class_counts(split: Codes, label: Codes, split_count: int, classes: int) -> Ints:
    """Counts the images of each class in each split.

    Returns:
        int64[c + 1, s]; the last row is of images without a label
    """
    counts = np.zeros((classes + 1, split_count), np.int64)
    there = split != NO_SPLIT
    code = np.where(label == NO_LABEL, classes, label)
    np.add.at(counts, (code[there], split[there]), 1)
    return counts


def leaking(unit: Ints, split: Codes) -> Bools:
    """Returns bool[n]: whose unit lies in two splits or more."""
    there = np.flatnonzero(split != NO_SPLIT)
    both = np.unique(np.stack([unit[there], split[there]], axis=1), axis=0)
    times = np.bincount(both[:, 0], minlength=int(unit.max(initial=-1)) + 1)
    crosses: Bools = (times > 1)[unit] & (split != NO_SPLIT)
    return crosses


def _counts(split: Codes, classes: Ints, split_count: int) -> Ints:
    """Returns int64[c + 1, s]; the last row for all classes together."""
    width = int(classes.max(initial=-1)) + 1
    counts = class_counts(split, classes.astype(np.int32), split_count, width)
    counts[-1] = counts[:-1].sum(axis=0)
    return counts


def _classes(label: Codes) -> Ints:
    """Returns classes from 0 on; images without a label are one of their own."""
    return _codes(label)


def _codes(values: NDArray[np.integer]) -> Ints:
    codes: Ints = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return codes


def _renumbered(unit: Ints) -> Ints:
    """Numbers units by their first image, whatever their numbers were."""
    _, first, number = np.unique(unit, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    renumbered: Ints = order[number.reshape(-1)]
    return renumbered
