"""New images against images that are there already: which are new, which are not.

The rules are those of a scan and its leaks: equal bytes, equal pixels, equal
looks (what :mod:`core.scan.unique_images` collapses), or a pair that the pictures
verified. A new file of several pictures is there already only if all of them are equal,
since no more than the first is compared otherwise. A page that is too plain to be told
from another is new, and what it resembles is named.
Each part of what exists, such as the test split of a data set, is searched on its
own, so that copies in one part never hide one in another.

Memory: the copy vectors of all pictures, and the signatures of those that are
compared at the moment; never the signatures of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import MIN_COPY_SCORE
from ..embedding.embed import embed_images
from ..embedding.records import ImageEmbedder
from ..progress import OnProgress, silent
from ..reading.files import ReadFailure
from .compared_pictures import Copies, Pairs, Pictures, candidate_pairs, copies_among

BYTES, PIXELS, NEAR = 0, 1, 2
KINDS = ("bytes", "pixels", "near")
NO_KIND = -1
NO_ROW = -1

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Comparison:
    """n new images against k parts of what is there.

    Attributes:
        kind: int8[n, k], how the closest copy in a part equals the image:
            ``BYTES``, ``PIXELS`` or ``NEAR``; ``NO_KIND`` where there is none
        match: int64[n, k], that copy, as a row of what is there; ``NO_ROW``
        similarity: float32[n, k], cosine of the copy vectors; NaN without copy
        repeat_of: int64[n], an earlier new image that it is a copy of, and that
            is itself neither there already nor a repeat; ``NO_ROW``
        repeat_kind: int8[n], likewise how
        repeat_similarity: float32[n]
        resembles: int64[n, k], an image in a part that a new one, of which no part
            has a copy, is too plain to be told from, as a row of what is there;
            ``NO_ROW``
        failures: why a new image cannot be read, by its row
        unread: bool[o], images that are there and cannot be read: they were not
            compared
    """

    kind: NDArray[np.int8]
    match: Ints
    similarity: NDArray[np.float32]
    repeat_of: Ints
    repeat_kind: NDArray[np.int8]
    repeat_similarity: NDArray[np.float32]
    resembles: Ints
    failures: dict[int, ReadFailure]
    unread: Bools

    @property
    def known(self) -> Bools:
        """bool[n], a copy is there already."""
        known: Bools = (self.kind != NO_KIND).any(axis=1)
        return known


def compare(
    new: Sequence[bytes],
    there: Sequence[bytes],
    part: NDArray[np.int32],
    part_count: int,
    embedder: ImageEmbedder,
    *,
    folder: Path,
    min_copy_score: float = MIN_COPY_SCORE,
    min_copy_similarity: float | None = None,
    max_megapixels: float = 64,
    on_progress: OnProgress = silent,
) -> Comparison:
    """Looks for copies of new images, among what is there and among themselves.

    Args:
        new: n paths; of two copies the first counts as new, the other repeats it
        there: o paths; those that were embedded before cost a look-up
        part: int32[o], the part each is in
        part_count: number of parts
        embedder: the model
        folder: where embeddings are kept between runs
        min_copy_score: how sure the comparison of two pictures must be, 0 to 1
        min_copy_similarity: cosine similarity that near copies need as well
        max_megapixels: larger pictures are not decoded
        on_progress: told after each batch; may raise to cancel
    """
    paths = [*new, *there]
    table = embed_images(
        paths,
        embedder,
        folder=folder,
        max_megapixels=max_megapixels,
        on_progress=on_progress,
    )
    pictures = Pictures(table)
    own, other = pictures.of_row[: len(new)], pictures.of_row[len(new) :]
    present = np.zeros((part_count, pictures.count), bool)
    readable = np.flatnonzero(other >= 0)
    present[part[readable], other[readable]] = True
    candidates = candidate_pairs(
        pictures,
        np.unique(own[own >= 0]),
        present,
        embedder.min_candidate_similarity,
        on_progress,
    )
    least = -1 if min_copy_similarity is None else min_copy_similarity
    shown = [paths[row] for row in pictures.first_row.tolist()]
    copies, plain = copies_among(
        pictures, shown, candidates, least, min_copy_score, max_megapixels, on_progress
    )
    content = table.unique_file
    found = _found_in_parts(
        (own, other),
        (content[: len(new)], content[len(new) :]),
        part,
        present,
        pictures.alone,
        copies,
    )
    known = (found[0] != NO_KIND).any(axis=1)
    repeats = _repeats(own, content[: len(new)], known, pictures.alone, *copies[:2])
    return Comparison(
        *found,
        *repeats,
        _resembled((own, other), known | (repeats[0] != NO_ROW), part, present, plain),
        failures={row: why for row, why in table.failures.items() if row < len(new)},
        unread=other < 0,
    )


def _found_in_parts(
    picture: tuple[Ints, Ints],
    content: tuple[Ints, Ints],
    part: NDArray[np.int32],
    present: Bools,
    alone: Bools,
    copies: Copies,
) -> tuple[NDArray[np.int8], Ints, NDArray[np.float32]]:
    """Returns kind, match and similarity of the closest copy in each part."""
    (own, other), (own_content, other_content) = picture, content
    shape = len(own), len(present)
    kind = np.full(shape, NO_KIND, np.int8)
    match = np.full(shape, NO_ROW, np.int64)
    similarity = np.full(shape, np.nan, np.float32)
    for number in range(len(present)):
        rows = np.flatnonzero((part == number) & (other >= 0))[::-1]
        # Last assignment wins: the first row comes last
        first_row = np.full(present.shape[1], NO_ROW, np.int64)
        first_row[other[rows]] = rows
        near, row_of, cosine = _nearest_copies(present[number], *copies)
        mine = np.flatnonzero(own >= 0)
        # Only first pictures were compared: further ones may be new
        mine = mine[near[own[mine]] & alone[own[mine]]]
        kind[mine, number] = NEAR
        match[mine, number] = first_row[row_of[own[mine]]]
        similarity[mine, number] = cosine[own[mine]]
        for code, ours, theirs in (
            (PIXELS, own, other),
            (BYTES, own_content, other_content),
        ):
            place = dict(zip(theirs[rows].tolist(), rows.tolist(), strict=True))
            for row, value in enumerate(ours.tolist()):
                if value >= 0 and value in place:
                    kind[row, number], match[row, number] = code, place[value]
                    similarity[row, number] = 1
    return kind, match, similarity


def _nearest_copies(
    inside: Bools,
    pairs: Pairs,
    similarities: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> tuple[Bools, Ints, NDArray[np.float32]]:
    """Returns for each picture whether a copy is inside, the surest, how similar."""
    count = len(inside)
    has = np.zeros(count, bool)
    best = np.zeros(count, np.int64)
    cosine = np.full(count, np.nan, np.float32)
    ends = np.concatenate([pairs, pairs[:, ::-1]])
    score, similar = np.tile(scores, 2), np.tile(similarities, 2)
    rows = np.flatnonzero(inside[ends[:, 1]])
    # Last assignment wins: the surest, then the most similar, comes last
    rows = rows[np.lexsort((-ends[rows, 1], similar[rows], score[rows]))]
    has[ends[rows, 0]] = True
    best[ends[rows, 0]] = ends[rows, 1]
    cosine[ends[rows, 0]] = similar[rows]
    return has, best, cosine


def _repeats(
    picture: Ints,
    content: Ints,
    known: Bools,
    alone: Bools,
    pairs: Pairs,
    similarities: NDArray[np.float32],
) -> tuple[Ints, NDArray[np.int8], NDArray[np.float32]]:
    """Returns of which earlier new image each new one is a direct copy, and how."""
    count = len(picture)
    repeat_of = np.full(count, NO_ROW, np.int64)
    kind = np.full(count, NO_KIND, np.int8)
    similarity = np.full(count, np.nan, np.float32)
    linked: dict[int, list[tuple[int, float]]] = {}
    for (a, b), cosine in zip(pairs.tolist(), similarities.tolist(), strict=True):
        linked.setdefault(a, []).append((b, cosine))
        linked.setdefault(b, []).append((a, cosine))
    first: dict[int, int] = {}
    for row in np.flatnonzero((picture >= 0) & ~known).tolist():
        own = int(picture[row])
        if own in first:
            repeat_of[row], similarity[row] = first[own], 1
            kind[row] = BYTES if content[first[own]] == content[row] else PIXELS
            continue
        near = [(first[p], cosine) for p, cosine in linked.get(own, ()) if p in first]
        if near and alone[own]:
            repeat_of[row], similarity[row] = min(near)
            kind[row] = NEAR
        else:
            first[own] = row
    return repeat_of, kind, similarity


def _resembled(
    picture: tuple[Ints, Ints],
    told: Bools,
    part: NDArray[np.int32],
    present: Bools,
    plain: Pairs,
) -> Ints:
    """Returns int64[n, k], the first row of each part that each new image resembles.

    Args:
        picture: int64[n] and int64[o], of the new images and of what is there
        told: bool[n], it is known or repeats another
        part: int32[o]
        present: bool[k, p], which part holds which picture
        plain: int32[q, 2], pairs of pictures that are too plain to tell
    """
    own, other = picture
    resembles = np.full((len(own), len(present)), NO_ROW, np.int64)
    asked = np.flatnonzero(~told & (own >= 0))
    if not len(plain):
        return resembles
    ends = np.concatenate([plain, plain[:, ::-1]])
    for number, inside in enumerate(present):
        row_of = np.full(len(inside), NO_ROW, np.int64)
        rows = np.flatnonzero((part == number) & (other >= 0))[::-1]
        row_of[other[rows]] = rows
        found = np.full(len(inside), len(other), np.int64)
        there = ends[inside[ends[:, 1]]]
        np.minimum.at(found, there[:, 0], row_of[there[:, 1]])
        found[found == len(other)] = NO_ROW
        resembles[asked, number] = found[own[asked]]
    return resembles
