"""Why a scan or a job cannot know of a finding; what it knows of a whole set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..findings.registry import FINDINGS
from ..findings.set_registry import SET_FINDINGS
from .policy import MEASURES

_AUROC, _SMALLEST = MEASURES
_NO_LABELS = "no labels were given"
_NO_OVERVIEW = "an older version of Winnow scanned the set"
_NEITHER = "neither labels nor splits were given"
_FEW_IN_SPLITS = "the splits have too few images of the same classes"
_OF_SPLITS = ("same scene leaks", "sequence leaks")
"""Parts of a finding, in a policy, that need splits where it does not."""


class Found(Protocol):
    """What was found, as :class:`core.findings.schema.Findings` has it."""

    @property
    def counts(self) -> Mapping[str, int]: ...

    @property
    def thresholds(self) -> Mapping[str, Any]: ...

    @property
    def rules(self) -> Mapping[str, str]: ...

    @property
    def overview(self) -> Mapping[str, Any]: ...


def findings_not_looked_for(found: Found, missing: Mapping[str, str]) -> dict[str, str]:
    """Says why findings of images and of the set cannot be known.

    Args:
        found: what was found
        missing: why there are no ``labels`` or no ``splits``

    Returns:
        by the names in a policy
    """
    why = {
        finding.words: missing[finding.needs]
        for finding in FINDINGS.values()
        if finding.has_line and finding.needs is not None and finding.needs in missing
    }
    if "splits" in missing:
        why |= dict.fromkeys(_OF_SPLITS, missing["splits"])
    if found.thresholds["max_outlier_distance"] is None:
        why["outliers"] = found.rules["max_outlier_distance"]
    return why | _set_not_looked_for(found.overview, found.counts, missing)


def set_measures(
    overview: Mapping[str, Any], counts: Mapping[str, int]
) -> dict[str, float]:
    """Returns the numbers of a set that are known, by their names in a policy.

    Args:
        overview: see :class:`core.findings.schema.Findings`
        counts: likewise
    """
    found: dict[str, float] = {}
    if shifts := overview.get("appearance_shift"):
        found[_AUROC] = max(shift["auroc"] for shift in shifts)
    if counts["labeled"] and overview:
        found[_SMALLEST] = min(map(sum, overview["effective"]))
    return found


def _set_not_looked_for(
    overview: Mapping[str, Any], counts: Mapping[str, int], missing: Mapping[str, str]
) -> dict[str, str]:
    """Says why findings and numbers of a set cannot be known, by their names.

    Args:
        overview, counts: see :func:`set_measures`
        missing: why there are no ``labels`` or no ``splits``
    """
    if not overview:
        names = [finding.words for finding in SET_FINDINGS.values()]
        return dict.fromkeys([*names, *MEASURES], _NO_OVERVIEW)
    why = {
        finding.words: missing[finding.needs]
        for finding in SET_FINDINGS.values()
        if finding.needs is not None and finding.needs in missing
    }
    if missing:
        # It needs both
        why["label shift"] = next(iter(missing.values()))
    if {"labels", "splits"} <= missing.keys():
        # It needs either
        why["shortcuts"] = _NEITHER
    known = set_measures(overview, counts)
    if _AUROC not in known:
        why[_AUROC] = missing.get("splits", _FEW_IN_SPLITS)
    if _SMALLEST not in known:
        why[_SMALLEST] = missing.get("labels", _NO_LABELS)
    return why
