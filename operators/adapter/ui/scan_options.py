"""What can be chosen of a scan, and of the thresholds on its findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ....core.errors import InputError
from ....core.models.registry import DEFAULT_MODEL
from ....core.objects.settings import (
    OBJECT_THRESHOLDS,
    ObjectSettings,
)
from ....core.scan.settings import (
    MOVABLE,
    ScanSettings,
)

Unchanged = Literal["unchanged"]
UNCHANGED: Unchanged = "unchanged"


@dataclass(frozen=True, kw_only=True)
class ScanOptions(ScanSettings, ObjectSettings):
    """What can be chosen.

    Attributes:
        label_field (None): a field of Classification, Classifications, texts, booleans
            or whole numbers; without it, wrong labels are not looked for
        split_by (None): a list of sample tags, or a string field, that names the
            splits; without it, leaks are not looked for
        predictions (None): a field of Classification with what a model of yours says
            of each image, with confidence or logits: more evidence for wrong labels.
            Predict each image with a model that did not learn it (cross-validation):
            one that did repeats wrong labels
        properties (()): fields, such as the hospital or the weather, that should not
            tell a class or split: those that do are shortcuts
        sequence_field (None): a field, such as the video, whose equal values are frames
            of one recording; without it, recordings are told by names and times
        objects (None): a field of Detections, Detection, Polylines or Polyline, whose
            objects are compared as well, each by what its box shows
        model ("efficientnet-lite0"): a built-in model, the path of an ONNX image
            model, or the name of a model of FiftyOne's zoo
        embeddings (None): a field of vectors to use in place of a model
        prefix (None): prefix of all field names, to keep several scans
    """

    label_field: str | None = None
    split_by: str | Sequence[str] | None = None
    predictions: str | None = None
    properties: Sequence[str] = ()
    sequence_field: str | None = None
    objects: str | None = None
    model: str = DEFAULT_MODEL
    embeddings: str | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        ScanSettings.__post_init__(self)
        ObjectSettings.__post_init__(self)
        if self.objects is not None and self.embeddings is not None:
            raise InputError(
                f"The vectors in '{self.embeddings}' are of whole images, and objects "
                "are compared by vectors of their own. Leave out embeddings, so that "
                "a model makes both; or leave out objects."
            )
        if self.predictions is not None and self.preset is not None:
            raise InputError(
                f"preset={self.preset!r} has no rules for predictions. Leave it out, "
                "or leave out predictions."
            )
        if self.objects is not None and self.preset is not None:
            raise InputError(
                f"preset={self.preset!r} has no rules for objects. Leave it out, or "
                "leave out objects."
            )

    @property
    def settings(self) -> ScanSettings:
        """The settings of the scan alone."""
        names = [field.name for field in fields(ScanSettings)]
        return ScanSettings(**{name: getattr(self, name) for name in names})

    @property
    def object_settings(self) -> ObjectSettings:
        """The settings of its objects."""
        names = [field.name for field in fields(ObjectSettings)]
        return ObjectSettings(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class ThresholdOptions:
    """What can be chosen; what is not named stays in force.

    Attributes:
        min_copy_score ("unchanged"): score above which two images are copies, 0 to
            1; the scan's default is 0.6. It replaces a calibrated one
        min_shared ("unchanged"): share of the frames of the shorter of two videos that
            the other shows from which on they are copies, 0.05 to 1; the scan's default
            is 0.3
        min_copy_similarity ("unchanged"): cosine similarity that copies need as
            well, -1 to 1; None for no such condition
        ignored_changes ("unchanged"): changes by which two images are not copies:
            ``mirrored``, ``rotated``, ``recolored``
        max_outlier_distance ("unchanged"): distance beyond which an image is an
            outlier, 0 to 2; None for a rule on this data set
        min_label_score ("unchanged"): score below which a label is an issue, 0 to
            100; None for 80 % of the issues expected to be wrong
        min_brightest ("unchanged"): gray level that 1 % of the pixels must reach, 0
            to 255, or the picture is dark; None for a rule on this data set
        max_darkest ("unchanged"): gray level that 1 % of the pixels must not exceed,
            0 to 255, or the picture is bright; None for a rule on this data set
        min_sharpness ("unchanged"): sharpness below which pictures are blurry; the
            scan's default is 3.7
        min_information ("unchanged"): bits of gray levels below which pictures have
            low information, 0 to 8; the scan's default is 0.5
        min_object_label_score ("unchanged"): the same of objects
        max_object_outlier_distance ("unchanged"): the same of objects, as
            ``max_outlier_distance`` of images
        min_box_overlap ("unchanged"): intersection over union from which two boxes
            of one picture are on one object, above 0 to 1; the scan's default is 0.85
        min_agreement ("unchanged"): intersection over union of a box with that of a
            copy of its picture below which it counts as shifted, 0.3 to 0.9; the
            scan's default is 0.8
        prefix (None): prefix of the scan's fields
    """

    min_copy_score: float | Unchanged = UNCHANGED
    min_shared: float | Unchanged = UNCHANGED
    min_copy_similarity: float | None | Unchanged = UNCHANGED
    ignored_changes: Sequence[str] | Unchanged = UNCHANGED
    max_outlier_distance: float | None | Unchanged = UNCHANGED
    min_label_score: float | None | Unchanged = UNCHANGED
    min_brightest: float | None | Unchanged = UNCHANGED
    max_darkest: float | None | Unchanged = UNCHANGED
    min_sharpness: float | Unchanged = UNCHANGED
    min_information: float | Unchanged = UNCHANGED
    min_object_label_score: float | None | Unchanged = UNCHANGED
    max_object_outlier_distance: float | None | Unchanged = UNCHANGED
    min_box_overlap: float | Unchanged = UNCHANGED
    min_agreement: float | Unchanged = UNCHANGED
    prefix: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The thresholds that are named."""
        names = (*MOVABLE, *OBJECT_THRESHOLDS)
        values = {name: getattr(self, name) for name in names}
        return {name: one for name, one in values.items() if one != UNCHANGED}
