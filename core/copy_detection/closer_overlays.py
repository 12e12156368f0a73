"""Pairs of pictures laid over one another by their corners and local features.

Those of which too few agree, as of soft pictures and under marks, are laid over one
another by what they look like, as in :mod:`.verify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..common.pairs import used_in
from .block_correlation import detail_correlation
from .closer_evidence import feature_evidence, fine_evidence
from .closer_picture import CloserPicture
from .closer_tilts import tilt_evidence
from .coarse_alignment import lay_over
from .frame_maps import turn_map
from .local_features import (
    FeatureMap,
    corner_map,
    feature_map,
)
from .orientations import MIRRORED_FROM
from .overlays import Overlays, after, inverse, joined
from .pair_classifier import at_rows, brightness_evidence, first_evidence
from .planes import Pictures
from .refine_alignment import align, align_finely, align_roughly
from .types import Bools, Doubles, Floats, Ints, floats

_MIN_COARSE = 0.5
_MIN_CORRELATION = 0.5
"""Gates of pairs that no features lay over one another."""

_FINE_STEPS = 4
"""At 64 x 64, as many again as in :mod:`.verify`: .856 of 2,200 made copies are then
accepted, .849 otherwise, and fewer scenes; at 128 x 128, for twice the cost, .852."""


def map_between(
    one: CloserPicture, other: CloserPicture, *, by_features: bool = True
) -> FeatureMap | None:
    """Returns the map that corners agree on, or features, which cost far more."""
    found = corner_map(one.corners, other.corners)
    if found is not None or not by_features:
        return found
    return feature_map(one.features, other.features)


@dataclass(frozen=True, eq=False)
class Laid:
    """Pairs laid over one another by their features.

    Attributes:
        rows: int64[b], the pairs that features agree on
        pictures: of the pairs
        gray: float32[m, 128, 128], what they show
        overlays: of the b pairs
        evidence: of the b pairs; float32[b] each
    """

    rows: Ints
    pictures: Pictures
    gray: Floats
    overlays: Overlays
    evidence: dict[str, Floats]

    def at(self, rows: Ints) -> Laid:
        """Returns some of the pairs."""
        overlays, evidence = self.overlays.at(rows), at_rows(self.evidence, rows)
        return Laid(self.rows[rows], self.pictures, self.gray, overlays, evidence)


def lay_closely(
    given: Sequence[CloserPicture],
    pairs: Ints,
    maps: Sequence[FeatureMap | None],
    thorough: Bools,
) -> Laid | None:
    """Lays pairs over one another, and compares what they show.

    Args:
        given: m pictures
        pairs: int64[p, 2] of them
        maps: of the pairs, see :func:`map_between`
        thorough: bool[p], pairs that are worth a comparison without a map

    Returns:
        the pairs that lie on one another; None if there are none
    """
    framed = np.array([one.framed for one in given], bool)
    by_features = np.array([one is not None for one in maps], bool)
    rows, others = np.flatnonzero(by_features), np.flatnonzero(~by_features & thorough)
    found = [one for one in maps if one is not None]
    if not len(rows) + len(others):
        return None
    used, ends = used_in(pairs[np.concatenate([rows, others])])
    framed = framed[used]
    shown = [given[one].shown for one in used.tolist()]
    pictures = Pictures(
        np.array([one.signature for one in shown], np.uint8),
        np.array([given[one].size for one in used.tolist()], np.int32),
    )
    overlays = [_overlays(ends[: len(rows)], found, framed)] if len(rows) else []
    if len(others):
        kept, by_looks = _lay_by_looks(pictures, ends[len(rows) :], framed)
        rows = np.concatenate([rows, others[kept]])
        overlays.append(by_looks)
    if not len(rows):
        return None
    gray = floats(np.array([one.gray for one in shown], np.uint8))
    finer = align_finely(pictures, joined(overlays), _FINE_STEPS)
    outer = pictures.detail32[finer.outer]
    correlation = detail_correlation(
        finer.inner_of(pictures.detail32), outer, finer.warp
    )
    evidence = first_evidence(pictures, finer, correlation)
    shortest = floats(pictures.sizes.min(axis=1))
    evidence["larger"] = np.maximum(shortest[finer.inner], shortest[finer.outer])
    evidence |= brightness_evidence(pictures, finer)
    evidence |= feature_evidence([maps[row] for row in rows.tolist()])
    flat, edges = np.array([(one.flat, one.edges) for one in shown]).T
    evidence["flat"] = floats(np.maximum(flat[finer.inner], flat[finer.outer]))
    evidence["edges"] = floats(np.maximum(edges[finer.inner], edges[finer.outer]))
    evidence |= fine_evidence(gray, finer)
    evidence |= tilt_evidence(gray, finer, evidence)
    return Laid(rows, pictures, gray, finer, evidence)


def _lay_by_looks(
    pictures: Pictures, pairs: Ints, framed: Bools
) -> tuple[Ints, Overlays]:
    """Lays pairs over one another as :mod:`.verify` does, by what both show."""
    overlays, coarse = lay_over(pictures, *pairs.T)
    shows = pictures.shows_something[pairs].all(axis=1)
    rows = np.flatnonzero((coarse >= _MIN_COARSE) & shows)
    overlays, correlation = align_roughly(pictures, overlays.at(rows))
    overlays, correlation = align(pictures, overlays, correlation)
    kept = np.flatnonzero(correlation >= _MIN_CORRELATION)
    overlays = overlays.at(kept)
    overlays.framed[:] = framed[overlays.inner] | framed[overlays.outer]
    overlays.margined[:] = framed[overlays.inner] & framed[overlays.outer]
    return rows[kept], overlays


def _overlays(pairs: Ints, maps: Sequence[FeatureMap], framed: Bools) -> Overlays:
    total = np.array([one.warp for one in maps])
    # The smaller part is looked for in the picture that shows more
    swapped = np.abs(np.linalg.det(total[:, :, :2])) > 1
    inner = np.where(swapped, pairs[:, 1], pairs[:, 0])
    outer = np.where(swapped, pairs[:, 0], pairs[:, 1])
    total = np.where(swapped[:, None, None], inverse(total), total)
    turns, warps = zip(*(_turned(one) for one in total), strict=True)
    no: Bools = np.zeros(len(maps), bool)
    inverted: Bools = np.array([one.inverted for one in maps])
    return Overlays(
        inner,
        outer,
        np.array(turns, np.int64),
        np.array(warps),
        inverted,
        framed[inner] | framed[outer],
        no,
        framed[inner] & framed[outer],
    )


_TURNS = [(turn, turn_map(turn)) for turn in range(8)]


def _turned(total: Doubles) -> tuple[int, Doubles]:
    """Divides a map into a turn by quarters, mirrored or not, and a small rest."""
    is_mirrored = np.linalg.det(total[:, :2]) < 0
    rests = [
        (turn, after(total, inverse(first)))
        for turn, first in _TURNS
        if (turn >= MIRRORED_FROM) == is_mirrored
    ]
    return max(rests, key=lambda rest: float(np.trace(rest[1][:, :2])))
