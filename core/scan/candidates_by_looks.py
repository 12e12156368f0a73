"""Pairs that look the same from afar though their embeddings differ.

A mark tiled over a photograph, or a large caption, moves the embedding by more than a
copy may differ. The coarse brightness stays; beside a caption that covers a third of a
small picture that of one half. A letterbox or a border changes both: what it frames
still looks like the original.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import framed_looks_of, half_looks_of, looks_of
from ..copy_detection.types import Signatures
from ..neighbors.knn_graph import nearest_above

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
scan looks closer at them, see :func:`~.closer_looks.promise_of`."""

_MOST_PICTURES = 100_000
"""Beyond, a search of all by all would cost more than the comparison."""

Pairs = NDArray[np.int32]


def alike_candidates(signatures: Signatures) -> Pairs:
    """Returns pairs of pictures that look the same from afar.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        int32[q, 2], neither in order nor distinct; none of more than 100,000 pictures
    """
    count = len(signatures)
    if not 1 < count <= _MOST_PICTURES:
        return np.zeros((0, 2), np.int32)
    rows, looks = np.arange(count), looks_of(signatures)
    alike = [_alike(rows, one, one, _NEIGHBORS, own=rows) for one in looks]
    halves = [
        _alike(rows, one, one, 1, own=rows, least=_MIN_HALF_ALIKE)
        for one in half_looks_of(signatures)
    ]
    framed = _alike_inside(signatures, looks, rows)
    return np.concatenate([*alike, *halves, framed[framed[:, 0] != framed[:, 1]]])


def alike_originals(signatures: Signatures, count: int) -> Pairs:
    """Returns pairs of made copies and the pictures that look like them.

    Args:
        signatures: uint8[m, 4608], of pictures, then of copies made of some
        count: how many are pictures

    Returns:
        int32[q, 2], the copy first
    """
    if count > _MOST_PICTURES:
        return np.zeros((0, 2), np.int32)
    looks = looks_of(signatures)
    made = np.arange(count, len(signatures))
    alike = [_alike(made, one[:count], one[count:], _NEIGHBORS) for one in looks]
    halves = [
        _alike(made, one[:count], one[count:], 1, least=_MIN_HALF_ALIKE)
        for one in half_looks_of(signatures)
    ]
    framed = _alike_inside(signatures, looks[:, :count], made)
    return np.concatenate([*alike, *halves, framed])


def _alike_inside(
    signatures: Signatures, looks: NDArray[np.float32], rows: NDArray[np.int64]
) -> Pairs:
    """Returns pairs of pictures and of those that look like what they frame.

    Args:
        signatures: uint8[m, 4608]
        looks: float32[2, n, 64], of the first n pictures
        rows: int64[q], the pictures that may frame one
    """
    picture, framed = framed_looks_of(signatures, rows)
    # The picture itself may look like what it frames
    wanted = min(_NEIGHBORS + 1, looks.shape[1])
    alike = [
        _alike(picture, one, other, wanted, least=_MIN_ALIKE_INSIDE)
        for one, other in zip(looks, framed, strict=True)
    ]
    return np.concatenate(alike)


def _alike(
    rows: NDArray[np.int64],
    looks: NDArray[np.float32],
    asked: NDArray[np.float32],
    count: int,
    own: NDArray[np.int64] | None = None,
    least: float = _MIN_ALIKE,
) -> Pairs:
    """Returns pairs of some rows with the few whose looks are most like theirs."""
    graph = nearest_above(looks, asked, count, least, own)
    row, column = np.nonzero(graph.similarities >= least)
    return np.stack([rows[row], graph.indices[row, column]], axis=1).astype(np.int32)
