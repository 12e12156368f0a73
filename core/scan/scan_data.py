"""What a scan learned, kept so that thresholds can be moved without a file."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StaleRunError
from ..findings.duplicates import ImageRows
from ..findings.image_issues import flaws
from ..neighbors.knn_graph import NeighborGraph
from ..reading.image_statistics import sharpness
from ..reading.jpeg_damage import NO_DAMAGE
from ..reading.split_names import TRAIN, split_role

_VERSION = 5
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,  # and NotImplementedError: what zipfile says of odd headers
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class ScanData:
    """The stored half of a scan.

    Rows are files (n), contents are distinct files (m), items are contents
    that surely differ (i); p pairs of items may be copies.

    Attributes:
        content: int64[n], the content of each row; -1 if unreadable
        status: int16[n], code into ``statuses``
        path_rank: int64[n], place of the row's path among all, sorted
        file_bytes: int64[n]
        modified: float64[n], seconds since 1970, NaN where missing
        file_id: int64[n], equal for names of one file
        is_link: bool[n], the path is a symbolic link
        labels: int32[n], code into ``classes``; -1 without
        splits: int32[n], code into ``split_names``; -1 without
        digest: uint8[m, 32], SHA-256 of each content's bytes
        item: int32[m], the item of each content
        pixel_group: int64[m], equal where all that is shown is equal
        first_group: int64[m], equal where the first pictures are equal in 8-bit RGB
        picture_count: int32[m], pictures in each file
        width: int32[m], upright, in pixels
        height: int32[m]
        statistics: float32[m, s], see :mod:`core.reading.image_statistics`
        damage: int8[m], index in :data:`core.reading.jpeg_damage.DAMAGES`;
            ``NO_DAMAGE`` for
            a whole picture
        first: int64[i], the content that stands for each item
        pairs: int32[p, 2], items that may be copies of each other
        pair_similarity: float32[p], cosine of the copy vectors
        pair_score: float32[p], 0 to 1, how sure the picture check is
        pair_relation: int8[p], see :data:`core.copy_detection.RELATIONS`
        pair_changes: uint8[p], bits of :data:`core.copy_detection.CHANGES_OF_MEANING`
        neighbors: int32[i, k], by features; -1 where missing. The last ones, as many
            as ``facts["spare_neighbors"]``, are kept for the next scan only
        neighbor_similarity: float32[i, k], cosine, -inf where missing
        copy_neighbors: int32[i, k], by copy vectors; no columns if the model
            gives one vector for both
        copy_neighbor_similarity: float32[i, k]
        synthetic_copy_scores: float32[s, 12], see
            :class:`~core.scan.recall_estimate.CopyScores`; no rows if none was made
        negative_scores: float32[q]
        class_candidates: int32[i, c], the classifier's likeliest classes
        class_probability: float32[i, c], out of fold
        given_probability: float32[i], of the given label; NaN without
        near_rows: int32[n, k + 1], see :func:`core.fastdup.rules.nearest_rows`;
            no columns unless the preset is fastdup's
        near_similarity: float32[n, k + 1]
        statuses: words for ``status``; the first is "ok"
        classes: label names
        split_names: split names
        facts: what is worth recording: model, thresholds, seconds by stage
    """

    content: NDArray[np.int64]
    status: NDArray[np.int16]
    path_rank: NDArray[np.int64]
    file_bytes: NDArray[np.int64]
    modified: NDArray[np.float64]
    file_id: NDArray[np.int64]
    is_link: NDArray[np.bool_]
    labels: NDArray[np.int32]
    splits: NDArray[np.int32]
    digest: NDArray[np.uint8]
    item: NDArray[np.int32]
    pixel_group: NDArray[np.int64]
    first_group: NDArray[np.int64]
    picture_count: NDArray[np.int32]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    statistics: NDArray[np.float32]
    damage: NDArray[np.int8]
    first: NDArray[np.int64]
    pairs: NDArray[np.int32]
    pair_similarity: NDArray[np.float32]
    pair_score: NDArray[np.float32]
    pair_relation: NDArray[np.int8]
    pair_changes: NDArray[np.uint8]
    neighbors: NDArray[np.int32]
    neighbor_similarity: NDArray[np.float32]
    copy_neighbors: NDArray[np.int32]
    copy_neighbor_similarity: NDArray[np.float32]
    synthetic_copy_scores: NDArray[np.float32]
    negative_scores: NDArray[np.float32]
    class_candidates: NDArray[np.int32]
    class_probability: NDArray[np.float32]
    given_probability: NDArray[np.float32]
    near_rows: NDArray[np.int32]
    near_similarity: NDArray[np.float32]
    statuses: list[str]
    classes: list[str]
    split_names: list[str]
    facts: Mapping[str, Any]

    @property
    def row_images(self) -> NDArray[np.int32]:
        """int32[n], the item of each row; -1 if unreadable."""
        return (
            np.where(self.content >= 0, self.item[self.content], -1).astype(np.int32)
            if len(self.item)
            else np.full_like(self.status, -1, np.int32)
        )


def without(scan_data: ScanData, rows: NDArray[np.bool_], status: str) -> ScanData:
    """Returns the evidence as if some files could not be read.

    Args:
        scan_data: of n rows
        rows: bool[n], the files that no longer count
        status: a word that says why
    """
    statuses = list(scan_data.statuses)
    if status not in statuses:
        statuses.append(status)
    code = np.int16(statuses.index(status))
    return replace(
        scan_data,
        content=np.where(rows, -1, scan_data.content),
        status=np.where(rows, code, scan_data.status),
        statuses=statuses,
    )


def feature_graph(scan_data: ScanData) -> NeighborGraph:
    """Returns the nearest neighbors of each item by its features."""
    graph = NeighborGraph(scan_data.neighbors, scan_data.neighbor_similarity)
    return graph.first(graph.k - scan_data.facts.get("spare_neighbors", 0))


def copy_graph(scan_data: ScanData) -> NeighborGraph | None:
    """Returns the nearest by copy vectors, None if they are the features."""
    if not scan_data.copy_neighbors.shape[1]:
        return None
    graph = NeighborGraph(scan_data.copy_neighbors, scan_data.copy_neighbor_similarity)
    return graph.first(graph.k - scan_data.facts.get("spare_neighbors", 0))


def first_rows(scan_data: ScanData) -> NDArray[np.int64]:
    """Returns int64[i]: of the rows of each item the one of the first path."""
    items = scan_data.row_images
    rows = np.flatnonzero(items >= 0)
    # Last assignment wins: the first path comes last
    rows = rows[np.argsort(-scan_data.path_rank[rows])]
    result = np.full(len(scan_data.first), -1, np.int64)
    result[items[rows]] = rows
    return result


def damage_of_rows(scan_data: ScanData) -> NDArray[np.int8]:
    """Returns int8[n], ``NO_DAMAGE`` where nothing is known."""
    rows = np.full(len(scan_data.content), NO_DAMAGE, np.int8)
    readable = scan_data.content >= 0
    rows[readable] = scan_data.damage[scan_data.content[readable]]
    return rows


def image_rows(scan_data: ScanData) -> ImageRows:
    """Returns what the choice of keepers looks at, one value a row."""
    readable = scan_data.content >= 0

    def spread(values: NDArray[Any], absent: float) -> NDArray[Any]:
        rows = np.full(len(readable), absent, values.dtype)
        rows[readable] = values[scan_data.content[readable]]
        return rows

    return ImageRows(
        item=scan_data.row_images,
        byte_group=scan_data.content,
        pixel_group=spread(scan_data.pixel_group, -1),
        width=spread(scan_data.width, 0),
        height=spread(scan_data.height, 0),
        file_bytes=scan_data.file_bytes,
        sharpness=spread(sharpness(scan_data.statistics), np.nan),
        modified=scan_data.modified,
        chosen=np.zeros(len(readable), bool),
        is_link=scan_data.is_link,
        path_rank=scan_data.path_rank,
        label=scan_data.labels,
        protected=np.isin(scan_data.splits, evaluation_splits(scan_data.split_names)),
        flawed=spread(flaws(scan_data.statistics), False),
        damaged=damage_of_rows(scan_data) != NO_DAMAGE,
    )


def evaluation_splits(names: Sequence[str]) -> list[int]:
    """Returns the codes of splits whose images should stay where they are."""
    return [
        code for code, name in enumerate(names) if split_role(name) not in (None, TRAIN)
    ]


_OTHERS = ("statuses", "classes", "split_names", "facts")
_ARRAYS = tuple(field.name for field in fields(ScanData) if field.name not in _OTHERS)


def save_scan_data(scan_data: ScanData, path: Path) -> None:
    """Writes the evidence; a reader sees the old file or the new, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    others = {name: getattr(scan_data, name) for name in _OTHERS}
    text = json.dumps({"version": _VERSION, **others})
    arrays = {name: getattr(scan_data, name) for name in _ARRAYS}
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, others=np.frombuffer(text.encode(), np.uint8), **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_scan_data(path: Path) -> ScanData:
    """Reads what :func:`save_scan_data` wrote.

    Raises:
        StaleRunError: it is gone, damaged or of another version
    """
    try:
        # Opened here: np.load leaves a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            others = json.loads(stored["others"].tobytes())
            arrays = {name: stored[name] for name in _ARRAYS}
    except FileNotFoundError:
        raise _stale("is no longer there") from None
    except _DAMAGE as error:
        raise _stale("cannot be read") from error
    if others.pop("version") != _VERSION:
        raise _stale("was written by another version of Winnow")
    return ScanData(**arrays, **others)


def _stale(what: str) -> StaleRunError:
    return StaleRunError(
        f"What the last scan stored for moving thresholds {what}. Scan again: "
        "the embeddings are kept, so it is quick."
    )
