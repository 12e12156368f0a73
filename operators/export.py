"""Exports the clean data set: without what is flagged or tagged."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.findings.image_issues import ISSUES, SURE_ISSUES
from ..core.findings.registry import FINDINGS
from .adapter.curation.export import FORMATS, Exported, export_view
from .adapter.dataset.internals import dataset_of
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import (
    ask_folder,
    ask_prefix,
    ask_several,
    counts_now,
    folder_of,
    new_folder,
    prefix_of,
    show_error,
)
from .adapter.views.finding_views import Clean, clean_samples

_WITHOUT = (
    "redundant_copies",
    "leaks_to_remove",
    "outliers",
    "label_issues",
    "image_issues",
    "unreadable",
)
"""What a clean data set is without: of a leak, the side that should go."""


class Export(foo.Operator):
    """``@winnow/curate/export``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="export",
            label="Winnow: export the clean data set",
            description="Copy all images without findings or tags to a folder",
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
        """Copies the clean images to a new folder.

        For any other format of FiftyOne, or to change the view first, call
        ``export`` on the view that this returns, or on a view of your own. Warnings
        say what differs in the folder (classes whose names no folder can have, files
        that are missing).

        One image per duplicate cluster is exported: if the cluster's keeper is
        excluded, its best remaining copy without a finding is exported.

        Args:
            samples: a scanned data set, or a view of it
            export_dir: the folder to write to, new or empty
            format ("folders"): ``folders`` (by split and class; images without a label
                directly in their split's folder), ``images`` (by split) or
                ``fiftyone`` (with all fields)
            without: findings to exclude, as for ``show``; by default redundant
                copies, leaks to remove, outliers, label issues, image issues and
                unreadable files
            issues: the ``image_issues`` to exclude; images that only differ from
                their set, in size, shape or color, stay unless named here
            without_tags: tags of samples to exclude
            prefix (None): prefix of the scan's fields

        Returns:
            the view that was exported

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        choices = {
            "without": without,
            "issues": issues,
            "without_tags": without_tags,
            "prefix": prefix,
        }
        exported = _export(samples, export_dir, format, choices)
        for remark in exported.remarks:
            warnings.warn(remark, stacklevel=2)
        return exported.view

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
            show_error(inputs, "run", error)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Export the clean data set", submit_button_label="Export"
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        folder, choices = folder_of(ctx.params), _choices(ctx)
        format = ctx.params.get("format", "folders")
        exported = _export(ctx.target_view(), folder, format, choices)
        count = exported.view.count()
        text = f"{count:,} images exported to {folder}"
        text += _copies_text(clean_samples(ctx.target_view(), **choices))
        text = ". ".join([text, *exported.remarks])
        if not ctx.delegated:
            ctx.ops.notify(text, variant="success")
        return {"images": count, "text": text}


def _export(
    samples: fo.core.collections.SampleCollection,
    export_dir: str,
    format: str,
    choices: Mapping[str, Any],
) -> Exported:
    """Copies what is clean; see :meth:`Export.__call__`."""
    folder = new_folder(export_dir)
    if format not in FORMATS:
        raise InputError(
            f"There is no format '{format}'. Use one of {', '.join(FORMATS)}."
        )
    if unknown := [issue for issue in choices["issues"] if issue not in ISSUES]:
        raise InputError(
            f"There is no issue '{unknown[0]}'. Use some of {', '.join(ISSUES)}."
        )
    view = clean_samples(samples, **choices).view
    run = complete_run(dataset_of(samples), choices["prefix"])
    return export_view(view, folder, format, run)


def _ask(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    counts, prefix = counts_now(ctx), prefix_of(ctx.params)
    run = complete_run(ctx.dataset, prefix)
    ask_several(
        inputs,
        "without",
        {what: f"{one.label} ({counts[what]:,})" for what, one in FINDINGS.items()},
        default=list(_WITHOUT),
        label="Exclude",
        description="Redundant copies are all copies but the keeper",
    )
    if "image_issues" in _choices(ctx)["without"]:
        ask_several(
            inputs,
            "issues",
            {issue: issue.replace("_", " ") for issue in ISSUES},
            default=list(SURE_ISSUES),
            label="Bad images to exclude",
            description="The others only differ from their set and are exported",
        )
    tags = ctx.dataset.distinct("tags")
    ask_several(inputs, "without_tags", tags, label="Exclude images tagged")
    formats = types.RadioGroup()
    for name, label in FORMATS.items():
        if name != "folders" or run.label_field:
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
            show_error(inputs, "problem", error)
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
    if clean.replacements:
        text += (
            f". Of {_groups(clean.replacements)} the keeper is excluded, and the best "
            "remaining copy is exported"
        )
    if clean.lost:
        text += (
            f". Of {_groups(clean.lost)} no image is exported, because each has a "
            "finding"
        )
    return text


def _groups(count: int) -> str:
    return f"{count:,} duplicate cluster{'' if count == 1 else 's'}"
