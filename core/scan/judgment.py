"""What a tool's rules say of the samples: one record, whichever the tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.duplicates import Duplicates
from ..findings.label_issues import LabelFindings
from ..findings.outliers import OutlierDistances
from .settings import DEFAULTS, ScanSettings

NO_SAMPLE = -1
OWN_RULE = "this data set's own"
"""How a threshold was chosen that follows from the images of a scan."""


@dataclass(frozen=True, eq=False)
class Judgment:
    """What a tool's rules say of n samples.

    Attributes:
        duplicates: the clusters
        outliers: the distances of the samples, NaN where there is none
        outlier: bool[n]
        nearest: int64[n], the sample to compare an outlier with; -1 without
        labels: of the samples
        confidence: float32[n], that the suggested label is right, NaN without
        support: int64[n], a sample that speaks for the label; -1 without
        counterexample: int64[n], one that speaks for another; -1 without
        thresholds: in force, but for that on copies; None for none
        rules: how they were chosen
        expected: what is known of the thresholds on labels and outliers
    """

    duplicates: Duplicates
    outliers: OutlierDistances
    outlier: NDArray[np.bool_]
    nearest: NDArray[np.int64]
    labels: LabelFindings
    confidence: NDArray[np.float32]
    support: NDArray[np.int64]
    counterexample: NDArray[np.int64]
    thresholds: Mapping[str, Any]
    rules: Mapping[str, str]
    expected: Mapping[str, Any]


def rule_of(settings: ScanSettings, name: str, otherwise: str = "default") -> str:
    """Says whether a person gave a setting, or else how it was chosen."""
    same = getattr(settings, name) == getattr(DEFAULTS, name)
    return otherwise if same else "given"
