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
from core.copy_detection.closer_look import (
    CLEARLY_A_COPY,
    DOUBTED,
    GLANCE,
    THOROUGH,
    UNCONFIRMED,
    look_closely,
)
from core.copy_detection.closer_overlays import map_between
from core.copy_detection.closer_picture import closer_picture
from core.copy_detection.compositions import composed, watermarked
from core.copy_detection.local_features import (
    corner_map,
)

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


def looked(*pairs, care=THOROUGH):
    given = [closer_picture(one, one.shape[1::-1]) for pair in pairs for one in pair]
    ends = np.arange(len(given)).reshape(-1, 2)
    maps = [map_between(given[a], given[b]) for a, b in ends]
    return look_closely(given, ends, maps, np.full(len(ends), care, np.int8))


def by_signatures(*pair):
    """Returns what the signatures say of a pair."""
    squares = np.array([cv2.resize(one, (128, 128)) for one in pair])
    sizes = np.array([one.shape[1::-1] for one in pair], np.int32)
    pairs = np.array([[0, 1]], np.int32)
    return verify_pairs(signatures(squares), pairs, sizes).scores[0]


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_a_picture_changed_in_five_ways_is_a_copy(name):
    picture = photo(name)

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


def test_a_captioned_copy_is_surely_no_other_moment():
    pale = np.uint8(photo("astronaut") * 0.3 + 110)
    captioned = pale.copy()
    captioned[112:142, 8:98] = 255
    cv2.putText(captioned, "a caption", (12, 138), 0, 0.5, (160, 0, 0))

    assert looked((pale, captioned))[1].scores[0] > 0.99


def framed_in_white(name):
    white = (255,) * 3
    return cv2.copyMakeBorder(
        photo(name), 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=white
    )


def composed_score(picture, seed):
    """Returns the score of a picture and of it changed in two to five ways."""
    changed, _ = composed(picture, np.random.default_rng(seed))
    return looked((picture, changed))[1].scores[0]


def test_a_copy_under_a_mark_and_a_caption_is_surely_no_other_moment():
    picture = photo("astronaut")
    changed, names = composed(picture, np.random.default_rng(21))

    assert names == ["aspect", "captioned", "watermarked"]
    # As of two moments of a scene
    assert 0 < by_signatures(picture, changed) < MIN_COPY_SCORE
    assert composed_score(picture, 21) >= CLEARLY_A_COPY


@pytest.mark.parametrize(
    ("picture", "seed"),
    [
        pytest.param(lambda: of_few_tones("coffee"), 2, id="of few tones"),
        pytest.param(lambda: framed_in_white("coffee"), 9, id="with margins"),
        pytest.param(lambda: photo("astronaut"), 29, id="nothing is covered"),
    ],
)
def test_of_others_than_covered_photographs_nobody_is_as_sure(picture, seed):
    assert MIN_COPY_SCORE <= composed_score(picture(), seed) < CLEARLY_A_COPY


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


def another_moment(scene):
    """Moves a cat across a scene, and the camera a little; the light changes."""
    cat, size = cv2.resize(photo("chelsea"), (12, 12)), (SIDE, SIDE)
    move = np.array([[0.989, 0, -1], [0, 1.012, 3]], np.float32)
    after = cv2.warpAffine(scene, move, size, borderMode=cv2.BORDER_REFLECT)
    before = scene.copy()
    before[69:81, 103:115] = cat
    after[76:88, 69:81] = cat
    return before, np.clip(after * 1.04 + 10, 0, 255).astype(np.uint8)


def test_a_copy_of_the_signatures_may_be_seen_to_be_another_moment():
    pair = another_moment(photo("astronaut"))
    assert by_signatures(*pair) >= MIN_COPY_SCORE

    # Others are told from strangers only
    assert looked(pair, care=THOROUGH)[1].scores[0] >= MIN_COPY_SCORE
    assert looked(pair, care=DOUBTED)[1].scores[0] < MIN_COPY_SCORE


def test_a_copy_in_doubt_under_a_mark_and_a_caption_stays_one():
    picture = photo("astronaut")
    changed, _ = composed(picture, np.random.default_rng(21))

    _, found = looked((picture, changed), care=DOUBTED)

    assert found.scores[0] >= CLEARLY_A_COPY


def with_a(thing, picture, place):
    result = picture.copy()
    top, left = place
    result[top : top + len(thing), left : left + thing.shape[1]] = thing
    return result


def test_where_a_thing_stands_elsewhere_a_look_sees_another_moment():
    scene, thing = photo("coffee"), cv2.resize(photo("chelsea"), (28, 28))
    pair = [with_a(thing, scene, place) for place in ((37, 9), (94, 66))]

    for care in (THOROUGH, DOUBTED):
        rows, found = looked(pair, care=care)
        assert rows.tolist() == [0]
        assert found.scores[0] < MIN_COPY_SCORE
    assert looked((scene, pair[0]))[1].scores[0] >= MIN_COPY_SCORE


def on_a_smooth_ground(name):
    slope = np.linspace(60, 150, SIDE)
    ground = np.add.outer(slope, slope[::-1] * 0.3)[..., None]
    ground = np.uint8(ground * np.array([1, 0.9, 0.8]))
    return with_a(cv2.resize(photo(name), (30, 30)), ground, (60, 50))


def test_a_copy_in_doubt_may_show_another_thing_on_one_ground():
    pair = on_a_smooth_ground("coffee"), on_a_smooth_ground("rocket")

    rows, found = looked(pair, care=DOUBTED)

    assert rows.tolist() == [0]
    assert found.scores[0] < MIN_COPY_SCORE
    # Of others nothing is said, since so few features agree
    assert looked(pair, care=THOROUGH)[0].tolist() == []


def test_another_picture_between_bars_and_under_a_mark_is_no_copy():
    one, other = (
        watermarked(
            cv2.copyMakeBorder(photo(name), 8, 8, 110, 110, cv2.BORDER_CONSTANT),
            np.random.default_rng(39),
        )
        for name in ("coffee", "astronaut")
    )

    rows, found = looked((one, other))

    assert rows.tolist() == [0]
    assert found.scores[0] < MIN_COPY_SCORE


def test_two_cuttings_of_a_small_picture_are_no_copies():
    small = cv2.resize(photo("astronaut"), (32, 32), interpolation=cv2.INTER_AREA)
    one, other = small[:, :29], small[:, 3:]
    # A copy that was shifted in its frame shows nothing new at the other edge
    shifted = np.roll(small, 3, axis=1)
    shifted[:, :3] = 0

    assert (looked((one, other))[1].scores < MIN_COPY_SCORE).all()
    assert looked((small, shifted))[1].scores[0] >= MIN_COPY_SCORE


def test_two_cuttings_that_share_a_part_are_no_copies():
    picture = photo("astronaut")

    _, found = looked((picture[:100, :100], picture[45:145, 40:140]))

    assert (found.scores < MIN_COPY_SCORE).all()


def test_of_pictures_without_features_nothing_is_said():
    blank = np.full((80, 80, 3), 128, np.uint8)

    rows, found = looked((blank, photo("coffee")))

    assert len(rows) == len(found.scores) == 0

    rows, found = looked((blank, photo("coffee")), care=UNCONFIRMED)

    # The signatures alone are not believed
    assert rows.tolist() == [0]
    assert found.scores[0] < MIN_COPY_SCORE


def test_corners_alone_find_a_tilted_copy_and_tell_other_pictures():
    picture, other = photo("astronaut"), photo("coffee")
    given = [
        closer_picture(one, (SIDE, SIDE))
        for one in (picture, tilted_and_written_on(picture), other)
    ]

    found = map_between(given[0], given[1])

    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 5, 1)
    turn[:, 2] /= SIDE
    assert np.allclose(found.warp, turn, atol=0.02)
    # Nothing dearer was looked for
    assert not any("features" in vars(one) for one in given)
    assert corner_map(given[0].corners, given[2].corners) is None


def test_where_too_few_corners_agree_features_are_looked_for():
    picture = photo("coffee")
    part = cv2.resize(picture[40:110, 40:110], (90, 90), interpolation=cv2.INTER_AREA)
    given = [closer_picture(one, one.shape[1::-1]) for one in (picture, part)]
    agreed = corner_map(given[0].corners, given[1].corners)

    found = map_between(*given)

    assert agreed is None
    assert all("features" in vars(one) for one in given)
    assert np.allclose(found.warp[:, :2], np.eye(2) * 150 / 70, atol=0.05)


def test_a_glance_finds_a_mirror_image_by_its_features():
    picture = photo("astronaut")
    mirrored = np.ascontiguousarray(picture[:, ::-1])

    rows, found = looked((picture, mirrored), care=GLANCE)

    assert rows.tolist() == [0]
    assert found.scores[0] >= MIN_COPY_SCORE


def test_a_glance_says_nothing_of_pairs_without_features_in_agreement():
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    plain = 120 + 60 * np.sin(5 * x) * np.cos(4 * y)
    soft = np.repeat(plain[..., None], 3, axis=2).astype(np.uint8)
    bright = cv2.convertScaleAbs(soft, alpha=1.1, beta=5)

    assert looked((soft, bright), care=GLANCE)[0].tolist() == []
    assert looked((soft, bright), care=THOROUGH)[0].tolist() == [0]


def test_a_glance_sees_through_a_mark_though_no_corner_agrees():
    soft = cv2.GaussianBlur((photo("coffee") * 0.5 + 60).astype(np.uint8), (0, 0), 1)
    layer = np.zeros((SIDE, SIDE, 1), np.uint8)
    for row in range(10, SIDE, 18):
        cv2.putText(layer, "STOCKPIX STOCKPIX", (0, row), 0, 0.5, 255)
    opacity = 0.6 * layer / 255
    marked = np.uint8(soft * (1 - opacity) + 255 * opacity)

    rows, found = looked((soft, marked), (soft, soft[:, ::-1]), care=GLANCE)

    assert 0 in rows and found.scores[rows == 0] >= MIN_COPY_SCORE
    assert relation_names(int(found.relations[rows == 0][0])) == "edited"


def test_a_glance_says_nothing_of_drawings_with_margins():
    random = np.random.default_rng(1)
    drawing = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for x, y in random.integers(20, 100, (12, 2)).tolist():
        color = random.integers(0, 200, 3).tolist()
        cv2.rectangle(drawing, (x, y), (x + 25, y + 20), color, -1)
    given = [closer_picture(drawing, (SIDE, SIDE))] * 2

    assert map_between(*given) is not None
    assert looked((drawing, drawing), care=GLANCE)[0].tolist() == []
    assert looked((drawing, drawing), care=THOROUGH)[0].tolist() == [0]


def test_where_few_features_agree_nothing_speaks_against_a_copy():
    soft = cv2.GaussianBlur(photo("coffee"), (0, 0), 6)
    other = soft.copy()
    other[40:100, 40:100] = soft[20:80, 20:80][::-1]
    given = [closer_picture(one, (SIDE, SIDE)) for one in (soft, other)]

    assert 4 <= len(map_between(*given).at) < 12
    assert looked((soft, other))[0].tolist() == []


def test_a_frame_in_a_frame_is_left_aside():
    picture = photo("astronaut")
    framed = cv2.copyMakeBorder(
        picture, 15, 15, 15, 15, cv2.BORDER_CONSTANT, value=(200, 30, 30)
    )
    boxed = cv2.copyMakeBorder(framed, 0, 0, 40, 40, cv2.BORDER_CONSTANT, value=(0,))

    inside = closer_picture(boxed, boxed.shape[1::-1])

    assert inside.framed
    assert max(inside.size) <= SIDE + 2
    assert looked((picture, boxed))[1].scores[0] >= MIN_COPY_SCORE


def test_a_gray_copy_is_no_other_design_if_it_is_tilted_or_written_on():
    picture = photo("coffee") // 4 * 2 + 60
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    gray = np.repeat(gray[..., None], 3, axis=2)
    tilted = tilted_and_written_on(gray)

    assert looked((picture, tilted))[1].scores[0] >= MIN_COPY_SCORE


def of_few_tones(name):
    """A photograph of so few tones that it may as well be a texture."""
    return np.uint8(photo(name) // 16 * 4 + 90)


def with_a_sticker(picture):
    result = picture.copy()
    cv2.rectangle(result, (50, 60), (95, 105), (250, 250, 250), -1)
    return result


def test_a_gray_copy_with_a_sticker_is_no_texture_in_other_colors():
    picture = of_few_tones("coffee")
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    covered = with_a_sticker(np.repeat(gray[..., None], 3, axis=2))

    assert looked((picture, covered))[1].scores[0] >= MIN_COPY_SCORE


def test_a_darker_copy_that_lies_exactly_is_hardly_doubted():
    gray = cv2.resize(data.clock()[:, :300], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    picture = np.repeat(gray[..., None], 3, axis=2)

    assert looked((picture, np.uint8(picture * 0.35)))[1].scores[0] > 0.95


def sign(shown):
    """An icon of 48 pixels that shows an ellipse or a text."""
    icon = np.full((192, 192, 3), 250 if shown is None else 225, np.uint8)
    cv2.rectangle(icon, (36, 40), (156, 160), (60, 60, 60), 8)
    cv2.rectangle(icon, (36, 40), (156, 70), (90, 90, 90), -1)
    if shown is None:
        cv2.ellipse(icon, (96, 112), (48, 20), 0, 0, 360, (40, 40, 40), 7)
    else:
        cv2.putText(icon, shown, (60, 140), 0, 2, (40, 40, 40), 8)
    for row in range(90, 160, 16):
        cv2.line(icon, (36, row), (156, row), (150, 150, 150), 2)
    return cv2.resize(icon, (48, 48), interpolation=cv2.INTER_AREA)


def test_a_small_drawing_that_shows_another_thing_is_no_copy():
    _, found = looked((sign(None), sign("A7")))

    assert (found.scores < MIN_COPY_SCORE).all()


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


def marked_all_over(seed):
    """A plain soft picture under the mark of a stock photograph."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(-20, 20, (5, 6)).astype(np.float32)
    soft = cv2.resize(coarse, (300, 240), interpolation=cv2.INTER_CUBIC)[..., None]
    picture = soft + np.array([190, 80, 60]) + random.normal(0, 1, (240, 300, 1))
    layer = np.zeros((240, 300), np.uint8)
    for row in (50, 130, 210):
        cv2.putText(layer, "STOCKPIX STOCK", (4, row), 0, 1.2, 255, 3, cv2.LINE_AA)
    cv2.line(layer, (0, 0), (300, 240), 255, 4)
    cv2.line(layer, (0, 240), (300, 0), 255, 4)
    opacity = 0.8 * layer[..., None] / 255
    return np.uint8(np.clip(picture, 0, 255) * (1 - opacity) + 255 * opacity)


def test_plain_pictures_under_one_mark_are_no_copies():
    rows, _ = looked((marked_all_over(2), marked_all_over(52)))

    assert rows.tolist() == []


def window(picture, bar, ground):
    """Shows it in a window with a title bar and a word in it."""
    framed = cv2.copyMakeBorder(
        picture, 20, 6, 4, 4, cv2.BORDER_CONSTANT, value=(ground,) * 3
    )
    framed[:10] = bar
    cv2.putText(framed, "Photos", (3, 8), 0, 0.3, (255 - bar,) * 3, 1, cv2.LINE_AA)
    return framed


@pytest.mark.parametrize(("bar", "ground"), [(90, 20), (90, 245), (245, 245)])
def test_a_window_around_a_picture_is_left_aside(bar, ground):
    picture = photo("astronaut")

    inside = closer_picture(window(picture, bar, ground), (SIDE + 8, SIDE + 26))

    assert inside.framed
    assert np.allclose(inside.size, SIDE, atol=6)


def test_nothing_is_left_aside_below_a_plain_sky():
    picture = photo("coffee")
    picture[:12] = 200
    # Nor is a stripe without a word a title bar
    striped = cv2.resize(photo("coffee"), (128, 128))
    striped[:12], striped[12:24], striped[-12:] = 120, 20, 20

    assert not closer_picture(picture, (SIDE, SIDE)).framed
    assert not closer_picture(striped, (128, 128)).framed


def test_a_caption_over_a_third_of_a_small_picture_hides_no_copy():
    pale = cv2.resize(photo("astronaut"), (48, 48), interpolation=cv2.INTER_AREA)
    pale = np.uint8(pale * 0.4 + 90)
    captioned, replaced = pale.copy(), pale.copy()
    captioned[26:42, 4:] = 255
    cv2.putText(captioned, "sample", (6, 38), 0, 0.4, (160, 0, 0))
    # Another thing in the middle is none
    replaced[12:34, 12:38] = cv2.resize(photo("coffee"), (26, 22))

    assert looked((pale, captioned))[1].scores[0] > 0.95
    assert (looked((pale, replaced))[1].scores < MIN_COPY_SCORE).all()
