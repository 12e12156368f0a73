"""What is said of new files beside those that are there already.

Each part of what exists, such as the test split of a data set, is looked at on its own,
so that copies in one part never hide one in another. What is compared are *contents*:
distinct pictures, or distinct videos.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..reading.files import ReadFailure

BYTES, PIXELS, NEAR = 0, 1, 2
KINDS = ("bytes", "pixels", "near")
NO_KIND = -1
NO_ROW = -1

Pairs = NDArray[np.int32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Copies:
    """q pairs of contents of which the second shows all that the first does.

    Attributes:
        pairs: int32[q, 2]; both orders of a pair whose contents show the same
        similarity: float32[q]
        score: float32[q], larger is more surely a copy
    """

    pairs: Pairs
    similarity: NDArray[np.float32]
    score: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Contents:
    """What n new files and o files that are there show.

    Attributes:
        new: int64[n], number of what each new file shows; -1 if it cannot be read
        there: int64[o], the same of those that are there
        new_file: int64[n], number of its distinct bytes; -1 if it cannot be read
        there_file: int64[o], the same of those that are there
        part: int32[o], the part that each of those there is in
        part_count: number of parts
        alone: bool[c], a file that shows this content shows nothing else
    """

    new: Ints
    there: Ints
    new_file: Ints
    there_file: Ints
    part: Pairs
    part_count: int
    alone: Bools

    @property
    def present(self) -> Bools:
        """bool[k, c], which part holds which content."""
        present = np.zeros((self.part_count, len(self.alone)), bool)
        readable = np.flatnonzero(self.there >= 0)
        present[self.part[readable], self.there[readable]] = True
        return present

    def rows_of(self, number: int) -> Ints:
        """Returns the readable rows of a part, the last first."""
        return np.flatnonzero((self.part == number) & (self.there >= 0))[::-1]


@dataclass(frozen=True, eq=False)
class Comparison:
    """n new files against k parts of what is there.

    Attributes:
        kind: int8[n, k], how the closest copy in a part equals the image:
            ``BYTES``, ``PIXELS`` or ``NEAR``; ``NO_KIND`` where there is none
        match: int64[n, k], that copy, as a row of what is there; ``NO_ROW``
        similarity: float32[n, k], cosine of the copy vectors; NaN without copy
        repeat_of: int64[n], an earlier new image that it is a copy of, and that
            is itself neither there already nor a repeat; ``NO_ROW``
        repeat_kind: int8[n], likewise how
        repeat_similarity: float32[n]
        resembles: int64[n, k], what a new one, of which no part has a copy, is too
            plain to be told from, or shows a part of, as a row of what is there;
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


def compared(
    contents: Contents,
    copies: Copies,
    like: Pairs,
    failures: Mapping[int, ReadFailure],
) -> Comparison:
    """Says of each new file whether it is there, repeats another, or is new.

    Args:
        contents: of all files
        copies: of contents
        like: int32[q, 2], contents that may not be told from the second of the pair, or
            that show a part of it
        failures: why files cannot be read, by row; the new ones come first
    """
    present = contents.present
    found = _found_in_parts(contents, present, copies)
    known = (found[0] != NO_KIND).any(axis=1)
    repeats = _repeats(contents, known, copies)
    told = known | (repeats[0] != NO_ROW)
    count = len(contents.new)
    return Comparison(
        *found,
        *repeats,
        _resembled(contents, present, told, like),
        failures={row: why for row, why in failures.items() if row < count},
        unread=contents.there < 0,
    )


def _found_in_parts(
    contents: Contents, present: Bools, copies: Copies
) -> tuple[NDArray[np.int8], Ints, NDArray[np.float32]]:
    """Returns kind, match and similarity of the closest copy in each part."""
    own = contents.new
    shape = len(own), len(present)
    kind = np.full(shape, NO_KIND, np.int8)
    match = np.full(shape, NO_ROW, np.int64)
    similarity = np.full(shape, np.nan, np.float32)
    for number, inside in enumerate(present):
        rows = contents.rows_of(number)
        # Last assignment wins: the first row comes last
        first_row = np.full(len(inside), NO_ROW, np.int64)
        first_row[contents.there[rows]] = rows
        near, row_of, cosine = _nearest_copies(inside, copies)
        mine = np.flatnonzero(own >= 0)
        # Only first pictures were compared: further ones may be new
        mine = mine[near[own[mine]] & contents.alone[own[mine]]]
        kind[mine, number] = NEAR
        match[mine, number] = first_row[row_of[own[mine]]]
        similarity[mine, number] = cosine[own[mine]]
        for code, ours, theirs in (
            (PIXELS, own, contents.there),
            (BYTES, contents.new_file, contents.there_file),
        ):
            place = dict(zip(theirs[rows].tolist(), rows.tolist(), strict=True))
            for row, value in enumerate(ours.tolist()):
                if value >= 0 and value in place:
                    kind[row, number], match[row, number] = code, place[value]
                    similarity[row, number] = 1
    return kind, match, similarity


def _nearest_copies(
    inside: Bools, copies: Copies
) -> tuple[Bools, Ints, NDArray[np.float32]]:
    """Returns for each content whether a copy is inside, the surest, how similar."""
    count = len(inside)
    has = np.zeros(count, bool)
    best = np.zeros(count, np.int64)
    cosine = np.full(count, np.nan, np.float32)
    ends, score, similar = copies.pairs, copies.score, copies.similarity
    rows = np.flatnonzero(inside[ends[:, 1]])
    # Last assignment wins: the surest, then the most similar, comes last
    rows = rows[np.lexsort((-ends[rows, 1], similar[rows], score[rows]))]
    has[ends[rows, 0]] = True
    best[ends[rows, 0]] = ends[rows, 1]
    cosine[ends[rows, 0]] = similar[rows]
    return has, best, cosine


def _repeats(
    contents: Contents, known: Bools, copies: Copies
) -> tuple[Ints, NDArray[np.int8], NDArray[np.float32]]:
    """Returns of which earlier new file each new one is a direct copy, and how."""
    content, file = contents.new, contents.new_file
    count = len(content)
    repeat_of = np.full(count, NO_ROW, np.int64)
    kind = np.full(count, NO_KIND, np.int8)
    similarity = np.full(count, np.nan, np.float32)
    linked: dict[int, list[tuple[int, float]]] = {}
    for (a, b), cosine in zip(
        copies.pairs.tolist(), copies.similarity.tolist(), strict=True
    ):
        linked.setdefault(a, []).append((b, cosine))
    first: dict[int, int] = {}
    for row in np.flatnonzero((content >= 0) & ~known).tolist():
        own = int(content[row])
        if own in first:
            repeat_of[row], similarity[row] = first[own], 1
            kind[row] = BYTES if file[first[own]] == file[row] else PIXELS
            continue
        near = [(first[p], cosine) for p, cosine in linked.get(own, ()) if p in first]
        if near and contents.alone[own]:
            repeat_of[row], similarity[row] = min(near)
            kind[row] = NEAR
        else:
            first[own] = row
    return repeat_of, kind, similarity


def _resembled(contents: Contents, present: Bools, told: Bools, like: Pairs) -> Ints:
    """Returns int64[n, k], the first row of each part that a new file resembles.

    Args:
        contents: of all files
        present: bool[k, c], which part holds which content
        told: bool[n], it is known or repeats another
        like: see :func:`compared`
    """
    own, other = contents.new, contents.there
    resembles = np.full((len(own), len(present)), NO_ROW, np.int64)
    if not len(like):
        return resembles
    asked = np.flatnonzero(~told & (own >= 0))
    for number, inside in enumerate(present):
        row_of = np.full(len(inside), NO_ROW, np.int64)
        rows = contents.rows_of(number)
        row_of[other[rows]] = rows
        found = np.full(len(inside), len(other), np.int64)
        there = like[inside[like[:, 1]]]
        np.minimum.at(found, there[:, 0], row_of[there[:, 1]])
        found[found == len(other)] = NO_ROW
        resembles[asked, number] = found[own[asked]]
    return resembles
