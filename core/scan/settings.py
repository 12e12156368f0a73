"""Every setting of a scan, with its default."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..copy_detection import CHANGES_OF_MEANING, MIN_COPY_SCORE
from ..errors import InputError
from ..findings.image_issues import (
    DEFAULT_MIN_INFORMATION,
    DEFAULT_MIN_SHARPNESS,
)
from ..reading.decode import DEFAULT_MAX_MEGAPIXELS
from ..videos.sampling import DEFAULT_EVERY, check_every
from ..videos.video_pairs import DEFAULT_MIN_SHARED

PRESETS = ("fastdup",)
"""Other tools whose rules a scan can follow."""


@dataclass(frozen=True, kw_only=True)
class ScanSettings:
    """The settings of a scan.

    Attributes:
        neighbors: number of similar images to compare each image with, for
            outliers and labels; None for as many as there are, up to 40
        max_megapixels: size above which images are reported, not decoded
        min_copy_similarity: least cosine similarity of copies, -1 to 1; None
            for no such condition
        min_copy_score: least score of the pair classifier for copies, 0 to 1
        every: seconds between the frames of videos that are looked at, 0.04 to 60
        min_shared: share of the frames of the shorter of two videos that the other
            shows, in order, from which on they are copies, 0 to 1
        ignored_changes: names of :data:`~core.copy_detection.CHANGES_OF_MEANING`;
            pairs that differ by one of them are neither copies nor leaks
        max_outlier_distance: distance to all similar images beyond which an image
            is an outlier, 0 to 2; None for a rule on this data set, see
            :func:`core.findings.outliers.outlier_threshold`
        min_label_score: score below which a label is an issue, 0 to 100; None for
            the largest one at which 80 % of the issues are expected to be wrong, see
            :mod:`core.findings.label_estimate` (5 for fewer than 1,000 labels)
        min_brightest: gray level that 1 % of the pixels must reach, 0 to 255; darker
            pictures are dark. None for a rule on this data set, see
            :func:`core.findings.image_issues.own_min_brightest`
        max_darkest: gray level that 1 % of the pixels must not exceed, 0 to 255;
            brighter pictures are bright. None for a rule on this data set, see
            :func:`core.findings.image_issues.own_max_darkest`
        min_sharpness: sharpness below which pictures are blurry
        min_information: bits of gray levels a pixel below which pictures have low
            information, 0 to 8
        calibrate: True to raise min_copy_score until at most 0.1 % of known
            non-duplicates among the images are accepted, see
            :mod:`core.scan.recall_estimate`
        preset: ``fastdup`` for duplicates, outliers and wrong labels by fastdup's
            rules, see :mod:`core.scan.fastdup_preset`
    """

    neighbors: int | None = None
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS
    min_copy_similarity: float | None = None
    min_copy_score: float = MIN_COPY_SCORE
    every: float = DEFAULT_EVERY
    min_shared: float = DEFAULT_MIN_SHARED
    ignored_changes: Sequence[str] = ()
    max_outlier_distance: float | None = None
    min_label_score: float | None = None
    min_brightest: float | None = None
    max_darkest: float | None = None
    min_sharpness: float = DEFAULT_MIN_SHARPNESS
    min_information: float = DEFAULT_MIN_INFORMATION
    calibrate: bool = False
    preset: str | None = None

    def __post_init__(self) -> None:
        check_number("min_copy_similarity", self.min_copy_similarity, -1, 1)
        check_number("min_copy_score", self.min_copy_score, 0, 1)
        check_every(self.every)
        check_number("min_shared", self.min_shared, 0.05, 1)
        if isinstance(self.ignored_changes, str):
            raise InputError(
                "ignored_changes must be a list of names, got "
                f"{self.ignored_changes!r}. Write [{self.ignored_changes!r}]."
            )
        for name in self.ignored_changes:
            if name not in CHANGES_OF_MEANING:
                raise InputError(
                    f"ignored_changes: there is no change {name!r}. Use some of "
                    f"{', '.join(CHANGES_OF_MEANING)}."
                )
        check_number("max_outlier_distance", self.max_outlier_distance, 0, 2)
        check_number("min_label_score", self.min_label_score, 0, 100)
        check_number("min_brightest", self.min_brightest, 0, 255)
        check_number("max_darkest", self.max_darkest, 0, 255)
        check_number("min_sharpness", self.min_sharpness, 0, 1e6)
        check_number("min_information", self.min_information, 0, 8)
        check_number("max_megapixels", self.max_megapixels, 0.001, 10_000)
        if self.neighbors is not None and (
            isinstance(self.neighbors, bool)
            or not isinstance(self.neighbors, int)
            or self.neighbors < 1
        ):
            raise InputError(
                "neighbors must be a whole number of at least 1, got "
                f"{self.neighbors!r}."
            )

        if not isinstance(self.calibrate, bool):
            raise InputError(
                f"calibrate must be True or False, got {self.calibrate!r}."
            )
        if self.preset is not None and self.preset not in PRESETS:
            raise InputError(
                f"There is no preset {self.preset!r}. Use {PRESETS[0]!r}, or leave it "
                "out for Winnow's own rules."
            )

    def check_against(self, images: int) -> None:
        """Raises :class:`InputError` if the data set is too small for them."""
        if self.neighbors is not None and self.neighbors >= images:
            raise InputError(
                f"neighbors={self.neighbors} asks for more similar images than the "
                f"{images - 1:,} others there are. Use {images - 1:,} or fewer, or "
                "leave it out."
            )


def check_number(name: str, value: float | None, low: float, high: float) -> None:
    """Raises :class:`InputError` unless a number, if given, lies in [low, high]."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number, got {value!r}.")
    if math.isnan(value) or not low <= value <= high:
        hint = ""
        if high == 1 and 1 < value <= 100:
            hint = f" (did you mean {value / 100:g}?)"
        raise InputError(f"{name} must be in [{low:g}, {high:g}], got {value:g}{hint}.")


DEFAULTS = ScanSettings()
THRESHOLDS = (
    "min_copy_score",
    "min_shared",
    "min_copy_similarity",
    "max_outlier_distance",
    "min_label_score",
    "min_brightest",
    "max_darkest",
    "min_sharpness",
    "min_information",
)
"""The settings that can be moved after a scan."""


MOVABLE = (*THRESHOLDS, "ignored_changes")
"""Those, and the setting on changes of meaning."""


def movable(settings: ScanSettings) -> dict[str, Any]:
    """Returns the settings that can be changed after a scan, by name."""
    values = {name: getattr(settings, name) for name in MOVABLE}
    return {
        **values,
        "ignored_changes": list(settings.ignored_changes),
        "calibrate": settings.calibrate,
    }


def moved(settings: ScanSettings, given: Mapping[str, Any]) -> ScanSettings:
    """Returns settings with other thresholds; those that are not given stay.

    A ``min_copy_score`` that is given ends ``calibrate``, which would raise it again.

    Args:
        settings: in force
        given: values by name, of :data:`MOVABLE`

    Raises:
        InputError: a name that is not among them, or a value out of range
    """
    if unknown := [name for name in given if name not in MOVABLE]:
        raise InputError(
            f"'{unknown[0]}' cannot be changed after a scan. Give some of "
            f"{', '.join(MOVABLE)}, or scan again."
        )
    ends = {"calibrate": False} if "min_copy_score" in given else {}
    return replace(settings, **{**given, **ends})
