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
from .keepers import (
    BY_PERSON,
    FIRST_PATH,
    NO_IMAGE,
    NO_REASON,
    WHOLE,
    ImageRows,
    Ranked,
    best_ranks,
    choose_keepers,
    has_whole,
    only_members,
    starts_of_runs,
)
from .schema import NO_CLUSTER, NO_LABEL

KINDS = ("bytes", "pixels", "near")
"""How two files are the same, strongest first."""
NO_KIND = -1
NO_RELATION = 0

Ints = NDArray[np.int64]
Pairs = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """The cluster of each of n images.

    Attributes:
        cluster: int64[n], numbered from 0, most images first, then by path;
            ``NO_CLUSTER`` for an image without duplicates
        kind: int8[n], index in :data:`KINDS`, how a row equals a file that
            ranks before it in its cluster; a keeper has the strongest kind
            of its cluster; ``NO_KIND`` outside of clusters
        relation: int16[n], how the picture differs from the keeper's, as
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
    relation: NDArray[np.int16]
    similarity: NDArray[np.float32]
    keeper: Bools
    reason: NDArray[np.int8]
    conflicts: Ints


def find_duplicates(
    rows: ImageRows,
    pairs: Pairs,
    cosines: NDArray[np.float32],
    relations: NDArray[np.int16],
    only_as_keeper: Bools | None = None,
) -> Duplicates:
    """Groups rows into clusters and chooses the copy to keep.

    The result does not depend on the order of the rows or the pairs.

    Args:
        rows: the images
        pairs: int32[p, 2] of unique images that have rows, each accepted as copies
            of one another
        cosines: float32[p], similarity of each pair
        relations: int16[p], how the copies of each pair differ
        only_as_keeper: bool[n], rows that leave a cluster unless they are its
            keeper; the rest of it stays a cluster. None for no such rows

    Returns:
        one value per row. Every member of a cluster is of the keeper's unique
        image, or of one that stands in a pair with it. The keeper is the first by:
        not damaged, not a link, protected, label (that of most images of the
        cluster), the longest video, not enlarged, not flawed, pixels, bytes per
        pixel, sharpness, age, path; among the members that were compared with all
        others. Before all rules comes the member that a person chose, whatever it was
        compared with.
    """
    graph = _graph(_image_count(rows, pairs), pairs)
    star = _stars(rows, graph)
    readable = np.flatnonzero(rows.unique_image >= 0)
    star_of_row = star[rows.unique_image[readable]]
    together = np.bincount(star_of_row, minlength=len(star))[star_of_row] > 1
    member = readable[together]
    group = np.unique(star_of_row[together], return_inverse=True)[1].reshape(-1)
    chosen = choose_keepers(rows, member, group, _is_hub(graph, star))
    if only_as_keeper is not None:
        stays = ~only_as_keeper[member]
        stays[chosen.keeper] = True
        stays &= np.bincount(group[stays], minlength=len(chosen.keeper))[group] > 1
        member, group, chosen = only_members(stays, member, group, chosen)
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
    starts = starts_of_runs(own[order])
    keeper = order[starts]
    why = np.where(keeper == first_path[starts], FIRST_PATH, WHOLE)
    reason = np.where(rows.chosen[member[keeper]], BY_PERSON, why).astype(np.int8)
    nothing = np.empty((0, 2), np.int32), np.empty(0, np.float32), np.empty(0, np.int16)
    chosen = Ranked(order, keeper, reason)
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
    best = best_ranks(rows, count)
    center = np.flatnonzero(star == np.arange(count))
    order = np.lexsort((best[center], -star_images[center], component[center]))
    first = order[starts_of_runs(component[center][order])]
    hub = np.full(count, NO_IMAGE)
    hub[component[center[first]]] = center[first]
    other = np.flatnonzero(star != hub[component])
    missing = np.sort(np.stack([other, hub[component[other]]], 1), axis=1)
    keys = pair_keys(missing, count)
    keys = np.setdiff1d(keys, pair_keys(checked, count))
    return np.stack(np.divmod(keys, max(count, 1)), 1).astype(np.int32)


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
    damaged = ~has_whole(rows, count)[linked]
    order = linked[np.lexsort((best_ranks(rows, count)[linked], -covered, damaged))]
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


def _is_hub(graph: csr_array, star: Ints) -> Bools:
    """Returns which unique images stand in a pair with all others of their star."""
    links = graph.tocoo()
    inside = links.row[star[links.row] == star[links.col]]
    degree = np.bincount(inside, minlength=len(star))
    others = np.bincount(star, minlength=len(star))[star] - 1
    hub: Bools = degree == others
    return hub


def _duplicates(
    rows: ImageRows,
    member: Ints,
    group: Ints,
    chosen: Ranked,
    pairs: Pairs,
    cosines: NDArray[np.float32],
    relations: NDArray[np.int16],
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
    relation = np.full(count, NO_RELATION, np.int16)
    at = pair_rows(pairs, np.stack([own, kept], 1))
    # The last value is for members that were not compared with the keeper
    similarity[member] = np.append(cosines, np.nan)[at]
    relation[member] = np.append(relations, np.int16(NO_RELATION))[at]
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
    rows: ImageRows, member: Ints, group: Ints, chosen: Ranked
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
        repeats = ~starts_of_runs(group[order], value[member[order]])
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
