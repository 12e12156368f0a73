"""Clusters of copies, and which copy to keep.

A cluster is a star: its keeper was compared directly with every member, so
that a chain of small changes (A like B, B like C) never makes A justify the
removal of C. The stars cover the graph of verified pairs greedily, the one
that covers most images first (the greedy dominating set of imagededup and of
FiftyOne Brain's ``find_duplicates``, which take the first path instead).

Files of equal bytes or equal pixels arrive as one *unique image*, so a cluster of a
million identical files costs no more than one unique image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from ..common.pairs import pair_keys, pair_rows
from .schema import NO_CLUSTER, NO_LABEL

KINDS = ("bytes", "pixels", "near")
"""How two files are the same, strongest first."""
NO_KIND = -1
NO_RELATION = -1
NO_IMAGE = -1

CHOSEN = "chosen by a person"
KEEPER_REASONS = (
    "like all its copies",
    CHOSEN,
    "whole, not damaged",
    "a file, not a link to it",
    "protected",
    "label of most copies",
    "not enlarged",
    "looks as it should",
    "highest resolution",
    "least compressed",
    "sharpest",
    "oldest file",
    "first path",
)
"""What set the keeper apart from the runner-up, in the order of the rules."""
NO_REASON = -1

_ONLY_LIKE_ALL, _CHOSEN, _WHOLE, _FIRST_PATH = 0, 1, 2, len(KEEPER_REASONS) - 1

Ints = NDArray[np.int64]
Pairs = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ImageRows:
    """What is known of n images, for clusters and their keepers.

    Attributes:
        unique_image: int32[n], of each row; ``NO_IMAGE`` if unreadable
        byte_group: int64[n], equal for files of equal bytes
        pixel_group: int64[n], equal for files that decode to equal pixels;
            rows of one byte group share it
        width: int32[n], of the upright picture
        height: int32[n]
        file_bytes: int64[n]
        sharpness: float32[n], variance of the Laplacian of the picture at
            its own size or, if that is larger, at 256 pixels; NaN if unknown
        modified: float64[n], seconds since 1970; NaN if unknown
        path_rank: int64[n], position of the path among the sorted paths
        label: int32[n], ``NO_LABEL`` if unlabeled
        chosen: bool[n], a person chose it as the keeper of its cluster
        is_link: bool[n], the path is a symbolic link to a file
        protected: bool[n], True where the file must stay
        flawed: bool[n], it looks dark, bright, blurry, empty or gray
        damaged: bool[n], the file is damaged inside
    """

    unique_image: NDArray[np.int32]
    byte_group: Ints
    pixel_group: Ints
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    file_bytes: Ints
    sharpness: NDArray[np.float32]
    modified: NDArray[np.float64]
    path_rank: Ints
    label: NDArray[np.int32]
    chosen: Bools
    is_link: Bools
    protected: Bools
    flawed: Bools
    damaged: Bools


@dataclass(frozen=True, eq=False)
class Duplicates:
    """The cluster of each of n images.

    Attributes:
        cluster: int64[n], numbered from 0, most images first, then by path;
            ``NO_CLUSTER`` for an image without duplicates
        kind: int8[n], index in :data:`KINDS`, how a row equals a file that
            ranks before it in its cluster; a keeper has the strongest kind
            of its cluster; ``NO_KIND`` outside of clusters
        relation: int8[n], how the picture differs from the keeper's, as
            given with the pairs; ``NO_RELATION`` where it does not
        similarity: float32[n], cosine similarity to the keeper in [-1, 1];
            NaN outside of clusters, and where the two were not compared
        keeper: bool[n], True once a cluster
        reason: int8[n], index in :data:`KEEPER_REASONS`; ``NO_REASON`` for
            all but keepers
        conflicts: int64[c], clusters that carry two labels or more
    """

    cluster: Ints
    kind: NDArray[np.int8]
    relation: NDArray[np.int8]
    similarity: NDArray[np.float32]
    keeper: Bools
    reason: NDArray[np.int8]
    conflicts: Ints


def find_duplicates(
    rows: ImageRows,
    pairs: Pairs,
    cosines: NDArray[np.float32],
    relations: NDArray[np.int8],
    only_as_keeper: Bools | None = None,
) -> Duplicates:
    """Groups rows into clusters and chooses the copy to keep.

    The result does not depend on the order of the rows or the pairs.

    Args:
        rows: the images
        pairs: int32[p, 2] of unique images that have rows, each accepted as copies
            of one another
        cosines: float32[p], similarity of each pair
        relations: int8[p], how the copies of each pair differ
        only_as_keeper: bool[n], rows that leave a cluster unless they are its
            keeper; the rest of it stays a cluster. None for no such rows

    Returns:
        one value per row. Every member of a cluster is of the keeper's unique
        image, or of one that stands in a pair with it. The keeper is the first by:
        not damaged, not a link, protected, label (that of most images of the
        cluster), not enlarged, not flawed, pixels, bytes per pixel, sharpness,
        age, path; among the members that were compared with all others.
        Before all rules comes the member that a person chose, whatever it was
        compared with.
    """
    graph = _graph(_image_count(rows, pairs), pairs)
    star = _stars(rows, graph)
    readable = np.flatnonzero(rows.unique_image >= 0)
    star_of_row = star[rows.unique_image[readable]]
    together = np.bincount(star_of_row, minlength=len(star))[star_of_row] > 1
    member = readable[together]
    group = np.unique(star_of_row[together], return_inverse=True)[1].reshape(-1)
    chosen = _choose_keepers(rows, member, group, _is_hub(graph, star))
    if only_as_keeper is not None:
        stays = ~only_as_keeper[member]
        stays[chosen.keeper] = True
        stays &= np.bincount(group[stays], minlength=len(chosen.keeper))[group] > 1
        member, group, chosen = _only(stays, member, group, chosen)
    return _duplicates(rows, member, group, chosen, pairs, cosines, relations)


def clusters_by_path(rows: ImageRows, group: Ints) -> Duplicates:
    """Makes clusters of groups that were found by other rules.

    Args:
        rows: the images
        group: int64[n], -1 for none; each has two members or more

    Returns:
        one value a row: the keeper is what a person chose, else the first path of
        the files that are not damaged; similarity and relation are not known
    """
    member = np.flatnonzero(group >= 0)
    own = np.unique(group[member], return_inverse=True)[1].reshape(-1)
    rank, damaged = rows.path_rank[member], rows.damaged[member]
    first_path = np.lexsort((rank, own))
    order = np.lexsort((rank, damaged, ~rows.chosen[member], own))
    starts = _starts(own[order])
    keeper = order[starts]
    why = np.where(keeper == first_path[starts], _FIRST_PATH, _WHOLE)
    reason = np.where(rows.chosen[member[keeper]], _CHOSEN, why).astype(np.int8)
    nothing = np.empty((0, 2), np.int32), np.empty(0, np.float32), np.empty(0, np.int8)
    chosen = _Chosen(order, keeper, reason)
    found = _duplicates(rows, member, own, chosen, *nothing)
    unknown = np.full(len(group), np.nan, np.float32)
    return replace(found, similarity=unknown)


def keeper_pairs_to_check(rows: ImageRows, pairs: Pairs, checked: Pairs) -> Pairs:
    """Names pairs that would complete clusters, if they are copies as well.

    A search for k neighbors proposes few of the pairs of a large cluster.
    Where one star does not cover a connected group of unique images, the center of
    its largest star should be compared with the unique images left out.

    Args:
        rows: the images
        pairs: int32[p, 2], accepted so far
        checked: int32[q, 2], compared so far, accepted or not

    Returns:
        int32[r, 2], sorted, smaller number first, none of them checked
    """
    count = _image_count(rows, np.concatenate([pairs, checked]))
    graph = _graph(count, pairs)
    star = _stars(rows, graph)
    component = connected_components(graph, directed=False)[1]
    images = np.bincount(rows.unique_image[rows.unique_image >= 0], minlength=count)
    star_images = np.bincount(star, images, minlength=count)
    best = _best_ranks(rows, count)
    center = np.flatnonzero(star == np.arange(count))
    order = np.lexsort((best[center], -star_images[center], component[center]))
    first = order[_starts(component[center][order])]
    hub = np.full(count, NO_IMAGE)
    hub[component[center[first]]] = center[first]
    other = np.flatnonzero(star != hub[component])
    missing = np.sort(np.stack([other, hub[component[other]]], 1), axis=1)
    keys = pair_keys(missing, count)
    keys = np.setdiff1d(keys, pair_keys(checked, count))
    return np.stack(np.divmod(keys, max(count, 1)), 1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Members of clusters in the order of the keeper rules.

    Attributes:
        order: positions in the members, by cluster, then by the rules
        keeper: int64[clusters], position of the keeper in the members
        reason: int8[clusters]
    """

    order: Ints
    keeper: Ints
    reason: NDArray[np.int8]


def _only(
    stays: Bools, member: Ints, group: Ints, chosen: _Chosen
) -> tuple[Ints, Ints, _Chosen]:
    """Returns the members that stay, their groups and the same keepers."""
    groups, new_group = np.unique(group[stays], return_inverse=True)
    place = np.cumsum(stays) - 1
    kept = _Chosen(
        place[chosen.order[stays[chosen.order]]],
        place[chosen.keeper[groups]],
        chosen.reason[groups],
    )
    return member[stays], new_group.reshape(-1), kept


def _image_count(rows: ImageRows, pairs: Pairs) -> int:
    largest = max(rows.unique_image.max(initial=NO_IMAGE), pairs.max(initial=NO_IMAGE))
    return int(largest) + 1


def _graph(count: int, pairs: Pairs) -> csr_array:
    """Returns the symmetric adjacency of the unique images, without repeats."""
    a, b = pairs[pairs[:, 0] != pairs[:, 1]].T
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    links = coo_array((np.ones(len(ends[0]), np.int8), ends), (count, count))
    graph = links.tocsr()
    graph.data[:] = 1
    return graph


def _stars(rows: ImageRows, graph: csr_array) -> Ints:
    """Returns the center of the star that each unique image belongs to.

    Items that cover most images become centers first, then those whose best
    file ranks first; but all that have a whole file before those that are damaged,
    which so never stand in the center of whole ones. Near-linear in the number of
    pairs.
    """
    count = graph.shape[0]
    images = np.bincount(rows.unique_image[rows.unique_image >= 0], minlength=count)
    star = np.arange(count)
    linked = np.flatnonzero(np.diff(graph.indptr))
    covered = (images + graph.astype(np.int64) @ images)[linked]
    damaged = ~_has_whole(rows, count)[linked]
    order = linked[np.lexsort((_best_ranks(rows, count)[linked], -covered, damaged))]
    free = np.ones(count, bool)
    indptr, indices = graph.indptr, graph.indices
    for center in order.tolist():
        if not free[center]:
            continue
        near = indices[indptr[center] : indptr[center + 1]]
        near = near[free[near]]
        star[near] = center
        free[near] = free[center] = False
    return star


def _best_ranks(rows: ImageRows, count: int) -> Ints:
    """Returns the rank of the best file of each unique image, labels left aside."""
    order = np.lexsort(_rules(rows, np.arange(len(rows.unique_image)))[::-1])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(count, len(order), np.int64)
    readable = rows.unique_image >= 0
    np.minimum.at(best, rows.unique_image[readable], rank[readable])
    return best


def _has_whole(rows: ImageRows, count: int) -> Bools:
    """Returns which unique images have a file that is not damaged."""
    whole = np.zeros(count, bool)
    whole[rows.unique_image[(rows.unique_image >= 0) & ~rows.damaged]] = True
    return whole


def _is_hub(graph: csr_array, star: Ints) -> Bools:
    """Returns which unique images stand in a pair with all others of their star."""
    links = graph.tocoo()
    inside = links.row[star[links.row] == star[links.col]]
    degree = np.bincount(inside, minlength=len(star))
    others = np.bincount(star, minlength=len(star))[star] - 1
    hub: Bools = degree == others
    return hub


def _rules(rows: ImageRows, member: Ints) -> list[NDArray[np.float64]]:
    """Returns sort keys of the rules that need no cluster; smaller is better."""
    pixels = rows.width[member].astype(np.float64) * rows.height[member]
    bytes_a_pixel = rows.file_bytes[member] / np.maximum(pixels, 1)
    return [
        rows.damaged[member].astype(np.float64),
        rows.is_link[member].astype(np.float64),
        (~rows.protected[member]).astype(np.float64),
        rows.flawed[member].astype(np.float64),
        -pixels,
        -bytes_a_pixel,
        np.nan_to_num(-rows.sharpness[member].astype(np.float64), nan=np.inf),
        np.nan_to_num(rows.modified[member], nan=np.inf),
        rows.path_rank[member].astype(np.float64),
    ]


def _choose_keepers(
    rows: ImageRows, member: Ints, group: Ints, is_hub: Bools
) -> _Chosen:
    rules = _rules(rows, member)
    rules[3:3] = [
        (~_has_majority_label(rows.label[member], group)).astype(np.float64),
        _is_enlarged(rows, member, group).astype(np.float64),
    ]
    # Last, so that what is chosen changes no cluster, only what stays of it
    rules.insert(0, (~rows.chosen[member]).astype(np.float64))
    order = np.lexsort((*rules[::-1], group))
    starts = np.flatnonzero(_starts(group[order]))
    # The first in order that was compared with all: some member always was. What
    # a person chose of a cluster that they saw needs no such proof
    in_order = member[order]
    allowed = np.flatnonzero(
        is_hub[rows.unique_image[in_order]] | rows.chosen[in_order]
    )
    place = allowed[np.searchsorted(allowed, starts)]
    keys = np.stack(rules) if len(member) else np.zeros((len(rules), 0))
    differs = keys[:, order[starts]] != keys[:, order[starts + 1]]
    reason = 1 + differs.argmax(axis=0)
    reason[place != starts] = _ONLY_LIKE_ALL
    return _Chosen(order, order[place], reason.astype(np.int8))


_ENLARGED_SHARPNESS = 1 / 7
"""An enlarged picture gains no detail: doubled in size its Laplacian varies by
0.08 to 0.14 of the original's, while an original varies by 0.14 to 2 times that
of its halved copy (fifth to three quarters or more of 63 + 63 planted pairs)."""


def _is_enlarged(rows: ImageRows, member: Ints, group: Ints) -> Bools:
    """Returns whose sharpness says that a smaller member is the original."""
    pixels = rows.width[member].astype(np.int64) * rows.height[member]
    sharpness = np.nan_to_num(rows.sharpness[member].astype(np.float64))
    # Of members of one size the sharpest comes last: it enlarges no other
    order = np.lexsort((sharpness, pixels, group))
    # A running maximum over the smaller members, begun anew in each group
    step = sharpness.max(initial=0) + 1
    lifted = sharpness[order] + group[order] * step
    sharpest = np.maximum.accumulate(lifted) - group[order] * step
    before = np.concatenate([[0.0], sharpest[:-1]])
    before[_starts(group[order])] = 0
    enlarged = np.zeros(len(member), bool)
    enlarged[order] = sharpness[order] < _ENLARGED_SHARPNESS * before
    return enlarged & ~np.isnan(rows.sharpness[member])


def _has_majority_label(label: NDArray[np.int32], group: Ints) -> Bools:
    """Returns who carries (one of) the most frequent labels of its group."""
    labeled = label != NO_LABEL
    both = np.stack([group, label], 1)
    _, inverse, counts = np.unique(
        both, axis=0, return_inverse=True, return_counts=True
    )
    votes = np.where(labeled, counts[inverse.reshape(-1)], 0)
    most = np.zeros(group.max(initial=-1) + 1, votes.dtype)
    np.maximum.at(most, group, votes)
    agrees: Bools = votes == most[group]
    return agrees


def _duplicates(
    rows: ImageRows,
    member: Ints,
    group: Ints,
    chosen: _Chosen,
    pairs: Pairs,
    cosines: NDArray[np.float32],
    relations: NDArray[np.int8],
) -> Duplicates:
    count = len(rows.unique_image)
    number = _numbers(rows.path_rank[member], group)
    cluster = np.full(count, NO_CLUSTER, np.int64)
    cluster[member] = number[group]
    keeper = np.zeros(count, bool)
    keeper[member[chosen.keeper]] = True
    reason = np.full(count, NO_REASON, np.int8)
    reason[member[chosen.keeper]] = chosen.reason
    kind = np.full(count, NO_KIND, np.int8)
    kind[member] = _kinds(rows, member, group, chosen)

    own, kept = (
        rows.unique_image[member],
        rows.unique_image[member[chosen.keeper]][group],
    )
    similarity = np.full(count, np.nan, np.float32)
    relation = np.full(count, NO_RELATION, np.int8)
    at = pair_rows(pairs, np.stack([own, kept], 1))
    # The last value is for members that were not compared with the keeper
    similarity[member] = np.append(cosines, np.nan)[at]
    relation[member] = np.append(relations, np.int8(NO_RELATION))[at]
    same = member[own == kept]
    similarity[same], relation[same] = 1.0, NO_RELATION
    conflicts = number[_with_two_labels(rows.label[member], group)]
    return Duplicates(
        cluster, kind, relation, similarity, keeper, reason, np.sort(conflicts)
    )


def _numbers(path_rank: Ints, group: Ints) -> Ints:
    """Numbers groups: most images first, then the first path."""
    size = np.bincount(group)
    first = np.full(len(size), np.iinfo(np.int64).max)
    np.minimum.at(first, group, path_rank)
    number = np.empty(len(size), np.int64)
    number[np.lexsort((first, -size))] = np.arange(len(size))
    return number


def _kinds(
    rows: ImageRows, member: Ints, group: Ints, chosen: _Chosen
) -> NDArray[np.int8]:
    """Returns how each member equals one that ranks before it."""
    is_keeper = np.zeros(len(member), bool)
    is_keeper[chosen.keeper] = True
    rank = np.empty(len(member), np.int64)
    rank[chosen.order] = np.arange(len(member))
    kind = np.full(len(member), KINDS.index("near"), np.int8)
    same = {"pixels": rows.pixel_group, "bytes": rows.byte_group}
    for name, value in same.items():
        order = np.lexsort((rank, ~is_keeper, value[member], group))
        repeats = ~_starts(group[order], value[member[order]])
        kind[order[repeats]] = KINDS.index(name)
    strongest = np.full(len(chosen.keeper), len(KINDS), np.int8)
    np.minimum.at(strongest, group[~is_keeper], kind[~is_keeper])
    kind[chosen.keeper] = strongest
    return kind


def _with_two_labels(label: NDArray[np.int32], group: Ints) -> Ints:
    """Returns the groups that hold two different labels or more."""
    labeled = label != NO_LABEL
    both = np.unique(np.stack([group[labeled], label[labeled]], 1), axis=0)
    return np.flatnonzero(np.bincount(both[:, 0].astype(np.int64)) > 1)


def _starts(*keys: NDArray[np.integer]) -> Bools:
    """Returns where a run of equal keys begins."""
    starts = np.zeros(len(keys[0]), bool)
    starts[:1] = True
    for key in keys:
        starts[1:] |= key[1:] != key[:-1]
    return starts
