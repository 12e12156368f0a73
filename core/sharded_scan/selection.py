"""Which images of a job a person looks at: those of a finding, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.finding import Finding
from ..findings.schema import QUARANTINED, UNREADABLE, is_unsure
from ..findings.set_registry import SET_FINDINGS

Columns = Mapping[str, Sequence[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_CONDITIONS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "duplicates": ("dup_cluster", lambda cluster: cluster is not None),
    "image_issues": ("image_issues", bool),
    "scenes": ("scene_group", lambda group: group is not None),
    "sequences": ("winnow_sequence", lambda sequence: sequence is not None),
    "bursts": ("burst_keep", lambda kept: kept is False),
    "unreadable": ("scan_status", lambda status: status in UNREADABLE),
    "not_read": (
        "scan_status",
        lambda status: status not in ("ok", QUARANTINED, *UNREADABLE),
    ),
}
"""The findings that are more than a boolean field: field and condition; as
``operators/adapter/views/finding_views.py`` has them for the database."""


def fields_of(finding: Finding) -> tuple[str, ...]:
    """Returns the fields that :func:`has_finding` and :func:`badness` look at."""
    wanted = {finding.sort_by, finding.then_by, finding.flag}
    if finding.name in SET_FINDINGS:
        wanted.add("set_findings")
    if finding.name in _CONDITIONS:
        wanted.add(_CONDITIONS[finding.name][0])
    if finding.name == "redundant_copies":
        wanted |= {"dup_keeper", "dup_relation"}
    return tuple(sorted(wanted - {""}))


def has_finding(finding: Finding, columns: Columns, keys: Sequence[str] = ()) -> Bools:
    """Returns bool[n], which images have a finding.

    Args:
        finding: of images, or of the set
        columns: n values a field
        keys: of a finding of the set, those that are asked for
    """
    if finding.name in SET_FINDINGS:
        wanted = set(keys)
        flags: Sequence[Any] = [
            bool(wanted.intersection(one or ())) for one in columns["set_findings"]
        ]
    elif finding.flag:
        flags = [value is True for value in columns[finding.flag]]
    elif finding.name == "redundant_copies":
        flags = [
            keeper is False and not is_unsure(relation)
            for keeper, relation in zip(
                columns["dup_keeper"], columns["dup_relation"], strict=True
            )
        ]
    else:
        field, holds = _CONDITIONS[finding.name]
        flags = [holds(value) for value in columns[field]]
    return np.array(flags, bool)


def badness(finding: Finding, columns: Columns) -> NDArray[np.float64]:
    """Returns float64[n], smaller for what is shown first; 0 without an order."""
    sign = -1 if finding.descending else 1
    values = columns[finding.sort_by]
    if not finding.then_by:
        return sign * np.fromiter(map(_number, values), np.float64, len(values))
    # Texts, such as the names of recordings, and the order within each
    names = np.array([value if value is not None else "" for value in values])
    within = np.array([_number(value) for value in columns[finding.then_by]])
    place = np.empty(len(names))
    place[np.lexsort((within, names))] = np.arange(len(names))
    return place


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0


def chosen(
    found: Bools, worst_first: NDArray[np.float64], group: Ints, most: int
) -> Ints:
    """Chooses images, whole groups, the worst first.

    Args:
        found: bool[n], which have the finding
        worst_first: float64[n]
        group: int64[n], see :func:`core.scan.part_of_scan.groups_of`
        most: images to choose at most

    Returns:
        int64[c], rows: group after group in the order of the worst of each
    """
    rows = np.flatnonzero(found)
    rows = rows[np.argsort(worst_first[rows], kind="stable")]
    names, first = np.unique(group[rows], return_index=True)
    place = np.full(int(group.max(initial=-1)) + 1, -1)
    place[names] = np.argsort(np.argsort(first))
    place = place[group]
    members = np.flatnonzero(place >= 0)
    members = members[np.lexsort((worst_first[members], place[members]))]
    sizes = np.bincount(place[members], minlength=1)
    fits = int(np.searchsorted(np.cumsum(sizes), most, side="right"))
    return members[place[members] < fits]
