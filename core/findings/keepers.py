"""Which copy of a cluster to keep, by rules in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .schema import NO_LABEL

NO_IMAGE = -1

CHOSEN = "chosen by a person"
KEEPER_REASONS = (
    "like all its copies",
    CHOSEN,
    "whole, not damaged",
    "a file, not a link to it",
    "protected",
    "label of most copies",
    "longest",
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

LIKE_ALL, BY_PERSON, WHOLE, FIRST_PATH = 0, 1, 2, len(KEEPER_REASONS) - 1

Ints = NDArray[np.int64]
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
        seconds: float64[n], how long a video lasts; 0 for a picture
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
    seconds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranked:
    """Members of clusters in the order of the keeper rules.

    Attributes:
        order: positions in the members, by cluster, then by the rules
        keeper: int64[clusters], position of the keeper in the members
        reason: int8[clusters]
    """

    order: Ints
    keeper: Ints
    reason: NDArray[np.int8]


def only_members(
    stays: Bools, member: Ints, group: Ints, chosen: Ranked
) -> tuple[Ints, Ints, Ranked]:
    """Returns the members that stay, their groups and the same keepers."""
    groups, new_group = np.unique(group[stays], return_inverse=True)
    place = np.cumsum(stays) - 1
    kept = Ranked(
        place[chosen.order[stays[chosen.order]]],
        place[chosen.keeper[groups]],
        chosen.reason[groups],
    )
    return member[stays], new_group.reshape(-1), kept


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


def choose_keepers(rows: ImageRows, member: Ints, group: Ints, is_hub: Bools) -> Ranked:
    """Ranks the members of clusters by the rules, and chooses what to keep.

    Args:
        rows: the images
        member: int64[q], rows in clusters
        group: int64[q], the cluster of each, numbered from 0
        is_hub: bool[i], unique images that were compared with all of their cluster
    """
    rules = _rules(rows, member)
    rules[3:3] = [
        (~_has_majority_label(rows.label[member], group)).astype(np.float64),
        _is_shortened(rows.seconds[member], group).astype(np.float64),
        _is_enlarged(rows, member, group).astype(np.float64),
    ]
    # Last, so that what is chosen changes no cluster, only what stays of it
    rules.insert(0, (~rows.chosen[member]).astype(np.float64))
    order = np.lexsort((*rules[::-1], group))
    starts = np.flatnonzero(starts_of_runs(group[order]))
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
    reason[place != starts] = LIKE_ALL
    return Ranked(order, order[place], reason.astype(np.int8))


_SHORTENED = 0.95
"""Of the longest of its copies: encoders drop a frame or two at the end."""


def _is_shortened(seconds: NDArray[np.float64], group: Ints) -> Bools:
    """Returns which videos last less long than another one of their group."""
    longest = np.zeros(group.max(initial=-1) + 1)
    np.maximum.at(longest, group, seconds)
    shortened: Bools = seconds < _SHORTENED * longest[group]
    return shortened


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
    before[starts_of_runs(group[order])] = 0
    enlarged = np.zeros(len(member), bool)
    enlarged[order] = sharpness[order] < _ENLARGED_SHARPNESS * before
    return enlarged & ~np.isnan(rows.sharpness[member])


def _has_majority_label(label: NDArray[np.int32], group: Ints) -> Bools:
    """Returns which members carry (one of) the most frequent labels of their group."""
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


def best_ranks(rows: ImageRows, count: int) -> Ints:
    """Returns the rank of each unique image's best file, by rules without labels."""
    order = np.lexsort(_rules(rows, np.arange(len(rows.unique_image)))[::-1])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    best = np.full(count, len(order), np.int64)
    readable = rows.unique_image >= 0
    np.minimum.at(best, rows.unique_image[readable], rank[readable])
    return best


def has_whole(rows: ImageRows, count: int) -> Bools:
    """Returns which unique images have a file that is not damaged."""
    whole = np.zeros(count, bool)
    whole[rows.unique_image[(rows.unique_image >= 0) & ~rows.damaged]] = True
    return whole


def starts_of_runs(*keys: NDArray[np.integer]) -> Bools:
    """Returns where a run of equal keys begins."""
    starts = np.zeros(len(keys[0]), bool)
    starts[:1] = True
    for key in keys:
        starts[1:] |= key[1:] != key[:-1]
    return starts
