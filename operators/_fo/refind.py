"""From what a scan stored to new findings: seconds, and no file is read."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

import fiftyone as fo

from ...core.errors import StaleRunError
from ...core.evidence import load_evidence
from ...core.find import find
from ...core.progress import OnProgress
from ...core.settings import ScanSettings, thresholds_of
from .decisions import read_decisions
from .fields import scanned_ids
from .lock import only_run_on
from .report import ScanReport
from .results import database_errors_explained, publish
from .runs import complete_run, digest_of_ids
from .storage import evidence_path


def run_find(
    dataset: fo.Dataset,
    settings: ScanSettings,
    prefix: str | None,
    on_progress: OnProgress,
) -> ScanReport:
    """Loads the stored evidence, applies the thresholds, writes the fields."""
    with database_errors_explained(), only_run_on(dataset):
        run = complete_run(dataset, prefix)
        stored = evidence_path(run.evidence)
        evidence = load_evidence(stored)
        ids = scanned_ids(dataset, prefix)
        if digest_of_ids(ids) != run.ids_sha256:
            raise StaleRunError(
                f"Samples of '{dataset.name}' were deleted since the last scan. Scan "
                "again: what was embedded is kept, so it is quick."
            )
        started = time.perf_counter()
        findings = find(evidence, settings, read_decisions(dataset, ids, evidence))
        return publish(
            dataset,
            ids,
            findings,
            evidence,
            stored,
            prefix=prefix,
            scanned_at=run.scanned_at,
            settings={**run.settings, **thresholds_of(settings)},
            seconds={"find": time.perf_counter() - started},
            on_progress=on_progress,
        )


def settings_of(run: Any) -> ScanSettings:
    """Returns the settings that a finished run was made with."""
    known = {field.name for field in fields(ScanSettings)}
    return ScanSettings(
        **{name: value for name, value in run.settings.items() if name in known}
    )
