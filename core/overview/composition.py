"""Images and effective images by class and split: balance, and shift of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..common.text import first_of, percent_text, share_text
from .auroc import FALSE_RATE
from .records import NONE, Codes, Composition, Rows, SetFinding, SetMembers

FEWEST_OF_CLASS = 50
"""Effective images: with fewer, of which a fifth is for testing, an accuracy is known
to 15 points at best."""

LARGEST_RATIO = 10
"""Of the largest to the smallest class."""

_UNEVEN = (
    "A model sees them seldom, learns them badly, and a mean accuracy hides it",
    "Collect or label more of them, weigh or resample classes in training, and report "
    "the accuracy of each class",
)
_FEW = (
    "So few say little of a class, and an accuracy on them is hardly known",
    "Collect or label more of them, and report the accuracy of each class with its "
    "interval",
)
"""What few images mean and what to do, beside a class that has many, and where no class
has."""

_NAMED = 5
_LEAST_DISTANCE = 0.05
"""Total variation: so many images would have to change their class."""

_FEWEST_EXPECTED = 5


def composition(
    labels: Codes,
    splits: Codes,
    unit: Rows,
    classes: Sequence[str],
    split_names: Sequence[str],
) -> Composition:
    """Counts images and effective images.

    Args:
        labels: int32[n], of samples; ``NONE`` without
        splits: int32[n], likewise
        unit: int64[n], equal for copies and moments of one scene; negative for files
            that cannot be read
        classes: names; samples without a label count if there are none
        split_names: likewise
    """
    label = labels if classes else np.zeros_like(labels)
    split = splits if split_names else np.zeros_like(splits)
    counted = (unit >= 0) & (label >= 0) & (split >= 0)
    shape = max(1, len(classes)), max(1, len(split_names))
    cell = label[counted].astype(np.int64) * shape[1] + split[counted]
    size = shape[0] * shape[1]
    pairs = np.unique(np.stack([cell, unit[counted]]), axis=1)
    return Composition(
        classes or [""],
        split_names or [""],
        np.bincount(cell, minlength=size).reshape(shape),
        np.bincount(pairs[0], minlength=size).reshape(shape),
    )


def imbalance(found: Composition, members: SetMembers) -> list[SetFinding]:
    """Says which classes are too small, at most one finding.

    Args:
        found: the counts
        members: the images
    """
    effective = found.effective.sum(axis=1)
    if len(effective) < 2:
        return []
    most = int(effective.max())
    small = np.flatnonzero(
        (effective < FEWEST_OF_CLASS) | (effective * LARGEST_RATIO < most)
    )
    if not len(small):
        return []
    small = small[np.argsort(effective[small], kind="stable")]
    least = int(effective[small[0]])
    named = first_of(
        [f"{found.classes[code]} ({effective[code]:,})" for code in small.tolist()],
        _NAMED,
    )
    largest = found.classes[int(effective.argmax())]
    few = "1 class has" if len(small) == 1 else f"{len(small):,} classes have"
    if least * LARGEST_RATIO < most:
        meaning, advice = _UNEVEN
    else:
        meaning, advice = _FEW
    return [
        SetFinding(
            "imbalance",
            "imbalance",
            f"{few} few images, copies and scenes counted once: {named}; the largest, "
            f"{largest}, has {most:,}",
            meaning,
            advice,
            np.flatnonzero(members.here & np.isin(members.label, small)),
            {
                "smallest_class": found.classes[int(small[0])],
                "smallest": least,
                "largest_class": largest,
                "largest": most,
                "classes": [found.classes[code] for code in small.tolist()],
            },
        )
    ]


def label_shift(found: Composition, members: SetMembers) -> list[SetFinding]:
    """Says where two splits hold the classes in other shares.

    The shares are those of images, as a model meets them and as folders show them. A
    chi-square test, corrected for the number of pairs of splits, takes them to be
    known as surely as from the effective images of the split; and the total variation
    distance must matter.

    Args:
        found: the counts
        members: the images
    """
    pairs = list(combinations(range(len(found.splits)), 2))
    findings = []
    for one, other in pairs:
        counts = found.images[:, [one, other]]
        if (counts.sum(axis=0) == 0).any():
            continue
        shares = counts / counts.sum(axis=0)
        independent = shares * found.effective[:, [one, other]].sum(axis=0)
        change = shares[:, 1] - shares[:, 0]
        distance = float(np.abs(change).sum() / 2)
        chance = _chance(independent)
        if chance >= FALSE_RATE / len(pairs) or distance < _LEAST_DISTANCE:
            continue
        code = int(np.abs(change).argmax())
        name, a, b = found.classes[code], found.splits[one], found.splits[other]
        rows = members.here & (members.label == code)
        findings.append(
            SetFinding(
                "label_shift",
                f"label shift {a} / {b}",
                f"{a} and {b} hold the classes in other shares: "
                f"{percent_text(distance)} of the images of {b} would have to be of "
                f"another class; {name} is "
                f"{share_text(shares[code, 0], 1)} of {a} and "
                f"{share_text(shares[code, 1], 1)} of {b}",
                f"What {b} measures is not what a model trained on {a} was shaped for, "
                "and an accuracy is not comparable between the two",
                "Split again by class (the operator split does), or weigh the classes "
                "when you compare",
                np.flatnonzero(rows & np.isin(members.split, [one, other])),
                {
                    "splits": [a, b],
                    "distance": round(distance, 4),
                    "p_value": float(f"{chance:.3g}"),
                    "class": name,
                },
            )
        )
    return findings


def _chance(counts: NDArray[np.float64]) -> float:
    """Returns the p-value of a chi-square test on c x 2 counts, rare ones united."""
    from scipy.special import chdtrc

    expected = counts.sum(axis=1, keepdims=True) * (counts.sum(axis=0) / counts.sum())
    rare = expected.min(axis=1) < _FEWEST_EXPECTED
    parts = [(counts[~rare], expected[~rare])]
    rest = counts[rare].sum(axis=0), expected[rare].sum(axis=0)
    if rare.any() and rest[1].min() >= _FEWEST_EXPECTED:
        parts.append((rest[0][None], rest[1][None]))
    rows = sum(len(part[0]) for part in parts)
    if rows < 2:
        return 1.0
    statistic = sum(float((np.square(n - e) / e).sum()) for n, e in parts)
    return float(chdtrc(rows - 1, statistic))


def units(image: Codes, cluster: Rows, scene: Rows) -> Rows:
    """Returns int64[n]: equal for samples that show one moment or scene, else not.

    Args:
        image: int32[n], the unique image of each sample; negative if unreadable
        cluster: int64[n], of copies; negative without
        scene: int64[n], copies included; negative without
    """
    clusters = scene.max(initial=NONE) + 1
    images = clusters + cluster.max(initial=NONE) + 1
    unit = np.where(cluster >= 0, clusters + cluster, images + image)
    unit = np.where(scene >= 0, scene, unit)
    return np.where(image >= 0, unit, NONE)
