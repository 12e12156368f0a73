"""Exports the clean data set: without what is flagged or tagged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.folders import why_no_folders
from ..core.quality import ISSUES, SURE_ISSUES
from ._fo.choices import (
    ask_folder,
    ask_prefix,
    ask_several,
    counts_now,
    folder_of,
    new_folder,
    prefix_of,
    refuse,
)
from ._fo.found import FINDINGS, Clean, clean_samples, in_split
from ._fo.runs import complete_run

_WITHOUT = (
    "extra_copies",
    "leak_drops",
    "outliers",
    "label_issues",
    "image_issues",
    "unreadable",
)
"""What a clean data set is without: of a leak, the side that should go."""

_FORMATS = {
    "folders": ("Folders by class", fo.types.ImageClassificationDirectoryTree),
    "images": ("Images in a folder", fo.types.ImageDirectory),
    "fiftyone": ("FiftyOne data set", fo.types.FiftyOneDataset),
}
_WITH_SPLITS = ("folders", "images")


class Export(foo.Operator):
    """``@winnow/curate/export``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="export",
            label="Winnow: export the clean data set",
            description="Copy all images without what is flagged or tagged to a folder",
            icon="drive_folder_upload",
            dynamic=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        export_dir: str,
        *,
        format: str = "folders",
        without: Sequence[str] = _WITHOUT,
        issues: Sequence[str] = SURE_ISSUES,
        without_tags: Sequence[str] = (),
        prefix: str | None = None,
    ) -> fo.DatasetView:
        """Copies the clean images to a new folder, by FiftyOne's own exporters.

        For any other format of FiftyOne, or to change the view first, call
        ``export`` on what this returns, or on a view of your own.

        Of a group of copies one is exported: if the copy to keep is left out, for
        what it looks like or for its label, another one that nothing is said of.

        Args:
            samples: a data set that was scanned, or a view of it
            export_dir: a folder that does not exist or is empty
            format: ``folders`` (by split and class), ``images`` (by split) or
                ``fiftyone`` (with all fields)
            without: findings to leave out, see :class:`Show`
            issues: for which ``image_issues`` are left out; images that only differ
                from their set, in size, shape or colour, stay unless named here
            without_tags: samples with any of these tags are left out
            prefix (None): of the scan's fields

        Returns:
            the view that was exported

        Raises:
            InputError: a choice that cannot work; nothing was written
            StaleRunError: no finished scan
        """
        folder = new_folder(export_dir)
        if format not in _FORMATS:
            raise InputError(
                f"There is no format '{format}'. Use one of {', '.join(_FORMATS)}."
            )
        if unknown := [issue for issue in issues if issue not in ISSUES]:
            raise InputError(
                f"There is no issue '{unknown[0]}'. Use some of {', '.join(ISSUES)}."
            )
        view = clean_samples(
            samples,
            without=without,
            issues=issues,
            without_tags=without_tags,
            prefix=prefix,
        ).view
        if not view.count():
            raise InputError(
                "Nothing is left to export: every image is flagged or tagged. Leave "
                "fewer findings out."
            )
        run = complete_run(samples._dataset, prefix)
        options: dict[str, Any] = {"dataset_type": _FORMATS[format][1]}
        if format == "folders":
            options["label_field"] = _classes(samples, run)
        splits = _splits(view, run) if format in _WITH_SPLITS else {}
        _check_names(view, list(splits), options.get("label_field"))
        for split, part in (splits or {"": view}).items():
            part.export(export_dir=str(folder / split), **options)
        return view

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx,
            action_description="Export",
            default_target=foo.ViewTarget.DATASET,
        )
        try:
            _ask(inputs, ctx)
        except CurationError as error:
            refuse(inputs, "run", error)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Export the clean data set", submit_button_label="Export"
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        view = self(
            ctx.target_view(),
            folder_of(ctx.params),
            format=ctx.params.get("format", "folders"),
            **_choices(ctx),
        )
        count = view.count()
        text = f"{count:,} images exported to {folder_of(ctx.params)}"
        text += _copies_text(clean_samples(ctx.target_view(), **_choices(ctx)))
        if not ctx.delegated:
            ctx.ops.notify(text, variant="success")
        return {"images": count, "text": text}


def _ask(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    counts, prefix = counts_now(ctx), prefix_of(ctx.params)
    run = complete_run(ctx.dataset, prefix)
    ask_several(
        inputs,
        "without",
        {what: f"{one.label} ({counts[what]:,})" for what, one in FINDINGS.items()},
        default=list(_WITHOUT),
        label="Leave out",
        description="Extra copies are all copies but the one to keep",
    )
    if "image_issues" in _choices(ctx)["without"]:
        ask_several(
            inputs,
            "issues",
            {issue: issue.replace("_", " ") for issue in ISSUES},
            default=list(SURE_ISSUES),
            label="Bad images to leave out",
            description="The others only differ from their set; they stay",
        )
    tags = ctx.dataset.distinct("tags")
    ask_several(inputs, "without_tags", tags, label="Leave out images tagged")
    formats = types.RadioGroup()
    for name, (label, _) in _FORMATS.items():
        if name != "folders" or _is_classification(ctx.dataset, run):
            formats.add_choice(name, label=label)
    inputs.enum(
        "format",
        formats.values(),
        default=formats.values()[0],
        label="As",
        view=formats,
    )
    ask_folder(inputs, "folder", "Into the new or empty folder")
    if folder_of(ctx.params):
        try:
            new_folder(folder_of(ctx.params))
        except CurationError as error:
            refuse(inputs, "problem", error)
            return
    clean = clean_samples(ctx.target_view(), **_choices(ctx))
    left, count = clean.view.count(), ctx.target_view().count()
    text = f"{left:,} of {count:,} images will be copied{_copies_text(clean)}"
    inputs.view("status", types.Notice(label=text))
    ask_prefix(inputs, ctx)


def _choices(ctx: foo.ExecutionContext) -> dict[str, Any]:
    """Returns what a form or a caller leaves out."""
    return {
        "without": ctx.params.get("without", _WITHOUT),
        "issues": ctx.params.get("issues", SURE_ISSUES),
        "without_tags": ctx.params.get("without_tags") or (),
        "prefix": prefix_of(ctx.params),
    }


def _copies_text(clean: Clean) -> str:
    """Returns what became of groups whose copy to keep is left out."""
    text = ""
    if clean.stand_ins:
        text += (
            f". Of {_groups(clean.stand_ins)} another than the copy to keep is taken, "
            "because that one is left out"
        )
    if clean.lost:
        text += (
            f". Of {_groups(clean.lost)} nothing is copied, because something is wrong "
            "with each of them"
        )
    return text


def _groups(count: int) -> str:
    return f"{count:,} group{'' if count == 1 else 's'} of copies"


def _classes(samples: fo.core.collections.SampleCollection, run: Any) -> str:
    if not _is_classification(samples, run):
        raise InputError(
            "The last scan looked at no Classification field, so there are no classes "
            "to make folders of. Use format='images' or 'fiftyone'."
        )
    name: str = run.settings["label_field"]
    return name


def _check_names(
    view: fo.DatasetView, splits: list[str], label_field: str | None
) -> None:
    """Refuses classes and splits that cannot be folders."""
    classes = view.distinct(f"{label_field}.label") if label_field else []
    for what, names in (("classes", classes), ("splits", splits)):
        if why := why_no_folders(names):
            raise InputError(
                f"The {what} cannot be exported as folders: {why}. Rename what is "
                "named so, or use format='fiftyone', which keeps names in a file."
            )


def _is_classification(samples: fo.core.collections.SampleCollection, run: Any) -> bool:
    name = run.settings["label_field"]
    field = samples.get_field(name) if name else None
    return isinstance(field, fof.EmbeddedDocumentField)


def _splits(view: fo.DatasetView, run: Any) -> dict[str, fo.DatasetView]:
    """Returns the part of each split, and of what is in none, by folder."""
    split_by = run.settings["split_by"]
    if split_by is None:
        return {}
    names = view.distinct(split_by) if isinstance(split_by, str) else split_by
    parts = {name: view.match(in_split(run, name)) for name in names}
    rest = view
    for name in names:
        rest = rest.match(~in_split(run, name))
    parts["no split"] = rest
    return {name: part for name, part in parts.items() if part.count()}
