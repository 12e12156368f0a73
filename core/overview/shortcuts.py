"""Properties that predict the class or the split, although they should not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..common.text import first_of
from .auroc import Auroc, normal_quantile, one_against_rest, standard_error
from .draw import first_of_groups
from .properties import Properties
from .records import Codes, SetEvidence, SetFinding, SetMembers

_FEWEST = 10
"""Images of a class or split, and of the others, to say something of it."""

_LEAST_MADE, _LEAST_LOOK = 0.7, 0.9
"""The low end of the interval must exceed it, for traits of how a picture was made and
for looks, in which classes differ by nature. Splits should differ in neither."""

_NAMED = 3


def shortcuts(
    evidence: SetEvidence,
    members: SetMembers,
    target: Literal["class", "split"],
    names: Sequence[str],
) -> tuple[int, list[SetFinding]]:
    """Looks for properties that tell one class, or split, from all others.

    Args:
        evidence: of the r images that were looked at
        members: all images
        target: what should not be told
        names: of the classes or splits, in order of their codes

    Returns:
        a tuple of

        -   how many properties of how many classes were tried
        -   a finding for each property, for what it tells best, strongest first
    """
    rows = evidence.images
    code = (members.label if target == "class" else members.split)[rows]
    usable = members.here[rows] & (code >= 0)
    kept = np.intersect1d(np.flatnonzero(usable), first_of_groups(members.group[rows]))
    code = code[kept]
    asked = np.flatnonzero(_may_tell(evidence.properties, kept, code, target))
    if len(kept) < 2 * _FEWEST or not len(asked):
        return 0, []
    kinds = [evidence.properties.kinds[place] for place in asked]
    values = evidence.properties.values[np.ix_(kept, asked)]
    area = one_against_rest(values, code, len(names))
    sizes = np.bincount(code, minlength=len(names)).astype(np.float64)
    others = len(code) - sizes
    testable = (sizes >= _FEWEST) & (others >= _FEWEST)
    tried = int(testable.sum()) * len(asked)
    if not tried:
        return 0, []
    error = standard_error(area, sizes, others)
    reach = normal_quantile(tried) * error
    strength = np.where(testable, np.maximum(area, 1 - area) - reach, 0)
    least = np.array(
        [
            _LEAST_LOOK if kind == "look" and target == "class" else _LEAST_MADE
            for kind in kinds
        ]
    )
    # Of two classes each tells the other: name the rarer
    rarest_first = np.argsort(sizes, kind="stable")
    best = rarest_first[strength[:, rarest_first].argmax(axis=1)]
    strongest = strength[np.arange(len(best)), best]
    found = np.flatnonzero(strongest > least)
    found = found[np.argsort(-strongest[found], kind="stable")]
    return tried, [
        _finding(
            evidence.properties.names[int(asked[place])],
            _named(names, strength[place] > least[place]),
            names[int(best[place])],
            target,
            _interval(area[place, best[place]], reach[place, best[place]]),
            rows[kept[_telling(values[:, place], code == best[place])]],
            tried,
            int(testable.sum()),
        )
        for place in found.tolist()
    ]


def _may_tell(
    properties: Properties,
    rows: NDArray[np.int64],
    code: Codes,
    target: Literal["class", "split"],
) -> NDArray[np.bool_]:
    """Returns bool[p]: not folders where classes or splits were made from them."""
    folder = np.array([kind == "folder" for kind in properties.kinds], bool)
    if target == "split" or all(
        len(np.unique(code[properties.values[rows, place] > 0])) < 2
        for place in np.flatnonzero(folder)
    ):
        return ~folder
    return np.ones(len(folder), bool)


def _interval(area: float, reach: float) -> Auroc:
    best = max(area, 1 - area)
    return Auroc(float(best), float(max(best - reach, 0)), float(min(best + reach, 1)))


def _named(names: Sequence[str], which: NDArray[np.bool_]) -> list[str]:
    return [names[code] for code in np.flatnonzero(which).tolist()]


def _telling(values: NDArray[np.float32], is_kind: Codes | NDArray[np.bool_]) -> Codes:
    """Returns the rows of a kind whose number lies on its own side of the middle."""
    inside, outside = values[is_kind].mean(), values[~is_kind].mean()
    middle = (inside + outside) / 2
    own = values > middle if inside > outside else values < middle
    rows: Codes = np.flatnonzero(is_kind & own).astype(np.int32)
    return rows


def _finding(
    what: str,
    told: Sequence[str],
    name: str,
    target: str,
    auroc: Auroc,
    images: NDArray[np.int64],
    tried: int,
    kind_count: int,
) -> SetFinding:
    also = [one for one in told if one != name] if kind_count > 2 else []
    more = f"; also {first_of(also, _NAMED)}" if also else ""
    others = "classes" if target == "class" else "splits"
    text = (
        f"{what} tells {name} from the other {others}: AUROC {auroc}, where chance "
        f"is 0.50 ({tried:,} properties and {others} were tried){more}"
    )
    if target == "class":
        meaning = (
            f"A model can learn it in place of what {name} looks like, and then fails "
            "on images without it"
        )
        advice = (
            f"If it does not belong to {name}, even it out (re-encode, crop, convert) "
            "or collect images without it, and test on such"
        )
    else:
        meaning = f"{name} is not a fair sample of what the other splits hold"
        advice = "Even it out, or mix the sources and split again"
    return SetFinding(
        "shortcuts",
        f"shortcut {what} / {name}",
        text[0].upper() + text[1:],
        meaning,
        advice,
        images,
        {
            "property": what,
            "target": target,
            target: name,
            "also": also,
            "auroc": round(auroc.value, 4),
            "low": round(auroc.low, 4),
            "high": round(auroc.high, 4),
            "tried": tried,
        },
    )
