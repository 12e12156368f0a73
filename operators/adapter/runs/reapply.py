"""From what a scan stored to new findings: seconds, and no file is read."""

from __future__ import annotations

import contextlib
import time
from dataclasses import fields
from typing import Any

import fiftyone as fo

from ....core.errors import StaleRunError
from ....core.progress import OnProgress
from ....core.scan.apply_thresholds import find
from ....core.scan.settings import ScanSettings, movable
from ..dataset.decisions import read_decisions
from .lock import only_run_on
from .publish import database_errors_explained, publish
from .run_record import complete_run
from .scan_report import ScanReport
from .stored_run import load_run


def run_find(
    dataset: fo.Dataset,
    settings: ScanSettings,
    prefix: str | None,
    on_progress: OnProgress,
) -> ScanReport:
    """Loads the stored evidence, applies the thresholds, writes the fields."""
    with database_errors_explained(), only_run_on(dataset):
        run = load_run(dataset, prefix)
        started = time.perf_counter()
        decisions = read_decisions(dataset, run.ids, run.evidence)
        findings = find(run.evidence, settings, decisions)
        return publish(
            dataset,
            run.ids,
            findings,
            run.evidence,
            run.file,
            prefix=prefix,
            scanned_at=run.record.scanned_at,
            settings={**run.record.settings, **movable(settings)},
            seconds={"find": time.perf_counter() - started},
            on_progress=on_progress,
        )


def find_again(
    dataset: fo.Dataset, prefix: str | None, on_progress: OnProgress
) -> None:
    """Brings the findings in line with what is in the data set now.

    Without a finished scan there are none.
    """
    with contextlib.suppress(StaleRunError):
        settings = settings_of(complete_run(dataset, prefix))
        run_find(dataset, settings, prefix, on_progress)


def settings_of(run: Any) -> ScanSettings:
    """Returns the settings that a finished run was made with."""
    known = {field.name for field in fields(ScanSettings)}
    return ScanSettings(
        **{name: value for name, value in run.settings.items() if name in known}
    )
