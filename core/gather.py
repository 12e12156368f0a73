"""The slow half of a scan: reads, embeds, searches and compares pictures."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import NO_TRIAL, CopyTrial, calibrated_score, sampled, try_copies
from .checks import COMPARED_BY, Checks
from .copies import CANDIDATE_NEIGHBORS
from .cores import available_cores
from .duplicates import keeper_pairs_to_check
from .earlier import NO_EARLIER_SCAN, EarlierScan, digest_of
from .embedders import OWN_MIN_CANDIDATE_SIMILARITY
from .embedding import PICTURE_VERSION, ImageEmbedder, ImageTable, embed_images
from .errors import InputError
from .evidence import Evidence, image_rows
from .fastdup.rules import NEIGHBORS as FASTDUP_NEIGHBORS
from .fastdup.rules import nearest_rows
from .files import ReadFailure, read_file
from .images import decode_rgb
from .items import Items, collapse
from .known_neighbors import SPARE_NEIGHBORS
from .labels import label_evidence
from .memory import give_back
from .neighbors import NO_NEIGHBOR, NeighborGraph, nearest, prepare_search
from .outliers import NEIGHBORS_NEEDED
from .progress import OnProgress, Progress, silent
from .settings import DEFAULTS, ScanSettings
from .store import ABSENT, RecordStore, StoredColumn, Vectors, equal_rows

NO_CODE = -1
_UNREADABLE_KEPT = 1000
_CROSS_SPLIT_NEIGHBORS = 5
"""Measured on 25,000 images: 5 hold as many of the planted copies as 10."""

_PIXELS = np.dtype([("pixels", "u1", (32,))])

_SURELY_ALIKE = 0.99
"""Cosine above which two pictures of equal size may be equal pixel by pixel."""

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


def gather(
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
    known: Evidence | None = None,
    on_progress: OnProgress = silent,
) -> Evidence:
    """Learns from n files all that :func:`~core.find.find` needs.

    Args:
        paths: of the files, absolute
        embedder: the model; None if ``vectors`` are given
        folder: where embeddings are kept between runs
        vectors: n x d, embeddings made elsewhere
        labels: int32[n], codes into ``classes``, -1 without
        classes: label names
        splits: int32[n], codes into ``split_names``, -1 without
        split_names: split names
        settings: see :class:`~core.settings.ScanSettings`
        known: of an earlier scan, whatever its settings. What it learned and still
            holds is taken over: pictures it compared are not compared again, lists of
            neighbours only take in what is new, and where nothing changed that the
            known copies or the labels depend on, they are not tried or learned
            again. The result is that of a scan from nothing, but for neighbours that
            one of the two may miss (see :mod:`core.known_neighbors`)
        on_progress: told after each batch; may raise to cancel

    Raises:
        InputError: not one of the files is a readable image
    """
    settings.check_against(len(paths))
    stages = Stages()
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
    row_items = np.where(table.content >= 0, items.item[table.content], NO_CODE)
    present = _present(row_items, splits, len(split_names), len(copies))
    minimum = (
        embedder.min_candidate_similarity if embedder else OWN_MIN_CANDIDATE_SIMILARITY
    )
    digests = table.stored("digest")[items.first]
    source = digest_of([embedder.sha256 if embedder else copies])
    earlier = EarlierScan(known, digests, source)
    found = _search(
        copies, features, present, minimum, settings.neighbors, on_progress, earlier
    )
    stages.end("search")

    checks = Checks(table, items, copies, earlier)
    pairs = _distinct(found.candidates, checks.turned_candidates())
    checks.add(pairs, on_progress)
    stages.end("compare pictures")
    trial, tried = NO_TRIAL, digest_of([source, minimum, digests])
    if embedder:
        trial = earlier.trial(tried) or _trial(
            table, items, checks, paths, embedder, on_progress
        )
    if settings.calibrate:
        score = calibrated_score(trial, settings.min_copy_score)
        settings = replace(settings, min_copy_score=score)
    stages.end("try known copies")
    statuses, status = _statuses(table)
    evidence = Evidence(
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
        width=table.column("width"),
        height=table.column("height"),
        statistics=table.column("statistics"),
        first=items.first,
        neighbors=found.by_features.indices,
        neighbor_similarity=found.by_features.similarities,
        copy_neighbors=found.by_copies.indices,
        copy_neighbor_similarity=found.by_copies.similarities,
        trial_copy_scores=trial.copy_scores,
        trial_other_scores=trial.other_scores,
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
            "compared_by": COMPARED_BY,
            "spare_neighbors": SPARE_NEIGHBORS,
        },
        **checks.columns(),
        **_no_label_evidence(len(copies)),
    )
    accepted = checks.accepted(settings.min_copy_score)
    more = keeper_pairs_to_check(image_rows(evidence), accepted, checks.pairs)
    checks.add(more, on_progress)
    pixel_group = _with_equal_pixels(
        table, items, checks, paths, folder, settings, on_progress
    )
    stages.end("compare pictures")

    votes = majority_labels(row_items, labels, len(copies), len(classes))
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
    learned_from = {"vectors": source, "trial": tried, "labels": asked}
    return replace(
        evidence,
        facts={**evidence.facts, "learned_from": learned_from},
        pixel_group=pixel_group,
        class_candidates=learned.classes,
        class_probability=learned.probabilities,
        given_probability=learned.given,
        **checks.columns(),
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What the search found.

    Attributes:
        by_features: nearest items by features, and some to spare
        by_copies: nearest items by copy vectors; no columns if they are the
            features
        candidates: int32[p, 2], items that may be copies of each other
    """

    by_features: NeighborGraph
    by_copies: NeighborGraph
    candidates: Pairs


def _search(
    copies: NDArray[np.floating],
    features: Vectors,
    present: NDArray[np.bool_],
    min_similarity: float,
    neighbors: int | None,
    on_progress: OnProgress,
    earlier: EarlierScan = NO_EARLIER_SCAN,
) -> _Found:
    wanted = neighbors or NEIGHBORS_NEEDED
    steps = "Searching similar images"
    on_progress(Progress(steps, 0, 3))
    most = max(wanted, CANDIDATE_NEIGHBORS)
    by_copies = earlier.graph(copies, most, by_copies=True)
    on_progress(Progress(steps, 1, 3))
    candidates = _candidates(by_copies.first(most), copies, present, min_similarity)
    on_progress(Progress(steps, 2, 3))
    if equal_rows(copies, features):
        by_features, by_copies = by_copies, by_copies.first(0)
    else:
        by_features = earlier.graph(features, wanted, by_copies=False)
    on_progress(Progress(steps, 3, 3))
    return _Found(by_features, by_copies, candidates)


def majority_labels(
    row_items: NDArray[np.int32],
    labels: NDArray[np.int32],
    item_count: int,
    class_count: int,
) -> NDArray[np.int32]:
    """Returns int32[i]: the commonest label of an item's rows, -1 without.

    Of equally common labels the first by name wins.
    """
    result = np.full(item_count, NO_CODE, np.int32)
    known = (row_items >= 0) & (labels >= 0)
    if not known.any():
        return result
    key = row_items[known].astype(np.int64) * class_count + labels[known]
    pair, votes = np.unique(key, return_counts=True)
    # Last assignment wins: fewest votes first, and within them last name first
    order = np.lexsort((-pair, votes))
    result[pair[order] // class_count] = pair[order] % class_count
    return result


def _trial(
    table: ImageTable,
    items: Items,
    checks: Checks,
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    on_progress: OnProgress,
) -> CopyTrial:
    """Tries known copies of a sample of the items."""
    originals = sampled(len(items.first))
    row_of = _row_of_content(table)
    return try_copies(
        [paths[row_of[content]] for content in items.first[originals]],
        originals,
        embedder,
        checks.copies,
        checks.signatures,
        checks.sizes,
        on_progress=on_progress,
    )


def _row_of_content(table: ImageTable) -> NDArray[np.int64]:
    """Returns int64[m], a row of each content."""
    readable = np.flatnonzero(table.content >= 0)
    row_of = np.empty(int(table.content.max()) + 1, np.int64)
    row_of[table.content[readable]] = readable
    return row_of


def _present(
    row_items: NDArray[np.int32],
    splits: NDArray[np.int32],
    split_count: int,
    item_count: int,
) -> NDArray[np.bool_]:
    """Returns bool[s, i]: which split holds which item."""
    present = np.zeros((split_count, item_count), bool)
    known = (row_items >= 0) & (splits >= 0)
    present[splits[known], row_items[known]] = True
    return present


def _candidates(
    by_copies: NeighborGraph,
    copies: NDArray[np.floating],
    present: NDArray[np.bool_],
    min_similarity: float,
) -> Pairs:
    """Returns the pairs of items that may be copies, each once, sorted."""
    every_item = np.arange(len(copies), dtype=np.int32)
    similar = by_copies.similarities >= min_similarity
    near = np.where(similar, by_copies.indices, NO_NEIGHBOR)
    found = [_edges(every_item, near[:, :CANDIDATE_NEIGHBORS])]
    # Asked for each split: 40 copies in train would otherwise fill the list of
    # the one in test, and hide another train image
    for split in range(len(present)):
        others = np.asarray(np.delete(present, split, axis=0).any(axis=0))
        inside = (near != NO_NEIGHBOR) & present[split][near] & others[:, None]
        first = inside & (inside.cumsum(axis=1) <= _CROSS_SPLIT_NEIGHBORS)
        found.append(_edges(every_item, np.where(first, near, NO_NEIGHBOR)))
        # Only a list full of similar ones may hide more of them
        hidden = inside.sum(axis=1) < _CROSS_SPLIT_NEIGHBORS
        hidden &= others & similar.all(axis=1)
        asked, held = np.flatnonzero(hidden), np.flatnonzero(present[split])
        if len(asked) and len(held):
            across = nearest(copies[held], copies[asked], _CROSS_SPLIT_NEIGHBORS)
            enough = across.similarities >= min_similarity
            others_of = np.where(enough, held[across.indices], NO_NEIGHBOR)
            found.append(_edges(every_item[asked], others_of.astype(np.int32)))
    return _distinct(*found)


def _distinct(*found: Pairs) -> Pairs:
    """Returns each pair once, smaller item first, sorted."""
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)


def _edges(sources: NDArray[np.int32], neighbors: NDArray[np.int32]) -> Pairs:
    """Returns int32[e, 2]: a source and each of its neighbours."""
    row, column = np.nonzero(neighbors != NO_NEIGHBOR)
    return np.stack([sources[row], neighbors[row, column]], axis=1)


def _with_equal_pixels(
    table: ImageTable,
    items: Items,
    checks: Checks,
    paths: Sequence[bytes],
    folder: Path,
    settings: ScanSettings,
    on_progress: OnProgress,
) -> NDArray[np.int64]:
    """Joins the pixel groups of large pictures in different containers.

    A large JPEG is decoded reduced, so its digest does not see that a PNG, or
    another coding of the JPEG, holds the same pixels. Contents that look the
    same are decoded once more, in full, and once only: their digests are kept.
    """
    group: NDArray[np.int64] = items.pixel_group.copy()
    alike = _alike_contents(table, items, checks, settings.min_copy_score)
    if not len(alike):
        return group
    wanted = np.unique(alike)
    store = RecordStore(folder / f"pixels-{PICTURE_VERSION}", _PIXELS)
    keys = [digest.tobytes() for digest in table.stored("digest")[wanted]]
    places = store.positions(keys)
    known = places != ABSENT
    kept = store.read(places[known], "pixels")
    digests: dict[int, bytes | None] = dict(
        zip(wanted[known].tolist(), (one.tobytes() for one in kept), strict=True)
    )
    row_of = _row_of_content(table)
    rest = np.flatnonzero(~known).tolist()
    with ThreadPoolExecutor(available_cores()) as pool:
        files = [paths[row_of[wanted[place]]] for place in rest]
        found = pool.map(
            lambda path: _full_digest(path, settings.max_megapixels), files
        )
        for done, (place, digest) in enumerate(zip(rest, found, strict=True), 1):
            digests[int(wanted[place])] = digest
            if digest is not None:
                pixels = np.frombuffer(digest, _PIXELS)
                store.append([keys[place]], pixels)
            on_progress(Progress("Comparing pixels", done, len(rest)))
    for one, other in alike.tolist():
        if digests[one] is not None and digests[one] == digests[other]:
            group[group == group[other]] = group[one]
    return group


def _alike_contents(
    table: ImageTable, items: Items, checks: Checks, min_score: float
) -> NDArray[np.int64]:
    """Returns int64[q, 2]: contents that may hold equal pixels unseen."""
    exact = table.column("is_pixel_digest")
    a, b = checks.pairs.T
    worth = (checks.scores >= min_score) & (checks.similarities >= _SURELY_ALIKE)
    worth &= (checks.sizes[a] == checks.sizes[b]).all(axis=1)
    between = items.first[checks.pairs[worth]]
    # Within an item: the first content of each further pixel group
    first_of_group = np.unique(items.pixel_group, return_index=True)[1]
    stand_in = items.first[items.item[first_of_group]]
    within = np.stack([stand_in, first_of_group], axis=1)
    pairs = np.concatenate([between, within[stand_in != first_of_group]])
    unseen: NDArray[np.int64] = pairs[~exact[pairs].all(axis=1)]
    return unseen


def _full_digest(path: bytes, max_megapixels: float) -> bytes | None:
    content = read_file(path)
    if isinstance(content, ReadFailure):
        return None
    rgb = decode_rgb(content.data, max_megapixels=max_megapixels)
    if isinstance(rgb, ReadFailure):
        return None
    return hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()


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
    copies: NDArray[np.floating], features: Vectors, items: Items
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
