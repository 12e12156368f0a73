"""The record of a scan, kept with the data set as a FiftyOne run.

A run is ``writing`` from before its first value until after its last, and
``complete`` only then. Whoever reads findings asks :func:`complete_run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.odm import get_db_conn
from pymongo.write_concern import WriteConcern

from ....core.errors import ScanNotFoundError, StaleRunError
from ..dataset.internals import dataset_id

_METHOD = "winnow/curate/scan"
_WRITING = "writing"
_COMPLETE = "complete"


@dataclass(frozen=True)
class ScanRun:
    """The record of a finished scan.

    Attributes:
        prefix: of its fields; None without
        settings: of the scan, by name: those of
            :class:`~core.scan.settings.ScanSettings` and
            :class:`~core.objects.settings.ObjectSettings`, and ``label_field``,
            ``split_by``, ``objects``, ``model``, ``embeddings``
        scanned_at: when the samples were read, ISO 8601 in UTC
        completed_at: when the findings were written, which moved thresholds renew
        scan_data: name of the file of :class:`~core.scan.scan_data.ScanData`
        samples: how many were scanned
        report: of :class:`~.scan_report.ScanReport`, as JSON values
    """

    prefix: str | None
    settings: Mapping[str, Any]
    scanned_at: str
    completed_at: str
    scan_data: str
    samples: int
    report: Mapping[str, Any]

    @property
    def label_field(self) -> str | None:
        """The field of the labels, None without."""
        field: str | None = self.settings["label_field"]
        return field

    @property
    def split_by(self) -> str | list[str] | None:
        """The field of the splits, or their tags; None without."""
        split_by: str | list[str] | None = self.settings["split_by"]
        return split_by

    @property
    def predictions(self) -> str | None:
        """The field of a model's predictions, None without."""
        # Runs of before did not know them
        predictions: str | None = self.settings.get("predictions")
        return predictions

    @property
    def objects(self) -> str | None:
        """The field of the objects, None without."""
        # Runs of before did not know objects
        objects: str | None = self.settings.get("objects")
        return objects


def run_key(prefix: str | None) -> str:
    """Returns the key of the run that a prefix's fields belong to."""
    return f"winnow_{prefix}" if prefix else "winnow"


def brain_keys(prefix: str | None) -> tuple[str, str]:
    """Returns the keys of the similarity and the visualization run."""
    return f"{run_key(prefix)}_similarity", f"{run_key(prefix)}_map"


def start_run(
    dataset: fo.Dataset,
    prefix: str | None,
    record: Mapping[str, Any],
    *,
    keeps_rows: bool = False,
) -> None:
    """Registers the run as ``writing``; an older run of the prefix ends here.

    With ``keeps_rows`` what :func:`save_rows` kept of the older run stays.
    """
    if keeps_rows:
        config = dataset.get_run_info(run_key(prefix)).config
        for name, value in {**record, "started_at": now()}.items():
            setattr(config, name, value)
        config.status = _WRITING
        dataset.update_run_config(run_key(prefix), config)
        return
    config = dataset.init_run(
        method=_METHOD,
        status=_WRITING,
        started_at=now(),
        prefix=prefix,
        **record,
    )
    dataset.register_run(run_key(prefix), config, overwrite=True)


def finish_run(dataset: fo.Dataset, prefix: str | None, **more: Any) -> str:
    """Marks the run ``complete``; returns since when, once that is in the journal."""
    key = run_key(prefix)
    config = dataset.get_run_info(key).config
    for name, value in more.items():
        setattr(config, name, value)
    config.status = _COMPLETE
    completed_at = config.completed_at = now()
    dataset.update_run_config(key, config)
    wait_for_journal(dataset)
    return completed_at


def complete_run(dataset: fo.Dataset, prefix: str | None) -> ScanRun:
    """Returns the record of the prefix's finished run.

    Raises:
        ScanNotFoundError: there is none
        StaleRunError: it was cut short, or made by an older version
    """
    key = run_key(prefix)
    if not dataset.has_run(key):
        hint = f" with prefix={prefix!r}" if prefix else ""
        raise ScanNotFoundError(
            f"'{dataset.name}' has not been scanned{hint} yet. Run the scan first."
        )
    config = dataset.get_run_info(key).config
    if config.status != _COMPLETE:
        raise StaleRunError(
            f"The last scan of '{dataset.name}' was cut short, so its findings are "
            "not to be trusted. Scan again: what was embedded is kept, so it is quick."
        )
    run = _run_of(config)
    if run is None:
        raise StaleRunError(
            f"The last scan of '{dataset.name}' was made by an older version of "
            "Winnow. Scan again."
        )
    return run


def _run_of(config: Any) -> ScanRun | None:
    """Returns the record; None if an older version made it, with other names."""
    names = [field.name for field in fields(ScanRun)]
    if not all(hasattr(config, name) for name in names):
        return None
    return ScanRun(**{name: getattr(config, name) for name in names})


def save_rows(dataset: fo.Dataset, prefix: str | None, ids: Sequence[str]) -> None:
    """Keeps which sample is which row of the run's scan data.

    The data set cannot tell any more once a sample was deleted.
    """
    key = run_key(prefix)
    results = dataset.init_run_results(key, ids=list(ids))
    dataset.save_run_results(key, results, overwrite=True, cache=False)


def load_rows(dataset: fo.Dataset, prefix: str | None) -> list[str]:
    """Returns the sample id of each row of the run's scan data."""
    results = dataset.load_run_results(run_key(prefix), cache=False)
    return list(results.ids) if results is not None else []


def finished_runs(dataset: fo.Dataset) -> dict[str | None, ScanRun]:
    """Returns the record of each finished run by its prefix, newest first."""
    found = {}
    for key in dataset.list_runs():
        if key != "winnow" and not key.startswith("winnow_"):
            continue
        config = dataset.get_run_info(key).config
        is_finished = config.method == _METHOD and config.status == _COMPLETE
        run = _run_of(config) if is_finished else None
        if run is not None:
            found[run.prefix] = run
    order = sorted(found, key=lambda prefix: found[prefix].completed_at, reverse=True)
    return {prefix: found[prefix] for prefix in order}


def wait_for_journal(dataset: fo.Dataset) -> None:
    """Returns when all that was written is in the database's journal."""
    # mongod acknowledges before its journal is on disk; one write that waits
    # makes all before it durable, since the journal is sequential
    documents = get_db_conn().get_collection(
        "datasets", write_concern=WriteConcern(w=1, j=True)
    )
    documents.update_one(
        {"_id": ObjectId(dataset_id(dataset))},
        {"$set": {"last_modified_at": datetime.now(timezone.utc)}},
    )


def now() -> str:
    """Returns the time, in UTC, as runs record it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")
