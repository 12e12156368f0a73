"""Whether two pictures are one photograph, or two of one scene.

Two photographs of a scene, taken a moment or a step apart, agree in nearly all their
details, as copies do. What tells them apart, on 367 pairs that a person called copy,
scene or different (``benchmarks/scene_pairs.csv``):

* *Slide.* A copy holds its original or is held by it. A camera that moved a little
  shows something new on one side and loses something on the other. Where the frames
  are only shifted and both such strips show something, that is certain.
* *Stretch.* Frames of which one is wider or taller, and which are neither bent nor
  turned, were cut twice from one photograph, as detected faces are: that slides them as
  well, and no camera does it.
* *Places.* Somebody or something moved: several places differ.
* *Sides.* What moves uncovers as much as it hides, here brighter, there darker; a mark
  laid over a whole picture makes it brighter, or darker, wherever it is.
* *Residual and change.* Another photograph leaves a residual where nothing else was
  changed; what was edited leaves one as well, with another tone or color.

Another moment of a scene is no copy, whatever its score. And two photographs are of one
scene only if they show one place: things of one kind on one table, and pages of one
layout, are neither.
"""

from __future__ import annotations

import numpy as np

from .overlays import STILL, Overlays, corners, inverse
from .pair_classifier import is_marked, is_plain
from .planes import Pictures
from .types import Bools, Doubles, Floats

_WEIGHTS = {
    "slide": -3.74,
    "residual": -0.56,
    "places": -1.53,
    "moved": -1.77,
    "change": 0.53,
}
_INTERCEPT = 4.78
"""Log odds that a pair that passes for a copy is one photograph.

Learned by logistic regression (scikit-learn, C=0.5, standardized inputs) from half of
the labeled pairs, no scene in both halves, and 1,674 made copies of other scene
images (compositions, weight 0.1, and single changes, weight 0.02); then lowered by
0.4, up to which none of the planted copies of 6,096 photographs is lost. On the other
half 23 of 24 copies are kept, and 70 of 73 scenes told; see benchmarks/scenes.md."""

_MOST_SLIDE = 0.015
"""Frames: a larger slide says no more than this one."""

_SURELY_LAID = 0.98
"""Correlation from which on a slide is a slip of the alignment: of the labeled scenes
that slid none has as much, of the planted crops 4 of 205."""

_LEAST_SHIFT = 0.006
_MOST_SCALE = 0.012
"""Frames: a slide that is no slip of the alignment, and by how much frames that are
only shifted are scaled or turned at most. Of 240 planted copies none slides by as much
without a change of scale, of 235 pairs of a slow pan all do."""

_LEAST_SHOWN = 2.0
"""Gray levels: how much what is seen in a strip varies along it, or it is a fill."""

_REPEATED = 0.5
"""Gray levels by which neighboring rows of a strip differ at least, or it is one row
again and again. JPEG of quality 80 leaves less."""

_SHIFTED = -1.0
"""Log odds that two pictures that were shifted are one photograph; not learned."""

_LEAST_STRETCH = 0.02
_MOST_BENT = 0.01
_LEAST_BARE = 0.96
_MOST_UNLIKE = 0.03
"""Log of the ratio of the scales along the axes from which on, and skew and angle up to
which frames are stretched along their axes alone; and the details that agree where that
proves one photograph. Of 179 labeled pairs of other moments none has all; of 4,094
faces with and without masks 53 pairs, that are all one photograph."""

_LEAST_CHANGE = 0.03

_IN_DOUBT = 3.0
"""Log odds below which a copy may be another moment all the same: of 57 labeled pairs
that pass all six that are two photographs lie below, and 14 of 51 that are one."""

_MIN_REST = 0.55
"""Correlation of details beside the largest patch from which on pictures that are no
copies show one scene. Of 80 labeled pairs of different scenes, chosen for their high
cosine, the closest has 0.49; of 83 scenes that pass for no copy 60 have 0.5 or more."""

_MOST_ZOOM = 0.15
_LEAST_EXPLAINED = 0.75
_LEAST_ALIKE = 3.3
_MOST_DRIFT = 1.5
"""What pictures of one place have: nearly one distance (log of the ratio of the areas
shown), brightness that one tone curve explains, many blocks that agree (log) and of
which few would have to move farther (pixels of 64). Else two photographs are of things
of one kind on one ground, or pages of one layout: of 60 such pairs of scanned receipts
none is left, of 210 of objects on a table 18, of which 15 are one object twice; of 185
labeled scenes 146 are."""


def tell_scenes(
    pictures: Pictures,
    evidence: dict[str, Floats],
    overlays: Overlays,
    correlation: Floats,
    is_copy: Bools,
) -> tuple[Floats, Bools, Bools]:
    """Tells copies from other moments and views of one scene.

    Args:
        pictures: of all pairs
        evidence: of the b pairs, all that :mod:`.pair_classifier` names
        overlays: of the pairs, aligned finely where they are promising
        correlation: float32[b], correlation of details, -1 to 1
        is_copy: bool[b], which pairs pass for copies

    Returns:
        float32[b], the probability that pairs are one photograph, less than 0.5 for
        those that are two, and 1 for the others; bool[b], which pairs show one scene
        and are two photographs; bool[b], which may be, though they pass for one
    """
    change = evidence["tone_change"] + evidence["desaturation"]
    slid = np.clip(slide(overlays.warp), 0, _MOST_SLIDE) / _MOST_SLIDE
    slid[correlation >= _SURELY_LAID] = 0
    shifted = np.flatnonzero(is_copy & only_shifted(overlays.warp))
    filled = ~shows_new_strips(pictures, overlays.at(shifted))
    slid[shifted[filled]] = 0
    weighed = {
        "slide": slid,
        "residual": evidence["residual"],
        "places": np.log1p(evidence["places"]),
        "moved": evidence["moved"],
        "change": np.log(change + _LEAST_CHANGE),
    }
    logit = _INTERCEPT + np.sum(
        [weight * weighed[name] for name, weight in _WEIGHTS.items()], axis=0
    )
    moved_on = shifted[~filled]
    logit[moved_on] = np.minimum(logit[moved_on], _SHIFTED)
    one_place = shows_one_place(evidence, overlays)
    one_photograph = tells_no_moments(evidence, overlays)
    two = (logit < 0) & ~one_photograph & (is_copy | one_place)
    chance = np.where(two, 1 / (1 + np.exp(-logit)), 1).astype(np.float32)
    in_doubt = (logit < _IN_DOUBT) & ~one_photograph & ~two & is_copy
    return chance, two & of_one_place(evidence), in_doubt


def shows_one_place(evidence: dict[str, Floats], overlays: Overlays) -> Bools:
    """Returns which pairs that are no copies agree in their details, upright."""
    agrees: Bools = evidence["rest"] >= _MIN_REST
    upright: Bools = overlays.turn == 0
    return agrees & upright


def tells_no_moments(evidence: dict[str, Floats], overlays: Overlays) -> Bools:
    """Returns which pairs are no two moments, whatever else they are: bool[b].

    Forms, icons and drawings show no scene; a frame or another ground leaves places
    that nothing moved in, and so do marks and other cuttings.
    """
    apart = is_plain(evidence) | overlays.through_view | is_marked(evidence)
    result: Bools = apart | is_cut_anew(evidence)
    return result


def is_cut_anew(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs are one photograph, cut twice in other shapes: bool[b]."""
    straight: Bools = evidence["skew"] <= _MOST_BENT
    straight &= evidence["angle"] <= _MOST_BENT
    agrees = evidence["bare"] >= _LEAST_BARE
    agrees &= evidence["unlike"] <= _MOST_UNLIKE
    return straight & agrees & (evidence["stretch"] >= _LEAST_STRETCH)


def of_one_place(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs, if they are two photographs, show one place: bool[b]."""
    near: Bools = evidence["zoom"] <= _MOST_ZOOM
    near &= evidence["drift"] <= _MOST_DRIFT
    explained = evidence["explained"] >= _LEAST_EXPLAINED
    return near & explained & (evidence["alike"] >= _LEAST_ALIKE)


def slide(warp: Doubles) -> Doubles:
    """Returns by how much, in frames, each picture shows what the other does not.

    A tilted copy reaches out of its original with single corners. A slide takes a
    whole edge out, on one side of either picture: 0 or less if one holds the other.

    Args:
        warp: float64[b, 2, 3], maps between frames
    """
    return np.minimum(_edge_outside(warp), _edge_outside(inverse(warp)))


def _edge_outside(warp: Doubles) -> Doubles:
    """Returns by how much the edge farthest out lies outside as a whole."""
    at = corners(warp)
    low, high = -at, at - 1
    # Corners in reading order: top, bottom, left and right edges
    edges = (low[:, 1, :2], high[:, 1, 2:], low[:, 0, ::2], high[:, 0, 1::2])
    result: Doubles = np.max([edge.min(axis=1) for edge in edges], axis=0)
    return result


def only_shifted(warp: Doubles) -> Bools:
    """Returns which frames slid, and were neither scaled nor turned: bool[b]."""
    bent = np.abs(warp[:, :, :2] - STILL[:, :2]).max(axis=(1, 2))
    shifted: Bools = (bent <= _MOST_SCALE) & (slide(warp) >= _LEAST_SHIFT)
    return shifted


def shows_new_strips(pictures: Pictures, overlays: Overlays, share: float = 1) -> Bools:
    """Returns which pairs both show something that lies outside the other: bool[b].

    A picture that was shifted in its frame has a strip that was filled with a color,
    or with its outermost row or column again. Such a strip does not vary along the
    edge, or not across it.

    Args:
        pictures: of all pairs
        overlays: of the b pairs, whose frames are only shifted
        share: of each strip, from the edge on, that is looked at; the rest of a fill
            is mixed with what it borders where a small picture was enlarged
    """
    inner = overlays.inner_of(pictures.gray)
    outer = pictures.gray[overlays.outer]
    shift = share * overlays.warp[:, :, 2]
    # The inner picture shows what lies beyond the outer's edge where it was moved to
    return _strip_varies(inner, shift) & _strip_varies(outer, -shift)


def _strip_varies(pictures: Floats, shift: Doubles) -> Bools:
    """Looks at the wider of the strips that a shift, in frames, takes out: bool[b]."""
    result = np.zeros(len(pictures), bool)
    axis = np.abs(shift).argmax(axis=1)
    for row, picture in enumerate(pictures):
        # Rows of the strip run along the edge
        lines = picture if axis[row] else picture.T
        moved = shift[row, axis[row]]
        if moved > 0:
            lines = lines[::-1]
        strip = lines[: max(1, round(abs(moved) * len(lines)))]
        repeated = len(strip) > 1 and np.abs(np.diff(strip, axis=0)).mean() < _REPEATED
        result[row] = strip.mean(axis=0).std() >= _LEAST_SHOWN and not repeated
    return result
