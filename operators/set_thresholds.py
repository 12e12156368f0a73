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
        min_copy_score: float = DEFAULTS.min_copy_score,
        min_copy_similarity: float | None = None,
        ignored_changes: Sequence[str] = (),
        max_outlier_distance: float | None = None,
        min_label_score: float = DEFAULTS.min_label_score,
        prefix: str | None = None,
        progress: ProgressOption = None,
    ) -> ScanReport:
        """Applies other thresholds to the last scan, in seconds; no file is read.

        Args:
            samples: the scanned data set; for a view, its data set
            min_copy_score (0.6): score above which two images are copies, 0 to 1;
                thresholds that are left out go back to their defaults
            min_copy_similarity (None): cosine similarity that copies need as well,
                -1 to 1
            ignored_changes: changes by which two images are not copies: ``mirrored``,
                ``rotated``, ``recolored``
            max_outlier_distance (None): distance beyond which an image is an
                outlier, 0 to 2; None for a rule on this data set
            min_label_score (5): score below which a label is an issue, 0 to 100
            prefix (None): prefix of the scan's fields
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`

        Raises:
            InputError: a threshold is out of range
            StaleRunError: there is no finished scan, or its stored results are gone
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
