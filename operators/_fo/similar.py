"""The most similar images of a sample, from what the scan stored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ...core.evidence import Evidence, load_evidence
from .runs import load_rows
from .storage import evidence_path


@dataclass(frozen=True, eq=False)
class Similar:
    """Knows the most similar samples of each scanned sample.

    Attributes:
        evidence: of the scan
        ids: the sample of each row of the evidence
        row_of: the row of each sample
        row_item: int32[n], the item of each row; -1 if unreadable
        item_row: int64[i], a row that shows each item
    """

    evidence: Evidence
    ids: list[str]
    row_of: dict[str, int]
    row_item: NDArray[np.int32]
    item_row: NDArray[np.int64]

    def nearest(self, sample_id: str) -> list[tuple[str, str | None]]:
        """Returns the id and the label of other images, most similar first."""
        row = self.row_of.get(sample_id)
        if row is None or self.row_item[row] < 0:
            return []
        near = self.evidence.neighbors[self.row_item[row]]
        rows = self.item_row[near[near >= 0]]
        return [(self.ids[r], self._label(r)) for r in rows.tolist()]

    def _label(self, row: int) -> str | None:
        code = int(self.evidence.labels[row])
        return self.evidence.classes[code] if code >= 0 else None


_loaded: dict[Path, Similar] = {}
_MOST_LOADED = 2


def similar_images(dataset: fo.Dataset, run: Any, prefix: str | None) -> Similar:
    """Loads what the scan stored, once a process and scan.

    Raises:
        StaleRunError: it is gone or damaged
    """
    path = evidence_path(run.evidence)
    if path not in _loaded:
        loaded = _similar(load_evidence(path), load_rows(dataset, prefix))
        while len(_loaded) >= _MOST_LOADED:
            _loaded.pop(next(iter(_loaded)), None)
        _loaded[path] = loaded
    return _loaded[path]


def _similar(evidence: Evidence, ids: list[str]) -> Similar:
    row_item = evidence.row_items
    item_row = np.zeros(len(evidence.first), np.int64)
    # The last assignment wins: the first row of each item
    readable = np.flatnonzero(row_item >= 0)[::-1]
    item_row[row_item[readable]] = readable
    row_of = {sample_id: row for row, sample_id in enumerate(ids)}
    return Similar(evidence, ids, row_of, row_item, item_row)
