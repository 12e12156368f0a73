"""Which pictures are damaged, dark, bright, blurry, empty or odd, by thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..findings.decisions import Decisions
from ..findings.image_issues import (
    ISSUES,
    LookThresholds,
    image_issues,
    own_max_darkest,
    own_min_brightest,
)
from ..findings.keepers import ImageRows
from .judgment import OWN_RULE, rule_of
from .scan_data import ScanData
from .settings import ScanSettings

_OWN_LOOKS = {"min_brightest": own_min_brightest, "max_darkest": own_max_darkest}
"""Thresholds that depend on the set, where none is given."""


def look_thresholds(
    scan_data: ScanData, settings: ScanSettings
) -> tuple[LookThresholds, dict[str, str]]:
    """Returns the thresholds on how pictures look, and how they were chosen.

    Args:
        scan_data: of the scan; some thresholds follow its pictures
        settings: only those on looks matter here
    """
    samples = scan_data.samples
    names = ("min_sharpness", "min_information")
    rules = {name: rule_of(settings, name) for name in names}
    files = samples.unique_file[samples.readable]
    limits = {name: getattr(settings, name) for name in names}
    for name, own in _OWN_LOOKS.items():
        rules[name] = rule_of(settings, name, OWN_RULE)
        limits[name] = getattr(settings, name)
        if limits[name] is None:
            limits[name] = own(scan_data.files.statistics[files])
    return LookThresholds(**limits), rules


def look_issues(
    scan_data: ScanData, rows: ImageRows, decided: Decisions, looks: LookThresholds
) -> NDArray[np.bool_]:
    """Returns bool[n, issues], by :data:`core.findings.image_issues.ISSUES`.

    Args:
        scan_data: of n samples
        rows: of the samples
        decided: what a person decided on them
        looks: thresholds
    """
    samples = scan_data.samples
    readable = samples.readable
    issues = np.zeros((len(samples), len(ISSUES)), bool)
    issues[readable] = image_issues(
        scan_data.files.statistics[samples.unique_file[readable]],
        rows.damaged[readable],
        looks,
    )
    issues[decided.keep] = False
    return issues
