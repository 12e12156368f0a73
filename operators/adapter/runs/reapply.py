"""From what a scan stored to new findings: seconds, and no file is read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import fiftyone as fo

from ....core.errors import ScanNotFoundError, StaleRunError
from ....core.progress import OnProgress
from ....core.scan.apply_thresholds import apply_thresholds
from ....core.scan.settings import ScanSettings, movable, moved
from ..dataset.decisions import read_decisions
from .lock import exclusive_run
from .publish import database_errors_explained, publish
from .run_record import ScanRun, complete_run
from .scan_report import ScanReport
from .stored_run import load_run


def reapply_thresholds(
    dataset: fo.Dataset,
    settings: ScanSettings,
    prefix: str | None,
    on_progress: OnProgress,
) -> ScanReport:
    """Loads the stored scan, applies the thresholds, writes the fields."""
    with database_errors_explained(), exclusive_run(dataset):
        run = load_run(dataset, prefix)
        started = time.perf_counter()
        decisions = read_decisions(dataset, run.ids, run.scan_data)
        findings = apply_thresholds(run.scan_data, settings, decisions)
        return publish(
            dataset,
            run.ids,
            findings,
            run.scan_data,
            run.file,
            prefix=prefix,
            scanned_at=run.record.scanned_at,
            settings={**run.record.settings, **movable(settings)},
            seconds={"apply_thresholds": time.perf_counter() - started},
            on_progress=on_progress,
        )


def move_thresholds(
    dataset: fo.Dataset,
    given: Mapping[str, Any],
    prefix: str | None,
    on_progress: OnProgress,
) -> ScanReport:
    """Applies other thresholds; those that are not given stay in force."""
    settings = moved(settings_of(complete_run(dataset, prefix)), given)
    return reapply_thresholds(dataset, settings, prefix, on_progress)


def reapply_if_scanned(
    dataset: fo.Dataset, prefix: str | None, on_progress: OnProgress
) -> None:
    """Brings the findings in line with what is in the data set now.

    Without a finished scan there are none.
    """
    with contextlib.suppress(ScanNotFoundError, StaleRunError):
        settings = settings_of(complete_run(dataset, prefix))
        reapply_thresholds(dataset, settings, prefix, on_progress)


def settings_of(run: ScanRun) -> ScanSettings:
    """Returns the settings that a finished run was made with."""
    known = {field.name for field in fields(ScanSettings)}
    return ScanSettings(
        **{name: value for name, value in run.settings.items() if name in known}
    )
