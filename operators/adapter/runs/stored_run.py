"""What the last finished scan of a data set left: its record and its data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.errors import ScanNotFoundError, StaleRunError
from ....core.findings.schema import NO_LABEL, QUARANTINED
from ....core.scan.scan_data import ScanData, with_labels, without
from ....core.scan.stored_scan import load_scan_data
from ..dataset.internals import sample_documents
from ..dataset.labels import label_field_of
from ..dataset.present import HERE
from .paths import scan_data_path
from .run_record import ScanRun, complete_run, load_rows


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A finished scan, seen from today.

    Attributes:
        record: of the run
        ids: n sample ids, in the order of the scan's rows
        scan_data: samples that were quarantined or deleted since do not count in it,
            and labels that were changed since are not known to it
        file: of the scan data
    """

    record: ScanRun
    ids: list[str]
    scan_data: ScanData
    file: Path

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each sample."""
        return {sample: row for row, sample in enumerate(self.ids)}

    def rows_of(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """Returns the rows of samples, -1 for those that were not scanned."""
        row_of = self.row_of
        return np.array([row_of.get(sample, -1) for sample in ids], np.int64)


def load_run(dataset: fo.Dataset, prefix: str | None) -> StoredRun:
    """Loads the last finished scan.

    Raises:
        ScanNotFoundError: there is none
        StaleRunError: it was cut short, or its stored results are gone
    """
    record = complete_run(dataset, prefix)
    file = scan_data_path(record.scan_data)
    scan_data = load_scan_data(file)
    ids = load_rows(dataset, prefix)
    if len(ids) != len(scan_data.samples):
        raise StaleRunError(
            f"What the last scan of '{dataset.name}' stored does not fit together. "
            "Scan again: what was embedded is kept, so it is quick."
        )
    return StoredRun(record, ids, _as_of_now(scan_data, dataset, record, ids), file)


def previous_scan_data(dataset: fo.Dataset, prefix: str | None) -> ScanData | None:
    """Returns what the last finished scan learned, of its day; None without."""
    try:
        return load_scan_data(scan_data_path(complete_run(dataset, prefix).scan_data))
    except (ScanNotFoundError, StaleRunError):
        return None


def _as_of_now(
    scan_data: ScanData, dataset: fo.Dataset, record: ScanRun, ids: Sequence[str]
) -> ScanData:
    field = record.label_field
    if field is not None and not dataset.has_sample_field(field):
        field = None
    # Not two values(): a pass over 25,000 samples takes each half a second
    labels = label_field_of(dataset, field) if field else None
    shown = {"label": f"${labels.path}"} if labels else {"_id": True}
    rows = sample_documents(dataset).aggregate([{"$match": HERE}, {"$project": shown}])
    label_of = {
        str(row["_id"]): labels.text(row.get("label")) if labels else None
        for row in rows
    }
    gone = np.fromiter((one not in label_of for one in ids), bool, len(ids))
    if gone.any():
        scan_data = without(scan_data, gone, QUARANTINED)
    if field is None:
        return scan_data
    return without_changed_labels(scan_data, [label_of.get(one) for one in ids])


def without_changed_labels(
    scan_data: ScanData, labels: Sequence[str | None]
) -> ScanData:
    """Returns the scan without the labels that are not those that were scanned.

    What a label is worth was learned of the old one.

    Args:
        scan_data: of n rows
        labels: n labels of today
    """
    known, codes = scan_data.samples.classes, scan_data.samples.labels
    changed = np.fromiter(
        (
            code >= 0 and known[code] != label
            for code, label in zip(codes.tolist(), labels, strict=True)
        ),
        bool,
        len(labels),
    )
    return with_labels(scan_data, np.where(changed, NO_LABEL, codes))
