"""Classes that overlap, and classes that fall apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.text import percent_text
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph
from .auroc import normal_quantile
from .draw import first_of_groups
from .records import NONE, Codes, Rows, SetFinding, SetMembers

_FEWEST = 10
"""Images in the overlap of two classes, or in a part of one."""

_LEAST_SHARE = 0.1
"""Of a class that looks like another one, or that a part of it holds."""

_MOST_PAIRS = 10
_MOST_SHOWN = 12
"""Classes in the matrix of those that look like others."""

_LINKS = 10
"""Nearest neighbors by which the images of a class hang together."""

_ROWS_AT_ONCE = 2**20
"""Images whose links are joined at once: 250 MB."""

_LEAST_AGREEMENT = 0.2
"""Cohen's kappa of labels and classifier, the low end of its interval: with less the
labels say hardly anything of the pictures, and all classes overlap."""


_FEWEST_TO_KNOW = 100
"""Images with a distance, to say which of them are far."""

_NORMAL_SPREAD = 1.4826
"""Standard deviations in a median absolute deviation, of normal numbers."""

_FAR = 2.0


def labels_follow_pictures(members: SetMembers) -> bool:
    """True if the labels can be told from the pictures, well better than by chance.

    Where not, all classes are alike and each holds all kinds of pictures.

    Args:
        members: the images
    """
    label, likeliest = _asked(members)[1:]
    if not len(label):
        return False
    size = int(max(label.max(), likeliest.max())) + 1
    shares = [
        np.bincount(codes, minlength=size) / len(label) for codes in (label, likeliest)
    ]
    expected = float(shares[0] @ shares[1])
    error = np.sqrt(max(expected * (1 - expected), 1e-9) / len(label))
    agreement = float((label == likeliest).mean()) - normal_quantile(1) * error
    return bool(agreement - expected > _LEAST_AGREEMENT * (1 - expected))


def overlaps(members: SetMembers, classes: Sequence[str]) -> list[SetFinding]:
    """Names the classes whose images look like those of another, wrong labels aside.

    Args:
        members: the images
        classes: names in order of their codes

    Returns:
        the pairs of classes, the largest overlap first
    """
    rows, label, likeliest = _asked(members)
    sizes = np.bincount(label, minlength=len(classes))
    seen = (label != likeliest) & ~members.wrong_label[rows]
    key = label[seen].astype(np.int64) * len(classes) + likeliest[seen]
    cells, counts = np.unique(key, return_counts=True)
    count_of = dict(zip(cells.tolist(), counts.tolist(), strict=True))
    found = {}
    for cell, count in count_of.items():
        one, other = divmod(cell, len(classes))
        if count < _FEWEST or _low(count, sizes[one], len(cells)) < _LEAST_SHARE:
            continue
        both = count + count_of.get(other * len(classes) + one, 0)
        found[min(one, other), max(one, other)] = both
    strongest = sorted(found, key=lambda pair: (-found[pair], pair))[:_MOST_PAIRS]
    findings = []
    for one, other in strongest:
        a, b, both = classes[one], classes[other], found[one, other]
        here = seen & (
            ((label == one) & (likeliest == other))
            | ((label == other) & (likeliest == one))
        )
        cells_of_both = (one * len(classes) + other, other * len(classes) + one)
        mutual = [count_of.get(cell, 0) for cell in cells_of_both]
        findings.append(
            SetFinding(
                "overlapping_classes",
                f"overlap {a} / {b}",
                f"{a} and {b} overlap: {mutual[0]:,} images of {a} "
                f"({percent_text(mutual[0] / sizes[one])}) look like {b}, and "
                f"{mutual[1]:,} of {b} ({percent_text(mutual[1] / sizes[other])}) "
                f"like {a}",
                "A model will confuse them, and people who label will too",
                "Say more exactly what parts them and check the images between; or "
                "unite the two, or allow both labels",
                rows[here],
                {"classes": [a, b], "looks_like_other": mutual, "images": both},
            )
        )
    return findings


def looks_like(members: SetMembers, classes: Sequence[str]) -> dict[str, Any]:
    """Counts the images of each class that look like each class.

    Args:
        members: the images
        classes: names in order of their codes

    Returns:
        ``classes``, those that are taken for others most often, and ``images``, a row
        for the images of each and a column for what they look like
    """
    _, label, likeliest = _asked(members)
    mixed = label != likeliest
    often = np.bincount(
        np.concatenate([label[mixed], likeliest[mixed]]), minlength=len(classes)
    )
    shown = np.sort(np.argsort(-often, kind="stable")[:_MOST_SHOWN])
    place = np.full(len(classes), NONE)
    place[shown] = np.arange(len(shown))
    row, column = place[label], place[likeliest]
    both = (row != NONE) & (column != NONE)
    images = np.zeros((len(shown), len(shown)), np.int64)
    np.add.at(images, (row[both], column[both]), 1)
    return {
        "classes": [classes[code] for code in shown.tolist()],
        "images": images.tolist(),
    }


def divided(
    members: SetMembers, graph: NeighborGraph, classes: Sequence[str]
) -> list[SetFinding]:
    """Names the classes whose images fall into groups with nothing in between.

    A class is a graph: an image is joined to those of its ten nearest neighbors that
    are of its class. Copies and moments of one scene are one image.

    Args:
        members: i images
        graph: their nearest neighbors by features
        classes: names in order of their codes
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    label = np.where(members.here, members.label, NONE)
    part = np.arange(len(label))
    for start in range(0, len(label), _ROWS_AT_ONCE):
        near = graph.indices[start : start + _ROWS_AT_ONCE, :_LINKS]
        own = label[start : start + len(near), None]
        same = (near != NO_NEIGHBOR) & (label[near] == own) & (own != NONE)
        row, column = np.nonzero(same)
        ends = part[start + row], part[near[row, column]]
        shape = int(part.max()) + 1, int(part.max()) + 1
        links = coo_matrix((np.ones(len(row), np.int8), ends), shape=shape)
        # Numbered by their first image, however many rows were joined at once
        part = connected_components(links, directed=False)[1][part]
    rows = np.intersect1d(first_of_groups(members.group), np.flatnonzero(label >= 0))
    sizes = np.bincount(label[rows], minlength=len(classes))
    parts, first, counts = np.unique(part[rows], return_index=True, return_counts=True)
    of_class = label[rows[first]]
    large = (counts >= _FEWEST) & (counts >= _LEAST_SHARE * sizes[of_class])
    findings = []
    for code in np.unique(of_class[large]).tolist():
        mine = np.flatnonzero(large & (of_class == code))
        if len(mine) < 2:
            continue
        mine = mine[np.argsort(-counts[mine], kind="stable")]
        name = classes[code]
        *most, last = (f"{counts[place]:,}" for place in mine)
        # The largest part is the class; the others are what to look at
        images = np.flatnonzero(np.isin(part, parts[mine[1:]]) & (label == code))
        findings.append(
            SetFinding(
                "divided_classes",
                f"groups of {name}",
                f"{name} falls into {len(mine)} groups with nothing in between, of "
                f"{', '.join(most)} and {last} images",
                "One name may stand for several things, or for one thing from several "
                "sources; a model may learn one group and miss another",
                "Look at the smaller groups; if they are another thing, give them a "
                "class of their own, and else make sure that every split has both",
                images,
                {"class": name, "groups": counts[mine].tolist()},
            )
        )
    return findings


def _asked(members: SetMembers) -> tuple[Rows, Codes, Codes]:
    """Returns the images that a classifier was asked, their labels, its answers."""
    usable = members.here & (members.label >= 0) & (members.likeliest >= 0)
    rows = np.intersect1d(first_of_groups(members.group), np.flatnonzero(usable))
    return rows, members.label[rows], members.likeliest[rows]


def _low(count: int, size: np.int64, tests: int) -> float:
    """Returns the low end of the interval of a share (Wilson, 1927)."""
    z, n = normal_quantile(tests), float(size)
    share = count / n
    middle = share + z * z / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float((middle - reach) / (1 + z * z / n))


def thin_regions(members: SetMembers, classes: Sequence[str]) -> list[SetFinding]:
    """Names the images whose neighborhood is nearly empty, outliers aside.

    Their distance to others exceeds the median by more than two standard deviations,
    as the median absolute deviation of the logarithms estimates it.

    Args:
        members: the images
        classes: names in order of their codes
    """
    known = members.here & (members.distance > 0)
    if known.sum() < _FEWEST_TO_KNOW:
        return []
    distance = np.log(members.distance[known].astype(np.float64))
    middle = np.median(distance)
    spread = _NORMAL_SPREAD * np.median(np.abs(distance - middle))
    far = np.zeros(len(known), bool)
    far[known] = distance > middle + _FAR * spread
    rows: NDArray[np.int64] = np.flatnonzero(far & ~members.outlier)
    if len(rows) < _FEWEST:
        return []
    rows = rows[np.argsort(-members.distance[rows], kind="stable")]
    where = ""
    label = members.label[rows]
    if (label >= 0).any():
        counts = np.bincount(label[label >= 0], minlength=len(classes))
        code = int(counts.argmax())
        where = f"; {counts[code]:,} of them are of class {classes[code]}"
    return [
        SetFinding(
            "thin_regions",
            "thin regions",
            f"{len(rows):,} images have hardly any others like them, but are no "
            f"outliers{where}",
            "A model has little to learn from there, and its errors there are hardly "
            "measured",
            "Collect and label more images like these first",
            rows,
            {"images": len(rows)},
        )
    ]
