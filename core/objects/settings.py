"""The settings of a scan of objects that a scan of pictures does not have."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..scan.settings import ScanSettings, check_number
from .agreement import MIN_AGREEMENT, MIN_PARTNER, SURELY_AGREES
from .boxes import MIN_BOX_OVERLAP
from .units import MIN_OBJECT_SIDE


@dataclass(frozen=True, kw_only=True)
class ObjectSettings:
    """What is asked of objects.

    Attributes:
        object_margin: what is shown beside an object, on each side, as a share of its
            box, 0 to 1. Tight crops find more wrong labels and more copies (measured:
            37 of 38 objects pasted into two pictures without a margin, none with 0.2)
        min_object_side: side in pixels below which an object is ``tiny``, and not
            compared
        min_object_label_score: score below which an object's label is an issue, 0 to
            100; None for the rule of ``min_label_score``, on these objects
        max_object_outlier_distance: distance to all similar objects beyond which an
            object is an outlier, 0 to 2; None for a rule on these objects
        min_box_overlap: intersection over union from which two boxes of one picture
            are on one object, above 0 to 1
        min_agreement: intersection over union of a box with that of a copy of its
            picture below which it counts as shifted, 0.3 to 0.9
    """

    object_margin: float = 0.0
    min_object_side: int = MIN_OBJECT_SIDE
    min_object_label_score: float | None = None
    max_object_outlier_distance: float | None = None
    min_box_overlap: float = MIN_BOX_OVERLAP
    min_agreement: float = MIN_AGREEMENT

    def __post_init__(self) -> None:
        check_number("object_margin", self.object_margin, 0, 1)
        check_number("min_object_side", self.min_object_side, 1, 10_000)
        check_number("min_object_label_score", self.min_object_label_score, 0, 100)
        check_number(
            "max_object_outlier_distance", self.max_object_outlier_distance, 0, 2
        )
        check_number("min_box_overlap", self.min_box_overlap, 0.01, 1)
        check_number("min_agreement", self.min_agreement, MIN_PARTNER, SURELY_AGREES)

    def of_crops(self, settings: ScanSettings) -> ScanSettings:
        """Returns the settings of a scan of pictures, as they hold for crops."""
        return replace(
            settings,
            min_label_score=self.min_object_label_score,
            max_outlier_distance=self.max_object_outlier_distance,
            calibrate=False,
            preset=None,
        )


OBJECT_DEFAULTS = ObjectSettings()
OBJECT_THRESHOLDS = (
    "min_object_label_score",
    "max_object_outlier_distance",
    "min_box_overlap",
    "min_agreement",
)
"""The settings that can be moved after a scan."""
