"""Which values a run left on each sample, so that the next one need not read them.

To move a threshold changes few samples, and to read them all takes longer than to
judge them. FiftyOne keeps when a sample was last modified, with an index on it: only
those that should get other values, and those that somebody touched since, are read.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.errors import ScanNotFoundError, StaleRunError
from ....core.scan.stored_scan import load_record, save_record
from .paths import scan_data_path, written_rows_path
from .run_record import complete_run

_DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class WrittenRows:
    """What stands in the fields of n samples.

    Attributes:
        run: when the run that wrote it was completed, as its record says
        samples: digest of the n ids, in their order
        written_at: the time that its samples were modified by it, ISO 8601 in UTC
        names: of the stored fields
        digests: uint8[n, 16], of the values of each sample, in the order of the names
    """

    run: str
    samples: str
    written_at: str
    names: list[str]
    digests: NDArray[np.uint8]

    @property
    def time(self) -> datetime:
        """When its samples were modified by it."""
        return datetime.fromisoformat(self.written_at)


def digests_of(columns: Mapping[str, Sequence[Any]]) -> NDArray[np.uint8]:
    """Returns uint8[n, 16], the digests of n rows.

    Args:
        columns: n values a field
    """
    found = b"".join(
        hashlib.blake2b(_as_bytes(row), digest_size=_DIGEST_BYTES).digest()
        for row in zip(*columns.values(), strict=True)
    )
    return np.frombuffer(found, np.uint8).reshape(-1, _DIGEST_BYTES)


def _as_bytes(row: tuple[Any, ...]) -> bytes:
    try:
        # Version 2: later ones depend on which objects are shared
        return marshal.dumps(row, 2)
    except ValueError:
        return repr(row).encode()


def digest_of(ids: Sequence[str]) -> str:
    """Returns what names some samples in their order."""
    return hashlib.blake2b("".join(ids).encode()).hexdigest()


def load_written_rows(
    dataset: fo.Dataset, prefix: str | None, ids: Sequence[str]
) -> WrittenRows | None:
    """Returns what the last finished run left on these samples, or the first of them:
    new ones come last.

    None if that is not known, if it was of other samples, or if a field was deleted.

    Args:
        dataset: that was scanned
        prefix: of its fields
        ids: n sample ids
    """
    with contextlib.suppress(ScanNotFoundError, StaleRunError):
        run = complete_run(dataset, prefix)
        path = written_rows_path(scan_data_path(run.scan_data))
        rows = load_record(WrittenRows, path)
        same = rows.run == run.completed_at
        same = same and rows.samples == digest_of(ids[: len(rows.digests)])
        if same and dataset.get_field_schema().keys() >= set(rows.names):
            return rows
    return None


def save_written_rows(scan_data: Path, rows: WrittenRows) -> None:
    """Keeps what a run left on its samples; a full disk costs speed alone."""
    with contextlib.suppress(OSError):
        save_record(rows, written_rows_path(scan_data))


def rows_to_look_at(
    ids: Sequence[str],
    there: Container[str],
    touched: Container[str],
    before: WrittenRows | None,
    digests: NDArray[np.uint8],
    names: list[str],
) -> tuple[list[int], NDArray[np.bool_]]:
    """Returns the rows of samples that may hold something else than they should.

    Args:
        ids: n sample ids
        there: ids of the samples that are there
        touched: ids of those that were modified since the run before
        before: what that run left on the first of them; None if that is not known
        digests: uint8[n, 16], of what they should hold
        names: of the fields

    Returns:
        a tuple of

        -   the rows
        -   bool[n], those of them that surely do: nobody touched what the run left,
            which is something else
    """
    differs, known = np.ones(len(ids), bool), np.zeros(len(ids), bool)
    if before is not None and before.names == names:
        count = len(before.digests)
        differs[:count] = (before.digests != digests[:count]).any(axis=1)
        known[:count] = [one not in touched for one in ids[:count]]
    rows = [
        row
        for row, (one, other) in enumerate(zip(ids, differs.tolist(), strict=True))
        if one in there and (other or one in touched)
    ]
    return rows, differs & known
