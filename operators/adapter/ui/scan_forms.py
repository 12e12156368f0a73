"""The forms of the App, and how their values become arguments.

A form holds more names than an operator has arguments (a choice, then its
detail). Callers from Python send the arguments themselves; both arrive in
``ctx.params``, and :func:`scan_params` reads either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.copy_detection import CHANGES_OF_MEANING
from ....core.errors import CurationError, InputError
from ....core.models.registry import DEFAULT_MODEL, SPECS
from ....core.objects.settings import (
    OBJECT_DEFAULTS,
    OBJECT_THRESHOLDS,
    ObjectSettings,
)
from ....core.reading.split_names import is_split_name
from ....core.scan.settings import (
    DEFAULTS,
    MOVABLE,
    PRESETS,
    THRESHOLDS,
    ScanSettings,
)
from ..dataset.fields import check_fields, fields_of_scan
from ..dataset.internals import dataset_of
from ..dataset.models import vector_field_candidates
from ..dataset.object_fields import check_attributes
from ..dataset.objects import object_field_candidates
from ..dataset.predictions import prediction_field_candidates
from ..dataset.properties import property_candidates
from ..dataset.samples import (
    flat_view,
    group_field_candidates,
    is_of_videos,
    label_field_candidates,
    split_field_candidates,
)
from ..runs.object_run import object_settings_of
from ..runs.reapply import settings_of
from ..runs.run_record import complete_run
from .inputs import NONE, ask_one, ask_several, one_of, show_error
from .surface import read_options

_BY_TAGS, _BY_FIELD = "tags", "field"
_OWN_MODEL, VECTORS = "(onnx)", "(field)"


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


SCAN_FORM_NAMES = frozenset(
    [
        "samples",
        "splits",
        "split_tags",
        "split_field",
        "model_path",
        "more",
        "status",
        "problem",
    ]
)
"""Names of the scan's form that are shown only, or become options."""

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
            of each image, with confidence or logits: one more witness for wrong labels.
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


def scan_form(ctx: foo.ExecutionContext) -> types.Property:
    """Returns the form of the scan."""
    inputs = types.Object()
    inputs.view_target(ctx, action_description="Scan")
    try:
        view = flat_view(ctx.target_view())
    except CurationError as error:
        show_error(inputs, "samples", error)
    else:
        _ask_labels(inputs, ctx, view)
        _ask_objects(inputs, ctx, view)
        _ask_splits(inputs, ctx, view)
        _ask_model(inputs, ctx, view)
        _ask_more(inputs, ctx, view)
        _check(inputs, ctx, view)
    return types.Property(
        inputs,
        view=types.PromptView(label="Scan for problems", submit_button_label="Scan"),
    )


def scan_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``params`` of a scan with the form's names turned into options."""
    options = dict(params) | {
        "label_field": one_of(params.get("label_field")),
        "split_by": _split_by(params),
        "embeddings": one_of(params.get("embeddings")),
        "objects": one_of(params.get("objects")),
        "predictions": one_of(params.get("predictions")),
        "sequence_field": one_of(params.get("sequence_field")),
    }
    if params.get("model") == _OWN_MODEL:
        options["model"] = (params.get("model_path") or "").strip() or ".onnx"
        options["embeddings"] = None
    elif params.get("model") == VECTORS:
        options["model"] = DEFAULT_MODEL
    return options


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
        _ask_thresholds(inputs, in_force, of_videos=of_videos)
        if run.objects is not None:
            _ask_object_thresholds(inputs, object_settings_of(run))
        _ask_ignored_changes(inputs, in_force)
        if _check_settings(inputs, ctx.params):
            text = _describe_thresholds(run.report["thresholds"])
            inputs.view("now", types.Notice(label=f"In force now: {text}"))
    _ask_prefix(inputs)
    return types.Property(
        inputs,
        view=types.PromptView(
            label="Set thresholds of the last scan", submit_button_label="Apply"
        ),
    )


def _describe_thresholds(thresholds: Mapping[str, float | None]) -> str:
    asked = _THRESHOLDS | _OBJECT_THRESHOLDS
    return ", ".join(
        f"{asked[name].label.lower()} {value:.3g}"
        for name, value in thresholds.items()
        if value is not None
    )


def _ask_labels(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    names = label_field_candidates(view)
    likely = [name for name in ("ground_truth", "label", "labels") if name in names]
    ask_one(
        inputs,
        "label_field",
        {name: name for name in names},
        none="No labels",
        default=likely[0] if likely else None,
        label="Labels",
        description="The field that holds each image's label, to find wrong ones",
    )


def _ask_splits(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    if "split_by" in ctx.params:
        # Named from Python: there is nothing left to ask
        return
    tags = view.distinct("tags")
    likely = [tag for tag in tags if is_split_name(tag)]
    names = split_field_candidates(view)
    default = _BY_TAGS if len(likely) > 1 else NONE
    choices = types.RadioGroup(orientation="horizontal")
    choices.add_choice(NONE, label="No splits")
    if len(tags) > 1:
        choices.add_choice(_BY_TAGS, label="Sample tags")
    if names:
        choices.add_choice(_BY_FIELD, label="A field")
    inputs.enum(
        "splits",
        choices.values(),
        default=default,
        label="Splits",
        description="Tags or field with the splits, to find leaks between them",
        view=choices,
    )
    kind = ctx.params.get("splits", default)
    if kind == _BY_TAGS:
        ask_several(
            inputs,
            "split_tags",
            tags,
            default=likely,
            required=True,
            label="Tags that name splits",
        )
    elif kind == _BY_FIELD:
        inputs.enum(
            "split_field", names, required=True, label="Field that names the split"
        )


def _ask_model(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    choices = types.Dropdown()
    for spec in SPECS.values():
        choices.add_choice(spec.name, label=spec.name, description=spec.description)
    choices.add_choice(
        _OWN_MODEL, label="My own model", description="An ONNX file on this machine"
    )
    vector_fields = vector_field_candidates(view)
    if vector_fields:
        choices.add_choice(
            VECTORS, label="Embeddings I have", description="Vectors in a field"
        )
    known = choices.values()
    given = ctx.params.get("model", DEFAULT_MODEL)
    if given not in known:
        # Named from Python: a path or a zoo model
        choices.add_choice(given, label=given)
        known = choices.values()
    inputs.enum("model", known, default=DEFAULT_MODEL, label="Model", view=choices)
    if given == _OWN_MODEL:
        inputs.str(
            "model_path",
            required=True,
            label="Path of the ONNX file",
            description="One RGB image in, one vector out",
        )
    elif given == VECTORS:
        inputs.enum(
            "embeddings", vector_fields, required=True, label="Field of embeddings"
        )


def _ask_more(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    inputs.bool(
        "more",
        default=False,
        label="Show thresholds and more",
        view=types.SwitchView(),
    )
    if ctx.params.get("more"):
        _ask_predictions(inputs, ctx, view)
        ask_several(
            inputs,
            "properties",
            property_candidates(view),
            label="Properties that should tell no class",
            description="Fields, such as the place or the weather: those that tell a "
            "class or a split are shortcuts",
        )
        if one_of(ctx.params.get("objects")):
            _ask_object_thresholds(inputs, OBJECT_DEFAULTS)
        _ask_recordings(inputs, view)
        of_videos = is_of_videos(view)
        if of_videos:
            inputs.float(
                "every",
                default=DEFAULTS.every,
                label="Seconds between frames",
                description="How often a frame is looked at. Fewer take longer",
            )
        _ask_thresholds(inputs, DEFAULTS, of_videos=of_videos)
        _ask_ignored_changes(inputs, DEFAULTS)
        inputs.int(
            "neighbors",
            label="Similar images to compare with",
            description="Empty for as many as there are, up to 40",
        )
        inputs.float(
            "max_megapixels",
            default=DEFAULTS.max_megapixels,
            label="Largest picture, in megapixels",
            description="Larger ones are reported, not decoded",
        )
        inputs.enum(
            "preset",
            list(PRESETS),
            label="By the rules of another tool",
            description="Duplicates, outliers and labels as in fastdup; usually empty",
        )
        _ask_prefix(inputs)


def _ask_predictions(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    labels = one_of(ctx.params.get("label_field"))
    names = [name for name in prediction_field_candidates(view) if name != labels]
    if labels is None or not names:
        return
    ask_one(
        inputs,
        "predictions",
        {name: name for name in names},
        none="None",
        label="Predictions of your model",
        description="One more witness for wrong labels. Predict each image with a "
        "model that did not learn it: one that did repeats wrong labels",
    )


def _ask_objects(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    names = object_field_candidates(view)
    if not names:
        return
    usual = ("ground_truth", "detections", "objects")
    likely = [name for name in usual if name in names]
    of_images = ctx.params.get("model") == VECTORS
    ask_one(
        inputs,
        "objects",
        {name: name for name in names},
        none="Whole images only",
        default=likely[0] if likely and not of_images else None,
        label="Objects",
        description="The field of boxes, to find wrong labels, outliers and bad boxes",
    )


def _ask_recordings(inputs: types.Object, view: fo.DatasetView) -> None:
    names = group_field_candidates(view, with_own=False)
    if not names:
        return
    ask_one(
        inputs,
        "sequence_field",
        {name: name for name in names},
        none="By names and times",
        label="Recordings",
        description="The field that names the recording of each frame, if there is one",
    )


def _ask_object_thresholds(inputs: types.Object, settings: ObjectSettings) -> None:
    for name, ask in _OBJECT_THRESHOLDS.items():
        inputs.float(
            name,
            default=getattr(settings, name),
            label=ask.label,
            description=f"{ask.description} From {ask.low:g} to {ask.high:g}.",
        )


def _ask_thresholds(
    inputs: types.Object, settings: ScanSettings, *, of_videos: bool
) -> None:
    for name, ask in _THRESHOLDS.items():
        if name == ("min_copy_score" if of_videos else "min_shared"):
            continue
        default = getattr(settings, name)
        text = f"{ask.description} From {ask.low:g} to {ask.high:g}."
        if name == "min_copy_score" and settings.calibrate:
            # A number would end the calibration, though nobody has typed it
            default, text = None, f"{text} Empty keeps the calibrated one."
        inputs.float(name, default=default, label=ask.label, description=text)


def _ask_ignored_changes(inputs: types.Object, settings: ScanSettings) -> None:
    ask_several(
        inputs,
        "ignored_changes",
        CHANGES_OF_MEANING,
        default=list(settings.ignored_changes),
        label="No copies where they are",
        description="Where a mirror image or another color is another thing",
    )


def _ask_prefix(inputs: types.Object) -> None:
    inputs.str(
        "prefix",
        label="Prefix of the field names",
        description="To keep several scans beside each other; usually empty",
    )


def _check(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    """Says what is wrong, or what will happen."""
    if not _check_settings(inputs, ctx.params):
        return
    try:
        options = read_options(ScanOptions, scan_params(ctx.params))
        specs = fields_of_scan(
            of_objects=bool(options.objects), of_videos=is_of_videos(view)
        )
        check_fields(dataset_of(view), options.prefix, specs)
        if options.objects:
            check_attributes(dataset_of(view), options.objects, options.prefix)
        options.settings.check_against(len(view))
    except CurationError as error:
        show_error(inputs, "problem", error)
        return
    kind = "videos" if is_of_videos(view) else "images"
    text = f"{len(view):,} {kind} will be scanned"
    moved = {
        name: getattr(options, name)
        for name in THRESHOLDS
        if getattr(options, name) != getattr(DEFAULTS, name)
    }
    if moved:
        text += f", with your thresholds: {_describe_thresholds(moved)}"
    inputs.view("status", types.Notice(label=text))


def _check_settings(inputs: types.Object, params: Mapping[str, Any]) -> bool:
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


def _split_by(params: Mapping[str, Any]) -> Any:
    if params.get("split_by") is not None:
        return params["split_by"]
    kind = params.get("splits")
    if kind == _BY_TAGS:
        return params.get("split_tags") or []
    if kind == _BY_FIELD:
        return params.get("split_field")
    return None
