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
series that are far apart. Folders that were filled in order, but recorded piece by
piece, pass for recordings by these two. Measured of those of 30 images and more:

==================================  =====  ========  ========  ===============
series                              count  breaks    gap       nearer than two
==================================  =====  ========  ========  ===============
videos, every frame to every 2 s    22     0 to .22  0 to .18  .76 to .98
drives, a frame every 1 to 3 s      14     0 to .20  .07-.15   .70 to .96
slices of brains, 3 to 9 a patient  5      .03-.17   .22-.39   .80 to .84
solar cells, module by module       4      .02-.15   .06-.28   .56 to .61
==================================  =====  ========  ========  ===============

*Breaks* is the share of neighbors that are less alike than far images are in the
median, *gap* by how much the least alike twentieth of the neighbors falls below their
median, *nearer than two* the chance that neighbors are more alike than images two steps
apart. Frames two steps apart differ more than neighbors, things of one batch do not.
Where breaks and gap are large, a run of images that are each more alike than nearly all
far ones is judged by itself: of 28 such runs of slices, drawn at random and looked at,
two seem to be of two patients. Frames two seconds apart of a fast camera (0.34, 0.68)
cannot be told from photographs. Of some 4,000 faces, four portraits of one person
(0.92) are as alike as the faces that happen to be most alike; and 260 augmented
portraits, two to five of each in turn (0.8), are in order, but mirror images of one
another. Forms, receipts, QR codes and screens of one layout are all very alike (0.9 and
more), in no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..storage.record_store import Vectors
from .sequences import (
    FEWEST,
    NO_SEQUENCE,
    Sequences,
    distinct_names,
    rows_by_code,
)

_SURELY_ALIKE = 0.9
_ALIKE = 0.8
_IN_ORDER = 0.8
"""Least chance that neighbors are more alike than others, for those less alike."""

_SOME_ORDER = 0.6
"""The same for very alike ones: in a folder of digits all images are."""

_ENOUGH = 10
_MANY = 30
"""Images from which on these chances say something."""

_NEARER_THAN_TWO = 0.65
"""Least chance that neighbors are more alike than images two steps apart."""

_MOST_BREAKS = 0.02
"""Share of neighbors that may be as unlike as far images are in the median."""

_LARGEST_GAP = 0.18
"""By how much the least alike twentieth of the neighbors may fall below the median,
where more are that unlike."""

_MAY_BREAK = 0.95
"""How alike neighbors are in the median where breaks say nothing: films have cuts, and
before a fixed camera things pass."""

_IN_ONE_RUN = 0.99
"""Quantile of the likeness of far images that neighbors exceed within a run. With .95
three of fourteen runs of slices were of two patients."""

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

    A sequence that was recorded piece by piece becomes several, named by their places.

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
    names: list[str] = []
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
        pages = are_pages(own[:: 1 + len(own) // _COMPARED])
        place, moments = _moments(proposed.place[readable], own)
        series = int(proposed.code[rows[0]])
        for run in _recorded(vectors, moments, beside, pages):
            kept.append(series)
            if len(run) == len(place):
                code[rows] = len(names)
                names.append(proposed.names[series])
                continue
            first, last = place[run[0]], place[run[-1]]
            # They stand in the order of their places
            inside = slice(*np.searchsorted(proposed.place[rows], [first, last + 1]))
            code[rows[inside]] = len(names)
            names.append(f"{proposed.names[series]} {first}-{last}")
    step = proposed.step[np.array(kept, np.int64)]
    return Sequences(code, proposed.place, step, distinct_names(names))


def _moments(place: Ints, images: Codes) -> tuple[Ints, Codes]:
    """Returns the places, ascending, and one image of each.

    Augmented frames bear the number of their frame, and are as unlike one another as
    the neighbors of their frame.
    """
    order = np.lexsort((images, place))
    places, first = np.unique(place[order], return_index=True)
    return places, images[order][first]


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


def _recorded(
    vectors: Vectors, images: Codes, beside: Floats | None, pages: bool
) -> Iterator[Ints]:
    """Yields the stretches of a series that were each recorded at once.

    Args:
        vectors: i x d
        images: of the series, in order, one of each moment
        beside: float32[o, d], vectors of other images, among which a short one must
            stand out; None if it need not
        pages: they are pages or drawings

    Yields:
        consecutive places in ``images``
    """
    count = len(images)
    if len(np.unique(images)) < FEWEST:
        return
    first = np.unique(np.linspace(0, count - 2, min(count - 1, _COMPARED)).astype(int))
    near = _similarity(vectors, images[first], images[first + 1])
    typical = float(np.median(near))
    if count < _ENOUGH:
        least = max(_SURELY_ALIKE, _by_chance(vectors, images, beside))
        if not pages and typical >= least:
            yield np.arange(count)
        return
    far = np.concatenate(
        [
            _similarity(vectors, images[first], images[(first + count // part) % count])
            for part in (2, 3)
        ]
    )
    if typical >= _SURELY_ALIKE and not pages:
        least_order = _SOME_ORDER if count >= _MANY else 0.0
    else:
        least_order = _IN_ORDER
    if typical < _ALIKE or _order(near, far) < least_order:
        return
    if count >= _MANY:
        if _nearer_than_two(vectors, images, first) < _NEARER_THAN_TWO:
            return
        breaks = float((near < np.median(far)).mean())
        gap = typical - float(np.quantile(near, 0.05))
        if breaks > _MOST_BREAKS and gap > _LARGEST_GAP and typical < _MAY_BREAK:
            cuts = _all_steps(vectors, images) < np.quantile(far, _IN_ONE_RUN)
            for run in np.split(np.arange(count), np.flatnonzero(cuts) + 1):
                # In order they are already, so that few pages are enough
                for part in _recorded(vectors, images[run], beside, pages=False):
                    yield run[part]
            return
    yield np.arange(count)


def _order(near: Doubles, far: Doubles) -> float:
    """Returns the chance that neighbors are more alike than far images."""
    far = np.sort(far)
    below = np.searchsorted(far, near, "left")
    upto = np.searchsorted(far, near, "right")
    return float((below + upto).mean() / (2 * len(far)))


def _nearer_than_two(vectors: Vectors, images: Codes, first: Ints) -> float:
    """Returns the chance that neighbors are more alike than images two steps apart."""
    one = first[first < len(images) - 2]
    a, b, c = images[one], images[one + 1], images[one + 2]
    two = _similarity(vectors, a, c)
    near = np.stack([_similarity(vectors, a, b), _similarity(vectors, b, c)])
    return float((near > two).mean() + (near >= two).mean()) / 2


def _all_steps(vectors: Vectors, images: Codes) -> Doubles:
    """Returns how alike each image and the next one are."""
    starts = np.arange(0, len(images) - 1, _COMPARED)
    blocks = (images[start : start + _COMPARED + 1] for start in starts)
    return np.concatenate(
        [_similarity(vectors, block[:-1], block[1:]) for block in blocks]
    )


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
