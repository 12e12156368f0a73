"""What the last finished scan of a data set left: its record and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np

from ...core.errors import StaleRunError
from ...core.evidence import Evidence, load_evidence, without
from ...core.findings import QUARANTINED
from .fields import scanned_ids
from .runs import complete_run, digest_of_ids
from .storage import evidence_path


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A finished scan.

    Attributes:
        record: the run's configuration
        ids: n sample ids, in the order of the evidence's rows
        evidence: images that were put away since do not count in it
        file: of the evidence
    """

    record: Any
    ids: list[str]
    evidence: Evidence
    file: Path


def load_run(dataset: fo.Dataset, prefix: str | None) -> StoredRun:
    """Loads the last finished scan.

    Raises:
        StaleRunError: no finished scan, its stored results are gone, or
            samples were deleted since
    """
    record = complete_run(dataset, prefix)
    file = evidence_path(record.evidence)
    evidence = load_evidence(file)
    ids = scanned_ids(dataset, prefix)
    if digest_of_ids(ids) != record.ids_sha256:
        raise StaleRunError(
            f"Samples of '{dataset.name}' were deleted since the last scan. Scan "
            "again: what was embedded is kept, so it is quick."
        )
    put_away = set(dataset.match_tags(QUARANTINED).values("id"))
    rows = np.fromiter((one in put_away for one in ids), bool, len(ids))
    if rows.any():
        evidence = without(evidence, rows, QUARANTINED)
    return StoredRun(record, ids, evidence, file)
