"""From what a scan stored to new findings: seconds, and no file is read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

import fiftyone as fo

from ....core.common.memory import collector_paused
from ....core.errors import InputError, ScanNotFoundError, StaleRunError
from ....core.objects.settings import OBJECT_THRESHOLDS
from ....core.progress import OnProgress
from ....core.scan.apply_thresholds import apply_thresholds
from ....core.scan.settings import ScanSettings, movable, moved
from ..dataset.decisions import read_decisions
from .lock import exclusive_run
from .object_run import judge_objects, load_objects, object_settings_of
from .publish import database_errors_explained, publish
from .run_record import ScanRun, complete_run
from .scan_report import ScanReport
from .stored_run import load_run


def reapply_thresholds(
    dataset: fo.Dataset,
    settings: ScanSettings,
    prefix: str | None,
    on_progress: OnProgress,
    object_thresholds: Mapping[str, Any] | None = None,
) -> ScanReport:
    """Loads the stored scan, applies the thresholds, writes the fields.

    Args:
        dataset: that was scanned
        settings: of the scan
        prefix: of its fields
        on_progress: told after each batch
        object_thresholds: values by name, of
            :data:`~core.objects.settings.OBJECT_THRESHOLDS`; others stay in force
    """
    # The collector would look at each of the App's objects again and again: a quarter
    # of the time. What is read here holds no cycles
    with database_errors_explained(), exclusive_run(dataset), collector_paused():
        run = load_run(dataset, prefix)
        started = time.perf_counter()
        decisions = read_decisions(dataset, run.ids, run.scan_data)
        findings = apply_thresholds(run.scan_data, settings, decisions)
        options = replace(object_settings_of(run.record), **(object_thresholds or {}))
        objects = None
        if run.record.objects is not None:
            objects = judge_objects(
                dataset,
                run.record.objects,
                load_objects(dataset, run.record),
                run.scan_data,
                findings,
                settings,
                options,
            )
        return publish(
            dataset,
            run.ids,
            findings,
            run.scan_data,
            run.file,
            objects,
            prefix=prefix,
            scanned_at=run.record.scanned_at,
            settings={
                **run.record.settings,
                **movable(settings),
                **(asdict(options) if objects else {}),
            },
            seconds={"apply thresholds": time.perf_counter() - started},
            on_progress=on_progress,
            keeps_rows=True,
        )


def move_thresholds(
    dataset: fo.Dataset,
    given: Mapping[str, Any],
    prefix: str | None,
    on_progress: OnProgress,
) -> ScanReport:
    """Applies other thresholds; those that are not given stay in force.

    Raises:
        InputError: a value out of range, or a threshold of objects without any
    """
    run = complete_run(dataset, prefix)
    of_objects = {name: given[name] for name in OBJECT_THRESHOLDS if name in given}
    if of_objects and run.objects is None:
        raise InputError(
            f"The last scan did not look at objects, so {next(iter(of_objects))} "
            "changes nothing. Leave it out, or scan again with objects=."
        )
    of_images = {name: given[name] for name in given if name not in of_objects}
    settings = moved(settings_of(run), of_images)
    return reapply_thresholds(dataset, settings, prefix, on_progress, of_objects)


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
