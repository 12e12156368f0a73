"""Where things are kept between runs, outside the data set."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

import fiftyone as fo

from ....core.storage.cache import cache_folder
from ..dataset.internals import dataset_id
from .run_record import run_key


def new_scan_data_path(dataset: fo.Dataset, prefix: str | None) -> Path:
    """Returns a new file for what a run learned, for moving thresholds.

    Each scan has a file of its own, so that one cut short leaves the file of
    the last finished one alone.
    """
    return scan_data_path(f"{_stem(dataset, prefix)}-{uuid.uuid4().hex[:8]}.npz")


def scan_data_path(name: str) -> Path:
    """Returns the file of a name that a run's record holds."""
    return runs_folder() / name


def runs_folder() -> Path:
    """Returns where the last scans of all data sets keep what they learned."""
    return cache_folder() / "runs"


def object_data_path(scan_data: Path) -> Path:
    """Returns where a run keeps what it learned of objects, beside the rest."""
    return scan_data.with_suffix(".objects.npz")


def written_rows_path(scan_data: Path) -> Path:
    """Returns where a run keeps which values it wrote, beside the rest."""
    return scan_data.with_suffix(".rows.npz")


def thumbnails_folder() -> Path:
    """Returns where small pictures for the App are kept."""
    return cache_folder() / "thumbnails"


def plans_folder(dataset: fo.Dataset) -> Path:
    """Returns where a data set's plans wait until they are applied."""
    return cache_folder() / "plans" / dataset_id(dataset)


def remove_other_scan_data(
    dataset: fo.Dataset, prefix: str | None, current: Path
) -> None:
    """Removes the files that earlier scans of the same fields left."""
    kept = (current, object_data_path(current), written_rows_path(current))
    for path in current.parent.glob(f"{_stem(dataset, prefix)}-*.npz"):
        if path not in kept:
            # One that is being read stays, on Windows, until the next scan
            with contextlib.suppress(OSError):
                path.unlink()


def _stem(dataset: fo.Dataset, prefix: str | None) -> str:
    return f"{dataset_id(dataset)}-{run_key(prefix)}"
