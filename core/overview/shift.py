"""Whether the images of two splits look as if they came from different places."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from .auroc import Auroc, normal_quantile, within_strata
from .draw import first_of_groups
from .records import SetEvidence, SetFinding, SetMembers
from .split_scores import FEWEST_OF_SPLIT

_LEAST_AUROC = 0.55
"""The low end of the interval must exceed it: less is hardly worth a thought."""

_FOLD_SPREAD = 1.5
"""Standard error of an AUROC out of folds over that of independent images: each fold
is judged by what the others taught, so one draw moves all. 1.43 on random splits of 300
and of 1,500 images."""

_SHOWN = 50
"""Images of each side that give it away most."""


def appearance_shift(
    evidence: SetEvidence, members: SetMembers, split_names: Sequence[str]
) -> tuple[list[dict[str, Any]], list[SetFinding]]:
    """Compares each two splits, images of one class with images of the same class.

    So splits that hold other shares of the classes do not differ by that alone.

    Args:
        evidence: of the r images that were looked at
        members: all images
        split_names: in order of their codes

    Returns:
        a tuple of

        -   for each two splits with enough images, the names, the AUROC and its
            interval, as JSON values
        -   a finding for each two that differ
    """
    rows = evidence.images
    usable = np.zeros(len(rows), bool)
    usable[first_of_groups(members.group[rows])] = True
    usable &= members.here[rows]
    split = members.split[rows]
    pairs = list(combinations(range(len(split_names)), 2))
    half_width = _FOLD_SPREAD * normal_quantile(len(pairs))
    measured, findings = [], []
    for one, other in pairs:
        scores = evidence.split_scores[:, [one, other]].astype(np.float64)
        asked = usable & np.isin(split, [one, other]) & ~np.isnan(scores).any(axis=1)
        sides = [int((split[asked] == code).sum()) for code in (one, other)]
        if min(sides) < FEWEST_OF_SPLIT:
            continue
        score = scores[asked, 1] - scores[asked, 0]
        is_other = split[asked] == other
        result = within_strata(score, is_other, members.label[rows[asked]])
        if result is None:
            continue
        value, error = result
        low, high = np.clip(value + np.array([-1, 1]) * half_width * error, 0, 1)
        auroc = Auroc(value, float(low), float(high))
        a, b = split_names[one], split_names[other]
        measures = {
            "splits": [a, b],
            "auroc": round(auroc.value, 4),
            "low": round(auroc.low, 4),
            "high": round(auroc.high, 4),
            "images": int(asked.sum()),
        }
        measured.append(measures)
        if auroc.low <= _LEAST_AUROC:
            continue
        order = np.argsort(score, kind="stable")
        examples = [
            order[~is_other[order]][:_SHOWN],
            order[is_other[order]][::-1][:_SHOWN],
        ]
        findings.append(
            SetFinding(
                "appearance_shift",
                f"appearance shift {a} / {b}",
                f"{a} and {b} look different: a classifier tells images of one class "
                f"apart by split, AUROC {auroc}, where chance is 0.50",
                "The accuracy on one, of a model that learned from the other, mixes "
                "what it learned with how far they differ",
                "Look at the images that give it away; if their source, light or "
                "encoding differs without intent, mix the sources and split again",
                rows[np.flatnonzero(asked)[np.concatenate(examples)]],
                measures,
            )
        )
    return measured, findings
