"""Writes a scan as fastdup's files, for tools that read them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress
from .adapter.curation.fastdup import FastdupRules, Written, write_work_dir
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import (
    ask_folder,
    ask_prefix,
    folder_of,
    new_folder,
    prefix_of,
    show_error,
)
from .adapter.ui.surface import LONG, LongOperator, keywords


@dataclass(frozen=True)
class ToFastdupOptions(FastdupRules):
    """What can be chosen.

    Attributes:
        output_dir: the folder to write to, new or empty: fastdup's work_dir
        prefix (None): prefix of the scan's fields
    """

    output_dir: str | Path
    _: KW_ONLY
    prefix: str | None = None


class ToFastdup(LongOperator):
    """``@winnow/curate/to_fastdup``"""

    form_names = ("problem", "status")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="to_fastdup",
            label="Winnow: write fastdup's files",
            description="Write the scan as a work_dir that tools for fastdup read",
            icon="output",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ToFastdupOptions, long=True)
    def __call__(
        self, dataset: fo.Dataset, options: ToFastdupOptions, on_progress: OnProgress
    ) -> Written:
        """Writes the last scan as a fastdup work_dir, by fastdup's rules.

        The files mean what they mean in fastdup: components are chains of similar
        vectors, not Winnow's clusters, whose pictures were compared.

        Example::

            to_fastdup = foo.get_operator("@winnow/curate/to_fastdup")
            written = to_fastdup(dataset, "work_dir", threshold=0.8)
            print(written)

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`operators.adapter.curation.fastdup.Written` with the counts

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        folder = new_folder(options.output_dir)
        return write_work_dir(dataset, folder, options, options.prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
            ask_folder(inputs, "output_dir", "Into the new or empty folder")
            if folder_of(ctx.params):
                new_folder(folder_of(ctx.params))
                text = f"{run.samples:,} images were scanned"
                inputs.view("status", types.Notice(label=text))
            ask_prefix(inputs, ctx)
        except CurationError as error:
            show_error(inputs, "problem", error)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Write fastdup's files", submit_button_label="Write"
            ),
        )
