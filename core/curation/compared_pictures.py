"""Which pictures, new ones and those that are there, are copies of one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..common.rows import distinct_rows
from ..copy_detection import (
    CANDIDATE_NEIGHBORS,
    TOO_PLAIN,
    relation_bits,
    turned_candidates,
    verify_pairs,
)
from ..embedding.image_table import ImageTable
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, nearest, neighbor_graph
from ..progress import OnProgress, Progress, silent
from ..scan.candidates_by_looks import alike_originals
from ..scan.closer_looks import chosen, looked_at, overruled, promise_of
from ..scan.plain_pages import judge_pages, picture_reader
from ..scan.verified_pairs import cosines
from .comparison import Bools, Copies, Ints, Pairs

_PAIRS_AT_ONCE = 16_384
_PICTURES_AT_ONCE = 16_384
"""Signatures are 4.6 kB: at most 150 MB of them are held at once, unless more
images than that are new."""


class Pictures:
    """The distinct pictures of a table: contents of equal pixels are one.

    Attributes:
        count: of pictures
        of_row: int64[n], the picture of each row; -1 if unreadable
        first_row: int64[count], the first row that shows each picture
        alone: bool[count], the file holds no further picture
        vectors: float16[count, c], copy vectors
    """

    def __init__(self, table: ImageTable) -> None:
        # In the order of the contents, as a scan numbers its items: the score of
        # a pair depends a little on which of the two comes first
        self._first, group = distinct_rows(table.column("picture_digest"))
        self._table = table
        self.alone: Bools = table.stored("picture_count")[self._first] == 1
        self.count = len(self._first)
        self.of_row: Ints = np.append(group, -1)[table.unique_file]
        shown, first = np.unique(self.of_row, return_index=True)
        self.first_row: Ints = first[shown >= 0]
        self.signatures = table.stored("signature").at(self._first)
        self.vectors = table.stored("copy")[self._first]

    def sizes(self, pictures: Ints) -> NDArray[np.int32]:
        return self._table.sizes(self._first[pictures])


def candidate_pairs(
    pictures: Pictures,
    new: Ints,
    present: Bools,
    least: float,
    on_progress: OnProgress,
) -> Pairs:
    """Returns pairs of pictures, a new one in each, that may be copies.

    Args:
        new: the new pictures
        present: bool[k, p], which part holds which picture
        least: cosine from which two are worth a comparison
    """
    step, steps = "Searching similar images", len(present) + 2
    on_progress(Progress(step, 0, steps))
    found = [np.empty((0, 2), np.int32)]
    if len(new):
        graph = neighbor_graph(pictures.vectors[new], CANDIDATE_NEIGHBORS)
        found.append(_edges(new, new, graph, least))
    on_progress(Progress(step, 1, steps))
    for number, own in enumerate(present):
        inside, asked = np.flatnonzero(own), new[~own[new]]
        if len(inside) and len(asked):
            vectors = pictures.vectors
            graph = nearest(vectors[inside], vectors[asked], CANDIDATE_NEIGHBORS)
            found.append(_edges(asked, inside, graph, least))
        on_progress(Progress(step, number + 2, steps))
    found += _by_signatures(pictures, new, np.flatnonzero(present.any(axis=0)))
    on_progress(Progress(step, steps, steps))
    pairs = np.sort(np.concatenate(found), axis=1)
    distinct: Pairs = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
    return distinct


def _by_signatures(pictures: Pictures, new: Ints, there: Ints) -> list[Pairs]:
    """Returns pairs that match when one is turned, or seen from afar.

    No embedding sees them.
    """
    if not len(new):
        return []
    signatures = pictures.signatures[new]
    there = np.setdiff1d(there, new)
    # As many at once as are new, lest the new ones be described again and again
    size = max(_PICTURES_AT_ONCE, len(new))
    found = []
    for start in range(0, max(1, len(there)), size):
        some = there[start : start + size]
        both = np.concatenate([signatures, pictures.signatures[some]])
        pairs = turned_candidates(both, asked=np.arange(len(new)))
        found.append(np.concatenate([new, some])[pairs].astype(np.int32))
        marked = alike_originals(np.roll(both, -len(new), axis=0), len(some))
        found.append(np.concatenate([some, new])[marked].astype(np.int32))
    return found


def _edges(sources: Ints, among: Ints, graph: NeighborGraph, least: float) -> Pairs:
    close = (graph.indices != NO_NEIGHBOR) & (graph.similarities >= least)
    row, column = np.nonzero(close)
    ends = among[graph.indices[row, column]]
    return np.stack([sources[row], ends], axis=1).astype(np.int32)


def copies_among(
    pictures: Pictures,
    paths: Sequence[bytes],
    candidates: Pairs,
    min_similarity: float,
    min_score: float,
    max_megapixels: float,
    on_progress: OnProgress,
) -> tuple[Copies, Pairs]:
    """Returns the pairs that are copies, and those that are too plain to tell.

    Args:
        pictures: p pictures
        paths: p files that show them
        candidates: int32[c, 2] of pictures
        min_similarity, min_score, max_megapixels: as for
            :func:`core.curation.compare_images.compare_images`
        on_progress: told after each batch
    """
    pairs, plain = [np.empty((0, 2), np.int32)], [np.empty((0, 2), np.int32)]
    similarities, scores = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for start in range(0, len(candidates), _PAIRS_AT_ONCE):
        some = candidates[start : start + _PAIRS_AT_ONCE]
        a, b = (pictures.vectors[ends] for ends in some.T)
        similarity = cosines(pictures.vectors, some)
        used, place = np.unique(some.astype(np.int64), return_inverse=True)
        ends: Pairs = place.reshape(-1, 2).astype(np.int32)
        signatures = pictures.signatures[used]
        found = verify_pairs(signatures, ends, pictures.sizes(used))
        read = picture_reader([paths[one] for one in used.tolist()], max_megapixels)
        promise = promise_of(found, similarity)
        rows = chosen(promise, len(used))
        laid, closer = looked_at(ends[rows], pictures.sizes(used), read, silent)
        rows = rows[laid]
        decided = overruled(found.scores[rows], promise[rows], closer.scores)
        found.put(rows[decided], closer.at(decided))
        was_zero = found.scores == 0
        judge_pages(found, ends, signatures, read, silent)
        copies = (found.scores >= min_score) & (similarity >= min_similarity)
        # What a scan collapses to one item; blank pictures score 0
        alike = (a == b).all(axis=1) & (was_zero | (found.scores > 0))
        alike[alike] = (signatures[ends[alike, 0]] == signatures[ends[alike, 1]]).all(1)
        unsure = copies & (found.relations == relation_bits(TOO_PLAIN))
        kept = (copies | alike) & ~unsure
        plain.append(some[unsure])
        pairs.append(some[kept])
        similarities.append(similarity[kept])
        scores.append(np.where(alike, 1, found.scores)[kept].astype(np.float32))
        done = min(start + _PAIRS_AT_ONCE, len(candidates))
        on_progress(Progress("Comparing pictures", done, len(candidates)))
    found_copies = Copies(
        _both_ways(np.concatenate(pairs)),
        np.tile(np.concatenate(similarities), 2),
        np.tile(np.concatenate(scores), 2),
    )
    return found_copies, _both_ways(np.concatenate(plain))


def _both_ways(pairs: Pairs) -> Pairs:
    return np.concatenate([pairs, pairs[:, ::-1]])
