"""Writes what a scan found as one file that can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress
from .adapter.dataset.internals import dataset_of
from .adapter.report.write import (
    DEFAULT_TOP,
    MOST_TOP,
    WrittenReport,
    check_choices,
    write_report,
)
from .adapter.runs.run_record import ScanRun, complete_run
from .adapter.ui.inputs import ask_folder, ask_prefix, folder_of, prefix_of, show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import Outcome, stream


class Report(foo.Operator):
    """``@winnow/curate/report``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="report",
            label="Winnow: write a report",
            description="One HTML file with all findings and pictures, to share",
            icon="description",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        folder: str | Path,
        *,
        top: int = DEFAULT_TOP,
        overwrite: bool = False,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> WrittenReport:
        """Writes ``report.html``, ``report.md`` and ``report.json``.

        The HTML file holds its pictures, loads nothing and names paths relative to
        the folder of the images. The JSON file has the same for a program.

        Args:
            samples: the scanned data set; for a view, its data set
            folder: the folder to write to; created if needed
            top (20): most pairs of pictures per gallery; the rest is counted
            overwrite (False): replace an existing report
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`operators.adapter.report.write.WrittenReport`: the
            files

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        with progress_bars(progress) as on_progress:
            return _write(samples, folder, top, overwrite, prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
        except CurationError as error:
            show_error(inputs, "run", error)
        else:
            _ask(inputs, ctx, run)
        return types.Property(
            inputs,
            view=types.PromptView(label="Write a report", submit_button_label="Write"),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> Outcome:
            return _write(
                ctx.dataset,
                folder_of(ctx.params),
                ctx.params.get("top", DEFAULT_TOP),
                ctx.params.get("overwrite", False),
                prefix_of(ctx.params),
                on_progress,
            )

        yield from stream(ctx, work)


def _write(
    samples: fo.core.collections.SampleCollection,
    folder: str | Path,
    top: int,
    overwrite: bool,
    prefix: str | None,
    on_progress: OnProgress,
) -> WrittenReport:
    target = check_choices(folder, top, overwrite)
    return write_report(
        dataset_of(samples), target, prefix=prefix, top=top, on_progress=on_progress
    )


def _ask(inputs: types.Object, ctx: foo.ExecutionContext, run: ScanRun) -> None:
    ask_folder(inputs, "folder", "Into the folder")
    inputs.int(
        "top",
        default=DEFAULT_TOP,
        min=1,
        max=MOST_TOP,
        label="Pairs of pictures per gallery",
        description="The rest is counted; 20 make a file of 1 to 4 MB",
    )
    inputs.bool("overwrite", default=False, label="Replace an existing report")
    if folder_of(ctx.params):
        try:
            check_choices(
                folder_of(ctx.params),
                ctx.params.get("top", DEFAULT_TOP),
                ctx.params.get("overwrite", False),
            )
        except CurationError as error:
            show_error(inputs, "problem", error)
            return
    text = f"report.html, report.md and report.json of {run.samples:,} images"
    inputs.view("status", types.Notice(label=text))
    ask_prefix(inputs, ctx)
