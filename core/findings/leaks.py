"""Copies that lie in different splits.

An image leaks when a direct copy of it lies in another split: equal bytes,
equal pixels, or a pair that the pictures verified. A chain of near images
without a direct pair is no leak, and no number of copies inside a split
hides one outside (FiftyOne Brain's ``compute_leaky_splits`` keeps one image of
each chain before it looks at the splits, and misses such leaks).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .schema import NO_LABEL

NO_SPLIT = -1

BYTES, PIXELS, NEAR = 0, 1, 2
NO_KIND = -1

REMOVE_REASONS = (
    "its copy in a protected split stays",
    "its copy in a smaller split stays",
    "its copy that a person chose stays",
    "its copy in another split is whole and stays",
)
STAYS = -1
_PROTECTED, _SMALLER, _CHOSEN, _WHOLE = range(len(REMOVE_REASONS))

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Leaks:
    """The leaks of n images over s splits.

    Attributes:
        leak: bool[n], a copy lies in another split
        kinds: int8[n, s], how the closest copy in each *other* split equals
            the image: ``BYTES``, ``PIXELS`` or ``NEAR``; ``NO_KIND`` where that
            split holds none, and for the image's own split
        conflict: bool[n], a copy in another split carries another label
        remove: bool[n], the side to remove if the leak is to be closed
        remove_reason: int8[n], index in :data:`REMOVE_REASONS`; ``STAYS``
    """

    leak: Bools
    kinds: NDArray[np.int8]
    conflict: Bools
    remove: Bools
    remove_reason: NDArray[np.int8]


def find_leaks(
    split: Codes,
    split_count: int,
    *,
    unique_image: Codes,
    byte_group: Ints,
    pixel_group: Ints,
    label: Codes,
    pairs: Codes,
    protected_splits: Sequence[int] = (),
    chosen: Bools | None = None,
    damaged: Bools | None = None,
    unsure: Bools | None = None,
) -> Leaks:
    """Finds the images of which a copy lies in another split.

    Near-linear in images and pairs: a million equal files cost one unique image.

    Args:
        split: int32[n], ``NO_SPLIT`` where an image has none
        split_count: number of splits
        unique_image: int32[n], equal for images collapsed before the search;
            negative if unreadable
        byte_group: int64[n], equal for files of equal bytes
        pixel_group: int64[n], equal for files that decode to equal pixels
        label: int32[n], ``NO_LABEL`` if unlabeled
        pairs: int32[p, 2] of unique images, each accepted as copies of one another
        protected_splits: whose images should stay, such as test
        chosen: bool[n], the copies that a person chose to stay; None for none
        damaged: bool[n], the file is damaged inside; None for none
        unsure: bool[p], pairs that may differ after all: they leak, but nothing is
            removed for them; None for none

    Returns:
        one value a row. Of two copies the one that a person chose should stay,
        whatever its split; else the one that is whole; else the one in the protected
        split; between equals, the one in the split of fewer images. A row is removed
        only for a copy that stays.
    """
    count = len(split)
    known = np.flatnonzero((split >= 0) & (unique_image >= 0))
    image_count = int(max(unique_image.max(initial=-1), pairs.max(initial=-1))) + 1
    links = _links(image_count, pairs)
    own = split[known]
    kind = np.full((len(known), split_count), NO_KIND, np.int8)
    present = _present(unique_image[known], own, image_count, split_count)
    near = (links @ present.astype(np.int32)) > 0
    kind[near[unique_image[known]]] = NEAR
    for code, group in ((PIXELS, pixel_group), (BYTES, byte_group)):
        number = np.unique(group[known], return_inverse=True)[1].reshape(-1)
        groups = int(number.max(initial=-1)) + 1
        kind[_present(number, own, groups, split_count)[number]] = code
    kind[np.arange(len(known)), own] = NO_KIND

    kinds = np.full((count, split_count), NO_KIND, np.int8)
    kinds[known] = kind
    conflict = np.zeros(count, bool)
    conflict[known] = _conflicts(
        unique_image[known], own, label[known], links, split_count
    )
    reason = np.full(count, STAYS, np.int8)
    nobody = np.zeros(count, bool)
    sure = links if unsure is None else _links(image_count, pairs[~unsure])
    reason[known] = _remove_reasons(
        unique_image[known],
        own,
        sure,
        split_count,
        protected_splits,
        (nobody if chosen is None else chosen)[known],
        (nobody if damaged is None else damaged)[known],
    )
    leak = (kinds != NO_KIND).any(axis=1)
    return Leaks(leak, kinds, conflict, reason != STAYS, reason)


def copies_elsewhere(
    split: Codes, unique_image: NDArray[np.int32], pairs: Codes, from_split: int
) -> Ints:
    """Returns for each image of a split a copy of it in another split.

    Args:
        split: int32[n], ``NO_SPLIT`` where an image has none
        unique_image: int32[n], equal for files that surely are the same picture; -1
            for one that cannot be read
        pairs: int32[p, 2] of unique images, each accepted as copies of one another
        from_split: whose images are asked about

    Returns:
        int64[n], the first row that is the same picture, else the first that
        is a copy; -1 for images of other splits and those without a copy
    """
    found = np.full(len(split), -1, np.int64)
    there = np.flatnonzero((split >= 0) & (split != from_split) & (unique_image >= 0))
    first_row = dict(
        zip(unique_image[there][::-1].tolist(), there[::-1].tolist(), strict=True)
    )
    linked: dict[int, int] = {}
    for a, b in np.concatenate([pairs, pairs[:, ::-1]]).tolist():
        row = first_row.get(b)
        if row is not None:
            linked[a] = min(row, linked.get(a, row))
    for row in np.flatnonzero((split == from_split) & (unique_image >= 0)).tolist():
        own = int(unique_image[row])
        found[row] = first_row.get(own, linked.get(own, -1))
    return found


def leak_matrix(kinds: NDArray[np.int8], split: Codes) -> Ints:
    """Counts leaking images by kind, own split and the other split.

    Pass the rows of one class for the matrix of that class.

    Args:
        kinds: int8[n, s], from :func:`find_leaks`
        split: int32[n], ``NO_SPLIT`` where an image has none

    Returns:
        int64[3, s, s]: ``[kind, a, b]`` images of split a whose closest copy
        in split b is of that kind
    """
    splits = kinds.shape[1]
    row, other = np.nonzero(kinds != NO_KIND)
    place = np.ravel_multi_index(
        (kinds[row, other], split[row], other), (NEAR + 1, splits, splits)
    )
    total = (NEAR + 1) * splits * splits
    counts = np.bincount(place, minlength=total)
    return counts.reshape(NEAR + 1, splits, splits).astype(np.int64)


def _links(image_count: int, pairs: Codes) -> csr_array:
    """Returns the symmetric adjacency of the unique images, each linked to itself."""
    every = np.arange(image_count)
    a, b = pairs.T
    ends = np.concatenate([a, b, every]), np.concatenate([b, a, every])
    links = csr_array(
        (np.ones(len(ends[0]), np.int32), ends), shape=(image_count, image_count)
    )
    links.sum_duplicates()
    return links


def _present(group: Ints | Codes, split: Codes, groups: int, splits: int) -> Bools:
    """Returns which splits hold an image of each group: bool[groups, splits]."""
    present = np.zeros((groups, splits), bool)
    present[group, split] = True
    return present


def _remove_reasons(
    unique_image: Codes,
    own: Codes,
    links: csr_array,
    split_count: int,
    protected_splits: Sequence[int],
    chosen: Bools,
    damaged: Bools,
) -> NDArray[np.int8]:
    """Returns why each row is removed.

    The rows that should stay most come first; each later one stays unless a copy in
    another split does. So what is removed leaves a copy behind, also in a chain.
    """
    protected = np.zeros(split_count, bool)
    protected[list(protected_splits)] = True
    size = np.bincount(own, minlength=split_count)
    rank = np.empty(split_count, np.int64)
    rank[np.lexsort((size, ~protected))] = np.arange(split_count)
    stays = {False: _none(links, split_count), True: _none(links, split_count)}
    first = _none(links, split_count)
    first[unique_image[chosen], own[chosen]] = True
    reason = np.full(len(unique_image), STAYS, np.int8)
    level = np.where(chosen, -1, damaged * split_count + rank[own])
    for now in np.unique(level[level >= 0]):
        rows = np.flatnonzero(level == now)
        near, is_damaged, split = (
            links[unique_image[rows]],
            now >= split_count,
            own[rows[0]],
        )
        by_choice, by_whole, by_damaged = (
            _others(near, there, split) for there in (first, stays[False], stays[True])
        )
        any_stays = by_choice | by_whole | by_damaged
        by_protection = any_stays & protected & (not protected[split])
        why = np.where(by_protection.any(axis=1), _PROTECTED, _SMALLER)
        if is_damaged:
            why[by_whole.any(axis=1)] = _WHOLE
        why[by_choice.any(axis=1)] = _CHOSEN
        goes = any_stays.any(axis=1)
        reason[rows[goes]] = why[goes]
        stays[is_damaged][unique_image[rows[~goes]], split] = True
    return reason


def _none(links: csr_array, split_count: int) -> Bools:
    return np.zeros((links.shape[0], split_count), bool)


def _others(near: csr_array, stays: Bools, split: int) -> Bools:
    """Returns in which other splits one of the linked unique images stays."""
    found: Bools = (near @ stays.astype(np.int32)) > 0
    found[:, split] = False
    return found


def _conflicts(
    unique_image: Codes, split: Codes, label: Codes, links: csr_array, splits: int
) -> Bools:
    """Returns who has a copy in another split under another label.

    Counts distinct (split, label) of each linked unique image, less those that share
    the split or the label: no pair of images is ever looked at.
    """
    labeled = np.flatnonzero(label != NO_LABEL)
    conflict = np.zeros(len(unique_image), bool)
    if not len(labeled):
        return conflict
    classes = int(label.max()) + 1
    place = unique_image[labeled].astype(np.int64) * splits + split[labeled]
    all_three = place * classes + label[labeled]
    nodes, of_row = np.unique(all_three, return_inverse=True)
    place, node_label = np.divmod(nodes, classes)
    node_item, node_split = np.divmod(place, splits)

    degree = np.diff(links.indptr)[node_item]
    node = np.repeat(np.arange(len(nodes)), degree)
    first = np.repeat(links.indptr[node_item] - np.cumsum(degree) + degree, degree)
    linked = links.indices[first + np.arange(len(node))].astype(np.int64)
    at_split, at_label = node_split[node], node_label[node]

    per_item = np.bincount(node_item, minlength=links.shape[0])
    other = per_item[linked]
    linked_place = linked * splits + at_split
    other = other - _count(linked_place, place)
    labels = node_item * classes + node_label
    other = other - _count(linked * classes + at_label, labels)
    other = other + _count(linked_place * classes + at_label, nodes)
    found = np.zeros(len(nodes), bool)
    found[node[other > 0]] = True
    conflict[labeled] = found[of_row.reshape(-1)]
    return conflict


def _count(wanted: Ints, among: Ints) -> Ints:
    """Returns how often each wanted value stands among the values."""
    ordered = np.sort(among)
    below = np.searchsorted(ordered, wanted, "left")
    return np.searchsorted(ordered, wanted, "right") - below
