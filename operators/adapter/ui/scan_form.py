"""The form of the scan, and how its values become arguments.

A form holds more names than an operator has arguments (a choice, then its
detail). Callers from Python send the arguments themselves; both arrive in
``ctx.params``, and :func:`scan_params` reads either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.errors import CurationError
from ....core.models.registry import DEFAULT_MODEL, SPECS
from ....core.objects.settings import OBJECT_DEFAULTS
from ....core.reading.split_names import is_split_name
from ....core.scan.settings import (
    DEFAULTS,
    PRESETS,
    THRESHOLDS,
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
    kind_of,
    label_field_candidates,
    split_field_candidates,
)
from .inputs import NONE, ask_one, ask_several, one_of, show_error
from .scan_options import ScanOptions
from .surface import read_options
from .threshold_form import (
    ask_ignored_changes,
    ask_new_prefix,
    ask_object_thresholds,
    ask_thresholds,
    check_settings,
    describe_thresholds,
)

_BY_TAGS, _BY_FIELD = "tags", "field"
_OWN_MODEL, VECTORS = "(onnx)", "(field)"

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
            ask_object_thresholds(inputs, OBJECT_DEFAULTS)
        _ask_recordings(inputs, view)
        of_videos = is_of_videos(view)
        if of_videos:
            inputs.float(
                "every",
                default=DEFAULTS.every,
                label="Seconds between frames",
                description="How often a frame is looked at. Fewer take longer",
            )
        ask_thresholds(inputs, DEFAULTS, of_videos=of_videos)
        ask_ignored_changes(inputs, DEFAULTS)
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
        ask_new_prefix(inputs)


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
        description="More evidence for wrong labels. Predict each image with a "
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


def _check(
    inputs: types.Object, ctx: foo.ExecutionContext, view: fo.DatasetView
) -> None:
    """Says what is wrong, or what will happen."""
    if not check_settings(inputs, ctx.params):
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
    kind = kind_of(view)
    text = f"{len(view):,} {kind} will be scanned"
    moved = {
        name: getattr(options, name)
        for name in THRESHOLDS
        if getattr(options, name) != getattr(DEFAULTS, name)
    }
    if moved:
        text += f", with your thresholds: {describe_thresholds(moved)}"
    inputs.view("status", types.Notice(label=text))


def _split_by(params: Mapping[str, Any]) -> Any:
    if params.get("split_by") is not None:
        return params["split_by"]
    kind = params.get("splits")
    if kind == _BY_TAGS:
        return params.get("split_tags") or []
    if kind == _BY_FIELD:
        return params.get("split_field")
    return None
