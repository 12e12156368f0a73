"""Between a data set and a fastdup work_dir."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.common.result import Result
from ....core.errors import InputError
from ....core.fastdup.files import (
    OUTLIERS,
    SIMILARITY,
    WorkDir,
    read_work_dir,
    write_components,
    write_config,
    write_edges,
    write_features,
    write_unreadable,
)
from ....core.fastdup.rules import (
    MIN_COMPONENT_SIMILARITY,
    MIN_SIMILARITY,
    NEIGHBORS,
    OUTLIER_SHARE,
    Edges,
    components,
    edges_of,
    nearest_rows,
    outlier_edges,
    similar_edges,
)
from ....core.progress import OnProgress, Progress
from ....core.reading.folders import common_folder
from ..dataset.fields import CREATED_BY, field_name, is_ours
from ..dataset.internals import dataset_of
from ..dataset.present import present
from ..dataset.scan_vectors import scanned_vectors
from ..runs.lock import exclusive_run
from ..runs.run_record import complete_run

_SAMPLES_A_WRITE = 2_000
_ROWS_A_WRITE = 4_096
_CODES = {
    "missing": "ERROR_MISSING_FILE",
    "corrupt": "ERROR_CORRUPT_IMAGE",
    "truncated": "ERROR_CORRUPT_IMAGE",
    "empty": "ERROR_ZERO_SIZE_FILE",
    "unsupported": "ERROR_CORRUPT_IMAGE",
}
"""What fastdup calls a file that it cannot read, by Winnow's word for it."""


@dataclass(frozen=True, kw_only=True)
class FastdupRules:
    """The arguments of ``fastdup.run`` that decide what its files hold.

    Attributes:
        threshold (0.9): least similarity of a line of similarity.csv
        ccthreshold (0.96): least similarity that connects a component
        nearest_neighbors_k (2): neighbors per image
        lower_threshold (0.05): share of all edges that are outliers
    """

    threshold: float = MIN_SIMILARITY
    ccthreshold: float = MIN_COMPONENT_SIMILARITY
    nearest_neighbors_k: int = NEIGHBORS
    lower_threshold: float = OUTLIER_SHARE

    def __post_init__(self) -> None:
        for name, low in (("threshold", -1), ("ccthreshold", -1)):
            _check(name, getattr(self, name), low)
        _check("lower_threshold", self.lower_threshold, 0)
        k = self.nearest_neighbors_k
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(
                f"nearest_neighbors_k must be a whole number of at least 1, got {k!r}."
            )


@dataclass(frozen=True)
class Written(Result):
    """What was written into a work_dir.

    Attributes:
        output_dir: the work_dir
        count: images with a vector
        unreadable: images without
        similar: lines of similarity.csv
        outliers: lines of outliers.csv
        components: components of two images or more
    """

    output_dir: str
    count: int
    unreadable: int
    similar: int
    outliers: int
    components: int

    def summary(self) -> str:
        """Returns the counts in a sentence."""
        return (
            f"{self.count:,} images in {self.output_dir}: {self.similar:,} lines of "
            f"similarity.csv, {self.outliers:,} of outliers.csv, {self.components:,} "
            f"components; {self.unreadable:,} images without features."
        )


@dataclass(frozen=True)
class Imported(Result):
    """What was read from a work_dir.

    Attributes:
        field: field that holds the features
        count: samples that have features now
        dimensions: numbers per feature
        without: samples that fastdup has no feature of
        unknown: images of fastdup that are not in the data set
        unreadable: files that fastdup could not read
    """

    field: str
    count: int
    dimensions: int
    without: int
    unknown: int
    unreadable: int

    def summary(self) -> str:
        """Returns the counts in a sentence."""
        return (
            f"{self.count:,} samples have fastdup's {self.dimensions:,} numbers in "
            f"{self.field}; {self.without:,} have none. {self.unknown:,} images of "
            f"fastdup are not in the data set, {self.unreadable:,} it could not read."
        )


def write_work_dir(
    dataset: fo.Dataset,
    folder: Path,
    rules: FastdupRules,
    prefix: str | None,
    on_progress: OnProgress,
) -> Written:
    """Writes the last scan's vectors, and what fastdup's rules say of them.

    Raises:
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
        InputError: no image that can be read
    """
    run = complete_run(dataset, prefix)
    with exclusive_run(dataset):
        known = scanned_vectors(dataset, run.settings, prefix, "copy", on_progress)
        ids, paths, vectors = known.ids, known.paths, known.vectors
        if len(ids) < 2:
            raise InputError(
                f"Of {len(ids)} images the vectors can be read, and fastdup compares "
                "two or more. Nothing was written."
            )
        bad = _unreadable(dataset, set(ids), prefix)
    # fastdup numbers all files by their path, those without a vector too
    order = sorted(range(len(paths)), key=paths.__getitem__)
    names = sorted([*paths, *bad])
    number_of = {path: number for number, path in enumerate(names)}
    numbers = np.array([number_of[paths[row]] for row in order], np.int64)
    texts = [os.fsdecode(paths[row]) for row in order]
    folder.mkdir(parents=True, exist_ok=True)
    dims = int(vectors.shape[1])
    write_features(folder, texts, numbers, _blocks(vectors, np.array(order)))
    # From here on they are in the file, and a million need not be held twice
    del vectors
    on_progress(Progress("Searching similar images", 0, 2))
    stored = read_work_dir(folder).vectors
    near, similarity = nearest_rows(stored, rules.nearest_neighbors_k)
    on_progress(Progress("Searching similar images", 1, 2))
    similar = similar_edges(edges_of(near, similarity), rules.threshold)
    least = outlier_edges(near, similarity, rules.lower_threshold)
    numbered = Edges(
        numbers[similar.source].astype(np.int32),
        numbers[similar.target].astype(np.int32),
        similar.similarity,
    )
    found = components(numbered, len(names), rules.ccthreshold)
    write_unreadable(
        folder,
        (
            (number_of[path], os.fsdecode(path), *_why(path, status))
            for path, status in sorted(bad.items())
        ),
    )
    write_edges(folder / SIMILARITY, similar, texts)
    write_edges(folder / OUTLIERS, least, texts)
    write_components(folder, found, numbers)
    config = {
        "input_dir": common_folder(texts),
        "work_dir": str(folder),
        "distance": "cosine",
        "threshold": rules.threshold,
        "lower_threshold": rules.lower_threshold,
        "turi_param": f"ccthreshold={rules.ccthreshold:g}",
        "nearest_neighbors_k": rules.nearest_neighbors_k,
        "d": dims,
        "model_path": run.report["model"],
        "run_mode": 0,
    }
    write_config(folder, config)
    on_progress(Progress("Searching similar images", 2, 2))
    linked = int((found.count > 0).sum())
    return Written(
        str(folder),
        len(ids),
        len(bad),
        len(similar.source),
        len(least.source),
        linked,
    )


def put_features(
    samples: fo.core.collections.SampleCollection,
    work_dir: WorkDir,
    field: str,
    root: str | Path | None,
    on_progress: OnProgress,
) -> Imported:
    """Puts fastdup's features into a field, by the paths of the files.

    Raises:
        InputError: a field that is not ours, or no path that is known
    """
    dataset = dataset_of(samples)
    old = dataset.get_field(field)
    if old is not None and not is_ours(old):
        raise InputError(
            f"The field '{field}' already exists and was not created by Winnow. It is "
            "not changed. Give another name as field=."
        )
    row_of = {
        path: row for row, path in enumerate(_paths(work_dir, root)) if path is not None
    }
    ids, paths = present(samples).values(["id", "filepath"])
    found = [
        (sample_id, row_of[path])
        for sample_id, path in zip(ids, map(os.path.normpath, paths), strict=True)
        if path in row_of
    ]
    if not found:
        raise InputError(
            f"None of the {len(work_dir.names):,} images of fastdup is in "
            f"'{dataset.name}': the first is '{work_dir.names[0]}'. If the images were "
            "moved or their names are relative, give root=, the folder that was "
            "fastdup's input_dir."
        )
    with exclusive_run(dataset):
        if old is not None:
            dataset.clear_sample_field(field)
        else:
            dataset.add_sample_field(
                field,
                fo.VectorField,
                description="Features that fastdup extracted",
                info={"created_by": CREATED_BY},
            )
        for start in range(0, len(found), _SAMPLES_A_WRITE):
            part = found[start : start + _SAMPLES_A_WRITE]
            values = {one: np.array(work_dir.vectors[row]) for one, row in part}
            dataset.set_values(field, values, key_field="id")
            on_progress(Progress("Writing features", start + len(part), len(found)))
    return Imported(
        field,
        len(found),
        int(work_dir.vectors.shape[1]),
        len(ids) - len(found),
        len(work_dir.names) - len({row for _, row in found}),
        len(work_dir.unreadable),
    )


def _paths(work_dir: WorkDir, root: str | Path | None) -> Iterator[str | None]:
    """Returns where each image is now; None for a relative name without a root."""
    top = None if root is None else os.path.normpath(Path(root).expanduser().absolute())
    base = work_dir.input_dir and os.path.normpath(work_dir.input_dir)
    for name in map(os.path.normpath, work_dir.names):
        if top is not None and base and name.startswith(base + os.sep):
            yield os.path.join(top, name[len(base) + 1 :])
        elif top is not None and not Path(name).is_absolute():
            yield os.path.join(top, name)
        else:
            yield name if Path(name).is_absolute() else None


def _unreadable(
    dataset: fo.Dataset, embedded: set[str], prefix: str | None
) -> dict[bytes, str]:
    """Returns the status of the images without a vector, by path."""
    status = field_name("scan_status", prefix)
    scanned = present(dataset.exists(status))
    ids, paths, statuses = scanned.values(["id", "filepath", status])
    return {
        os.fsencode(path): word
        for one, path, word in zip(ids, paths, statuses, strict=True)
        if one not in embedded
    }


def _why(path: bytes, status: str) -> tuple[str, int]:
    size = -1
    with contextlib.suppress(OSError):
        size = Path(os.fsdecode(path)).stat().st_size
    if size == 0:
        return "ERROR_ZERO_SIZE_FILE", 0
    return _CODES.get(status, "ERROR_UNKNOWN_ERROR"), max(size, 0)


def _blocks(
    vectors: NDArray[np.floating], order: NDArray[np.integer]
) -> Iterator[NDArray[np.floating]]:
    for start in range(0, len(order), _ROWS_A_WRITE):
        yield vectors[order[start : start + _ROWS_A_WRITE]]


def _check(name: str, value: float, low: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} must be a number, got {value!r}.")
    if not low <= value <= 1:
        raise InputError(f"{name} must be in [{low:g}, 1], got {value:g}.")
