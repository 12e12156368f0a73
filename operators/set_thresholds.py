"""Moves the thresholds of a finished scan: seconds, and no file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from .adapter.dataset.internals import dataset_of
from .adapter.runs.reapply import move_thresholds
from .adapter.runs.scan_report import ScanReport
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.scan_forms import thresholds_form, thresholds_params
from .adapter.ui.stream import stream

Unchanged = Literal["unchanged"]
UNCHANGED: Unchanged = "unchanged"


class SetThresholds(foo.Operator):
    """``@winnow/curate/set_thresholds``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="set_thresholds",
            label="Winnow: set thresholds",
            description="Apply other thresholds to the last scan, in seconds",
            icon="tune",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        *,
        min_copy_score: float | Unchanged = UNCHANGED,
        min_copy_similarity: float | None | Unchanged = UNCHANGED,
        ignored_changes: Sequence[str] | Unchanged = UNCHANGED,
        max_outlier_distance: float | None | Unchanged = UNCHANGED,
        min_label_score: float | None | Unchanged = UNCHANGED,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> ScanReport:
        """Applies other thresholds to the last scan, in seconds; no file is read.

        Settings that are left out stay as they are.

        Args:
            samples: the scanned data set; for a view, its data set
            min_copy_score ("unchanged"): score above which two images are copies, 0
                to 1; the scan's default is 0.6. It replaces a calibrated one
            min_copy_similarity ("unchanged"): cosine similarity that copies need as
                well, -1 to 1; None for no such condition
            ignored_changes ("unchanged"): changes by which two images are not copies:
                ``mirrored``, ``rotated``, ``recolored``
            max_outlier_distance ("unchanged"): distance beyond which an image is an
                outlier, 0 to 2; None for a rule on this data set
            min_label_score ("unchanged"): score below which a label is an issue, 0 to
                100; None for the default, which is 5
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`

        Raises:
            InputError: a threshold out of range
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        values = {
            "min_copy_score": min_copy_score,
            "min_copy_similarity": min_copy_similarity,
            "ignored_changes": ignored_changes,
            "max_outlier_distance": max_outlier_distance,
            "min_label_score": min_label_score,
        }
        given = {name: one for name, one in values.items() if one != UNCHANGED}
        with progress_bars(progress) as on_progress:
            return move_thresholds(dataset_of(samples), given, prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return thresholds_form(ctx)

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        prefix, given = thresholds_params(ctx.params)

        def work(on_progress: OnProgress) -> ScanReport:
            return move_thresholds(ctx.dataset, given, prefix, on_progress)

        yield from stream(ctx, work)
