"""Pairs of pages, too plain for their signatures to tell, looked at in full."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.made_once import made_once
from ..common.pairs import used_in
from ..copy_detection import (
    MIN_COPY_SCORE,
    NO_RELATION,
    OTHER,
    PAGE_SIDE,
    SAME,
    TOO_PLAIN,
    PairScores,
    Signatures,
    compare_pages,
    is_page,
    relation_bits,
    tones_of,
)
from ..progress import OnProgress, Progress
from .picture_reader import ReadPicture

MAX_TONES = 2.7
"""Logarithm, as :func:`~core.copy_detection.tones_of`: pages have fewer (charts have
the most, 2.6), and so have one in ten photographs."""

_AT_ONCE = 256
"""Pairs between two reports."""

_ONE_FRAME = relation_bits(
    "re-encoded", "resized", "edited", "color-changed", "blurred"
)
"""Relations of pictures that lie on one another as they are."""

_THROUGH_VIEWS = relation_bits("framed", "inverted", "other ground")
_TURNED = relation_bits("mirrored", "rotated")
"""Relations of pictures that were compared without what makes them plain: margins."""

_NOT_A_PAGE = "not a page"

Pairs = NDArray[np.int32]


def judge_pages(
    checks: PairScores,
    pairs: Pairs,
    signatures: Signatures,
    read: ReadPicture,
    on_progress: OnProgress,
) -> None:
    """Looks at plain pairs in full, and changes what is said of them.

    Pages of which a place differs are no copies. Those of which that cannot be told,
    since they are turned or cut differently, say, are :data:`TOO_PLAIN`.

    Args:
        checks: of the p pairs, changed in place
        pairs: int32[p, 2] of items
        signatures: of the items
        read: what reads the picture of an item
        on_progress: told after each batch
    """
    copies = np.flatnonzero(checks.scores >= MIN_COPY_SCORE)
    used, ends = used_in(pairs[copies])
    few = tones_of(signatures[used]) < MAX_TONES
    rows = copies[checks.plain[copies] | few[ends].any(axis=1)]
    # One picture after the other: each is then read once or twice
    rows = rows[np.lexsort(pairs[rows].T[::-1])]

    # A photograph is not read for each of the pairs that it is in
    @made_once(len(used))
    def page(item: int) -> bool | None:
        picture = read(item, PAGE_SIDE)
        return None if picture is None else is_page(picture)

    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE].tolist()
            found = pool.map(lambda row: _judged(checks, pairs, read, page, row), some)
            for row, verdict in zip(some, found, strict=True):
                _note(checks, row, verdict)
            done = min(start + _AT_ONCE, len(rows))
            on_progress(Progress("Comparing pages", done, len(rows)))


def _judged(
    checks: PairScores,
    pairs: Pairs,
    read: ReadPicture,
    page: Callable[[int], bool | None],
    row: int,
) -> str:
    """Says what a plain pair is, and reads no picture that the answer does not need.

    Args:
        checks: of all pairs
        pairs: int32[p, 2] of items
        read: what reads the picture of an item
        page: tells whether an item is a page, None if it cannot be read
        row: the pair
    """
    one, other = pairs[row].tolist()
    relation = int(checks.relations[row])
    on_one_another = not relation & ~_ONE_FRAME
    viewed = relation & _THROUGH_VIEWS and not relation & _TURNED
    if not checks.plain[row]:
        are_pages = bool(page(one) and page(other))
        if not are_pages:
            return _NOT_A_PAGE
    elif not (viewed or on_one_another):
        return TOO_PLAIN
    else:
        are_pages = bool(page(one) and page(other))
        if page(one) is None or page(other) is None:
            return TOO_PLAIN
        if viewed and not are_pages:
            return _NOT_A_PAGE
    if not on_one_another:
        return TOO_PLAIN
    first, second = read(one, PAGE_SIDE), read(other, PAGE_SIDE)
    if first is None or second is None:
        return TOO_PLAIN
    verdict = compare_pages(first, second, may_differ=are_pages)
    return verdict if verdict in (SAME, OTHER) else TOO_PLAIN


def _note(checks: PairScores, row: int, verdict: str) -> None:
    if verdict != _NOT_A_PAGE:
        # Nothing that is seen at 128 x 128 tells more of a page
        checks.chance[row] = checks.correlation[row] = checks.narrow[row] = 0
    if verdict == TOO_PLAIN:
        checks.relations[row] = relation_bits(TOO_PLAIN)
    elif verdict == OTHER:
        checks.scores[row], checks.changes[row] = 0, 0
        checks.relations[row] = NO_RELATION
