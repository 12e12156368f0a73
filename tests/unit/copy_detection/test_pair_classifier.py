"""What the pictures of a pair may show, and when it is no copy for sure."""

from dataclasses import replace

import numpy as np
import pytest

from core.copy_detection.boosted_trees import (
    PAIR_CLASSIFIER,
    learned_trees,
    log_odds,
)
from core.copy_detection.pair_classifier import (
    contradicted,
    is_marked,
    shows_much,
)

PHOTOGRAPH = {
    "overhang": 0.0,
    "color_residual": 1.0,
    "rest": 1.0,
    "explained": 1.0,
    "alike": 4.0,
    "tones": 3.0,
    "turned": 0.0,
    "inverted": 0.0,
    "residual": 0.0,
    "unlike": 0.0,
    "places": 0.0,
    "zoom": 0.0,
    "through_view": 0.0,
    "patch": 0.0,
    "scattered": 0.0,
    "inward": 0.0,
    "bare_unlike": 0.0,
    "bare_alike": 4.0,
    "skew": 0.0,
    "moved": 0.0,
    "detail": 4.0,
    "desaturation": 0.0,
    "one_sided": 0.0,
    "spread": 0.0,
}
DRAWING = PHOTOGRAPH | {"tones": 1.7}

COVERED = PHOTOGRAPH | {"tones": 2.0, "places": 2.0, "unlike": 0.2, "patch": 0.1}
REPAINTED = PHOTOGRAPH | {"tones": 2.2, "desaturation": 0.4, "scattered": 0.03}

NO_COPIES = {
    "two cuttings of one scene": PHOTOGRAPH | {"overhang": 0.2},
    "a small part of one": PHOTOGRAPH | {"zoom": 1.2},
    "another color": PHOTOGRAPH | {"color_residual": 3.0},
    "another color in another frame": PHOTOGRAPH
    | {"color_residual": 2.7, "through_view": 1.0},
    "a drawing in another color": DRAWING | {"color_residual": 2.3},
    "a form filled in differently": DRAWING | {"places": 3.0},
    "a drawing with another detail": DRAWING | {"places": 1.0, "unlike": 0.05},
    "another thing in one sky": PHOTOGRAPH | {"alike": 2.5, "places": 1.0},
    "an icon turned, with another detail": PHOTOGRAPH
    | {"tones": 2.4, "turned": 1.0, "unlike": 0.05},
    "a flag turned on another ground": PHOTOGRAPH
    | {"tones": 2.6, "turned": 1.0, "through_view": 1.0},
    "a page with another entry": COVERED | {"tones": 1.6},
    "a small thing on a plain photograph": COVERED | {"patch": 0.02},
    "another thing in the middle of a plain photograph": COVERED | {"inward": 9.0},
    "a part that only matches when it is bent": PHOTOGRAPH | {"skew": 0.2, "zoom": 0.6},
    "a weave in other colors": REPAINTED,
    "another thing in the middle of one ground": PHOTOGRAPH
    | {"tones": 2.4, "patch": 0.05, "inward": 9.0},
    "a caption, and another thing beside it": COVERED | {"bare_unlike": 0.05},
    "a caption, and next to nothing beside it": COVERED | {"bare_alike": 1.5},
    "an icon inverted, with another detail": PHOTOGRAPH
    | {"tones": 2.4, "inverted": 1.0, "unlike": 0.05},
}
MARKED = {
    "residual": 2.0,
    "places": 9.0,
    "spread": 0.6,
    "explained": 0.7,
    "one_sided": 0.3,
}
NO_COPIES["plain pictures under one mark"] = DRAWING | MARKED
NO_COPIES["another thing on the ground of a sky"] = PHOTOGRAPH | {
    "tones": 2.7,
    "patch": 0.05,
    "inward": 9.0,
}
MAY_BE_COPIES = {
    "a plain picture with a mark": DRAWING | MARKED | {"one_sided": 1.0},
    "photographs under one mark": PHOTOGRAPH | MARKED,
    "a faded drawing": DRAWING | MARKED | {"explained": 0.9},
    "a drawing with many specks": DRAWING | MARKED | {"spread": 0.2},
    "an equal photograph": PHOTOGRAPH,
    "a drawing": DRAWING,
    "a plain photograph with a caption": COVERED,
    "a plain photograph with a caption, made gray": COVERED
    | {"tones": 2.2, "desaturation": 1.0},
    "a stamp in the corner of a simple picture": PHOTOGRAPH
    | {"tones": 2.4, "patch": 0.05, "inward": 2.0},
    "a speck in the middle of a simple picture": PHOTOGRAPH
    | {"tones": 2.4, "patch": 0.02, "inward": 9.0},
    "a sticker in the middle of a photograph": PHOTOGRAPH
    | {"patch": 0.05, "inward": 9.0},
    "a photograph that was bent": PHOTOGRAPH | {"skew": 0.2},
    "a large crop": PHOTOGRAPH | {"zoom": 0.6},
    "a weave made gray": REPAINTED | {"scattered": 0.0},
    "a part of a weave made gray": REPAINTED | {"moved": 1.0},
    "a smooth picture made gray": REPAINTED | {"detail": 3.0},
    "a photograph made gray": REPAINTED | {"tones": 3.0},
    "a weave with noise": REPAINTED | {"desaturation": 0.0},
    "a photograph with captions": PHOTOGRAPH | {"places": 5.0, "unlike": 0.1},
    "a drawing with noise in places": DRAWING | {"places": 2.0},
    "a blurred scan": DRAWING | {"places": 4.0, "residual": 1.0},
    "an icon with another detail that is not plain": PHOTOGRAPH
    | {"tones": 2.4, "places": 1.0, "unlike": 0.05},
    "a photograph of another hue": PHOTOGRAPH | {"color_residual": 2.8},
    "a third of a photograph": PHOTOGRAPH | {"zoom": 1.0},
    "a photograph mirrored in a frame": PHOTOGRAPH
    | {"turned": 1.0, "through_view": 1.0},
}


THIN_MARK = PHOTOGRAPH | {
    "one_sided": 1.0,
    "spread": 0.15,
    "places": 5.0,
    "rest": 0.6,
    "bare": 0.9,
    "bare_alike": 3.5,
    "bare_unlike": 0.1,
}
FULL_MARK = THIN_MARK | {"spread": 0.5, "rest": 0.8, "bare": 0.6}

NO_MARKS = {
    "a place that is brighter": THIN_MARK | {"spread": 0.05},
    "what differs is brighter and darker": THIN_MARK | {"one_sided": 0.8},
    "beside the mark is something else": THIN_MARK | {"bare": 0.7},
    "little is left bare": THIN_MARK | {"bare_alike": 2.5},
    "some of what is left bare differs": THIN_MARK | {"bare_unlike": 0.3},
    "two places that are brighter": THIN_MARK | {"places": 2.0},
    "foam before a camera that moved": THIN_MARK | {"moved": 1.0},
    "a turned picture": THIN_MARK | {"turned": 1.0},
    "a page with text": THIN_MARK | {"tones": 1.7},
    "another picture under a full mark": FULL_MARK | {"rest": 0.6},
}


def shown(evidence):
    return {name: np.array([value], np.float32) for name, value in evidence.items()}


@pytest.mark.parametrize("evidence", [THIN_MARK, FULL_MARK])
def test_a_mark_over_a_photograph_is_seen(evidence):
    assert is_marked(shown(evidence))[0]


@pytest.mark.parametrize("name", NO_MARKS)
def test_what_no_mark_leaves_is_no_mark(name):
    assert not is_marked(shown(NO_MARKS[name]))[0]


def judged(evidence):
    return bool(contradicted(shown(evidence))[0])


@pytest.mark.parametrize("name", NO_COPIES)
def test_what_contradicts_a_copy_is_seen(name):
    assert judged(NO_COPIES[name])


@pytest.mark.parametrize("name", MAY_BE_COPIES)
def test_what_a_copy_may_show_contradicts_nothing(name):
    assert not judged(MAY_BE_COPIES[name])


EQUAL = {
    "residual": -1.2,
    "explained": 1.0,
    "tones": 3.0,
    "tone_change": 0.0,
    "desaturation": 0.0,
    "color_residual": 0.5,
    "colorfulness": 3.0,
    "zoom": 0.0,
    "turned": 0.0,
    "moved": 0.0,
    "overhang": 0.0,
    "through_view": 0.0,
    "alike": 4.0,
    "unlike": 0.0,
    "rest": 1.0,
    "correlation": 1.0,
    "skew": 0.0,
    "stretch": 0.0,
    "angle": 0.0,
    "size": 4.1,
    "patch": 0.0,
    "scattered": 0.0,
    "least_alike": 1.0,
    "detail": 4.0,
    "drift": 0.0,
    "bare": 1.0,
    "bare_alike": 4.0,
    "bare_unlike": 0.0,
    "bare_least": 1.0,
    "margined": 0.0,
}
AGAINST = {
    "residual": 6.0,
    "explained": 0.3,
    "tone_change": 2.0,
    "desaturation": 1.0,
    "color_residual": 4.0,
    "zoom": 2.0,
    "turned": 1.0,
    "overhang": 0.3,
    "through_view": 1.0,
    "alike": 0.0,
    "unlike": 1.0,
    "rest": -0.5,
    "correlation": 0.2,
    "skew": 0.5,
    "stretch": 0.5,
    "angle": 0.5,
    "patch": 0.4,
    "scattered": 0.4,
    "least_alike": -0.5,
    "drift": 2.0,
    "bare": -0.5,
    "bare_alike": 0.0,
    "bare_unlike": 1.0,
    "bare_least": -0.5,
    "margined": 1.0,
}


def learned(evidence):
    trees = learned_trees(PAIR_CLASSIFIER)
    numbers = np.array([[evidence[name] for name in trees.evidence]], np.float32)
    return float(log_odds(trees, numbers)[0])


def test_equal_photographs_are_surely_copies():
    assert learned(EQUAL) > 3


@pytest.mark.parametrize("name", AGAINST)
@pytest.mark.parametrize("start", [EQUAL, EQUAL | AGAINST])
def test_what_speaks_against_a_copy_never_raises_the_log_odds(name, start):
    values = np.linspace(EQUAL[name], AGAINST[name], 50)

    odds = [learned(start | {name: value}) for value in values]

    assert (np.diff(odds) <= 1e-9).all()


def test_all_that_speaks_against_a_copy_denies_it():
    assert learned(EQUAL | AGAINST) < -4


def test_a_tree_goes_to_the_second_branch_where_a_number_is_larger():
    trees = replace(
        learned_trees(PAIR_CLASSIFIER),
        intercept=0.5,
        asked=np.array([[0, 1, 1, 0, 0, 0, 0]]),
        limits=np.array([[0, 1, 2, 9, 9, 9, 9]], np.float32),
        leaves=np.arange(8.0)[None],
    )

    odds = log_odds(trees, np.array([[0, 1], [0, 2], [1, 2], [1, 3]], np.float32))

    assert odds.tolist() == [0.5, 2.5, 4.5, 6.5]


def test_a_closer_look_confirms_copies_of_pictures_that_show_much():
    tones = np.array([2.6, 2.8], np.float32)

    assert shows_much({"tones": tones}).tolist() == [False, True]
