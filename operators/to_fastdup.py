"""Writes a scan as fastdup's files, for tools that read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from ..core.fastdup.rules import (
    MIN_COMPONENT_SIMILARITY,
    MIN_SIMILARITY,
    NEIGHBORS,
    OUTLIER_SHARE,
)
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
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import stream


class ToFastdup(foo.Operator):
    """``@winnow/curate/to_fastdup``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="to_fastdup",
            label="Winnow: write fastdup's files",
            description="Write the scan as a work_dir that tools for fastdup read",
            icon="output",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        dataset: fo.Dataset,
        work_dir: str,
        *,
        threshold: float = MIN_SIMILARITY,
        ccthreshold: float = MIN_COMPONENT_SIMILARITY,
        nearest_neighbors_k: int = NEIGHBORS,
        lower_threshold: float = OUTLIER_SHARE,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> Written:
        """Writes the last scan as a fastdup work_dir, by fastdup's rules.

        The files mean what they mean in fastdup: components are chains of similar
        vectors, not Winnow's clusters, whose pictures were compared.

        Args:
            dataset: the scanned data set
            work_dir: the folder to write to, new or empty
            threshold (0.9): least similarity of a line of similarity.csv
            ccthreshold (0.96): least similarity that connects a component
            nearest_neighbors_k (2): neighbors per image
            lower_threshold (0.05): share of all edges that are outliers
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`operators.adapter.curation.fastdup.Written` with the counts

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        rules = FastdupRules(
            threshold, ccthreshold, nearest_neighbors_k, lower_threshold
        )
        folder = new_folder(work_dir)
        with progress_bars(progress) as on_progress:
            return write_work_dir(dataset, folder, rules, prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
            ask_folder(inputs, "folder", "Into the new or empty folder")
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

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        rules = FastdupRules(
            MIN_SIMILARITY, MIN_COMPONENT_SIMILARITY, NEIGHBORS, OUTLIER_SHARE
        )

        def work(on_progress: OnProgress) -> Written:
            folder = new_folder(folder_of(ctx.params))
            prefix = prefix_of(ctx.params)
            return write_work_dir(ctx.dataset, folder, rules, prefix, on_progress)

        yield from stream(ctx, work)
