"""Moves the thresholds of a finished scan: seconds, and no file is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from ..core.scan.settings import DEFAULTS, ScanSettings
from .adapter.runs.reapply import reapply_thresholds
from .adapter.runs.scan_report import ScanReport
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.scan_forms import thresholds_form, thresholds_params
from .adapter.ui.stream import stream


class SetThresholds(foo.Operator):
    """``@winnow/curate/set_thresholds``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="set_thresholds",
            label="Winnow: move thresholds",
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
        min_copy_score: float = DEFAULTS.min_copy_score,
        min_copy_similarity: float | None = None,
        ignored_changes: Sequence[str] = (),
        max_outlier_distance: float | None = None,
        min_label_score: float = DEFAULTS.min_label_score,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> ScanReport:
        """Moves the thresholds of a finished scan from Python.

        Args:
            samples: the data set that was scanned; of a view, its data set
            min_copy_score: see :class:`core.scan.settings.ScanSettings`; thresholds
                that are left out go back to their defaults
            min_copy_similarity (None): likewise
            ignored_changes: likewise
            max_outlier_distance (None): likewise
            min_label_score: likewise
            prefix (None): of the scan's fields
            progress (None): as for the scan

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`

        Raises:
            InputError: a threshold out of range
            StaleRunError: no finished scan, or its stored results are gone
        """
        settings = ScanSettings(
            min_copy_score=min_copy_score,
            min_copy_similarity=min_copy_similarity,
            ignored_changes=ignored_changes,
            max_outlier_distance=max_outlier_distance,
            min_label_score=min_label_score,
        )
        with progress_bars(progress) as on_progress:
            return reapply_thresholds(samples._dataset, settings, prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return thresholds_form(ctx)

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> ScanReport:
            prefix, thresholds = thresholds_params(ctx.params)
            settings = ScanSettings(**thresholds)
            return reapply_thresholds(ctx.dataset, settings, prefix, on_progress)

        yield from stream(ctx, work)
