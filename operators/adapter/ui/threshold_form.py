"""The form that moves thresholds, and its inputs in the form of the scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.copy_detection import CHANGES_OF_MEANING
from ....core.errors import CurationError
from ....core.objects.settings import ObjectSettings
from ....core.scan.settings import ScanSettings
from ..runs.object_run import object_settings_of
from ..runs.reapply import settings_of
from ..runs.run_record import complete_run
from .inputs import ask_several, show_error


@dataclass(frozen=True)
class _Slider:
    """How a threshold is asked for.

    Attributes:
        label: a few words
        description: a sentence, with the direction
        low: smallest value
        high: largest value
    """

    label: str
    description: str
    low: float
    high: float


_THRESHOLDS = {
    "min_copy_score": _Slider(
        "Near duplicates: certainty",
        "How sure the comparison of two pictures must be that they are copies. "
        "Higher finds fewer.",
        0,
        1,
    ),
    "min_shared": _Slider(
        "Copies of videos: shared part",
        "Share of the shorter video's frames that the other must show. Higher finds "
        "fewer.",
        0.05,
        1,
    ),
    "min_copy_similarity": _Slider(
        "Near duplicates: similarity",
        "Cosine similarity that copies need at least. Higher finds fewer; empty to "
        "let the pictures alone decide.",
        -1,
        1,
    ),
    "max_outlier_distance": _Slider(
        "Outliers: distance",
        "Images farther than this from all similar images are outliers. Higher "
        "finds fewer; empty for a rule based on your images.",
        0,
        2,
    ),
    "min_label_score": _Slider(
        "Labels: score",
        "Labels that score less are issues. Higher finds more; empty to aim at 80 % "
        "wrong among them.",
        0,
        100,
    ),
    "min_brightest": _Slider(
        "Dark: brightest level",
        "Pictures whose brightest pixels (1 %) are darker than this are dark. Higher "
        "finds more; empty for a rule based on your images.",
        0,
        255,
    ),
    "max_darkest": _Slider(
        "Bright: darkest level",
        "Pictures whose darkest pixels (1 %) are brighter than this are bright. "
        "Higher finds fewer; empty for a rule based on your images.",
        0,
        255,
    ),
    "min_sharpness": _Slider(
        "Blurry: sharpness",
        "Pictures that are less sharp are blurry. Higher finds more.",
        0,
        1e6,
    ),
    "min_information": _Slider(
        "Low information: bits",
        "Pictures with fewer bits of gray levels a pixel have low information. Higher "
        "finds more.",
        0,
        8,
    ),
}


_OBJECT_THRESHOLDS = {
    "min_object_label_score": _Slider(
        "Labels of objects: score",
        "Labels of objects that score less are issues. Higher finds more; empty to aim "
        "at 80 % wrong among them.",
        0,
        100,
    ),
    "max_object_outlier_distance": _Slider(
        "Outliers among objects: distance",
        "Objects farther than this from all similar objects are outliers. Higher "
        "finds fewer; empty for a rule based on your objects.",
        0,
        2,
    ),
    "min_box_overlap": _Slider(
        "Second boxes: overlap",
        "Intersection over union from which two boxes are on one object. Higher "
        "finds fewer.",
        0.01,
        1,
    ),
    "min_agreement": _Slider(
        "Boxes of copies: overlap",
        "Intersection over union of a box with that of a copy of its picture below "
        "which it counts as shifted. Higher finds more.",
        0.3,
        0.9,
    ),
}


def thresholds_form(ctx: foo.ExecutionContext) -> types.Property:
    """Returns the form that moves thresholds."""
    inputs = types.Object()
    try:
        run = complete_run(ctx.dataset, ctx.params.get("prefix") or None)
    except CurationError as error:
        show_error(inputs, "run", error)
    else:
        in_force = settings_of(run)
        of_videos = "min_shared" in run.report["thresholds"]
        ask_thresholds(inputs, in_force, of_videos=of_videos)
        if run.objects is not None:
            ask_object_thresholds(inputs, object_settings_of(run))
        ask_ignored_changes(inputs, in_force)
        if check_settings(inputs, ctx.params):
            text = describe_thresholds(run.report["thresholds"])
            inputs.view("now", types.Notice(label=f"In force now: {text}"))
    ask_new_prefix(inputs)
    return types.Property(
        inputs,
        view=types.PromptView(
            label="Set thresholds of the last scan", submit_button_label="Apply"
        ),
    )


def describe_thresholds(thresholds: Mapping[str, float | None]) -> str:
    """Returns thresholds in words, without those that are left to a rule."""
    asked = _THRESHOLDS | _OBJECT_THRESHOLDS
    return ", ".join(
        f"{asked[name].label.lower()} {value:.3g}"
        for name, value in thresholds.items()
        if value is not None
    )


def ask_thresholds(
    inputs: types.Object, settings: ScanSettings, *, of_videos: bool
) -> None:
    """Asks for the thresholds on images, or on videos."""
    for name, ask in _THRESHOLDS.items():
        if name == ("min_copy_score" if of_videos else "min_shared"):
            continue
        default = getattr(settings, name)
        text = f"{ask.description} From {ask.low:g} to {ask.high:g}."
        if name == "min_copy_score" and settings.calibrate:
            # A number would end the calibration, though nobody has typed it
            default, text = None, f"{text} Empty keeps the calibrated one."
        inputs.float(name, default=default, label=ask.label, description=text)


def ask_object_thresholds(inputs: types.Object, settings: ObjectSettings) -> None:
    """Asks for the thresholds on objects."""
    for name, ask in _OBJECT_THRESHOLDS.items():
        inputs.float(
            name,
            default=getattr(settings, name),
            label=ask.label,
            description=f"{ask.description} From {ask.low:g} to {ask.high:g}.",
        )


def ask_ignored_changes(inputs: types.Object, settings: ScanSettings) -> None:
    """Asks for the changes by which two images are no copies."""
    ask_several(
        inputs,
        "ignored_changes",
        CHANGES_OF_MEANING,
        default=list(settings.ignored_changes),
        label="No copies where they are",
        description="Where a mirror image or another color is another thing",
    )


def ask_new_prefix(inputs: types.Object) -> None:
    """Asks for the prefix of the fields that a scan writes."""
    inputs.str(
        "prefix",
        label="Prefix of the field names",
        description="To keep several scans beside each other; usually empty",
    )


def check_settings(inputs: types.Object, params: Mapping[str, Any]) -> bool:
    """Says in the form what is wrong with its settings; True if nothing is."""
    try:
        ScanSettings(**_given(ScanSettings, params))
        ObjectSettings(**_given(ObjectSettings, params))
    except CurationError as error:
        show_error(inputs, "problem", error)
        return False
    return True


def _given(kind: type[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    names = [field.name for field in fields(kind)]
    return {name: params[name] for name in names if params.get(name) is not None}
