"""The third test: rules that contradict a copy, then learned trees.

The trees are learned by ``tools/learn_pair_classifier.py`` from photographs that were
changed in one to five ways at 28 to 400 pixels, and from pairs that are no copies:
nearest neighbors, other cuttings, icons, look-alikes.
"""

from __future__ import annotations

import numpy as np

from .agreement import agreement
from .boosted_trees import PAIR_CLASSIFIER, learned_trees, log_odds
from .color import fit_color
from .filters import cached_rows
from .overlays import Overlays
from .planes import Pictures
from .sharpness import equally_sharp
from .signature import GRAY_SIDE
from .tone_curve import fit_tone_curve, show
from .types import Bools, Doubles, Floats, Ints, floats

MIN_PROMISING = -2.0
"""Log odds from which on overlays are refined at full size, the dearest step."""

MIN_UPPER_BOUND = 0.0
"""Log odds if the brightness agreed perfectly, from which on it is compared."""

_BEST = {
    "residual": np.log(np.float32(0.3)),
    "explained": 1,
    "tone_change": 0,
    "alike": np.log1p(64),
    "unlike": 0,
    "rest": 1,
    "places": 0,
    "patch": 0,
    "scattered": 0,
    "least_alike": 1,
    "detail": np.log1p(64),
    "one_sided": 0,
    "spread": 0,
    "drift": 0,
    "bare": 1,
    "bare_alike": np.log1p(64),
    "bare_unlike": 0,
    "bare_least": 1,
}
"""What the brightness of equal pictures gives: the trees are monotonic in all of it
but ``detail``, so that nothing gives log odds much above."""

_LONGEST_REACH = 0.3
"""Frames: beyond, an overlay is wrong anyhow."""

_MAX_REACH = 0.15
"""Frames by which a copy reaches out of its original at most."""

MAX_ZOOM = 1.1
"""Log of the ratio of areas shown: a third, what a crop to 0.58 of each side keeps."""

_SIMPLE_TONES = 2.7
_VIEW_COST = 1.5
"""Log odds that a view costs simple pictures: icons on other grounds are far oftener
other icons than the compositions say. Not learned; it keeps out those of 6,000 mixed
images, seed 31."""

_PLAIN_TONES = 2.1
_PLAIN_TONES_ALTERED = 2.6
_FEW_BLOCKS = 2.8
"""Logarithms, of tones and of blocks of 8 x 8 that agree: less is a plain picture."""

_MAX_HUE = 2.9
_MAX_HUE_VIEWED = 2.6
_MAX_HUE_PLAIN = 2.2
"""Logarithms of the color that no loss of color explains: 17 levels, 12 through views
and 8 of plain pictures, of which another color makes another thing."""

_BENT = 0.1
_BENT_ZOOM = 0.3
"""Skew, and log of the ratio of areas, of a part that only matches when it is bent:
other cuttings of one photograph overlap so. What happens to pictures keeps angles: of
1,969 compositions three have both, of 480 planted copies none."""

_SOME_COLOR_LOST = 0.2
_SOME_DIFFERS = 0.01
_MUCH_DETAIL = 3.8
"""Share of the color that is lost, share of what is seen that differs besides, and log
of the blocks that show details, of simple pictures that lie exactly on one another:
patterns of one design in other colors. Of 480 planted copies none has all, of 1,969
compositions 31 at most."""

_EXACT = 0.85
_SEVERAL = 3
_SOME_UNLIKE = 0.02
"""Residual beside what differs, number of places, and share of unlike blocks, that
make it stand out. Filled-in forms differ in three places or more; noise, cuts and
clipped lights of plain photographs leave one or two."""

_TONES_OF_PAGES = 1.8
_LEAST_PATCH = 0.04
_AT_EDGE = 4
_FEW_PLACES = 2
_SPECKS = 0.02
_FEW_BARE_BLOCKS = 2.5
"""What a caption leaves: more tones (a log) than the 1.6 of forms and documents, one
patch of so large a share, so near (pixels of 64 x 64) to an edge, few places and specks
beside it, and so many blocks (a log) that agree beside it."""

_TONES_OF_A_GROUND = 2.75
"""Farther from the edges, so large a patch in a picture of fewer tones (a log) is
another thing on one ground: of 480 planted copies none has one, of 1,538 accepted
compositions eight, of 60 stickers one more."""

_MANY_PLACES = 5
_WIDE = 0.4
_PARTLY_EXPLAINED = 0.8
"""Number of places that differ, share of the blocks that they lie in, and share of the
picture that one tone curve explains, of two plain pictures under one mark: 15 of 15
pairs under a mark of stock photographs, and none of 480 planted copies that pass."""

_ONE_SIDED = 0.95
_MIN_SPREAD = 0.3
_MARKED_REST = 0.7
_THIN_SPREAD = 0.1
_MARKED_PLACES = 3
_BARE = 0.8
_BARE_BLOCKS = 3.0
_BARE_UNLIKE = 0.2
_MARKED = 1.5
"""What a mark laid over a picture shows: nearly all differs to one side, in so many of
the blocks, and the rest agrees. Or in fewer blocks and several places, if the frames
lie exactly on one another and what the mark leaves bare agrees: so well, in so many
blocks (a log) and with so few that do not. Of 400 marked photographs of scenes the
first is true of .34, either of .55; of 367 labeled pairs of scenes either is true of
none but copies. And the log odds that such a pair is a copy; not learned."""

_LEAST_RESIDUAL = np.float32(0.3)
_LEAST_COLOR = np.float32(1.5)
_FAINT_COLOR = np.float32(3)
"""Rounding and JPEG noise, in (squared) levels: less than that says nothing."""

_SHIFT_AS_GAIN = 40
"""Gray levels that weigh as much as a contrast changed by a factor of e."""


def copy_logits(evidence: dict[str, Floats]) -> Doubles:
    """Returns the log odds that each pair is a copy, as learned: float64[b].

    The trees have seen few marks that fill a picture: those have odds of their own.

    Args:
        evidence: all that :func:`first_evidence` and :func:`brightness_evidence` say
    """
    trees = learned_trees(PAIR_CLASSIFIER)
    numbers = np.stack([floats(evidence[name]) for name in trees.evidence], axis=1)
    views = (evidence["tones"] < _SIMPLE_TONES) & (evidence["through_view"] > 0)
    logits = log_odds(trees, numbers) - _VIEW_COST * views
    return np.where(is_marked(evidence), np.maximum(logits, _MARKED), logits)


def first_evidence(
    pictures: Pictures, overlays: Overlays, correlation: Floats
) -> dict[str, Floats]:
    """Returns what is known before the brightness is compared; float32[b] each.

    Args:
        pictures: of all pairs
        overlays: of the b pairs
        correlation: float32[b], mean correlation of their details, see
            :func:`~.block_correlation.detail_correlation`
    """
    evidence = frame_evidence(pictures, overlays)
    return evidence | color_evidence(pictures, overlays) | {"correlation": correlation}


def best_logits(first: dict[str, Floats]) -> Doubles:
    """Returns the log odds if the brightness agreed perfectly: float64[b].

    What frames and colors alone contradict gets -inf.
    """
    best = {
        name: np.full(len(first["zoom"]), value, np.float32)
        for name, value in _BEST.items()
    }
    return np.where(_out_of_reach(first), -np.inf, copy_logits(first | best))


def at_rows(evidence: dict[str, Floats], rows: Ints) -> dict[str, Floats]:
    """Returns the evidence of some pairs."""
    return {name: values[rows] for name, values in evidence.items()}


def _out_of_reach(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs show too different parts of a scene: bool[b]."""
    result: Bools = evidence["overhang"] > _MAX_REACH
    return result | (evidence["zoom"] > MAX_ZOOM)


def contradicted(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs the pictures cannot tell to be copies: bool[b].

    Two cuttings of one scene; pictures and patterns in other colors; and plain ones
    (forms, drawings, one thing on a smooth ground) with a place that differs: there a
    covered copy looks like another form, and little else is there to prove a copy.
    """
    little = _shows_little(evidence)
    # Icons that differ in a detail look alike most when they are turned as well
    altered = evidence["turned"] + evidence["inverted"] > 0
    tones = np.where(altered, _PLAIN_TONES_ALTERED, _PLAIN_TONES)
    plain = (evidence["tones"] < tones) | little
    # A blurred scan differs a little everywhere, another form much in places
    several = (evidence["places"] >= _SEVERAL) & (evidence["residual"] < _EXACT)
    unlike = (evidence["unlike"] > _SOME_UNLIKE) | little
    differs = (several | ((evidence["places"] > 0) & unlike)) & ~is_covered(evidence)
    differs |= altered & (evidence["unlike"] > _SOME_UNLIKE)
    through_view = evidence["through_view"] > 0
    hue = np.where(through_view, _MAX_HUE_VIEWED, _MAX_HUE)
    hue = np.where(plain, _MAX_HUE_PLAIN, hue)
    result = _out_of_reach(evidence)
    result |= (evidence["skew"] > _BENT) & (evidence["zoom"] > _BENT_ZOOM)
    result |= evidence["color_residual"] > hue
    # A flag on its side is another flag, and so is one on another ground
    simple = evidence["tones"] < _SIMPLE_TONES
    result |= simple & (evidence["turned"] > 0) & through_view
    result |= simple & _is_repainted(evidence) & ~is_covered(evidence)
    on_a_ground = evidence["tones"] < _TONES_OF_A_GROUND
    result |= on_a_ground & _has_another_thing(evidence)
    result |= plain & shares_a_mark(evidence)
    return result | (plain & differs)


def _is_repainted(evidence: dict[str, Floats]) -> Bools:
    """Returns where another color goes with places that differ: bool[b]."""
    differs = evidence["patch"] + evidence["scattered"] > _SOME_DIFFERS
    still = (evidence["moved"] == 0) & (evidence["detail"] > _MUCH_DETAIL)
    result: Bools = still & differs & (evidence["desaturation"] > _SOME_COLOR_LOST)
    return result


def _has_another_thing(evidence: dict[str, Floats]) -> Bools:
    """Returns where a large patch differs and none of it is near the edge: bool[b].

    So does another thing on one ground. A caption or a stamp lies at an edge.
    """
    large: Bools = evidence["patch"] >= _LEAST_PATCH
    return large & (evidence["inward"] > _AT_EDGE)


def shares_a_mark(evidence: dict[str, Floats]) -> Bools:
    """Returns where a mark is all that agrees, and the rest differs all over: bool[b].

    The details of a watermark make plain pictures under it alike. Where it lies on one
    of the two alone, all that differs does so in one direction.
    """
    many: Bools = (evidence["places"] >= _MANY_PLACES) & (evidence["spread"] >= _WIDE)
    little = evidence["explained"] < _PARTLY_EXPLAINED
    return many & little & (evidence["one_sided"] < _ONE_SIDED)


def is_covered(evidence: dict[str, Floats]) -> Bools:
    """Returns where one large patch is all that differs in a photograph: bool[b].

    On a page it may as well be another entry, and on a smooth ground another thing.
    """
    one = (evidence["places"] <= _FEW_PLACES) & (evidence["scattered"] <= _SPECKS)
    large: Bools = evidence["patch"] >= _LEAST_PATCH
    rest = (evidence["bare_unlike"] <= _SOME_UNLIKE) & (
        evidence["bare_alike"] >= _FEW_BARE_BLOCKS
    )
    at_edge = evidence["inward"] <= _AT_EDGE
    return at_edge & large & one & rest & (evidence["tones"] >= _TONES_OF_PAGES)


def is_marked(evidence: dict[str, Floats]) -> Bools:
    """Returns where a mark lies over one of two pictures that are equal: bool[b].

    All that differs differs in one direction, in several places, and the rest agrees.
    """
    upright = evidence["turned"] + evidence["inverted"] == 0
    one_sided = evidence["one_sided"] >= _ONE_SIDED
    fills = evidence["spread"] >= _MIN_SPREAD
    rest_agrees = evidence["rest"] >= _MARKED_REST
    result: Bools = upright & one_sided & ~is_plain(evidence)
    return result & (fills & rest_agrees | _agrees_where_bare(evidence))


def shows_much(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs show what a closer look could see: bool[b]."""
    result: Bools = evidence["tones"] >= _SIMPLE_TONES
    return result


def _agrees_where_bare(evidence: dict[str, Floats]) -> Bools:
    """Returns where what a thin mark leaves bare agrees well: bool[b]."""
    agrees = evidence["bare"] >= _BARE
    agrees &= evidence["bare_alike"] >= _BARE_BLOCKS
    agrees &= evidence["bare_unlike"] <= _BARE_UNLIKE
    thin = (evidence["spread"] >= _THIN_SPREAD) & (evidence["places"] >= _MARKED_PLACES)
    # Where a camera moved as well, foam and ice are brighter in places
    still: Bools = evidence["moved"] == 0
    return agrees & thin & still


def is_plain(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs show too little to tell a copy from another page: bool[b]."""
    plain: Bools = evidence["tones"] < _PLAIN_TONES
    return plain | _shows_little(evidence)


def _shows_little(evidence: dict[str, Floats]) -> Bools:
    little: Bools = evidence["alike"] < _FEW_BLOCKS
    return little


def frame_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """How the frames lie.

    tones: log of how many tones the plainer picture uses (entropy)
    zoom: log of the ratio of the areas shown
    stretch, skew: log of the ratio of the scales along the axes, and the cosine
        between where the axes go: what happens to pictures keeps angles, but
        look-alikes match best when they are bent
    angle: by how much one is tilted, in radians
    size: log of the shortest side of the two, in pixels, 8 to 64
    turned: 1 where one is mirrored or turned, else 0
    moved: 1 where the frames do not lie exactly on one another, else 0
    overhang: how far, in frames, the inner reaches out of the outer; two
        cuttings of one scene overlap, but a copy holds or is held
    through_view: 1 where one is looked at as a negative, without margins that
        differ, or on another ground
    inverted: 1 where one is looked at as a negative
    margined: 1 where both have plain margins: among icons a detail makes another
        picture, in a photograph a covered part does not
    """
    area = np.abs(np.linalg.det(overlays.warp[:, :, :2]))
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    at = np.matmul(overlays.warp, corners.T)
    overhang = np.maximum(at - 1, -at).max(axis=(1, 2))
    tones = pictures.tones
    (xx, xy), (yx, yy) = overlays.warp[:, :, :2].transpose(1, 2, 0)
    across, along = np.hypot(xx, yx) + 1e-9, np.hypot(xy, yy) + 1e-9
    shortest = pictures.sizes.min(axis=1)
    shortest = np.minimum(shortest[overlays.inner], shortest[overlays.outer])
    return {
        "tones": np.minimum(tones[overlays.inner], tones[overlays.outer]),
        "zoom": floats(np.abs(np.log(np.clip(area, 0.05, 5)))),
        "stretch": floats(np.abs(np.log(across / along))),
        "skew": floats(np.abs(xx * xy + yx * yy) / (across * along)),
        "angle": floats(np.abs(np.arctan2(yx - xy, xx + yy))),
        "size": floats(np.log(np.clip(shortest, 8, 64))),
        "turned": floats(overlays.turn > 0),
        "moved": floats(overlays.moved),
        "overhang": floats(np.clip(overhang, 0, _LONGEST_REACH)),
        "inverted": floats(overlays.inverted),
        "through_view": floats(overlays.through_view),
        "margined": floats(overlays.margined),
    }


def color_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the colors.

    desaturation: color lost between the two, 0 none to 1 all
    color_residual: log of the color that no desaturation explains
    colorfulness: log of the color of the more colorful picture
    """
    color = fit_color(pictures, overlays)
    return {
        "desaturation": 1 - color.kept,
        "color_residual": np.log(color.residual + _LEAST_COLOR),
        "colorfulness": np.log(color.strength + _FAINT_COLOR),
    }


def brightness_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """What is left of the brightness.

    residual: log of the unexplained brightness, robustly averaged, in gray
        levels squared, after the best tone curve
    explained: share of the picture that the tone curve explains, 0 to 1
    tone_change: how far the tone curve is from none
    alike: log of the number of blocks that agree
    bare_alike: log of the number of blocks that agree, of what is explained alone
    unlike, rest, places, patch, inward, scattered, least_alike, detail, one_sided,
        spread, drift, bare, bare_unlike, bare_least: see
        :class:`~.agreement.Agreement`
    """
    # One part at least, which names what is told of no pairs
    parts = [
        _brightness_evidence(pictures, overlays.at(rows))
        for rows in cached_rows(max(len(overlays.inner), 1), GRAY_SIDE)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _brightness_evidence(pictures: Pictures, overlays: Overlays) -> dict[str, Floats]:
    """Does what :func:`brightness_evidence` says for a few pairs."""
    shown = equally_sharp(show(pictures, overlays))
    curve = fit_tone_curve(shown)
    agrees = agreement(shown, curve)
    change = np.abs(np.log(curve.gain)) + np.abs(curve.shift) / _SHIFT_AS_GAIN
    return {
        "residual": np.log(curve.residual + _LEAST_RESIDUAL),
        "explained": curve.explained,
        "tone_change": change,
        "alike": np.log1p(agrees.alike),
        "unlike": agrees.unlike,
        "rest": agrees.rest,
        "places": agrees.places,
        "patch": agrees.patch,
        "inward": agrees.inward,
        "scattered": agrees.scattered,
        "least_alike": agrees.least_alike,
        "detail": agrees.detail,
        "one_sided": agrees.one_sided,
        "spread": agrees.spread,
        "drift": agrees.drift,
        "bare": agrees.bare,
        "bare_alike": np.log1p(agrees.bare_alike),
        "bare_unlike": agrees.bare_unlike,
        "bare_least": agrees.bare_least,
    }
