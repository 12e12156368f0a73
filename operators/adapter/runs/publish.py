"""Puts findings on a data set, whole or not at all."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import fiftyone as fo
from pymongo.errors import PyMongoError

from ....core.common.memory import peak_bytes
from ....core.errors import CurationError
from ....core.findings.schema import Findings
from ....core.progress import OnProgress
from ....core.scan.scan_data import ScanData
from ..dataset.fields import (
    clear_other_fields,
    declare_fields,
    fields_of_scan,
    write_findings,
)
from ..dataset.indexes import create_indexes, drop_indexes
from ..dataset.object_fields import (
    clear_attributes,
    declare_attributes,
    write_object_findings,
)
from .object_run import ObjectRun
from .paths import remove_other_scan_data
from .run_record import finish_run, run_key, save_rows, start_run
from .scan_report import ScanReport

_PACKAGES = (
    "fiftyone",
    "numpy",
    "scikit-learn",
    "onnxruntime",
    "opencv-python-headless",
    "Pillow",
)


def publish(
    dataset: fo.Dataset,
    ids: Sequence[str],
    findings: Findings,
    scan_data: ScanData,
    stored: Path,
    objects: ObjectRun | None = None,
    *,
    prefix: str | None,
    scanned_at: str,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
    on_progress: OnProgress,
    keeps_rows: bool = False,
) -> ScanReport:
    """Writes the fields and the run's record.

    With ``keeps_rows`` the rows are those of the run that it takes the place of.

    Attributes of objects come off all labels first: those of a run without objects
    would be another run's. The record says ``writing`` before the first value is
    written and ``complete`` only after the last is in the database's journal. It
    keeps when the samples were read, since moved thresholds make a new record.
    """
    started = time.perf_counter()
    of_objects = objects.findings if objects else None
    record = {
        "settings": dict(settings),
        "scanned_at": scanned_at,
        "scan_data": stored.name,
        "samples": len(ids),
    }
    start_run(dataset, prefix, record, keeps_rows=keeps_rows)
    specs = fields_of_scan(
        of_objects=objects is not None, of_videos=scan_data.videos is not None
    )
    declare_fields(dataset, prefix, specs)
    # Writing a million rows into indexes takes twice as long as making them anew
    drop_indexes(dataset, prefix)
    deleted = write_findings(
        dataset,
        ids,
        {**findings.columns, **(of_objects.pictures if of_objects else {})},
        prefix=prefix,
        on_progress=on_progress,
    )
    clear_other_fields(dataset, prefix, ids, deleted)
    clear_attributes(dataset, prefix)
    if objects:
        declare_attributes(dataset, objects.field, prefix)
        write_object_findings(
            dataset,
            objects.field,
            ids,
            objects.data.ids,
            objects.data.units.file,
            objects.findings.columns,
            prefix=prefix,
            on_progress=on_progress,
        )
    report = ScanReport(
        dataset=dataset.name,
        run_key=run_key(prefix),
        counts={**findings.counts, **(of_objects.counts if of_objects else {})},
        thresholds={
            **findings.thresholds,
            **(of_objects.thresholds if of_objects else {}),
        },
        rules={**findings.rules, **(of_objects.rules if of_objects else {})},
        leak_matrix=findings.leak_matrix,
        scene_matrix=findings.scene_matrix,
        sequence_steps=findings.sequence_steps,
        leaks_by_class=findings.leaks_by_class,
        overview=findings.overview,
        expected=findings.expected,
        model=scan_data.model.name,
        model_sha256=scan_data.model.sha256,
        seconds={**seconds, "write fields": time.perf_counter() - started},
        unreadable=scan_data.samples.unreadable,
        versions=_versions(),
        peak_memory_bytes=peak_bytes(),
    )
    create_indexes(dataset, prefix)
    if not keeps_rows:
        save_rows(dataset, prefix, ids)
    finish_run(dataset, prefix, report=report.to_dict(), deleted_meanwhile=deleted)
    remove_other_scan_data(dataset, prefix, stored)
    dataset.reload()
    return report


@contextlib.contextmanager
def database_errors_explained() -> Iterator[None]:
    """Turns the driver's errors into a sentence for a person."""
    try:
        yield
    except PyMongoError as error:
        raise CurationError(
            "The database stopped answering, so the scan could not be finished and "
            "nothing is presented as finished. Start the database and scan again: "
            f"what was embedded is kept. ({type(error).__name__})"
        ) from error


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions
