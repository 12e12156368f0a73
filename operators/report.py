"""Writes what a scan found as one file that can be sent to a colleague."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.progress import OnProgress
from ..core.report.model import DEFAULT_TOP, MOST_TOP
from .adapter.report.write import WrittenReport, check_choices, write_report
from .adapter.runs.run_record import ScanRun, complete_run
from .adapter.ui.inputs import ask_folder, ask_prefix, folder_of, prefix_of, show_error
from .adapter.ui.surface import LONG, LongOperator, keywords


@dataclass(frozen=True)
class ReportOptions:
    """What can be chosen.

    Attributes:
        output_dir: the folder to write to; created if needed
        title (None): heading of the report; by default the name of the data set
        top (20): most pairs of pictures per gallery; the rest is counted, and all of
            it is in ``findings.csv``
        overwrite (False): replace an existing report
        prefix (None): prefix of the scan's fields
    """

    output_dir: str | Path
    _: KW_ONLY
    title: str | None = None
    top: int = DEFAULT_TOP
    overwrite: bool = False
    prefix: str | None = None


class Report(LongOperator):
    """``@winnow/curate/report``"""

    form_names = ("run", "problem", "status")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="report",
            label="Winnow: write a report",
            description="One HTML file with all findings and pictures, to share",
            icon="description",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ReportOptions, long=True)
    def __call__(
        self, dataset: fo.Dataset, options: ReportOptions, on_progress: OnProgress
    ) -> WrittenReport:
        """Writes ``report.html``, ``.md``, ``.json`` and ``findings.csv``.

        The HTML file holds its pictures, loads nothing and names paths relative to
        the folder of the images. The JSON file has the same for a program. The CSV
        file has a line for every image of every finding.

        Example::

            write_report = foo.get_operator("@winnow/curate/report")
            written = write_report(dataset, "report", title="Scenes, before cleaning")
            print(written.html)

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`operators.adapter.report.write.WrittenReport`: the files

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        target = check_choices(options.output_dir, options.top, options.overwrite)
        return write_report(
            dataset,
            target,
            prefix=options.prefix,
            title=options.title,
            top=options.top,
            on_progress=on_progress,
        )

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


def _ask(inputs: types.Object, ctx: foo.ExecutionContext, run: ScanRun) -> None:
    ask_folder(inputs, "output_dir", "Into the folder")
    inputs.str("title", label="Title", description="The name of the data set if empty")
    inputs.int(
        "top",
        default=DEFAULT_TOP,
        min=1,
        max=MOST_TOP,
        label="Pairs of pictures per gallery",
        description="20 make a file of 1 to 8 MB; findings.csv has all of them",
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
    text = f"report.html, .md, .json and findings.csv of {run.samples:,} images"
    inputs.view("status", types.Notice(label=text))
    ask_prefix(inputs, ctx)
