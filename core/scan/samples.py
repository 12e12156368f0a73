"""The records of samples and of their unique files, from the table of the pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.rows import distinct_rows
from ..embedding.image_table import FileTable, ImageTable
from ..errors import InputError
from ..findings.image_issues import flaws
from ..findings.keepers import ImageRows
from ..findings.schema import NO_LABEL
from ..reading.image_statistics import sharpness
from ..reading.jpeg_damage import NO_DAMAGE
from .scan_data import (
    Samples,
    ScanInput,
    UniqueFiles,
    UnreadableFile,
    first_by_path,
    sample_damage,
)
from .unique_images import DescribedImages, UniqueImages

_UNREADABLE_KEPT = 1000


def samples_of(
    table: FileTable, scan_input: ScanInput, kind: str = "images"
) -> Samples:
    """Returns the n samples with what the pass over their files found.

    Args:
        table: of the files
        scan_input: what the data set knows of them
        kind: what they should be, in the plural

    Raises:
        InputError: not one of the files is readable
    """
    _require_readable(table, kind)
    statuses, status = _statuses(table)
    return Samples(
        unique_file=table.unique_file,
        status=status,
        path_rank=_ranks(scan_input.paths),
        file_bytes=table.file_bytes,
        modified=table.modified,
        file_id=table.file_id,
        is_link=table.is_link,
        labels=_or_none(scan_input.labels, len(table.unique_file)),
        splits=_or_none(scan_input.splits, len(table.unique_file)),
        statuses=statuses,
        classes=list(scan_input.classes),
        split_names=list(scan_input.split_names),
        unreadable=_unreadable(table, scan_input.paths),
    )


def unique_files(table: ImageTable) -> UniqueFiles:
    """Returns what the pass found of each unique file."""
    return UniqueFiles(
        digest=table.column("digest"),
        first_group=distinct_rows(table.column("first_digest"))[1],
        picture_count=table.column("picture_count"),
        width=table.column("width"),
        height=table.column("height"),
        statistics=table.column("statistics"),
        damage=table.column("damage"),
        seconds=np.zeros(len(table.stored("damage"))),
    )


def vectors_of_files(
    samples: Samples, vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Returns m x d: of the vectors of n samples that of each unique file.

    The first path decides, whatever the order of the samples.
    """
    files = samples.unique_file
    return vectors[first_by_path(files, samples.path_rank, int(files.max()) + 1)]


def split_membership(samples: Samples, images: DescribedImages) -> NDArray[np.bool_]:
    """Returns bool[s, i]: which split holds which unique image."""
    unique_image = images.groups.of_samples(samples.unique_file)
    holds = np.zeros((len(samples.split_names), len(images)), bool)
    known = (unique_image >= 0) & (samples.splits >= 0)
    holds[samples.splits[known], unique_image[known]] = True
    return holds


def image_rows(samples: Samples, files: UniqueFiles, images: UniqueImages) -> ImageRows:
    """Returns what the choice of keepers looks at, one value per sample."""
    readable = samples.readable

    def spread(values: NDArray[Any], absent: float) -> NDArray[Any]:
        rows = np.full(len(samples), absent, values.dtype)
        rows[readable] = values[samples.unique_file[readable]]
        return rows

    return ImageRows(
        unique_image=images.of_samples(samples.unique_file),
        byte_group=samples.unique_file,
        pixel_group=spread(images.pixel_group, -1),
        width=spread(files.width, 0),
        height=spread(files.height, 0),
        file_bytes=samples.file_bytes,
        sharpness=spread(sharpness(files.statistics), np.nan),
        modified=samples.modified,
        chosen=np.zeros(len(samples), bool),
        is_link=samples.is_link,
        path_rank=samples.path_rank,
        label=samples.labels,
        protected=samples.evaluated,
        flawed=spread(flaws(files.statistics), False),
        damaged=sample_damage(samples, files) != NO_DAMAGE,
        seconds=spread(files.seconds, 0),
    )


def _require_readable(table: FileTable, kind: str) -> None:
    if (table.unique_file >= 0).any():
        return
    reasons: dict[str, int] = {}
    for failure in table.failures.values():
        reasons[failure.status] = reasons.get(failure.status, 0) + 1
    counts = ", ".join(
        f"{count:,} {status}" for status, count in sorted(reasons.items())
    )
    raise InputError(
        f"None of the {len(table.unique_file):,} {kind} can be read ({counts}). "
        f"Nothing was changed. Check that the paths are right and the files are {kind}."
    )


def _unreadable(table: FileTable, paths: Sequence[bytes]) -> list[UnreadableFile]:
    return [
        {
            "path": paths[row].decode("utf-8", "backslashreplace"),
            "status": failure.status,
            "reason": failure.reason,
        }
        for row, failure in sorted(table.failures.items())[:_UNREADABLE_KEPT]
    ]


def _ranks(paths: Sequence[bytes]) -> NDArray[np.int64]:
    rank = np.empty(len(paths), np.int64)
    # Rows of equal paths stay in their order
    rank[sorted(range(len(paths)), key=paths.__getitem__)] = np.arange(len(paths))
    return rank


def _statuses(table: FileTable) -> tuple[list[str], NDArray[np.int16]]:
    """Returns the words, "ok" first, and each row's code."""
    words = ["ok", *sorted({failure.status for failure in table.failures.values()})]
    codes = np.zeros(len(table.unique_file), np.int16)
    for row, failure in table.failures.items():
        codes[row] = words.index(failure.status)
    return words, codes


def _or_none(codes: NDArray[np.int32] | None, count: int) -> NDArray[np.int32]:
    return np.full(count, NO_LABEL, np.int32) if codes is None else codes
