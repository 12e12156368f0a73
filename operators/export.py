"""Exports the clean data set: without what is flagged or tagged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.findings.image_issues import ISSUES, SURE_ISSUES
from ..core.findings.registry import FINDINGS
from ..core.progress import OnProgress
from .adapter.curation.export import (
    FORMATS,
    Exported,
    export_view,
    remember_export,
)
from .adapter.curation.export_objects import BOX_FORMATS
from .adapter.dataset.internals import dataset_of
from .adapter.dataset.samples import kind_of
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
from .adapter.ui.surface import LONG, LongOperator, keywords, read_options
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


@dataclass(frozen=True)
class ExportOptions:
    """What can be chosen.

    Attributes:
        output_dir: the folder to write to, new or empty
        format ("folders"): ``folders`` (by split and class; images without a label
            directly in their split's folder), ``images`` (by split), ``fiftyone``
            (with all fields), or ``coco``, ``yolo`` or ``voc`` (with the boxes of the
            objects that were scanned, and without what scans put on them)
        without: findings to exclude, as for ``show``; by default redundant copies,
            leaks to remove, outliers, label issues, image issues and unreadable
            files
        issues: the ``image_issues`` to exclude; images that only differ from their
            set, in size, shape or color, stay unless named here
        without_tags: tags of samples to exclude
        prefix (None): prefix of the scan's fields
    """

    output_dir: str | Path
    _: KW_ONLY
    format: str = "folders"
    without: Sequence[str] = _WITHOUT
    issues: Sequence[str] = SURE_ISSUES
    without_tags: Sequence[str] = ()
    prefix: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise InputError(
                f"There is no format '{self.format}'. Use one of {', '.join(FORMATS)}."
            )
        if unknown := [issue for issue in self.issues if issue not in ISSUES]:
            raise InputError(
                f"There is no issue '{unknown[0]}'. Use some of {', '.join(ISSUES)}."
            )

    def clean(self, samples: fo.core.collections.SampleCollection) -> Clean:
        """Returns the samples without what is excluded."""
        return clean_samples(
            samples,
            without=self.without,
            issues=self.issues,
            without_tags=self.without_tags,
            prefix=self.prefix,
        )


class Export(LongOperator):
    """``@winnow/curate/export``"""

    form_names = ("run", "problem", "status")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="export",
            label="Winnow: export the clean data set",
            description="Copy all images without findings or tags to a folder",
            icon="drive_folder_upload",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ExportOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: ExportOptions,
        on_progress: OnProgress,
    ) -> Exported:
        """Copies the clean images to a new folder.

        For any other format of FiftyOne, or to change the view first, call
        ``export`` on the ``view`` of the result, or on a view of your own. Its
        ``details()`` say what differs in the folder (classes whose names no folder
        can have, files that are missing).

        One image per duplicate cluster is exported: if the cluster's keeper is
        excluded, its best remaining copy without a finding is exported.

        Example::

            export = foo.get_operator("@winnow/curate/export")
            exported = export(dataset, "clean", without=["redundant_copies"])
            print(exported)
            exported.view.export(
                "clean.csv", dataset_type=fo.types.CSVDataset, export_media=False
            )

        Args:
            samples: a scanned data set, or a view of it

        Returns:
            an :class:`operators.adapter.curation.export.Exported`; its ``view`` has
            the samples that were exported

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        folder = new_folder(options.output_dir)
        clean = options.clean(samples)
        run = complete_run(dataset_of(samples), options.prefix)
        exported = export_view(clean.view, folder, options.format, run, on_progress)
        remember_export(dataset_of(samples), exported)
        return replace(
            exported, remarks=(*_remarks_on_copies(clean), *exported.remarks)
        )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx,
            action_description="Export",
            default_target=foo.ViewTarget.DATASET,
        )
        try:
            self._ask(inputs, ctx)
        except CurationError as error:
            show_error(inputs, "run", error)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Export the clean data set", submit_button_label="Export"
            ),
        )

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        return ctx.target_view()

    def _ask(self, inputs: types.Object, ctx: foo.ExecutionContext) -> None:
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
        if "image_issues" in ctx.params.get("without", _WITHOUT):
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
            needs = {
                "folders": run.label_field,
                **dict.fromkeys(BOX_FORMATS, run.objects),
            }
            if needs.get(name, True):
                formats.add_choice(name, label=label)
        # Folders of images would leave the boxes behind
        first = formats.values()[0] if run.label_field or not run.objects else "coco"
        inputs.enum(
            "format",
            formats.values(),
            default=first,
            label="As",
            view=formats,
        )
        ask_folder(inputs, "output_dir", "Into the new or empty folder")
        if folder_of(ctx.params):
            try:
                new_folder(folder_of(ctx.params))
            except CurationError as error:
                show_error(inputs, "problem", error)
                return
        named = {"output_dir": folder_of(ctx.params) or "(not chosen yet)"}
        options = read_options(ExportOptions, {**ctx.params, **named})
        clean = options.clean(ctx.target_view())
        left, count = clean.view.count(), ctx.target_view().count()
        text = f"{left:,} of {count:,} {kind_of(ctx.dataset)} will be copied"
        text = ". ".join([text, *_remarks_on_copies(clean)])
        inputs.view("status", types.Notice(label=text))
        ask_prefix(inputs, ctx)


def _remarks_on_copies(clean: Clean) -> Iterator[str]:
    """Yields what became of clusters whose keeper is excluded."""
    if clean.replacements:
        yield (
            f"Of {_clusters(clean.replacements)} the keeper is excluded, and the best "
            "remaining copy is exported"
        )
    if clean.dropped_clusters:
        yield (
            f"Of {_clusters(clean.dropped_clusters)} no image is exported, because "
            "each has a finding"
        )


def _clusters(count: int) -> str:
    return f"{count:,} duplicate cluster{'' if count == 1 else 's'}"
