"""Pairs of pictures that are worth a look."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import distinct_pairs
from .dct import BASES, has_contrast, whole_spectra
from .signature import brightness_of
from .types import Floats, Ints, Signatures, floats
from .views import Views, without_margins

_TURNED_NEIGHBORS = 5
_MAX_TURNED_DISTANCE = 0.06
"""Nine of ten turned copies saved as JPEG of quality 50 lie within 0.032; within
0.06 lie 1,300 pairs of 24,500 pictures of the bench."""

VIEW_NUMBERS = BASES**2 - 1
"""Of a view, whichever way it is turned."""

_TURN_FREE_NUMBERS = 16
_PICTURES_AT_ONCE = 1024
_ASKED_AT_ONCE = 2**20


@dataclass(frozen=True, eq=False)
class TurnFree:
    """Views of m pictures in numbers that no turn changes.

    Attributes:
        numbers: float32[v, 16], of each view
        picture: int64[v], that it is of
        kept: int64[16], which of all numbers these are: those that vary most
    """

    numbers: Floats
    picture: Ints
    kept: Ints


def turned_candidates(
    signatures: Signatures, *, asked: Ints | None = None
) -> NDArray[np.int32]:
    """Returns pairs that may be turned, inverted or framed copies of one another.

    Args:
        signatures: uint8[m, 4608]
        asked: int64[a], the pictures to find others for; None for all

    Returns:
        int32[q, 2], smaller picture first, sorted, q at most 6 m
    """
    return turned_among(turn_free(signatures), asked=asked)


def turned_among(views: TurnFree, *, asked: Ints | None = None) -> NDArray[np.int32]:
    """Returns what :func:`turned_candidates` does of pictures that are described."""
    asking = np.arange(len(views.picture))
    if asked is not None:
        asking = np.flatnonzero(np.isin(views.picture, asked))
    found = _near(views, views.numbers[asking], views.picture[asking])
    return distinct_pairs(found)


def turned_originals(
    views: TurnFree, signatures: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Returns pairs of made copies and the pictures they may be turned copies of.

    Args:
        views: of m pictures
        signatures: uint8[c, 4608], of the copies

    Returns:
        int64[q, 2], the copy, counted from 0, and the picture
    """
    numbers, copies = view_numbers(signatures)
    return _near(views, np.ascontiguousarray(numbers[:, views.kept]), copies)


def _near(views: TurnFree, numbers: Floats, asking: Ints) -> NDArray[np.int64]:
    """Returns int64[q, 2]: pictures that ask, and those with a view near to theirs.

    Args:
        views: among which to search
        numbers: float32[a, 16], of the views that ask
        asking: int64[a], the pictures that they are of
    """
    # Imported here: 0.1 s that only this function needs
    from scipy.spatial import KDTree

    tree = KDTree(views.numbers)
    rows = views.picture
    wanted = min(_TURNED_NEIGHBORS + 1, max(2, len(rows)))
    limit = _MAX_TURNED_DISTANCE
    found = [np.zeros((0, 2), np.int64)]
    if not len(rows):
        return found[0]
    for start in range(0, len(asking), _ASKED_AT_ONCE):
        some = slice(start, start + _ASKED_AT_ONCE)
        _, near = tree.query(numbers[some], k=wanted, distance_upper_bound=limit)
        row, column = np.nonzero(near < len(rows))
        found.append(np.stack([asking[some][row], rows[near[row, column]]], axis=1))
    return np.concatenate(found)


def turn_free(signatures: Signatures) -> TurnFree:
    """Describes pictures by numbers that no turn changes.

    The embedding hardly sees that a picture was turned by 90 or 180 degrees
    (cosine 0.3 to 0.8, measured). Cosine coefficients without their signs and
    with both axes alike do not change by a turn, nor in a negative, so equal
    ones are a hint. Pictures with margins are described once more without them.
    Near-linear; pictures with next to no contrast are not described.

    Args:
        signatures: uint8[m, 4608]
    """
    rows, moments = [np.zeros(0, np.int64)], _Moments()
    # All of ten million pictures are 3 GB
    with tempfile.TemporaryFile() as file:
        for start in range(0, len(signatures), _PICTURES_AT_ONCE):
            numbers, picture = view_numbers(
                signatures[start : start + _PICTURES_AT_ONCE]
            )
            rows.append(start + picture)
            moments.add(numbers)
            file.write(numbers.tobytes())
        picture, kept = np.concatenate(rows), moments.most_variable()
        described = np.empty((len(picture), len(kept)), np.float32)
        file.seek(0)
        for start in range(0, len(picture), _PICTURES_AT_ONCE):
            some = described[start : start + _PICTURES_AT_ONCE]
            data = file.read(len(some) * VIEW_NUMBERS * described.itemsize)
            some[:] = np.frombuffer(data, np.float32).reshape(-1, VIEW_NUMBERS)[:, kept]
    return TurnFree(described, picture, kept)


def turn_free_of(numbers: Floats, picture: Ints) -> TurnFree:
    """Returns what :func:`turn_free` does of pictures whose views are described.

    Args:
        numbers: float32[v, 63], see :func:`view_numbers`
        picture: int64[v]
    """
    moments = _Moments()
    for start in range(0, len(numbers), _PICTURES_AT_ONCE):
        moments.add(numbers[start : start + _PICTURES_AT_ONCE])
    kept = moments.most_variable()
    return TurnFree(np.ascontiguousarray(numbers[:, kept]), picture, kept)


class _Moments:
    """Counts how much each number varies."""

    def __init__(self) -> None:
        self._count = 0
        self._total, self._squares = np.zeros(VIEW_NUMBERS), np.zeros(VIEW_NUMBERS)

    def add(self, numbers: Floats) -> None:
        self._count += len(numbers)
        self._total += numbers.sum(axis=0, dtype=np.float64)
        self._squares += np.square(numbers, dtype=np.float64).sum(axis=0)

    def most_variable(self) -> Ints:
        """Returns int64[16], which numbers vary most, ascending."""
        count = max(self._count, 1)
        spread = self._squares / count - (self._total / count) ** 2
        kept = np.argsort(-spread, kind="stable")[:_TURN_FREE_NUMBERS]
        return np.sort(kept)


def view_numbers(
    signatures: NDArray[np.uint8], views: Views | None = None
) -> tuple[Floats, Ints]:
    """Returns the numbers of each view that has a contrast, and its picture.

    Args:
        signatures: uint8[b, 4608]
        views: of them, where they are known

    Returns:
        float32[v, 63]; int64[v]
    """
    high, low = np.triu_indices(BASES, 1)
    views = views or without_margins(signatures)
    picture = np.concatenate([np.arange(len(signatures)), views.picture])
    some = np.concatenate([signatures, views.signatures])
    spectra = whole_spectra(floats(brightness_of(some)))
    size = np.abs(spectra.reshape(-1, BASES, BASES))
    turned = size.transpose(0, 2, 1)
    either = np.stack([np.maximum(size, turned), np.minimum(size, turned)])
    upper = either[:, :, high, low].transpose(1, 2, 0).reshape(len(some), -1)
    diagonal = np.diagonal(size, axis1=1, axis2=2)
    numbers = floats(np.concatenate([diagonal[:, 1:], upper], axis=1))
    with_contrast = np.flatnonzero(has_contrast(numbers))
    return numbers[with_contrast], picture[with_contrast]
