"""From what a scan stored to new findings: seconds, and no file is read."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

import fiftyone as fo

from ...core.find import find
from ...core.progress import OnProgress
from ...core.settings import ScanSettings, thresholds_of
from .decisions import read_decisions
from .lock import only_run_on
from .report import ScanReport
from .results import database_errors_explained, publish
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
            settings={**run.record.settings, **thresholds_of(settings)},
            seconds={"find": time.perf_counter() - started},
            on_progress=on_progress,
        )


def settings_of(run: Any) -> ScanSettings:
    """Returns the settings that a finished run was made with."""
    known = {field.name for field in fields(ScanSettings)}
    return ScanSettings(
        **{name: value for name, value in run.settings.items() if name in known}
    )
