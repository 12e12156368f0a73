"""Thins a scanned data set: which images show no more than one that is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.common.result import TableResult
from ....core.common.text import share_text
from ....core.copy_detection import part_levels
from ....core.curation.thin import (
    NO_SERIES,
    check_flag,
    check_min_change,
    in_part_text,
    thin_by_change,
    thin_to_count,
)
from ....core.errors import InputError
from ....core.findings.decisions import Decisions
from ....core.progress import OnProgress
from ....core.reading.image_statistics import sharpness
from ....core.scan.scan_data import ScanData, Thinning
from ....core.scan.stored_scan import load_scan_data, save_scan_data
from ..dataset.decisions import read_decisions
from ..dataset.internals import dataset_of
from ..dataset.samples import flat_image_view
from ..dataset.scan_vectors import scanned_vectors
from ..runs.lock import exclusive_run
from ..runs.reapply import reapply_thresholds, settings_of
from ..runs.stored_run import StoredRun, load_run

FIRST, SHARPEST = "first", "sharpest"
PREFER = (FIRST, SHARPEST)
_ALL = "all images, by path"
_SHOWN = 10


@dataclass(frozen=True)
class ThinChoice:
    """What can be chosen.

    Attributes:
        min_change (0.05): how much an image must differ (cosine distance of the copy
            vectors) from the last kept one of its sequence to be kept
        keep (None): keep so many images of the whole set in place of that, those
            that stand best for the rest
        prefer ("first"): which image of a burst is kept: ``first`` or ``sharpest``
        keep_parts (False): also keep an image of which a part differs from the last
            kept one, as where something small came or went before a fixed camera. Where
            something always moves, nearly all are kept
        prefix (None): prefix of the scan's fields
    """

    min_change: float = 0.05
    keep: int | None = None
    prefer: str = FIRST
    keep_parts: bool = False
    prefix: str | None = None

    def __post_init__(self) -> None:
        check_min_change(self.min_change)
        if self.keep is not None and (
            isinstance(self.keep, bool) or not isinstance(self.keep, int)
        ):
            raise InputError(f"keep must be a whole number, got {self.keep!r}.")
        if self.keep is not None and self.keep < 1:
            raise InputError(
                f"keep={self.keep} would keep nothing. Give how many images to keep."
            )
        if self.prefer not in PREFER:
            raise InputError(
                f"prefer={self.prefer!r} is not known. Use one of {', '.join(PREFER)}."
            )
        check_flag("keep_parts", self.keep_parts)
        if self.keep_parts and self.keep is not None:
            raise InputError(
                f"keep={self.keep} says how many images are kept, so keep_parts cannot "
                "keep more. Leave out one of them."
            )


@dataclass(frozen=True)
class ThinReport(TableResult):
    """What thinning found; no file was touched.

    Attributes:
        dataset: name of the data set
        images: that were thinned
        kept: of them
        protected: of those kept, the ones that are kept whatever they show
        skipped: images that were not thinned
        in_part: of those that can go, the ones that differ from the kept one in a part
        is_to_count: whether so many were kept as were asked for, of the whole set
        by_sequence: sequence -> images and kept ones, where sequences were thinned
    """

    dataset: str
    images: int
    kept: int
    protected: int
    skipped: int
    in_part: int
    is_to_count: bool
    by_sequence: Mapping[str, Sequence[int]]

    def summary(self) -> str:
        """Returns the outcome in a sentence."""
        gone = self.images - self.kept
        why = "are like them" if self.is_to_count else "show no more than one of them"
        return (
            f"Of {self.images:,} images {self.kept:,} are kept; {gone:,} "
            f"({share_text(gone, max(1, self.images))}) {why}."
        )

    def details(self) -> Iterator[str]:
        """Yields what was protected, and the longest sequences, a line each."""
        if self.protected:
            yield (
                f"{self.protected:,} are kept in any case: in a test or validation "
                "split, or because a person decided so"
            )
        if self.skipped:
            why = "in a test or validation split" if self.is_to_count else "no frames"
            yield f"Skipped: {self.skipped:,} images that are {why}"
        if self.in_part:
            yield in_part_text(self.in_part)
        longest = sorted(self.by_sequence.items(), key=lambda one: (-one[1][0], one[0]))
        for name, (images, kept) in longest[:_SHOWN]:
            yield f"{name}: {kept:,} of {images:,}"
        if len(longest) > _SHOWN:
            yield f"and {len(longest) - _SHOWN:,} more sequences"
        yield (
            'Nothing was removed. show(dataset, "bursts") shows what can go; '
            'export(..., without=["bursts"]) leaves it out, '
            'quarantine(dataset, "bursts") puts it away'
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the sequences."""
        for name, (images, kept) in self.by_sequence.items():
            yield {"sequence": name, "images": images, "kept": kept}


def thin(
    samples: fo.core.collections.SampleCollection,
    choice: ThinChoice,
    on_progress: OnProgress,
) -> ThinReport:
    """Finds which images show no more than a kept one, and writes the fields.

    Args:
        samples: a data set that was scanned, or a view; all others are left alone
        choice: what is asked for
        on_progress: told after each batch

    Raises:
        InputError: nothing to thin
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    view = flat_image_view(samples)
    dataset = dataset_of(view)
    with exclusive_run(dataset):
        run = load_run(dataset, choice.prefix)
        decided = read_decisions(dataset, run.ids, run.scan_data)
        names, series, place = _series(run.scan_data)
        rows, vectors, levels = _compared(dataset, run, choice.prefix, on_progress)
        considered = np.zeros(len(run.ids), bool)
        considered[rows] = True
        considered &= np.isin(run.ids, view.values("id"))
        if not considered.any():
            raise InputError(
                "None of these images was read by the last scan. Scan again, or choose "
                "others."
            )
        found = _thinned(
            run.scan_data,
            vectors,
            levels,
            np.where(considered, series, NO_SERIES),
            place,
            considered,
            decided,
            choice,
        )
        # The stored scan as it was, not as of today
        save_scan_data(replace(load_scan_data(run.file), thinning=found), run.file)
    reapply_thresholds(dataset, settings_of(run.record), choice.prefix, on_progress)
    thinned = found.burst >= 0
    return ThinReport(
        dataset=dataset.name,
        images=int(thinned.sum()),
        kept=int((thinned & found.kept).sum()),
        protected=int((thinned & _protected(run.scan_data, decided)).sum()),
        skipped=int((considered & ~thinned).sum()),
        in_part=int((thinned & found.in_part).sum()),
        is_to_count=choice.keep is not None,
        by_sequence={}
        if choice.keep is not None
        else {
            name: [
                int((thinned & (series == code)).sum()),
                int((thinned & found.kept & (series == code)).sum()),
            ]
            for code, name in enumerate(names)
            if (thinned & (series == code)).any()
        },
    )


def _series(
    scan_data: ScanData,
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Returns the names of what is thinned, and the series and place of each sample.

    Those are the sequences; without any, all images are one series.
    """
    known, samples = scan_data.sequences, scan_data.samples
    if known.names:
        return known.names, known.code.astype(np.int64), known.place
    series = np.where(samples.readable, 0, NO_SERIES)
    return [_ALL], series, samples.path_rank


def _compared(
    dataset: fo.Dataset, run: StoredRun, prefix: str | None, on_progress: OnProgress
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int16] | None]:
    """Returns rows of the run that can be compared, and by what.

    Returns:
        a tuple of

        -   int64[r], the rows
        -   n x d, a unit vector of each of them, 0 elsewhere
        -   int16[n, p], how bright their parts are; None where that is not known
    """
    known = scanned_vectors(dataset, run.record.settings, prefix, "copy", on_progress)
    rows = run.rows_of(known.ids)
    here = np.flatnonzero(rows >= 0)
    rows = rows[here]
    found = known.vectors[here].astype(np.float32)
    vectors = np.zeros((len(run.ids), found.shape[1]), np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    vectors[rows] = found / np.maximum(lengths, np.float32(1e-12))
    if known.signatures is None:
        return rows, vectors, None
    parts = part_levels(known.signatures)[here]
    levels = np.zeros((len(run.ids), parts.shape[1]), np.int16)
    levels[rows] = parts
    return rows, vectors, levels


def _thinned(
    scan_data: ScanData,
    vectors: NDArray[np.float32],
    levels: NDArray[np.int16] | None,
    series: NDArray[np.int64],
    place: NDArray[np.int64],
    considered: NDArray[np.bool_],
    decided: Decisions,
    choice: ThinChoice,
) -> Thinning:
    """Thins by change or to a count.

    What is kept in a test split is no reason to drop a training image: splits are
    thinned apart.
    """
    samples = scan_data.samples
    protected = _protected(scan_data, decided)
    if choice.keep is not None:
        # By path, so that the order of the samples changes nothing
        order = np.argsort(samples.path_rank)
        by_path = thin_to_count(
            vectors[order],
            (considered & ~samples.evaluated)[order],
            samples.labels[order],
            protected[order],
            choice.keep,
        )
        back = np.argsort(order)
        return Thinning(by_path.burst[back], by_path.kept[back], by_path.in_part[back])
    split_count = len(samples.split_names) + 1
    apart = series * split_count + samples.splits + 1
    sharp = np.full(len(series), -np.inf, np.float32)
    readable = samples.readable
    sharp[readable] = sharpness(scan_data.files.statistics)[
        samples.unique_file[readable]
    ]
    rank = np.lexsort((samples.path_rank, place))
    return thin_by_change(
        vectors,
        np.where(series == NO_SERIES, NO_SERIES, apart),
        np.argsort(rank),
        samples.labels,
        protected,
        choice.min_change,
        np.nan_to_num(sharp, nan=-np.inf) if choice.prefer == SHARPEST else None,
        levels,
        keep_parts=choice.keep_parts,
    )


def _protected(scan_data: ScanData, decided: Decisions) -> NDArray[np.bool_]:
    return scan_data.samples.evaluated | decided.keep | decided.keeper
