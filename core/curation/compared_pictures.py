"""Which pictures, new ones and those that are there, are copies of one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..common.pairs import used_in
from ..common.parallel import workers_kept
from ..common.rows import distinct_rows
from ..copy_detection import (
    CANDIDATE_NEIGHBORS,
    TOO_PLAIN,
    all_looks_of,
    relation_bits,
    similar_enough,
    turned_candidates,
)
from ..embedding.image_table import ImageTable
from ..neighbors.knn_graph import NO_NEIGHBOR, NeighborGraph, nearest, neighbor_graph
from ..progress import OnProgress, Progress
from ..reading.jpeg_damage import NO_DAMAGE
from ..scan.candidates_by_looks import alike_originals, looks_from_afar
from ..scan.closer_looks import show_little
from ..scan.pair_promise import care_for
from ..scan.picture_reader import PictureReader, ReadPicture
from ..scan.unique_images import DescribedImages, UniqueImages
from ..scan.verified_pairs import (
    NO_PAIRS,
    compare,
    joined,
    look_closer,
    put_looks,
    refuse_one_design,
    to_look_at,
)
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

    def described(self, pictures: Ints) -> DescribedImages:
        """Returns some pictures as a scan knows them."""
        rows, every = self._first[pictures], np.arange(len(pictures))
        vectors = self.vectors[pictures]
        return DescribedImages(
            groups=UniqueImages(every.astype(np.int32), every, every),
            digests=self._table.stored("digest")[rows],
            descriptors=vectors,
            features=vectors,
            signatures=self.signatures[pictures],
            sizes=self._table.sizes(rows),
            damaged=self._table.column("damage")[rows] != NO_DAMAGE,
        )


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
    looks = all_looks_of(signatures)
    there = np.setdiff1d(there, new)
    # As many at once as are new, lest the new ones be described again and again
    size = max(_PICTURES_AT_ONCE, len(new))
    found = []
    for start in range(0, max(1, len(there)), size):
        some = there[start : start + size]
        others = pictures.signatures[some]
        both = np.concatenate([signatures, others])
        pairs = turned_candidates(both, asked=np.arange(len(new)))
        found.append(np.concatenate([new, some])[pairs].astype(np.int32))
        row, other = alike_originals(looks_from_afar(others), looks).T
        found.append(np.stack([new[row], some[other]], axis=1).astype(np.int32))
    return found


def _edges(sources: Ints, among: Ints, graph: NeighborGraph, least: float) -> Pairs:
    close = (graph.indices != NO_NEIGHBOR) & similar_enough(graph.similarities, least)
    row, column = np.nonzero(close)
    ends = among[graph.indices[row, column]]
    return np.stack([sources[row], ends], axis=1).astype(np.int32)


@workers_kept()
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
    alike: Bools = np.zeros(len(candidates), bool)
    compared = [NO_PAIRS]
    for some in _parts(len(candidates)):
        images, ends, read = _opened(pictures, paths, candidates[some], max_megapixels)
        found = compare(images, ends, read)
        a, b = (images.descriptors[one] for one in ends.T)
        signatures = images.signatures
        # What a scan collapses to one item, as it does no blank ones: they score 0
        same = np.flatnonzero((a == b).all(axis=1))
        one, other = (signatures[ends[same, end]] for end in (0, 1))
        told = found.score[same] > 0
        alike[some.start + same] = (one == other).all(axis=1) & told
        compared.append(replace(found, images=candidates[some]))
        on_progress(Progress("Comparing pictures", some.stop, len(candidates)))
    verified = joined(*compared)
    wanted = to_look_at(verified, pictures.count)
    for some in _parts(len(wanted)):
        rows = wanted[some]
        images, ends, read = _opened(pictures, paths, candidates[rows], max_megapixels)
        care = care_for(verified.promise[rows], verified.score[rows])
        looks = look_closer(images, ends, care, read)
        put_looks(verified, rows, looks, show_little(images.sizes, ends))
        on_progress(Progress("Looking closer", some.stop, len(wanted)))
    refuse_one_design(verified, verified, pictures.signatures)
    copies = verified.score >= min_score
    copies &= verified.similarity >= min_similarity
    unsure = copies & (verified.relation == relation_bits(TOO_PLAIN))
    kept = (copies | alike) & ~unsure
    scores = np.where(alike, 1, verified.score)[kept].astype(np.float32)
    found_copies = Copies(
        _both_ways(candidates[kept]),
        np.tile(verified.similarity[kept], 2),
        np.tile(scores, 2),
    )
    return found_copies, _both_ways(candidates[unsure])


def _parts(count: int) -> list[slice]:
    starts = range(0, count, _PAIRS_AT_ONCE)
    return [slice(start, min(start + _PAIRS_AT_ONCE, count)) for start in starts]


def _opened(
    pictures: Pictures, paths: Sequence[bytes], pairs: Pairs, max_megapixels: float
) -> tuple[DescribedImages, Pairs, ReadPicture]:
    """Returns the pictures of some pairs, the pairs of these, and what reads them."""
    used, ends = used_in(pairs)
    read = PictureReader([paths[one] for one in used.tolist()], max_megapixels)
    return pictures.described(used.astype(np.int64)), ends.astype(np.int32), read


def _both_ways(pairs: Pairs) -> Pairs:
    return np.concatenate([pairs, pairs[:, ::-1]])
