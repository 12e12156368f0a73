"""Pairs of pictures looked at once more, at twice the size of a signature.

What the search of turns and windows does not find, since a picture was cut, squeezed,
tilted and framed at once, its corners and local features do. Laid over one another by
those, or as in :mod:`.verify`, a pair is weighed as there, and by what shows at
128 x 128 only, see :mod:`.closer_evidence`.

What is in doubt then is compared pixel by pixel, see :mod:`.closer_pixels`, and weighed
by other trees, which may only say a copy. Copies that might be other moments of a scene
are compared so too, and third trees say which are. What differs in patches is looked at
last: things may have moved, or taken the place of others, see :mod:`.closer_patches`.

Measured in whole scans of 6,096 photographs and 6,000 mixed images with 240 planted
near copies each. Without any look recall is .925 and .871, and 0 and 11 pairs are
wrong; with its first form .933 and .892, and 0 and 10; now .975 and .946, and 0 and 11.
Of 6,000 mixed images of 48 pixels .875 are found, and 25 pairs are wrong; .842 and 25
without the pixels. Of 3,000 copies with two to five changes of photographs that nothing
was learned from 2,735 are found, 2,643 before the last trees; of 5,400 look-alikes 58
are, 147 before these and 110 before the patches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .boosted_trees import (
    CLOSER_LOOK,
    CLOSER_MOMENTS,
    CLOSER_PIXELS,
    learned_trees,
    log_odds,
)
from .closer_overlays import Laid, lay_closely
from .closer_patches import (
    frames_another,
    patches,
    shows_another_thing,
    shows_things_moved,
)
from .closer_picture import CloserPicture
from .closer_pixels import NAMES, likened, pixel_evidence
from .local_features import FeatureMap
from .marked_copies import is_marked_copy
from .pair_classifier import (
    at_rows,
    contradicted,
    is_covered,
    is_marked,
    shares_a_mark,
)
from .relations import name_relations, relation_bits
from .same_scene import (
    of_one_place,
    shows_new_strips,
    shows_one_place,
    tells_no_moments,
)
from .types import Bools, Doubles, Floats, Ints, floats
from .verify import MIN_COPY_SCORE, PairScores

_MAX_ZOOM = 1.45
"""Log of the ratio of areas shown: a crop to 0.48 of each side. Features tell so
small a part where signatures do not."""

_SIMPLE_TONES = 2.75
_STILL_ZOOM, _STILL_ANGLE = 0.1, 0.03
_OTHER_COLORS = 0.15
_REDRAWN = 0.85
_COLOR_LOST = 0.2
_ALL_EXPLAINED = 0.99
_MOST_LOST = 0.5
_MOST_EXPLAINED = 0.9
"""Tones (a log) of drawings and textures, log of the ratio of areas and radians by
which they are moved at most, how far their colors and their brightness are changed,
shares of them that one tone curve explains, where both have margins and where not, and
the color that a copy with a caption or a mark loses at most. Of 29 pairs of 6,000 mixed
images that the trees take for copies and that are none three are left. Of 500
compositions of other photographs that they accept 46 would be lost without the bounds
on moves and captions, and 19 are."""

_STROKES = 3.95
"""Edges (a log of gray levels) of strokes that fill a picture. Of 26 pairs of plain
pictures under a stock photograph's mark that the trees take for copies all have more,
4.1 to 4.4; of four pairs of 6,096 photographs, two of them planted copies, that look so
otherwise none has, 3.1 to 3.8."""

_COVERED_PART = 0.05
_TELLING_SIDE = 64
"""Share of what is seen of a picture without margins that is covered, so that no tone
curve explains it, and shortest side of the larger, in pixels, from which on textures of
one design are told by more than their tones. Of the same images no more pairs are then
wrong; of 2,000 compositions of other photographs .848 are accepted instead of .805. At
48 pixels twelve more pairs would be wrong."""

_DRIFTS, _DRIFTS_EXPLAINED = 1.3, 0.92
_LEAST_EXPLAINED = 0.8
"""Pixels by which four fifths of the blocks of drawings would have to move at most, if
one tone curve explains less than that of them; and what it explains at least. Of 72
wrong pairs of 48 pixels that the trees accept 21 are left, of 8 of the mixed images
five; of 71 planted copies with margins two are lost."""

_SEEN_IN_FULL = 160
_SAME_TONES, _SAME_COLORS = 0.4, 0.2
_SAME_PARTS, _SAME_MOVE = 0.02, 0.9
"""Longer side, in pixels, of what 128 x 128 show nearly in full; how far tones and
colors of plain pictures are changed, and which share of them is unlike, and pixels by
which four fifths of the blocks would have to move, at most, that are surely one."""

_NO_COPY, _A_COPY = -2.0, 1.0
_NO_CAPTION, _NO_DOUBT = -3.0, 2.5
_LOST_BY_PIXELS, _HUE_BY_PIXELS = 0.5, 2.0
"""Log odds between which a pair is compared pixel by pixel, a sixth of those that lie
on one another; and between which one is that lies in place and of which a part differs,
as under a caption, whatever contradicts a copy. Share of the color that is lost, and
log of the color that no loss explains, of designs of which pixels say nothing: without
these bounds two more wrong pairs of 6,000 mixed images."""

_COVERED = 1.5
"""Log odds that one covered place at an edge, as of a caption, speaks for a copy,
beside the trees; not learned. Of 376 made copies with one 351 are accepted without and
372 with it, of 15 pairs that are none three and four."""

_LEAST_CAPTION, _MOST_CAPTION, _RECTANGULAR, _IN_ONE = 0.08, 0.45, 0.7, 0.75
_KEPT, _APART, _TELLING_BLOCKS = 0.85, 0.03, 2.5
_NO_SLIDE, _AT_EDGE = 0.02, 4
_WRITTEN_ON = 3.5
"""Share of a picture that a caption covers, of the rectangle around it, and of all that
changed; share of the edges beside it that are kept, of the blocks that disagree, and
how many agree (a log), see :func:`~.closer_pixels.pixel_evidence`; frames by which the
pictures slide, pixels of 64 x 64 from the patch to the nearest edge; and the log odds
that such a pair is a copy, beside the trees, not learned. Of 15 planted captions that
cover a third of pictures of 48 pixels ten have all, as have 13 planted copies and two
wrong pairs of three scans, and none of 313 labeled pairs of scenes that are no
copies."""

_SURE = 2.0
"""Log odds from which on that place speaks once more: all beside it is so much alike
that the pair is no other moment of a scene either. Of the labeled scenes one has such a
place, at -0.8; of eleven planted captions two are found that looked like moments."""

_EXACT = 1.0
_EXACTLY_ALIKE, _EXACT_MOVE = 0.99, 0.15
"""Log odds that two pictures without margins speak for a copy of which all blocks agree
and next to none would have to move (pixels), as after a change of brightness; not
learned. Of 313 labeled pairs of scenes that are no copies none has both: the closest
agree in .95 and would have to move by 0.2."""

_TILTED = 5.0
"""Log odds that two pictures without margins speak for a copy of which one is the other
tilted by two degrees or more, see :mod:`.closer_tilts`; not learned."""

_SURELY_LAID = 12
"""Features in agreement from which on a closer look knows better than signatures that
two pictures without margins are no copies. Soft copies have fewer, as had two of three
planted ones that it took back; of six labeled scenes that signatures call copies all
have 50 and more."""

CLEARLY_A_COPY = 0.99
"""Score from which on a pair that signatures take for two moments of a scene is a copy
after all. The trees of all pairs may be as sure; of photographs those of moments decide
(``closer_moments.json``), which were learned from such pairs. Of 4,000 copies with two
to five changes 201 are lost to this bound alone without the latter, and 85 with them;
three more of 7,200 look-alikes pass it, and no more of the labeled scenes
(benchmarks/scenes.md). No pair of three planted sets is called something else."""

_SOME_UNLIKE = 0.02
"""Share of what is seen that is unlike, at least, for the trees of moments to be asked
for a copy: 111 of 115 that they find have so much, and one of the labeled scenes that
they would take for a copy has nothing."""

_MOMENT = -1.6
"""Log odds that a copy of the signatures that is in doubt is no other moment of a
scene, below which it is one; of photographs that surely lie on one another. Of 4,000
copies with two to five changes 18 are lost, and of 207 look-alikes that pass 158 are
left; of 172 copies among 24,335 scenes four are lost, which are two photographs
each."""

_CUT_ELSEWHERE = 0.04
_OUTERMOST = 0.5
"""Frames by which pictures slide of which each shows what the other does not, and the
part of such strips that is looked at: two cuttings of one photograph. Of 14 such pairs
of faces of 20 to 40 pixels that the trees take for copies all do, and of 640 copies
that a look finds none."""

MARK, GLANCE, THOROUGH, DOUBTED, UNCONFIRMED = -1, 0, 1, 2, 3
"""With what care a pair is looked at: only for a mark all over one of both, or if its
corners agree; only if its corners or local features agree; whatever these say; as one
that signatures take for a copy, but may be two moments of a scene; and as one that they
narrowly take for a copy, and that is none if it cannot be seen to be one."""

MARKED = 0.9
_ONE_SHAPE = 0.03
"""Score of a picture and the same with a mark all over it, not learned; logs by which
their shapes differ at most."""


def look_closely(
    given: Sequence[CloserPicture],
    pairs: Ints,
    maps: Sequence[FeatureMap | None],
    care: NDArray[np.int8],
) -> tuple[Ints, PairScores]:
    """Compares pairs by their local features and what they show in more detail.

    Args:
        given: m pictures
        pairs: int64[p, 2] of them
        maps: of the pairs, see :func:`~.closer_overlays.map_between`
        care: int8[p], ``MARK`` to ``UNCONFIRMED``

    Returns:
        int64[q], the pairs that lie on one another and of which that says enough, and
        what is said of these; the others stay what they were. ``correlation`` is that
        of their details where all that there is to see was seen and is the same, so
        that pages need no other look, and 0 elsewhere
    """
    rows, found = _laid_and_told(given, pairs, maps, care)
    every, told = PairScores.of_nothing(len(pairs)), np.zeros(len(pairs), bool)
    every.put(rows, found)
    told[rows] = True
    told[care == UNCONFIRMED] = True
    unsure = np.flatnonzero(every.scores < MIN_COPY_SCORE)
    is_marked = [_is_marked(given[a], given[b]) for a, b in pairs[unsure].tolist()]
    marked = unsure[np.array(is_marked, bool)]
    every.put(marked, PairScores.of_nothing(len(marked)))
    every.scores[marked], every.relations[marked] = MARKED, relation_bits("edited")
    told[marked] = True
    rows = np.flatnonzero(told)
    return rows, every.at(rows)


def _is_marked(one: CloserPicture, other: CloserPicture) -> bool:
    shapes = [np.log(picture.size[0] / picture.size[1]) for picture in (one, other)]
    return abs(shapes[0] - shapes[1]) < _ONE_SHAPE and is_marked_copy(
        one.squared, other.squared
    )


def _laid_and_told(
    given: Sequence[CloserPicture],
    pairs: Ints,
    maps: Sequence[FeatureMap | None],
    care: NDArray[np.int8],
) -> tuple[Ints, PairScores]:
    """Does what :func:`look_closely` says for pairs that lie on one another."""
    thorough = care >= THOROUGH
    laid = lay_closely(given, pairs, maps, thorough)
    if laid is not None:
        # Drawings that share some of their lines have corners alike
        drawn = (laid.evidence["margined"] > 0) & ~thorough[laid.rows]
        laid = laid.at(np.flatnonzero(~drawn))
    if laid is None or not len(laid.rows):
        return np.zeros(0, np.int64), PairScores.of_nothing(0)
    logits, written_on, pixels = _log_odds(laid)
    rows = np.flatnonzero(~_contradicted(laid.evidence, written_on))
    laid, logits, written_on = laid.at(rows), logits[rows], written_on[rows]
    pixels = at_rows(pixels, rows)
    found = PairScores.of_nothing(len(laid.rows))
    covered = is_covered(laid.evidence) & ~written_on
    logits += _WRITTEN_ON * written_on + _COVERED * covered
    logits += _COVERED * (covered & (logits >= _SURE))
    logits += _EXACT * _lies_exactly(laid.evidence)
    logits += _TILTED * laid.evidence["tilted"]
    found.scores[:] = 1 / (1 + np.exp(-logits))
    surely_laid = laid.evidence["agreed"] >= np.log1p(_SURELY_LAID)
    doubted = (care[laid.rows] >= DOUBTED) & surely_laid
    _tell_moments(laid, doubted, found.scores, pixels)
    others = _show_others(laid, care[laid.rows] >= DOUBTED, surely_laid, found.scores)
    found.scores[others] = 0
    told = found.scores >= MIN_COPY_SCORE
    told |= surely_laid | others
    told |= laid.evidence["margined"] > 0
    laid, found = laid.at(np.flatnonzero(told)), found.at(np.flatnonzero(told))
    copies = np.flatnonzero(found.scores >= MIN_COPY_SCORE)
    named = name_relations(
        laid.pictures, laid.overlays.at(copies), at_rows(laid.evidence, copies)
    )
    found.relations[copies], found.changes[copies], found.plain[copies] = named
    sides = laid.pictures.sizes.max(axis=1)
    longest = np.maximum(sides[laid.overlays.inner], sides[laid.overlays.outer])
    surely = _seen_to_be_one(laid.evidence, floats(longest))
    found.correlation[:] = np.where(surely, laid.evidence["fine_least"], 0)
    scenes = of_one_place(laid.evidence) & shows_one_place(laid.evidence, laid.overlays)
    scenes &= ~tells_no_moments(laid.evidence, laid.overlays)
    found.scenes[:] = scenes & (found.scores < MIN_COPY_SCORE)
    return laid.rows, found


def _log_odds(laid: Laid) -> tuple[Doubles, Bools, dict[str, Floats]]:
    """Weighs what is known of pairs.

    Returns:
        float64[b], what trees say, and where that is in doubt what others say for a
        copy that know the pixels as well; bool[b], where these see a caption; and what
        they see, float32[b] each, NaN where there is no doubt
    """
    result = _said_by(CLOSER_LOOK, laid.evidence)
    written_on: Bools = np.zeros(len(laid.rows), bool)
    doubtful = (result > _NO_COPY) & (result < _A_COPY)
    hidden = _is_still(laid.evidence) & (laid.evidence["margined"] == 0)
    hidden &= laid.evidence["fine_unlike"] >= _COVERED_PART
    doubtful |= hidden & (result > _NO_CAPTION) & (result < _NO_DOUBT)
    doubt = np.flatnonzero(doubtful)
    pixels = {name: np.full(len(laid.rows), np.nan, np.float32) for name in NAMES}
    _compare_pixels(laid, doubt, pixels)
    evidence = at_rows(laid.evidence, doubt) | at_rows(pixels, doubt)
    written_on[doubt] = _is_written_on(evidence)
    by_pixels = _said_by(CLOSER_PIXELS, evidence)
    by_pixels[_is_another_color(evidence)] = -np.inf
    result[doubt] = np.maximum(result[doubt], by_pixels)
    return result, written_on, pixels


def _compare_pixels(laid: Laid, rows: Ints, pixels: dict[str, Floats]) -> None:
    """Puts what pixels say of some pairs into float32[b] each."""
    for name, values in pixel_evidence(laid.gray, laid.overlays.at(rows)).items():
        pixels[name][rows] = values


def _tell_moments(
    laid: Laid, doubted: Bools, scores: Floats, pixels: dict[str, Floats]
) -> None:
    """Makes surer which copies are no other moments of a scene, and which are.

    Args:
        laid: b pairs
        doubted: bool[b], copies of the signatures that may be other moments, and lie
            surely on one another
        scores: float32[b], changed in place
        pixels: what they say, float32[b] each, NaN where they were not compared; is
            added to
    """
    unlike = laid.evidence["fine_unlike"] >= _SOME_UNLIKE
    asked = (scores < CLEARLY_A_COPY) & unlike | doubted
    asked &= (scores >= MIN_COPY_SCORE) & (laid.evidence["margined"] == 0)
    asked &= laid.evidence["tones"] >= _SIMPLE_TONES
    _compare_pixels(laid, np.flatnonzero(asked & np.isnan(pixels[NAMES[0]])), pixels)
    rows = np.flatnonzero(asked)
    evidence = at_rows(laid.evidence, rows) | at_rows(pixels, rows)
    logits = _said_by(CLOSER_MOMENTS, evidence)
    sure = (logits > 0) & unlike[rows] & (scores[rows] < CLEARLY_A_COPY)
    scores[rows[sure]] = CLEARLY_A_COPY
    moment = doubted[rows] & (logits < _MOMENT)
    scores[rows[moment]] = 1 / (1 + np.exp(-logits[moment]))


def _show_others(
    laid: Laid, doubted: Bools, surely_laid: Bools, scores: Floats
) -> Bools:
    """Returns which pairs hold other things, or are cut elsewhere: bool[b].

    Copies of the signatures in doubt of which few features agree may be two things on
    one smooth ground. See :mod:`.closer_patches`.

    Args:
        laid: b pairs
        doubted: bool[b], copies of the signatures that may be other moments
        surely_laid: bool[b], many features agree
        scores: float32[b]
    """
    copies = scores >= MIN_COPY_SCORE
    result: Bools = copies & (laid.evidence["slide"] >= _CUT_ELSEWHERE)
    cut = np.flatnonzero(result)
    overlays = laid.overlays.at(cut)
    result[cut] = shows_new_strips(laid.pictures, overlays, _OUTERMOST)
    on_grounds = doubted & ~surely_laid
    asked = (copies | on_grounds) & ~result
    asked &= laid.evidence["fine_unlike"] >= _SOME_UNLIKE
    for row in np.flatnonzero(asked).tolist():
        like = likened(laid.gray, laid.overlays, row)
        if like is None:
            continue
        found = patches(like)
        result[row] = shows_things_moved(like, found) or frames_another(found)
        result[row] |= on_grounds[row] and shows_another_thing(found)
    return result


def _is_another_color(evidence: dict[str, Floats]) -> Bools:
    """Returns where simple pictures lie in one frame and their colors differ: bool[b].

    Textures of one design are the same but for that, pixel by pixel.
    """
    colors: Bools = evidence["desaturation"] > _LOST_BY_PIXELS
    colors |= evidence["color_residual"] > _HUE_BY_PIXELS
    return _is_simple(evidence) & colors


def _is_simple(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs are of few tones and lie in one frame: bool[b]."""
    simple: Bools = evidence["tones"] < _SIMPLE_TONES
    return simple & _is_still(evidence)


def _is_still(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs lie in one frame: bool[b]."""
    still: Bools = evidence["zoom"] < _STILL_ZOOM
    return still & (evidence["angle"] < _STILL_ANGLE)


def _said_by(name: str, evidence: dict[str, Floats]) -> Doubles:
    trees = learned_trees(name)
    numbers = [floats(evidence[one]) for one in trees.evidence]
    return log_odds(trees, np.stack(numbers, axis=1))


def _is_written_on(evidence: dict[str, Floats]) -> Bools:
    """Returns where one picture is the other under a caption: bool[b].

    One rectangle differs, in place, and beside it nearly nothing does. What is all that
    differs within a frame is another picture.
    """
    result: Bools = _is_still(evidence) & (evidence["margined"] == 0)
    result &= evidence["slide"] < _NO_SLIDE
    result &= evidence["inward"] <= _AT_EDGE
    result &= evidence["pixel_largest"] >= _LEAST_CAPTION
    result &= evidence["pixel_largest"] <= _MOST_CAPTION
    result &= evidence["pixel_filled"] >= _RECTANGULAR
    result &= evidence["pixel_thick"] >= _IN_ONE
    result &= evidence["pixel_kept"] >= _KEPT
    result &= evidence["pixel_apart"] <= _APART
    return result & (evidence["pixel_blocks"] >= _TELLING_BLOCKS)


def _contradicted(evidence: dict[str, Floats], written_on: Bools) -> Bools:
    """Returns which pairs a closer look makes no copies of: bool[b].

    Too small a part; simple pictures under one mark; drawings of which
    :func:`~.pair_classifier.contradicted` says so, or of which the lines lie beside one
    another; and drawings and textures of one design in other colors, which lie in one
    frame.

    Args:
        evidence: of the b pairs
        written_on: bool[b], see :func:`_is_written_on`
    """
    result: Bools = evidence["zoom"] > _MAX_ZOOM
    drawn = evidence["margined"] > 0
    result |= contradicted(evidence) & drawn
    written_over = (evidence["edges"] >= _STROKES) & (evidence["tones"] < _SIMPLE_TONES)
    result |= written_over & shares_a_mark(evidence) & ~written_on
    beside = evidence["fine_drift"] > _DRIFTS
    beside &= evidence["explained"] < _DRIFTS_EXPLAINED
    result |= drawn & (beside | (evidence["explained"] < _LEAST_EXPLAINED))
    lost = evidence["desaturation"]
    recolored = evidence["tone_change"] + lost > _OTHER_COLORS
    redrawn = recolored & (evidence["explained"] < _REDRAWN)
    explained = np.where(drawn, _ALL_EXPLAINED, _MOST_EXPLAINED)
    redrawn |= (lost > _COLOR_LOST) & (evidence["explained"] < explained)
    hidden = is_covered(evidence) | is_marked(evidence)
    hidden &= lost < _MOST_LOST
    covered = ~drawn & (evidence["fine_unlike"] >= _COVERED_PART)
    hidden |= covered & (evidence["larger"] >= _TELLING_SIDE)
    return result | (_is_simple(evidence) & redrawn & ~hidden & ~written_on)


def _lies_exactly(evidence: dict[str, Floats]) -> Bools:
    """Returns which pairs without margins agree everywhere, and in place: bool[b]."""
    alike: Bools = evidence["fine_alike"] >= _EXACTLY_ALIKE
    alike &= evidence["fine_drift"] <= _EXACT_MOVE
    bare: Bools = evidence["margined"] == 0
    return alike & bare


def _seen_to_be_one(evidence: dict[str, Floats], longest: Floats) -> Bools:
    """Returns which plain pairs lie on one another and differ nowhere: bool[b].

    A page may differ in a word that 128 x 128 do not show; small pictures show all.

    Args:
        evidence: of the b pairs
        longest: float32[b], longer side of the larger picture, in pixels
    """
    one: Bools = evidence["fine_unlike"] <= _SAME_PARTS
    one &= evidence["explained"] >= _MOST_EXPLAINED
    one &= evidence["fine_drift"] <= _SAME_MOVE
    one |= evidence["tilted"] > 0
    one &= longest <= _SEEN_IN_FULL
    one &= evidence["tone_change"] <= _SAME_TONES
    one &= evidence["desaturation"] <= _SAME_COLORS
    return one
