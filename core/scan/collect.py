"""The slow half of a scan: reads, embeds, searches and compares pictures."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.memory import give_back
from ..embedding.embed import embed_images
from ..embedding.image_table import ImageTable
from ..embedding.records import ImageEmbedder
from ..errors import InputError
from ..fastdup.rules import NEIGHBORS as FASTDUP_NEIGHBORS
from ..fastdup.rules import nearest_rows
from ..findings.duplicates import keeper_pairs_to_check
from ..findings.label_issues import label_evidence
from ..models.registry import OWN_MIN_CANDIDATE_SIMILARITY
from ..neighbors.incremental import SPARE_NEIGHBORS
from ..neighbors.knn_graph import NO_NEIGHBOR, prepare_search
from ..progress import OnProgress, silent
from ..storage.record_store import StoredColumn, Vectors
from .candidate_search import distinct_pairs, search_images
from .equal_pixels import join_equal_pixels
from .previous_scan import PreviousScan, digest_of
from .recall_estimate import (
    NO_COPY_SCORES,
    CopyScores,
    calibrated_score,
    sampled,
    score_synthetic_copies,
)
from .scan_data import ScanData, image_rows
from .settings import DEFAULTS, ScanSettings
from .unique_images import UniqueImages, collapse, distinct_rows
from .verified_pairs import VerifiedPairs

NO_CODE = -1
_UNREADABLE_KEPT = 1000

logger = logging.getLogger(__name__)

Pairs = NDArray[np.int32]


class Stages:
    """Wall-clock seconds by stage."""

    def __init__(self) -> None:
        give_back()
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """Books the time since the last end on a stage; gives free memory back."""
        give_back()
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0) + now - self._last
        self._last = now


def collect_scan_data(
    paths: Sequence[bytes],
    embedder: ImageEmbedder | None,
    *,
    folder: Path,
    vectors: NDArray[np.float32] | None = None,
    labels: NDArray[np.int32] | None = None,
    classes: Sequence[str] = (),
    splits: NDArray[np.int32] | None = None,
    split_names: Sequence[str] = (),
    settings: ScanSettings = DEFAULTS,
    known: ScanData | None = None,
    on_progress: OnProgress = silent,
) -> ScanData:
    """Learns from n files all that :func:`~core.scan.apply_thresholds.find` needs.

    Args:
        paths: of the files, absolute
        embedder: the model; None if ``vectors`` are given
        folder: where embeddings are kept between runs
        vectors: n x d, embeddings made elsewhere
        labels: int32[n], codes into ``classes``, -1 without
        classes: label names
        splits: int32[n], codes into ``split_names``, -1 without
        split_names: split names
        settings: see :class:`~core.scan.settings.ScanSettings`
        known: of an earlier scan, whatever its settings. What it learned and still
            holds is taken over: pictures it compared are not compared again, lists of
            neighbors only take in what is new, and where nothing changed that the
            known copies or the labels depend on, they are not tried or learned
            again. The result is that of a scan from nothing, but for neighbors that
            an approximate search may miss (see :mod:`core.neighbors.incremental`)
        on_progress: told after each batch; may raise to cancel

    Raises:
        InputError: not one of the files is a readable image
    """
    settings.check_against(len(paths))
    stages = Stages()
    if known is None:
        prepare_search(len(paths))
    table = embed_images(
        paths,
        embedder,
        folder=folder,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )
    _require_readable(table)
    stages.end("read and embed")
    _log("Read", len(paths) - len(table.failures), len(paths), stages)

    path_rank = _ranks(paths)
    labels = _or_none(labels, len(paths))
    splits = _or_none(splits, len(paths))
    copies, features = _vectors(table, vectors, path_rank)
    near_rows, near_similarity = _near_rows(table, vectors, copies, settings)
    items = collapse(table.column("picture_digest"), copies, table.stored("signature"))
    copies, features = _of_items(copies, features, items)
    row_images = np.where(table.content >= 0, items.item[table.content], NO_CODE)
    present = _present(row_images, splits, len(split_names), len(copies))
    minimum = (
        embedder.min_candidate_similarity if embedder else OWN_MIN_CANDIDATE_SIMILARITY
    )
    digests = table.stored("digest")[items.first]
    source = digest_of([embedder.sha256] if embedder else [copies, digests])
    pictures = digest_of([embedder.input_size if embedder else 0])
    earlier = PreviousScan(known, digests, source, pictures)
    found = search_images(
        copies, features, present, minimum, settings.neighbors, on_progress, earlier
    )
    stages.end("search")

    checks = VerifiedPairs(table, items, copies, earlier)
    pairs = distinct_pairs(found.candidates, checks.turned_candidates())
    checks.add(pairs, on_progress)
    stages.end("compare pictures")
    trial, tried = NO_COPY_SCORES, digest_of([source, minimum, digests])
    if embedder:
        trial = earlier.trial(tried) or _trial(
            table, items, checks, paths, embedder, on_progress
        )
    if settings.calibrate:
        score = calibrated_score(trial, settings.min_copy_score)
        settings = replace(settings, min_copy_score=score)
    stages.end("try known copies")
    statuses, status = _statuses(table)
    scan_data = ScanData(
        content=table.content,
        status=status,
        path_rank=path_rank,
        file_bytes=table.file_bytes,
        modified=table.modified,
        file_id=table.file_id,
        is_link=table.is_link,
        labels=labels,
        splits=splits,
        digest=table.column("digest"),
        item=items.item,
        pixel_group=items.pixel_group,
        first_group=distinct_rows(table.column("first_digest"))[1],
        picture_count=table.column("picture_count"),
        width=table.column("width"),
        height=table.column("height"),
        statistics=table.column("statistics"),
        damage=table.column("damage"),
        first=items.first,
        neighbors=found.by_features.indices,
        neighbor_similarity=found.by_features.similarities,
        copy_neighbors=found.by_copies.indices,
        copy_neighbor_similarity=found.by_copies.similarities,
        synthetic_copy_scores=trial.copy_scores,
        negative_scores=trial.negative_scores,
        near_rows=near_rows,
        near_similarity=near_similarity,
        statuses=statuses,
        classes=list(classes),
        split_names=list(split_names),
        facts={
            "model": embedder.name if embedder else "given vectors",
            "model_sha256": embedder.sha256 if embedder else None,
            "precision": embedder.precision if embedder else None,
            "min_candidate_similarity": minimum,
            "seconds": stages.seconds,
            "unreadable": _unreadable(table, paths),
            "spare_neighbors": SPARE_NEIGHBORS,
        },
        **checks.columns(),
        **_no_label_evidence(len(copies)),
    )
    accepted = checks.accepted(settings.min_copy_score)
    more = keeper_pairs_to_check(image_rows(scan_data), accepted, checks.pairs)
    checks.add(more, on_progress)
    pixel_group = join_equal_pixels(
        table, items, checks, paths, folder, settings, on_progress
    )
    stages.end("compare pictures")

    votes = majority_labels(row_images, labels, len(copies), len(classes))
    cluster = _components(len(copies), checks.accepted(settings.min_copy_score))
    asked = digest_of([source, digests, votes, cluster, len(classes)])
    learned = earlier.labels(asked) or label_evidence(
        (copies, features) if found.by_copies.k else (features,),
        votes,
        cluster,
        len(classes),
        on_progress=on_progress,
    )
    stages.end("learn labels")
    learned_from = {"vectors": source, "pictures": pictures, "labels": asked}
    if len(trial.copy_scores) == len(sampled(len(items.first))):
        # Otherwise a file could not be read again, which may be over soon
        learned_from["trial"] = tried
    return replace(
        scan_data,
        facts={**scan_data.facts, "learned_from": learned_from},
        pixel_group=pixel_group,
        class_candidates=learned.classes,
        class_probability=learned.probabilities,
        given_probability=learned.given,
        **checks.columns(),
    )


def majority_labels(
    row_images: NDArray[np.int32],
    labels: NDArray[np.int32],
    item_count: int,
    class_count: int,
) -> NDArray[np.int32]:
    """Returns int32[i]: the commonest label of an item's rows, -1 without.

    Of equally common labels the first by name wins.
    """
    result = np.full(item_count, NO_CODE, np.int32)
    known = (row_images >= 0) & (labels >= 0)
    if not known.any():
        return result
    key = row_images[known].astype(np.int64) * class_count + labels[known]
    pair, votes = np.unique(key, return_counts=True)
    # Last assignment wins: fewest votes first, and within them last name first
    order = np.lexsort((-pair, votes))
    result[pair[order] // class_count] = pair[order] % class_count
    return result


def _trial(
    table: ImageTable,
    items: UniqueImages,
    checks: VerifiedPairs,
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    on_progress: OnProgress,
) -> CopyScores:
    """Tries known copies of a sample of the items."""
    originals = sampled(len(items.first))
    row_of = table.rows()
    return score_synthetic_copies(
        [paths[row_of[content]] for content in items.first[originals]],
        originals,
        embedder,
        checks.copies,
        checks.signatures,
        checks.sizes,
        on_progress=on_progress,
    )


def _present(
    row_images: NDArray[np.int32],
    splits: NDArray[np.int32],
    split_count: int,
    item_count: int,
) -> NDArray[np.bool_]:
    """Returns bool[s, i]: which split holds which item."""
    present = np.zeros((split_count, item_count), bool)
    known = (row_images >= 0) & (splits >= 0)
    present[splits[known], row_images[known]] = True
    return present


def _vectors(
    table: ImageTable,
    given: NDArray[np.float32] | None,
    path_rank: NDArray[np.int64],
) -> tuple[NDArray[np.floating], Vectors]:
    """Returns copy and feature vectors of the contents, unit length."""
    if given is None:
        return table.column("copy"), table.stored("features")
    readable = np.flatnonzero(table.content >= 0)
    # The first path speaks for a content, whatever the order of the rows
    readable = readable[np.argsort(-path_rank[readable])]
    row_of = np.empty(int(table.content.max()) + 1, np.int64)
    row_of[table.content[readable]] = readable
    vectors = given[row_of].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors, vectors


def _of_items(
    copies: NDArray[np.floating], features: Vectors, items: UniqueImages
) -> tuple[NDArray[np.floating], Vectors]:
    """Returns the rows of the items; stored ones are not read yet."""
    own = copies[items.first]
    if isinstance(features, StoredColumn):
        return own, features.at(items.first)
    return own, own


def _near_rows(
    table: ImageTable,
    given: NDArray[np.float32] | None,
    copies: NDArray[np.floating],
    settings: ScanSettings,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Returns what fastdup would know of each row; no columns without its preset.

    A vector that was given counts even if its file cannot be read here.
    """
    count = len(table.content)
    if settings.preset is None:
        return np.empty((count, 0), np.int32), np.empty((count, 0), np.float32)
    k = settings.neighbors or FASTDUP_NEIGHBORS
    if given is not None:
        return nearest_rows(given, k)
    readable = np.flatnonzero(table.content >= 0).astype(np.int32)
    found, cosines = nearest_rows(copies[table.content[readable]], k)
    indices = np.full((count, k + 1), NO_NEIGHBOR, np.int32)
    indices[readable] = np.where(found == NO_NEIGHBOR, NO_NEIGHBOR, readable[found])
    similarities = np.full((count, k + 1), -np.inf, np.float32)
    similarities[readable] = cosines
    return indices, similarities


def _components(item_count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Numbers the groups of items that copies connect; -1 for a lone item."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), np.int8)
    links = coo_matrix((ones, tuple(pairs.T)), shape=(item_count, item_count))
    _, component = connected_components(links, directed=False)
    sizes = np.bincount(component, minlength=1)
    return np.where(sizes[component] > 1, component, NO_CODE).astype(np.int64)


def _require_readable(table: ImageTable) -> None:
    if (table.content >= 0).any():
        return
    reasons: dict[str, int] = {}
    for failure in table.failures.values():
        reasons[failure.status] = reasons.get(failure.status, 0) + 1
    counts = ", ".join(
        f"{count:,} {status}" for status, count in sorted(reasons.items())
    )
    raise InputError(
        f"None of the {len(table.content):,} images can be read ({counts}). Nothing "
        "was changed. Check that the paths are right and the files are images."
    )


def _unreadable(table: ImageTable, paths: Sequence[bytes]) -> list[dict[str, str]]:
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
    rank[sorted(range(len(paths)), key=lambda row: (paths[row], row))] = np.arange(
        len(paths)
    )
    return rank


def _statuses(table: ImageTable) -> tuple[list[str], NDArray[np.int16]]:
    """Returns the words, "ok" first, and each row's code."""
    words = ["ok", *sorted({failure.status for failure in table.failures.values()})]
    codes = np.zeros(len(table.content), np.int16)
    for row, failure in table.failures.items():
        codes[row] = words.index(failure.status)
    return words, codes


def _no_label_evidence(item_count: int) -> dict[str, Any]:
    return {
        "class_candidates": np.empty((item_count, 0), np.int32),
        "class_probability": np.empty((item_count, 0), np.float32),
        "given_probability": np.full(item_count, np.nan, np.float32),
    }


def _or_none(codes: NDArray[np.int32] | None, count: int) -> NDArray[np.int32]:
    return np.full(count, NO_CODE, np.int32) if codes is None else codes


def _log(what: str, done: int, total: int, stages: Stages) -> None:
    seconds = list(stages.seconds.values())[-1]
    logger.info("%s %s of %s images, %.1f s", what, f"{done:,}", f"{total:,}", seconds)
