"""Groups of images that show one scene: other moments and views, no copies.

Two images show other moments of a scene if their looks say so, or if they are frames
of one recording (:mod:`core.findings.sequences`), however far apart.

A group has a center: the image with the most others of its scene. Its members are at
most two such steps away, so that a slow pan does not become one group whose ends have
nothing in common. An image whose partners all belong to groups already joins the
group of the first of them: three steps at most.

Copies of one photograph are one point here, however many files they are, and so are
the frames of one recording: a recording is never parted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

NO_GROUP = -1

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scenes:
    """The scene of each of n images.

    Attributes:
        group: int64[n], numbered from 0, most images first, then by path;
            ``NO_GROUP`` for an image that is alone in its scene
        size: int64[n], images of the group, copies included; 0 without
        elsewhere: bool[n, s], which other splits hold another moment or view of the
            image's scene; never the image's own split
    """

    group: Ints
    size: Ints
    elsewhere: Bools


def find_scenes(
    unique_image: Codes,
    cluster: Ints,
    pairs: Codes,
    path_rank: Ints,
    split: Codes,
    split_count: int,
    sequence: Codes | None = None,
) -> Scenes:
    """Groups images by scene.

    The result does not depend on the order of the rows or the pairs.

    Args:
        unique_image: int32[n], equal for files that surely are one picture; negative
            if unreadable
        cluster: int64[n], of copies; negative without
        pairs: int32[p, 2] of unique images that show one scene and are no copies
        path_rank: int64[n], place of the path among all, sorted
        split: int32[n], negative without
        split_count: number of splits
        sequence: int32[n], equal for frames of one recording, of which each has two
            at least; negative without. None for no recordings
    """
    count = len(unique_image)
    photograph = _photographs(unique_image, cluster)
    known = photograph >= 0
    ends = _ends(photograph, unique_image, pairs)
    points = int(photograph.max(initial=-1)) + 1
    elsewhere = _elsewhere(photograph, _graph(ends, points), split, split_count)
    if sequence is not None and (known & (sequence >= 0)).any():
        elsewhere |= _recorded_elsewhere(sequence, split, split_count)
        photograph, ends = _with_recordings(photograph, sequence, ends)
        points = int(photograph.max()) + 1
    rank = np.full(points, count, np.int64)
    np.minimum.at(rank, photograph[known], path_rank[known])
    label = _group(_graph(ends, points), rank)
    group = np.append(label, NO_GROUP)[np.where(known, photograph, -1)]
    group, size = _numbered(group, path_rank)
    return Scenes(group, size, elsewhere)


def _photographs(unique_image: Codes, cluster: Ints) -> Ints:
    """Returns int64[n], equal for copies of one photograph; -1 if unreadable."""
    known = unique_image >= 0
    first = int(cluster.max(initial=-1)) + 1
    # A unique image has one cluster at most, but perhaps not all of its rows do
    of_image = np.arange(int(unique_image.max(initial=-1)) + 1, dtype=np.int64) + first
    clustered = known & (cluster >= 0)
    of_image[unique_image[clustered]] = cluster[clustered]
    photograph = np.full(len(known), -1, np.int64)
    photograph[known] = of_image[unique_image[known]]
    return photograph


def _ends(photograph: Ints, unique_image: Codes, pairs: Codes) -> Ints:
    """Returns int64[q, 2], the photographs of the pairs that are not one."""
    known = unique_image >= 0
    of_image = np.full(
        max(int(unique_image.max(initial=-1)), int(pairs.max(initial=-1))) + 1, -1
    )
    of_image[unique_image[known]] = photograph[known]
    ends = of_image[pairs]
    found: Ints = ends[(ends >= 0).all(axis=1) & (ends[:, 0] != ends[:, 1])]
    return found


def _with_recordings(
    photograph: Ints, sequence: Codes, ends: Ints
) -> tuple[Ints, Ints]:
    """Puts the recording in place of the photographs that are its frames.

    Returns:
        int64[n], the point of each row; and int64[q, 2], pairs of points, of which a
        recording is paired with itself
    """
    count = int(photograph.max(initial=-1)) + 1
    framed = np.flatnonzero((photograph >= 0) & (sequence >= 0))
    point_of = np.arange(count)
    # Of a frame of several recordings the first: the last assignment wins
    backwards = framed[np.argsort(-sequence[framed], kind="stable")]
    point_of[photograph[backwards]] = count + sequence[backwards]
    point = np.where(photograph >= 0, point_of[photograph], photograph)
    point[framed] = count + sequence[framed]
    loops = np.repeat(np.unique(point[framed])[:, None], 2, axis=1)
    return point, np.concatenate([point_of[ends], loops])


def _elsewhere(
    photograph: Ints, links: csr_array, split: Codes, split_count: int
) -> Bools:
    """Returns in which other splits a linked photograph is: bool[n, s]."""
    placed = (photograph >= 0) & (split >= 0)
    present = np.zeros((links.shape[0], split_count), bool)
    present[photograph[placed], split[placed]] = True
    found = np.zeros((len(split), split_count), bool)
    found[placed] = ((links @ present.astype(np.int32)) > 0)[photograph[placed]]
    found[np.flatnonzero(placed), split[placed]] = False
    return found


def _recorded_elsewhere(sequence: Codes, split: Codes, split_count: int) -> Bools:
    """Returns in which other splits a frame of its recording is: bool[n, s]."""
    placed = np.flatnonzero((sequence >= 0) & (split >= 0))
    present = np.zeros((int(sequence.max()) + 1, split_count), bool)
    present[sequence[placed], split[placed]] = True
    found = np.zeros((len(split), split_count), bool)
    found[placed] = present[sequence[placed]]
    found[placed, split[placed]] = False
    return found


def _graph(ends: Ints, count: int) -> csr_array:
    """Returns the symmetric graph of the points of one scene."""
    both = np.concatenate([ends, ends[:, ::-1]])
    links = csr_array(
        (np.ones(len(both), np.int32), tuple(both.T)), shape=(count, count)
    )
    links.sum_duplicates()
    return links


def _group(links: csr_array, rank: Ints) -> Ints:
    """Returns int64[v]: the group of each photograph, ``NO_GROUP`` for a lone one."""
    starts, ends = links.indptr, links.indices
    degree = np.diff(starts)
    linked = np.flatnonzero(degree)
    order = linked[np.lexsort((rank[linked], -degree[linked]))]
    label = np.full(links.shape[0], NO_GROUP, np.int64)

    def free(place: int) -> list[int]:
        near = ends[starts[place] : starts[place + 1]]
        return [int(one) for one in near if label[one] == NO_GROUP]

    for center in order.tolist():
        if label[center] != NO_GROUP:
            continue
        near = free(center)
        if not near:
            partners = ends[starts[center] : starts[center + 1]]
            label[center] = label[partners[np.argmin(rank[partners])]]
            continue
        label[center] = center
        label[near] = center
        for one in near:
            label[free(one)] = center
    return label


def _numbered(group: Ints, path_rank: Ints) -> tuple[Ints, Ints]:
    """Numbers the groups, most images first, then by path; returns their sizes."""
    number = np.full(len(group), NO_GROUP, np.int64)
    size = np.zeros(len(group), np.int64)
    member = np.flatnonzero(group != NO_GROUP)
    if not len(member):
        return number, size
    _, code, sizes = np.unique(group[member], return_inverse=True, return_counts=True)
    code = code.reshape(-1)
    first = np.full(len(sizes), len(group), np.int64)
    np.minimum.at(first, code, path_rank[member])
    place = np.empty(len(sizes), np.int64)
    place[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    number[member], size[member] = place[code], sizes[code]
    return number, size
