"""What pictures look like from afar, by which copies with marks are proposed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..common.pairs import used_in
from .dct import BASES, half_spectra, has_contrast, whole_spectra
from .signature import GRAY_SIDE, brightness_of
from .types import Floats, Signatures, floats
from .views import Views, without_margins

_PICTURES_AT_ONCE = 1024

_THIN = np.ones((5, 5), np.uint8)
"""Of 64 pixels a side: no stroke of a mark holds it. The letters and lines of a stock
photograph's mark are one to three wide there."""

_PLACES, _SIDE = 16, GRAY_SIDE // 16
_SAME_PLACE = 5 * _SIDE**2
"""Places along each axis, of so many pixels a side, and the sum of the gray levels of
their pixels, five each, by which one is no longer the same."""

_Rows = NDArray[np.int64]


def looks_of(signatures: Signatures) -> Floats:
    """Returns the 8 x 8 lowest cosine coefficients of the brightness, as unit vectors.

    A perceptual hash (Zauner, Implementation and benchmarking of perceptual image hash
    functions, 2010) keeps their signs; here they are kept whole. Marks tiled over a
    picture move its embedding far (cosine 0.2 to 0.8), and most of its looks little.
    Over a plain picture a mark is most of what there is to see: before, all that is
    thin and light is taken off, or all that is thin and dark (opening and closing of
    gray pictures: Serra, Image Analysis and Mathematical Morphology, 1982). Of two
    plain retinas under a stock photograph's mark the cosines to the bare ones are .64
    and .50 with all, and .99 and .98 without.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        float32[2, m, 64], without what is thin and light, and without what is thin and
        dark; zeros for pictures with next to no contrast
    """
    looks = np.zeros((2, len(signatures), BASES**2), np.float32)
    for start in range(0, len(signatures), _PICTURES_AT_ONCE):
        brightness = brightness_of(signatures[start : start + _PICTURES_AT_ONCE])
        end = start + len(brightness)
        for kind, operation in enumerate((cv2.MORPH_OPEN, cv2.MORPH_CLOSE)):
            bare = [cv2.morphologyEx(one, operation, _THIN) for one in brightness]
            looks[kind, start:end] = _told(whole_spectra(floats(np.stack(bare))))
    return looks


def look_likeness(signatures: Signatures, pairs: NDArray[np.integer]) -> Floats:
    """Returns how much two pictures look like one another without thin strokes.

    Args:
        signatures: uint8[m, 4608]
        pairs: int[p, 2] of the pictures, a few thousand at most

    Returns:
        float32[p], the larger cosine of the two kinds of :func:`looks_of`
    """
    return _likeness(looks_of, signatures, pairs)


def half_looks_of(signatures: Signatures) -> Floats:
    """Returns what the upper and the lower halves of pictures look like.

    A caption covers one of them, however much of it.

    Args:
        signatures: uint8[m, 4608]

    Returns:
        float32[2, m, 64], unit vectors as of :func:`looks_of`, with all that is thin;
        zeros for halves with next to no contrast
    """
    looks = np.zeros((2, len(signatures), BASES**2), np.float32)
    for start in range(0, len(signatures), _PICTURES_AT_ONCE):
        brightness = brightness_of(signatures[start : start + _PICTURES_AT_ONCE])
        for kind, spectra in enumerate(half_spectra(floats(brightness))):
            looks[kind, start : start + len(spectra)] = _told(spectra)
    return looks


def _told(spectra: Floats) -> Floats:
    """Returns float32[b, 64]: spectra, 0 where there is next to no contrast."""
    return floats(np.where(has_contrast(spectra)[:, None], spectra, 0))


def half_likeness(signatures: Signatures, pairs: NDArray[np.integer]) -> Floats:
    """Returns how much a half of two pictures looks alike.

    Args:
        signatures: uint8[m, 4608]
        pairs: int[p, 2] of the pictures, a few thousand at most

    Returns:
        float32[p], the larger cosine of the two halves, see :func:`half_looks_of`
    """
    return _likeness(half_looks_of, signatures, pairs)


@dataclass(frozen=True, eq=False)
class AllLooks:
    """What m pictures look like from afar, in each way that proposes copies.

    Attributes:
        whole: float32[2, m, 64], see :func:`looks_of`
        halves: float32[2, m, 64], see :func:`half_looks_of`
        framing: int64[v], the pictures with plain margins
        framed: float32[2, v, 64], what lies inside, as ``whole``
    """

    whole: Floats
    halves: Floats
    framing: _Rows
    framed: Floats

    def __len__(self) -> int:
        return int(self.whole.shape[1])


def all_looks_of(signatures: Signatures) -> AllLooks:
    """Returns what pictures look like from afar; each signature is read once.

    Args:
        signatures: uint8[m, 4608]
    """
    parts = []
    for start in range(0, len(signatures), _PICTURES_AT_ONCE):
        some = signatures[start : start + _PICTURES_AT_ONCE]
        parts.append(looks_at(some, without_margins(some)))
    return joined_looks(parts)


def looks_at(signatures: NDArray[np.uint8], views: Views) -> AllLooks:
    """Returns what a few pictures look like from afar.

    Args:
        signatures: uint8[b, 4608]
        views: the others of them
    """
    framed = np.flatnonzero(views.inside >= 0)
    inside = views.signatures[views.inside[framed]]
    return AllLooks(
        looks_of(signatures), half_looks_of(signatures), framed, looks_of(inside)
    )


def joined_looks(parts: Sequence[AllLooks]) -> AllLooks:
    """Returns the looks of all pictures of some parts, in this order."""
    parts = [_NO_LOOKS, *parts]
    starts = np.cumsum([0, *map(len, parts)])[:-1]
    return AllLooks(
        np.concatenate([part.whole for part in parts], axis=1),
        np.concatenate([part.halves for part in parts], axis=1),
        np.concatenate(
            [start + part.framing for start, part in zip(starts, parts, strict=True)]
        ),
        np.concatenate([part.framed for part in parts], axis=1),
    )


_NOTHING = np.zeros((2, 0, BASES**2), np.float32)
_NO_LOOKS = AllLooks(_NOTHING, _NOTHING, np.zeros(0, np.int64), _NOTHING)


def same_places(signatures: Signatures, pairs: NDArray[np.integer]) -> Floats:
    """Returns which share of two pictures is the same, in place and in tone.

    A caption hides little of it, however far it moves the embedding.

    Args:
        signatures: uint8[m, 4608]
        pairs: int[p, 2] of the pictures, a few thousand at most

    Returns:
        float32[p], shares of 16 x 16 places whose brightness differs by next to nothing
        beside the median of all
    """
    used, ends = used_in(pairs)
    places = _places_of(signatures[used])
    change = places[ends[:, 1]] - places[ends[:, 0]]
    half = _PLACES**2 // 2
    # Between the two in the middle, so doubled to stay whole; sorting small integers
    # takes a third of the time that it takes with fractions
    middle = np.sort(change, axis=1)[:, half - 1 : half + 1]
    moved = np.abs(2 * change - middle.sum(axis=1, keepdims=True, dtype=np.int16))
    return floats((moved < 2 * _SAME_PLACE).mean(axis=1))


def _places_of(signatures: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Returns int16[b, 256]: sums of the brightness of 4 x 4 pixels."""
    brightness = brightness_of(signatures)
    # Adding strided views takes a fifth of the time of one sum over two axes
    rows = brightness[:, ::_SIDE].astype(np.int16)
    for at in range(1, _SIDE):
        rows += brightness[:, at::_SIDE]
    places = rows[:, :, ::_SIDE].copy()
    for at in range(1, _SIDE):
        places += rows[:, :, at::_SIDE]
    result: NDArray[np.int16] = places.reshape(-1, _PLACES**2)
    return result


def _likeness(
    described: Callable[[Signatures], Floats],
    signatures: Signatures,
    pairs: NDArray[np.integer],
) -> Floats:
    """Returns float32[p], the larger cosine of the two kinds of looks of each pair."""
    used, ends = used_in(pairs)
    looks = described(signatures[used])
    both = looks[:, ends[:, 0]] * looks[:, ends[:, 1]]
    return floats(both.sum(axis=2).max(axis=0))
