"""Pictures of one design: what two of them share, others of the set share as well.

Solar cells, parts before one camera, X-rays of one pose and forms lie on one another to
a few hundredths though each is another one. Two of them are one photograph only if what
is their own, beyond what the pictures most like them show, is the same too: the partial
correlation (Fisher, Metron 1924) of their details, given those of others.

Measured on 2,624 photographs of solar cells, each another cell but for some that were
photographed twice: of 2,787 pairs that were taken for copies 162 are left, three in
four of them one cell. Of copies made of 150 of these cells (re-encoded with a quality
of 70 and of 30, brighter, at half the size, blurred, with noise, mirrored) 0, 0, 9, 0,
1, 0 and 0 % are lost. Of 803 pairs of three planted sets of 6,000 images two are
refused, which are no copies; of 161 of 24,288 scenes none. Of 4,820 pairs of frames of
one camera 363 are: with somebody in one of the two, or who moved.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .filters import grid_sums, slopes
from .orientations import ORIENTATIONS, turn_planes
from .signature import GRAY_SIDE, brightness_of
from .types import Bools, Floats, Signatures, floats

OTHERS = 8
_HALF = OTHERS // 2
"""Pictures that show what is common. How much that is the second four of them say: some
of the first, which are most like the pair, may be copies that would explain it
wholly. What is left of the two once all eight are taken out is their own."""

_AROUND = 2.0
"""Sigma of what lies around a detail, in pixels of 64."""

_COMMON, _ALIKE, _OWN_ALIKE = 0.6, 0.5, 0.7
"""Share of the details of both that others explain, and correlation of their details,
from which on they are of one design; and what that of what is left must be."""

_VISIBLE = 2.0
"""Gray levels by which a block of 8 x 8 of the 64 x 64 differs in the root mean square:
as little have fewer than one in 50 pairs of different cells. Frames of one camera in
which nothing happens are alike as others are, and differ by less."""

_BLOCKS, _RIDGE = 8, 1e-3
_DESCRIBED_AT_ONCE, _PAIRS_AT_ONCE = 256, 64
"""Pairs whose pictures are described together, since a picture is beside many pairs,
and pairs that are compared."""


def of_one_design(
    signatures: Signatures, pairs: NDArray[np.integer], others: NDArray[np.int64]
) -> Bools:
    """Returns which pairs are alike only as others are: bool[p].

    What is turned by quarters or mirrored is compared so, too; what is cut lies on no
    other picture, and is not of one design.

    Args:
        signatures: uint8[m, 4608]
        pairs: int[p, 2] of the m pictures
        others: int64[p, 8], pictures most like both, most alike first; -1 where there
            are too few to say so
    """
    result: Bools = np.zeros(len(pairs), bool)
    enough = np.flatnonzero((others >= 0).all(axis=1))
    for start in range(0, len(enough), _DESCRIBED_AT_ONCE):
        some = enough[start : start + _DESCRIBED_AT_ONCE]
        asked = np.concatenate([pairs[some].astype(np.int64), others[some]], axis=1)
        used, place = np.unique(asked, return_inverse=True)
        details, place = _details(signatures[used]), place.reshape(asked.shape)
        for first in range(0, len(some), _PAIRS_AT_ONCE):
            rows = slice(first, first + _PAIRS_AT_ONCE)
            result[some[rows]] = _are_alike_as_others(details[place[rows]])
    return result


def _are_alike_as_others(shown: Floats) -> Bools:
    """Does what :func:`of_one_design` says for a few pairs.

    Args:
        shown: float32[b, 10, d], details of both, then of the others
    """
    both, common = shown[:, :2], shown[:, 2:]
    own = _own(both, common[:, _HALF:])
    explained = (1 - _squares(own) / (_squares(both) + 1e-6)).min(axis=1)
    result: Bools = (explained >= _COMMON) & (_correlation(both) >= _ALIKE)
    result &= _difference(both) >= _VISIBLE
    for turn in range(ORIENTATIONS):
        asked = np.flatnonzero(result)
        if not len(asked):
            break
        turned = both[asked]
        turned[:, 1] = _turned(turned[:, 1], turn)
        alike = _correlation(_own(turned, common[asked])) >= _OWN_ALIKE
        result[asked[alike]] = False
    return result


def _own(both: Floats, others: Floats) -> Floats:
    """Returns what others do not explain of b pairs: float32[b, 2, d].

    Args:
        both: float32[b, 2, d], details of mean 0
        others: float32[b, o, d], likewise
    """
    count = others.shape[1]
    products = np.matmul(others, others.transpose(0, 2, 1)).astype(np.float64)
    ridge = _RIDGE * np.trace(products, axis1=1, axis2=2) / count + 1e-6
    products += ridge[:, None, None] * np.eye(count)
    shares = np.matmul(both, others.transpose(0, 2, 1)).astype(np.float64)
    weights = np.linalg.solve(products, shares.transpose(0, 2, 1)).transpose(0, 2, 1)
    return floats(both - np.matmul(floats(weights), others))


def _turned(details: Floats, turn: int) -> Floats:
    planes = details.reshape(-1, GRAY_SIDE, GRAY_SIDE)
    return floats(turn_planes(planes, turn).reshape(details.shape))


def _details(signatures: NDArray[np.uint8]) -> Floats:
    """Returns float32[m, 4096], what differs from what lies around; mean 0."""
    brightness = floats(brightness_of(signatures))
    for one in brightness:
        one -= cv2.GaussianBlur(one, (0, 0), _AROUND)
    details = brightness.reshape(len(brightness), GRAY_SIDE**2)
    details -= details.mean(axis=1, keepdims=True)
    return details


def _difference(both: Floats) -> Floats:
    """Returns float32[b], by how much the block differs that differs most.

    After the gain of the brightness, and the small move of a camera that shakes.
    """
    planes = both[:, 1].reshape(-1, GRAY_SIDE, GRAY_SIDE)
    sloping = [slope.reshape(both[:, 1].shape) for slope in slopes(planes)]
    moved = floats(np.stack([both[:, 1], *sloping], axis=1))
    apart = np.square(_own(both[:, :1], moved)).reshape(planes.shape)
    blocks = grid_sums(floats(apart), _BLOCKS)
    return floats(np.sqrt(blocks.max(axis=(1, 2)) / (GRAY_SIDE / _BLOCKS) ** 2))


def _squares(details: Floats) -> Floats:
    return floats(np.square(details).sum(axis=-1))


def _correlation(both: Floats) -> Floats:
    """Returns float32[b], the correlation of the two of each pair."""
    product = (both[:, 0] * both[:, 1]).sum(axis=1)
    return floats(product / np.sqrt(_squares(both).prod(axis=1) + 1e-6))
