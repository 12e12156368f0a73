"""Puts findings on a data set, whole or not at all."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
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
    stored_columns,
    stored_ids,
    touched_ids,
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
from .run_record import finish_run, now, run_key, save_rows, start_run
from .scan_report import ScanReport
from .written_rows import (
    WrittenRows,
    digest_of,
    digests_of,
    load_written_rows,
    rows_to_look_at,
    save_written_rows,
)

_PACKAGES = (
    "fiftyone",
    "numpy",
    "scikit-learn",
    "onnxruntime",
    "opencv-python-headless",
    "Pillow",
)
_FEW_ROWS = 10_000
"""Rows up to which a moved threshold leaves the indexes while they are written."""


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
    before = load_written_rows(dataset, prefix, ids)
    # As exact as the database keeps it
    modified_at = datetime.fromisoformat(now())
    start_run(dataset, prefix, record, keeps_rows=keeps_rows)
    specs = fields_of_scan(
        of_objects=objects is not None, of_videos=scan_data.videos is not None
    )
    declare_fields(dataset, prefix, specs)
    values = {**findings.columns, **(of_objects.pictures if of_objects else {})}
    columns = stored_columns(dataset, ids, values, prefix)
    digests = digests_of(columns)
    there = stored_ids(dataset)
    touched = touched_ids(dataset, prefix, before.time) if before else there
    rows, differing = rows_to_look_at(
        ids, there, touched, before, digests, list(columns)
    )
    if not keeps_rows or len(rows) > _FEW_ROWS:
        # To write many rows into indexes takes twice as long as to make them anew
        drop_indexes(dataset, prefix)
    write_findings(dataset, ids, columns, rows, differing, modified_at, on_progress)
    deleted = sum(one not in there for one in ids)
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
    completed_at = finish_run(
        dataset, prefix, report=report.to_dict(), deleted_meanwhile=deleted
    )
    save_written_rows(
        stored,
        WrittenRows(
            completed_at,
            digest_of(ids),
            modified_at.isoformat(),
            list(columns),
            digests,
        ),
    )
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
