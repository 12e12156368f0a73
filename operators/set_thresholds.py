"""Moves the thresholds of a finished scan: seconds, and no file is read."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.progress import OnProgress
from .adapter.runs.reapply import move_thresholds
from .adapter.runs.scan_report import ScanReport
from .adapter.ui.scan_options import ThresholdOptions
from .adapter.ui.surface import LONG, LongOperator, keywords
from .adapter.ui.threshold_form import thresholds_form


class SetThresholds(LongOperator):
    """``@winnow/curate/set_thresholds``"""

    form_names = ("run", "problem", "now")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="set_thresholds",
            label="Winnow: set thresholds",
            description="Apply other thresholds to the last scan, in seconds",
            icon="tune",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ThresholdOptions, long=True)
    def __call__(
        self, dataset: fo.Dataset, options: ThresholdOptions, on_progress: OnProgress
    ) -> ScanReport:
        """Applies other thresholds to the last scan, in seconds; no file is read.

        Settings that are left out stay as they are.

        Example::

            set_thresholds = foo.get_operator("@winnow/curate/set_thresholds")
            report = set_thresholds(dataset, max_outlier_distance=0.5)
            print(report.counts["outliers"])

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`

        Raises:
            InputError: a threshold out of range
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        return move_thresholds(dataset, options.given, options.prefix, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return thresholds_form(ctx)
