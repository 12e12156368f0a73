"""Pairs laid over one another by their features, and what is said of them."""

import cv2
import numpy as np
import pytest
from skimage import data

from core.copy_detection import (
    MIN_COPY_SCORE,
    relation_names,
    signatures,
    verify_pairs,
)
from core.copy_detection.closer_look import closer_picture, look_closely

SIDE = 150


def photo(name):
    loaded = getattr(data, name)()
    return cv2.resize(loaded, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def tilted_and_written_on(picture):
    """Tilts by five degrees, and lays a caption over half of the width."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 5, 1)
    tilted = cv2.warpAffine(picture, turn, (width, height))
    tilted[height - 25 : height - 8, 8:78] = 255
    place = (12, height - 12)
    cv2.putText(tilted, "a caption", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (160, 0, 0))
    return tilted


def changed_in_five_ways(picture):
    """Cuts to 0.8 of each side, squeezes, tilts, writes on it, and frames it."""
    part = cv2.resize(picture[20:140, 10:130], (134, 112))
    framed = tilted_and_written_on(part)
    return cv2.copyMakeBorder(framed, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=(20,) * 3)


def looked(*pairs):
    given = [closer_picture(one, one.shape[1::-1]) for pair in pairs for one in pair]
    return look_closely(given, np.arange(len(given)).reshape(-1, 2))


def by_signatures(*pair):
    """Returns what the signatures say of a pair."""
    squares = np.array([cv2.resize(one, (128, 128)) for one in pair])
    sizes = np.array([one.shape[1::-1] for one in pair], np.int32)
    pairs = np.array([[0, 1]], np.int32)
    return verify_pairs(signatures(squares), pairs, sizes).scores[0]


def test_a_picture_changed_in_five_ways_is_a_copy():
    picture = photo("astronaut")

    rows, found = looked((picture, changed_in_five_ways(picture)))

    assert by_signatures(picture, changed_in_five_ways(picture)) < 0.01
    assert rows.tolist() == [0]
    assert found.scores[0] >= MIN_COPY_SCORE
    assert "cropped" in relation_names(int(found.relations[0]))


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_a_tilted_and_captioned_copy_is_one(name):
    picture = photo(name)

    _, found = looked((picture, tilted_and_written_on(picture)))

    assert by_signatures(picture, tilted_and_written_on(picture)) < MIN_COPY_SCORE
    assert found.scores[0] >= MIN_COPY_SCORE


def test_a_mirrored_and_turned_copy_is_named_so():
    picture = photo("astronaut")
    turned = np.rot90(changed_in_five_ways(picture)[:, ::-1]).copy()

    rows, found = looked((picture, turned))

    assert found.scores[0] >= MIN_COPY_SCORE
    assert "mirrored" in relation_names(int(found.relations[0]))


def test_another_moment_in_which_things_moved_is_no_copy():
    scene, thing = photo("coffee"), cv2.resize(photo("chelsea"), (30, 30))
    before, after = scene.copy(), np.roll(scene, 1, axis=0)
    for place, picture in (((20, 30), before), ((60, 80), before)):
        picture[place[0] : place[0] + 30, place[1] : place[1] + 30] = thing
    for place, picture in (((24, 60), after), ((100, 40), after)):
        picture[place[0] : place[0] + 30, place[1] : place[1] + 30] = thing[::-1]

    _, found = looked((before, after))

    assert (found.scores < MIN_COPY_SCORE).all()


def test_two_cuttings_that_share_a_part_are_no_copies():
    picture = photo("astronaut")

    _, found = looked((picture[:100, :100], picture[45:145, 40:140]))

    assert (found.scores < MIN_COPY_SCORE).all()


def test_of_pictures_without_features_nothing_is_said():
    blank = np.full((80, 80, 3), 128, np.uint8)

    rows, found = looked((blank, photo("coffee")))

    assert len(rows) == len(found.scores) == 0


def test_what_is_said_of_a_pair_does_not_depend_on_the_others():
    pairs = [
        (photo(name), tilted_and_written_on(photo(name)))
        for name in ("astronaut", "chelsea", "coffee")
    ]

    _, together = looked(*pairs)

    for place, pair in enumerate(pairs):
        _, alone = looked(pair)
        assert alone.scores[0] == together.scores[place]
        assert alone.relations[0] == together.relations[place]
