"""Pairs that look the same from afar though their embeddings differ.

A mark tiled over a photograph, or a large caption, moves the embedding by more than a
copy may differ. The coarse brightness stays; beside a caption that covers a third of a
small picture that of one half. A letterbox or a border changes both: what it frames
still looks like the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import places_in_runs
from ..common.parallel import in_parallel, processes_for
from ..copy_detection import (
    VIEW_NUMBERS,
    AllLooks,
    TurnFree,
    all_looks_of,
    joined_looks,
    looks_at,
    turn_free,
    turn_free_of,
    view_numbers,
    without_margins,
)
from ..copy_detection.types import Signatures
from ..neighbors.knn_graph import nearest_above, row_products

_NEIGHBORS = 2
"""Of each picture, and of what each frames."""

_MIN_ALIKE = 0.92
"""Cosine of the looks, without what is thin and light or without what is thin and dark.
Of 12,000 photographs of scenes 2,500 pairs lie above. Ten of ten photographs under a
large mark do, each the nearest to the bare one. Of 150 letterboxed and 150 bordered
photographs among 1,500 others what they frame does in .99, where the embedding and the
turned candidates propose .88 and .70."""

_MIN_ALIKE_INSIDE = 0.6
"""The same of what pictures frame, of which there are few: it may be cut and changed,
too. Of 60 such pairs of 32 pixels that nothing else proposes 25 are above."""

_MIN_HALF_ALIKE = 0.993
"""Cosine of what the halves of pictures look like, of which the nearest is taken. Of 45
planted captions all have as much but one without contrast, also the 15 that cover a
third of pictures of 48 pixels, of which the embedding proposes none. Of three sets of
6,000 images 45 pairs that nothing else proposes have .99, and 15 are those captions. A
scan looks closer at them, see :func:`~.pair_promise.promise_of`."""

MOST_PICTURES = 100_000
"""Beyond, a search of all by all would cost more than the comparison."""

_MOST_ASKED = 0.2
"""Where a larger share of the pictures has to be searched, all are searched anew."""

_ROUNDING = 1e-5
"""By which a large product may differ from the product of two rows."""

_ROWS_AT_ONCE, _ASKED_AT_ONCE = 16_384, 256

_DESCRIBED_AT_ONCE, _DESCRIBED_A_PROCESS = 1024, 8192
"""Pictures, of 40 microseconds each, that are described together, and that another
process is started for."""

_NO_NUMBERS = np.zeros((0, VIEW_NUMBERS), np.float32)

Pairs = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """What a previous search tells.

    Attributes:
        pairs: int32[p, 2], each once, among which are all that it proposed of two
            pictures that are still here
        asked: int64[a], the pictures that are new, and those of which a pair was with
            one that is gone
    """

    pairs: Pairs
    asked: Rows


@dataclass(frozen=True, eq=False)
class SeenLooks:
    """What m pictures look like from afar, whatever others there are.

    Attributes:
        numbers: float32[v, 63], of each view that has a contrast, see
            :func:`~core.copy_detection.view_numbers`
        picture: int64[v], that it is of, ascending
        looks: in all ways that propose copies
    """

    numbers: Floats
    picture: Rows
    looks: AllLooks


@dataclass(frozen=True, eq=False)
class FromAfar:
    """What pictures look like from afar, beside one another.

    Attributes:
        views: in numbers that no turn changes
        seen: what is known of each; None of more than 100,000 pictures, which are not
            searched for such as look the same
    """

    views: TurnFree
    seen: SeenLooks | None

    @property
    def looks(self) -> AllLooks | None:
        """In all ways that propose copies."""
        return None if self.seen is None else self.seen.looks


def seen_from_afar(
    signatures: Signatures,
    known: SeenLooks | None = None,
    before: Rows | None = None,
) -> FromAfar:
    """Returns what pictures look like from afar.

    Args:
        signatures: uint8[m, 4608]
        known: what is known of q pictures; None for none
        before: int64[m], which of the q each one is, ascending; -1 for a new one
    """
    count = len(signatures)
    if count > MOST_PICTURES:
        return FromAfar(turn_free(signatures), None)
    if known is None or before is None:
        known, before = _seen(signatures, np.zeros(0, np.int64)), np.full(count, -1)
    new = np.flatnonzero(before < 0)
    seen = _merged(known, before, _seen(signatures, new), new)
    return FromAfar(turn_free_of(seen.numbers, seen.picture), seen)


def _seen(signatures: Signatures, rows: Rows) -> SeenLooks:
    """Returns what some pictures look like, numbered as they come."""
    parts = [
        rows[start : start + _DESCRIBED_AT_ONCE]
        for start in range(0, len(rows), _DESCRIBED_AT_ONCE)
    ]
    looks, numbers, picture, start = [], [_NO_NUMBERS], [np.zeros(0, np.int64)], 0
    with in_parallel(
        describer_from_afar,
        (),
        parts,
        lambda some: (signatures[some],),
        most_threads=1,
        processes=processes_for(len(rows), _DESCRIBED_A_PROCESS),
    ) as described:
        for some, (of_views, of_pictures, *of_looks) in described:
            looks.append(AllLooks(*of_looks))
            numbers.append(of_views)
            picture.append(start + of_pictures)
            start += len(some)
    return SeenLooks(
        np.concatenate(numbers), np.concatenate(picture), joined_looks(looks)
    )


def describer_from_afar() -> Callable[[NDArray[np.uint8]], tuple[NDArray[Any], ...]]:
    """Returns what tells how a few pictures look, also in a worker process.

    It takes uint8[b, 4608] signatures, and returns ``numbers`` and ``picture`` of their
    :class:`SeenLooks`, and ``whole``, ``halves``, ``framing`` and ``framed`` of its
    :class:`~core.copy_detection.AllLooks`.
    """

    def describe(signatures: NDArray[np.uint8]) -> tuple[NDArray[Any], ...]:
        views = without_margins(signatures)
        looks = looks_at(signatures, views)
        numbers, picture = view_numbers(signatures, views)
        return numbers, picture, looks.whole, looks.halves, looks.framing, looks.framed

    return describe


def _merged(known: SeenLooks, before: Rows, fresh: SeenLooks, new: Rows) -> SeenLooks:
    """Returns what is known of pictures of which some are new."""
    here = np.flatnonzero(before >= 0)
    now = np.full(len(known.looks), -1, np.int64)
    now[before[here]] = here

    def of_all(old: Floats, added: Floats) -> Floats:
        """Puts float32[2, q, 64] and those of the new ones in order."""
        result = np.empty((len(old), len(before), old.shape[2]), np.float32)
        result[:, here], result[:, new] = old[:, before[here]], added
        return result

    def of_some(old: Rows, added: Rows) -> tuple[Rows, Rows]:
        """Returns the pictures that are still here and the new ones, in order, and
        where each stands in one after the other."""
        picture = np.concatenate([now[old], new[added]])
        order = np.argsort(picture, kind="stable")
        order = order[picture[order] >= 0]
        return picture[order], order

    picture, order = of_some(known.picture, fresh.picture)
    framing, places = of_some(known.looks.framing, fresh.looks.framing)
    framed = np.concatenate([known.looks.framed, fresh.looks.framed], axis=1)
    return SeenLooks(
        np.concatenate([known.numbers, fresh.numbers])[order],
        picture,
        AllLooks(
            of_all(known.looks.whole, fresh.looks.whole),
            of_all(known.looks.halves, fresh.looks.halves),
            framing,
            framed[:, places],
        ),
    )


def looks_from_afar(signatures: Signatures) -> AllLooks | None:
    """Returns what pictures look like; None of more than 100,000, which are not
    searched.

    Args:
        signatures: uint8[m, 4608]
    """
    return all_looks_of(signatures) if len(signatures) <= MOST_PICTURES else None


def alike_candidates(looks: AllLooks | None, known: KnownPairs | None = None) -> Pairs:
    """Returns pairs of pictures that look the same from afar.

    Args:
        looks: of m pictures, see :func:`looks_from_afar`
        known: of a previous search, whose lists are updated; None without. The pairs
            are those of a search from nothing

    Returns:
        int32[q, 2], neither in order nor distinct
    """
    if looks is None or len(looks) < 2:
        return np.zeros((0, 2), np.int32)
    if known is not None and len(known.asked) > _MOST_ASKED * len(looks):
        known = None
    rows = np.arange(len(looks))
    found = []
    for kind, count, least in (
        (looks.whole, _NEIGHBORS, _MIN_ALIKE),
        (looks.halves, 1, _MIN_HALF_ALIKE),
    ):
        for one in kind:
            if known is None:
                found.append(_alike(rows, one, one, count, own=rows, least=least))
            else:
                found.append(_renewed(one, count, least, known))
    framed = _alike_inside(looks, looks)
    return np.concatenate([*found, framed[framed[:, 0] != framed[:, 1]]])


def alike_originals(looks: AllLooks | None, made: AllLooks | None) -> Pairs:
    """Returns pairs of made copies and the pictures that look like them.

    Args:
        looks: of m pictures, see :func:`looks_from_afar`
        made: of c copies

    Returns:
        int32[q, 2], the copy, counted from 0, and the picture
    """
    if looks is None or made is None:
        return np.zeros((0, 2), np.int32)
    rows = np.arange(len(made))
    alike = [
        _alike(rows, one, other, _NEIGHBORS)
        for one, other in zip(looks.whole, made.whole, strict=True)
    ]
    halves = [
        _alike(rows, one, other, 1, least=_MIN_HALF_ALIKE)
        for one, other in zip(looks.halves, made.halves, strict=True)
    ]
    return np.concatenate([*alike, *halves, _alike_inside(looks, made)])


def _alike_inside(looks: AllLooks, asked: AllLooks) -> Pairs:
    """Returns pairs of some pictures and of those that look like what they frame."""
    # The picture itself may look like what it frames
    wanted = min(_NEIGHBORS + 1, len(looks))
    alike = [
        _alike(asked.framing, one, other, wanted, least=_MIN_ALIKE_INSIDE)
        for one, other in zip(looks.whole, asked.framed, strict=True)
    ]
    return np.concatenate(alike)


def _alike(
    rows: Rows,
    looks: Floats,
    asked: Floats,
    count: int,
    own: Rows | None = None,
    least: float = _MIN_ALIKE,
) -> Pairs:
    """Returns pairs of some rows with the few whose looks are most like theirs."""
    graph = nearest_above(looks, asked, count, least, own)
    row, column = np.nonzero(graph.similarities >= least)
    return np.stack([rows[row], graph.indices[row, column]], axis=1).astype(np.int32)


def _renewed(looks: Floats, count: int, least: float, known: KnownPairs) -> Pairs:
    """Returns what :func:`_alike` does of all rows, from what is known of most.

    A pair of two rows that were there is among the nearest only if it was before, or
    if one of them lost another.

    Args:
        looks: float32[m, 64]
        count: neighbors of each row
        least: cosine
        known: of the same rows
    """
    asked = known.asked
    own = _alike(asked, looks, looks[asked], count, own=asked, least=least)
    is_asked = np.zeros(len(looks), bool)
    is_asked[asked] = True
    old = known.pairs[~is_asked[known.pairs].any(axis=1)]
    old = old[row_products(looks, old[:, 0], looks, old[:, 1]) >= least]
    old = np.concatenate([old, old[:, ::-1]])
    lists, cosine = _best(looks, count, least, old)
    bound = np.full(len(looks), least, np.float32)
    last = places_in_runs(lists[:, 0]) == count - 1
    bound[lists[last, 0]] = cosine[last]
    bound[asked] = np.inf
    entering = _reaching(looks, asked, bound - np.float32(_ROUNDING))
    lists, _ = _best(looks, count, least, np.concatenate([lists, entering]))
    return np.concatenate([own, lists])


def _best(
    looks: Floats, count: int, least: float, pairs: Pairs
) -> tuple[Pairs, Floats]:
    """Returns the nearest of what was found for each row, and their cosines.

    Args:
        looks: float32[m, 64]
        count: neighbors of each row
        least: cosine
        pairs: int32[p, 2], a row and another, each once, in any order
    """
    row, other = pairs.T
    cosine = row_products(looks, row, looks, other)
    order = np.lexsort((other, -cosine, row))
    order = order[cosine[order] >= least]
    pairs, cosine = pairs[order], cosine[order]
    first = places_in_runs(pairs[:, 0]) < count
    return pairs[first], cosine[first]


def _reaching(looks: Floats, asked: Rows, bound: Floats) -> Pairs:
    """Returns rows and asked ones whose product reaches the bound of the row."""
    found = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(asked), _ASKED_AT_ONCE):
        some = asked[start : start + _ASKED_AT_ONCE]
        for first in range(0, len(looks), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            product = looks[some] @ looks[part].T
            end, row = np.divmod(
                np.flatnonzero(product >= bound[part]), product.shape[1]
            )
            found.append(np.stack([first + row, some[end]], axis=1))
    return np.concatenate(found).astype(np.int32)
