"""Whether images that are named like frames look like frames.

How alike neighbors are (cosine of the copy vectors of the built-in model), in seven
videos and thirteen folders of numbered photographs:

=============================================  ============  =============
series                                         median        surer than far
=============================================  ============  =============
videos, every frame and every half second      0.84 to 1.00  0.82 to 1.00
numbered photographs of one kind of thing      0.25 to 0.82  0.48 to 0.73
cells under one microscope                     0.87          0.71
=============================================  ============  =============

*Surer than far* is the chance that two neighbors are more alike than two images of the
series that are far apart. Frames two seconds apart of a fast camera (0.34, 0.68) cannot
be told from photographs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..storage.record_store import Vectors
from .sequences import FEWEST, NO_SEQUENCE, Sequences, rows_by_code

_SURELY_ALIKE = 0.9
_ALIKE = 0.8
_IN_ORDER = 0.8
"""Least chance that neighbors are more alike than others, for those less alike."""

_SOME_ORDER = 0.6
"""The same for very alike ones: in a folder of digits all images are."""

_ENOUGH = 10
_MANY = 30
"""Images from which on these chances say something."""

_COMPARED = 512
"""Neighbors of a sequence that are compared at most, evenly spread."""

Codes = NDArray[np.int32]
Doubles = NDArray[np.float64]


def confirmed(proposed: Sequences, image: Codes, vectors: Vectors) -> Sequences:
    """Returns those of the sequences whose neighbors are alike, as frames are.

    Args:
        proposed: by name or time
        image: int32[n], row in ``vectors``; negative for an image without
        vectors: i x d, unit copy vectors
    """
    code = np.full(len(image), NO_SEQUENCE, np.int32)
    kept: list[int] = []
    for rows in rows_by_code(proposed.code.astype(np.int64), proposed.place):
        own = image[rows]
        if _are_frames(vectors, own[own >= 0]):
            code[rows] = len(kept)
            kept.append(int(proposed.code[rows[0]]))
    return Sequences(
        code,
        proposed.place,
        proposed.step[np.array(kept, np.int64)],
        [proposed.names[one] for one in kept],
    )


def _are_frames(vectors: Vectors, images: Codes) -> bool:
    """Returns whether images in this order look like frames."""
    count = len(images)
    if count < FEWEST:
        return False
    first = np.unique(np.linspace(0, count - 2, min(count - 1, _COMPARED)).astype(int))
    near = _similarity(vectors, images[first], images[first + 1])
    typical = float(np.median(near))
    if count < _ENOUGH:
        return typical >= _SURELY_ALIKE
    far = np.concatenate(
        [
            _similarity(vectors, images[first], images[(first + count // part) % count])
            for part in (2, 3)
        ]
    )
    below = np.searchsorted(np.sort(far), near, "left")
    upto = np.searchsorted(np.sort(far), near, "right")
    order = float((below + upto).mean() / (2 * len(far)))
    if typical >= _SURELY_ALIKE:
        return count < _MANY or order >= _SOME_ORDER
    return typical >= _ALIKE and order >= _IN_ORDER


def _similarity(vectors: Vectors, one: Codes, other: Codes) -> Doubles:
    product = vectors[one].astype(np.float32) * vectors[other].astype(np.float32)
    total: Doubles = product.sum(axis=1, dtype=np.float64)
    return total
