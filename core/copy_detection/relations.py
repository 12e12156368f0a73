"""Names for how a copy differs from its original: for one change, or for several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .orientations import MIRRORED_FROM
from .overlays import Overlays
from .pair_classifier import is_plain
from .planes import Pictures
from .sharpness import sharpness_excess
from .types import Bools, Doubles, Floats

TOO_PLAIN = "too plain to tell"
"""Pages that look the same, but may be forms that are filled in differently."""

PARTLY = "partly the same"
"""Videos that share a stretch, beside which each shows what the other does not."""

RELATIONS = (
    PARTLY,
    "trimmed",
    "re-timed",
    "mirrored",
    "rotated",
    "inverted",
    "other ground",
    "framed",
    "cropped",
    "edited",
    "color-changed",
    "resized",
    "blurred",
    "re-encoded",
    TOO_PLAIN,
)
"""Changes of time, frame, content and file, the most telling first. A pair has a bit
for each, the first the lowest."""

NO_RELATION = 0

CHANGES_OF_MEANING = ("mirrored", "rotated", "recolored")
"""Changes after which a copy may be another thing: a sign to the left is the mirror
image of one to the right. A pair has a bit for each, the first the lowest."""

_SEVERAL = 2
_MIN_DEGREES = 1.2
_MIN_ZOOM = 0.05
_MIN_DESATURATION = 0.15
_MIN_OTHER_HUE = 2.3
_MIN_TONE_CHANGE = 0.2
_MIN_SIZE_RATIO = 1.05
_MIN_SHARPNESS_EXCESS = 0.4
_MAX_EXPLAINED = 0.945
"""Bounds between differences that were made on purpose and those that come
along with re-encoding, measured on 16 + 35 kinds of planted copies."""


def relation_bits(*names: str) -> int:
    """Returns the bits of some of :data:`RELATIONS`."""
    return sum(1 << RELATIONS.index(name) for name in names)


def relation_names(bits: int) -> str | None:
    """Returns the names of a pair's changes, the most telling first; None for none.

    Example::

        relation_names(relation_bits("resized", "cropped"))  # "cropped, resized"
    """
    told = [name for place, name in enumerate(RELATIONS) if bits >> place & 1]
    return ", ".join(told) or None


def changed_at_once(relations: NDArray[np.int16]) -> tuple[Bools, Bools]:
    """Returns which pairs differ in several ways at once, and which of them are moved.

    Args:
        relations: int16[p], bits of :data:`RELATIONS`
    """
    moves, changes = (
        np.array([(relations & relation_bits(one)) != 0 for one in names])
        for names in (("rotated", "framed", "cropped"), ("edited", "color-changed"))
    )
    several: Bools = moves.sum(axis=0) + changes.sum(axis=0) >= _SEVERAL
    return several, several & moves.any(axis=0)


def name_relations(
    pictures: Pictures, overlays: Overlays, evidence: dict[str, Floats]
) -> tuple[NDArray[np.int16], NDArray[np.uint8], Bools]:
    """Names the differences of each pair, as far as they explain it.

    What comes along with a telling change is no change of its own: a crop has another
    size, and a negative other colors.

    Args:
        pictures: of all pairs
        overlays: of the b pairs
        evidence: what was measured of them to judge them

    Returns:
        int16[b], bits of :data:`RELATIONS`; uint8[b], bits of
        :data:`CHANGES_OF_MEANING`; bool[b], too little is shown to tell
    """
    linear = overlays.warp[:, :, :2]
    angle = np.arctan2(
        linear[:, 1, 0] - linear[:, 0, 1], linear[:, 0, 0] + linear[:, 1, 1]
    )
    turned = (overlays.turn > 0) | (np.abs(np.degrees(angle)) > _MIN_DEGREES)
    recolored = evidence["desaturation"] > _MIN_DESATURATION
    recolored |= evidence["tone_change"] > _MIN_TONE_CHANGE
    size = np.log(pictures.sizes[overlays.inner] / pictures.sizes[overlays.outer])
    # A picture on its side has its width and height exchanged
    sideways = np.flatnonzero(overlays.turn % 2)
    size[sideways] = np.log(
        pictures.sizes[overlays.inner[sideways]][:, ::-1]
        / pictures.sizes[overlays.outer[sideways]]
    )
    # Of what both show, at the size it has in each: a crop alone is not resized
    resized = np.abs(size - _log_scale(overlays)).max(axis=1) > np.log(_MIN_SIZE_RATIO)
    mirrored = overlays.turn >= MIRRORED_FROM
    viewed = overlays.through_view
    told = {
        "mirrored": mirrored,
        "rotated": turned & ~mirrored,
        "inverted": overlays.inverted,
        "other ground": overlays.regrounded,
        "framed": overlays.framed,
        "cropped": evidence["zoom"] > _MIN_ZOOM,
        "edited": (evidence["explained"] < _MAX_EXPLAINED) & ~viewed,
        "color-changed": recolored & ~viewed,
        "resized": resized & ~viewed,
    }
    # Sampling between pixels and other tones change what is compared of the sharpness
    blurred = sharpness_excess(pictures, overlays) > _MIN_SHARPNESS_EXCESS
    told["blurred"] = blurred & ~(overlays.moved | recolored | told["edited"] | viewed)
    relations = np.zeros(len(mirrored), np.int16)
    for name, flag in told.items():
        relations |= flag.astype(np.int16) << RELATIONS.index(name)
    relations[relations == 0] = relation_bits("re-encoded")
    recolored = recolored | overlays.inverted | overlays.regrounded
    recolored |= evidence["color_residual"] > _MIN_OTHER_HUE
    changed = (mirrored, turned & ~mirrored, recolored)
    bits = np.zeros(len(mirrored), np.uint8)
    for place, flag in enumerate(changed):
        bits |= flag.astype(np.uint8) << place
    return relations, bits, is_plain(evidence)


def _log_scale(overlays: Overlays) -> Doubles:
    """Returns float64[b, 2], log of the width and height of the outer frame shown."""
    linear = overlays.warp[:, :, :2]
    size: Doubles = np.log(np.linalg.norm(linear, axis=1))
    return size
