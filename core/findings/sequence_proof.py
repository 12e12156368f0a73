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
be told from photographs. Of some 4,000 faces, four portraits of one person (0.92) are
as alike as the faces that happen to be most alike; and 260 augmented portraits, two to
five of each in turn (0.8), are in order, but mirror images of one another. Forms,
receipts, QR codes and screens of one layout are all very alike (0.9 and more), in no
order.
"""

from __future__ import annotations

from collections.abc import Callable

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
"""Neighbors of a sequence that are compared at most, and images beside it, evenly
spread."""

_FEWEST_OUTSIDE = 30
_AS_OTHERS = 0.999
"""Images beside a short sequence from which on they tell how alike such images are by
chance, and the quantile of it that neighbors must exceed."""

_FEWEST_MIRRORED = 2
_MIRRORED = 0.05
"""Images of a sequence, and their share, that are mirror images of others in it, from
which on it is a series of augmented pictures. No camera mirrors a frame."""

_ONE_A_PLACE = 0.9
"""Share of images with a number of their own: below, augmented frames of a recording
bear its frame's number, as those of Roboflow do."""

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class CopyPairs:
    """Pairs of images that pass for copies, and which of them are mirror images.

    Args:
        images: int32[q, 2], rows of images
        mirrored: bool[q]
    """

    def __init__(self, images: Codes, mirrored: Bools) -> None:
        ends = np.concatenate([images, images[:, ::-1]])
        order = np.argsort(ends[:, 0], kind="stable")
        self._one, self._other = ends[order].T
        self._mirrored = np.tile(mirrored, 2)[order]

    def of(self, images: Codes) -> tuple[Codes, Codes, Bools]:
        """Returns the pairs of distinct images: one, the other, mirrored or not."""
        starts = np.searchsorted(self._one, images, "left")
        ends = np.searchsorted(self._one, images, "right")
        rows = np.concatenate(
            [np.zeros(0, np.int64), *map(np.arange, starts, ends)]
        ).astype(np.int64)
        return self._one[rows], self._other[rows], self._mirrored[rows]


def confirmed(
    proposed: Sequences,
    image: Codes,
    vectors: Vectors,
    copies: CopyPairs | None = None,
    are_pages: Callable[[Codes], bool] = lambda _: False,
    *,
    by_time: bool = False,
) -> Sequences:
    """Returns those of the sequences whose neighbors are alike, as frames are.

    Args:
        proposed: by name or time
        image: int32[n], row in ``vectors``; negative for an image without
        vectors: i x d, unit copy vectors
        copies: among these
        are_pages: says of images that most have few tones, as pages and drawings do;
            those must be in order
        by_time: one camera took them within seconds, which numbers alone do not say
    """
    code = np.full(len(image), NO_SEQUENCE, np.int32)
    kept: list[int] = []
    spread = np.linspace(0, len(vectors) - 1, min(len(vectors), _COMPARED)).astype(int)
    outside = np.asarray(vectors[spread], np.float32)
    for rows in rows_by_code(proposed.code.astype(np.int64), proposed.place):
        readable = rows[image[rows] >= 0]
        own = image[readable]
        distinct = np.unique(own)
        # Copies of one file are one frame
        if len(distinct) < FEWEST:
            continue
        related = distinct
        if copies is not None:
            one, other, mirrored = copies.of(distinct)
            if _is_augmented(distinct, proposed.place[readable], one, other, mirrored):
                continue
            # A copy of a frame that lies elsewhere is as alike as a frame
            related = np.union1d(distinct, other)
        beside = None if by_time else outside[~np.isin(spread, related)]
        spread_own = own[:: 1 + len(own) // _COMPARED]
        if _are_frames(vectors, own, beside, are_pages(spread_own)):
            code[rows] = len(kept)
            kept.append(int(proposed.code[rows[0]]))
    return Sequences(
        code,
        proposed.place,
        proposed.step[np.array(kept, np.int64)],
        [proposed.names[one] for one in kept],
    )


def _is_augmented(
    images: Codes, places: Ints, one: Codes, other: Codes, mirrored: Bools
) -> bool:
    """Returns whether images of a sequence are mirror images of others in it.

    Args:
        images: the distinct ones of the sequence
        places: of all its samples
        one, other: images of the sequence, and what each is a copy of
        mirrored: which of these pairs are mirror images
    """
    if len(np.unique(places)) < _ONE_A_PLACE * len(places):
        return False
    inside = mirrored & np.isin(other, images)
    count = len(np.unique(one[inside]))
    return count >= max(_FEWEST_MIRRORED, _MIRRORED * len(images))


def _are_frames(
    vectors: Vectors, images: Codes, beside: Floats | None, pages: bool
) -> bool:
    """Returns whether images in this order look like frames.

    Args:
        vectors: i x d
        images: of the sequence
        beside: float32[o, d], vectors of other images, among which a short one must
            stand out; None if it need not
        pages: they are pages or drawings
    """
    count = len(images)
    first = np.unique(np.linspace(0, count - 2, min(count - 1, _COMPARED)).astype(int))
    near = _similarity(vectors, images[first], images[first + 1])
    typical = float(np.median(near))
    if count < _ENOUGH:
        return not pages and typical >= max(
            _SURELY_ALIKE, _by_chance(vectors, images, beside)
        )
    far = np.concatenate(
        [
            _similarity(vectors, images[first], images[(first + count // part) % count])
            for part in (2, 3)
        ]
    )
    below = np.searchsorted(np.sort(far), near, "left")
    upto = np.searchsorted(np.sort(far), near, "right")
    order = float((below + upto).mean() / (2 * len(far)))
    if typical >= _SURELY_ALIKE and not pages:
        return count < _MANY or order >= _SOME_ORDER
    return typical >= _ALIKE and order >= _IN_ORDER


def _by_chance(vectors: Vectors, images: Codes, beside: Floats | None) -> float:
    """Returns how alike images and others are that are most alike by chance."""
    if beside is None or len(beside) < _FEWEST_OUTSIDE:
        return -1.0
    alike = np.asarray(vectors[images], np.float32) @ beside.T
    return float(np.quantile(alike, _AS_OTHERS))


def _similarity(vectors: Vectors, one: Codes, other: Codes) -> Doubles:
    product = vectors[one].astype(np.float32) * vectors[other].astype(np.float32)
    total: Doubles = product.sum(axis=1, dtype=np.float64)
    return total
