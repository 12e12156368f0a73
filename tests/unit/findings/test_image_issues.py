import cv2
import numpy as np
import pytest

from core.findings.image_issues import (
    ISSUES,
    LOOKS,
    SURE_ISSUES,
    LookThresholds,
    flaws,
    image_issues,
    look_scores,
)
from core.reading.image_statistics import (
    IMAGE_STATISTICS,
    LEVELS,
    column,
    image_statistics,
    note_levels,
    sharpness,
)

LONGEST_GRAY = 256


def measured(*pictures):
    """Returns the statistics of RGB pictures, as a scan takes them."""
    levels = np.zeros(len(pictures), LEVELS)
    squares = np.zeros((len(pictures), 128, 128, 3), np.uint8)
    heights, widths = np.array([picture.shape[:2] for picture in pictures]).T
    for row, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        scale = min(1, LONGEST_GRAY / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        note_levels(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), levels[row])
        squares[row] = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    return image_statistics(levels, squares, widths, heights)


def judged(statistics):
    """Returns the issues of whole files."""
    return image_issues(statistics, np.zeros(len(statistics), bool))


def issues_of(*pictures):
    flags = judged(measured(*pictures))
    return [{ISSUES[i] for i in np.flatnonzero(row)} for row in flags]


def photo(width=300, height=200, seed=0):
    """Patches of many sizes and colors, with the texture of a photograph."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (3, 7, 20, 60):
        noise = random.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
        way = cv2.INTER_NEAREST if cells == 7 else cv2.INTER_CUBIC
        picture += cv2.resize(noise, (width, height), interpolation=way) / 4
    stretched = (picture - 127) * 2 + 127
    return np.clip(stretched, 0, 255).astype(np.uint8)


def drawing(size=200):
    """A flat disc on white."""
    picture = np.full((size, size, 3), 255, np.uint8)
    cv2.circle(picture, (size // 2, size // 2), size // 4, (200, 30, 30), -1)
    return picture


def blurred(picture, share_of_side):
    return cv2.GaussianBlur(picture, (0, 0), share_of_side * max(picture.shape[:2]))


def test_an_ordinary_picture_has_no_issue():
    assert issues_of(photo()) == [set()]


def test_a_picture_without_light_is_dark_and_not_blurry():
    dark = (photo() * 0.08).astype(np.uint8)

    assert "dark" in issues_of(dark)[0]
    assert "blurry" not in issues_of(dark)[0]


def lit(brightest, count):
    """Returns the statistics of so many ordinary pictures with such lights."""
    table = np.tile(measured(photo()), (count, 1))
    table[:, IMAGE_STATISTICS.index("brightest")] = brightest
    return table


def dark_of(*groups, **thresholds):
    table = np.concatenate([lit(level, count) for level, count in groups])
    limits = LookThresholds(**thresholds) if thresholds else None
    found = image_issues(table, np.zeros(len(table), bool), limits)
    return int(found[:, ISSUES.index("dark")].sum())


def test_a_nearly_black_forest_is_dark_among_pictures_in_daylight():
    assert dark_of((74, 4), (100, 2), (230, 100)) == 4


def test_pictures_as_dark_as_many_others_are_not_dark():
    # Below 80 are 20 %: there, only those below 64 are dark
    assert dark_of((74, 20), (50, 4), (230, 76)) == 4
    # Below 64 is most of the set
    assert dark_of((40, 60), (230, 40)) == 0


def test_a_lone_black_picture_is_dark():
    assert dark_of((20, 1)) == 1


@pytest.mark.parametrize(
    ("groups", "bright"),
    [
        (((200, 4), (20, 96)), 4),
        # Scanned pages: above 180 are 12 %, and only what is above 220 is washed out
        (((190, 12), (230, 1), (20, 87)), 1),
        (((230, 60), (20, 40)), 0),
        (((230, 1),), 1),
    ],
)
def test_pictures_as_bright_as_many_others_are_not_bright(groups, bright):
    table = np.tile(measured(photo()), (sum(count for _, count in groups), 1))
    darkest = np.repeat([level for level, _ in groups], [n for _, n in groups])
    table[:, IMAGE_STATISTICS.index("darkest")] = darkest
    found = image_issues(table, np.zeros(len(table), bool))

    assert found[:, ISSUES.index("bright")].sum() == bright


def test_thresholds_on_looks_can_be_moved():
    table = measured(photo(), blurred(photo(), 0.01))
    whole = np.zeros(2, bool)
    scores = dict(zip(LOOKS, look_scores(table).T, strict=True))
    names = {
        "dark": {"min_brightest": scores["brightest"].max() + 1},
        "bright": {"max_darkest": scores["darkest"].min() - 1},
        "blurry": {"min_sharpness": scores["sharpness"].mean()},
        "low_information": {"min_information": 8},
    }

    for name, moved in names.items():
        limits = LookThresholds(**{"min_brightest": 0, "max_darkest": 255, **moved})
        found = image_issues(table, whole, limits)
        flagged = [ISSUES[i] for i in np.flatnonzero(found.any(axis=0))]
        assert flagged == [name]
    limits = LookThresholds(0, 255, min_sharpness=scores["sharpness"].mean())
    assert image_issues(table, whole, limits)[:, ISSUES.index("blurry")].tolist() == [
        False,
        True,
    ]


def test_information_is_little_with_few_levels_or_little_contrast():
    blank, faint, full = (
        np.full((60, 60, 3), 90, np.uint8),
        (photo() * 0.02 + 100).astype(np.uint8),
        photo(),
    )

    information = look_scores(measured(blank, faint, full))

    assert information[0, 3] == 0
    assert information[1, 3] < 0.5 < information[2, 3]


def test_a_night_scene_with_lights_is_not_dark():
    night = (photo() * 0.08).astype(np.uint8)
    night[50:70, 50:90] = 230

    assert "dark" not in issues_of(night)[0]


def test_a_washed_out_picture_is_bright():
    washed = np.clip(photo() * 0.22 + 224, 0, 255).astype(np.uint8)

    assert "bright" in issues_of(washed)[0]


def test_a_drawing_on_white_is_not_bright():
    assert issues_of(drawing()) == [set()]


@pytest.mark.parametrize("side", [150, 400, 1600])
def test_a_blurred_picture_is_blurry_at_any_resolution(side):
    picture = photo(side, side * 2 // 3)

    assert issues_of(blurred(picture, 0.04)) == [{"blurry"}]
    assert issues_of(picture) == [set()]


def test_flat_drawings_are_sharp_and_blurred_ones_are_not():
    assert "blurry" not in issues_of(drawing())[0]
    assert "blurry" in issues_of(blurred(drawing(), 0.05))[0]


def test_sharpness_falls_with_blur():
    steps = [photo(), *(blurred(photo(), share) for share in (0.005, 0.01, 0.02, 0.04))]

    sharp = sharpness(measured(*steps))

    assert (np.diff(sharp) < 0).all()


@pytest.mark.parametrize("color", [0, 90, 255])
def test_a_blank_picture_has_low_information_and_is_not_blurry(color):
    blank = np.full((100, 100, 3), color, np.uint8)

    found = issues_of(blank)[0]

    assert "low_information" in found
    assert "blurry" not in found


def test_a_page_with_a_speck_has_low_information():
    page = np.full((200, 200, 3), 255, np.uint8)
    page[90:100, 90:100] = 0

    assert "low_information" in issues_of(page)[0]


def test_among_equal_sizes_half_and_double_are_odd_and_one_pixel_is_not():
    sizes = [(300, 200)] * 30 + [(150, 100), (600, 400), (301, 200)]

    found = issues_of(*(photo(*size) for size in sizes))

    assert [i for i, names in enumerate(found) if "odd_size" in names] == [30, 31]


def test_among_many_sizes_only_extreme_ones_are_odd():
    table = np.tile(measured(photo()), (101, 1))
    sides = np.r_[np.geomspace(400, 1600, 100), 20_000]
    table[:, IMAGE_STATISTICS.index("width")] = sides
    table[:, IMAGE_STATISTICS.index("height")] = sides

    found = judged(table)[:, ISSUES.index("odd_size")]

    assert np.flatnonzero(found).tolist() == [100]


def test_a_strip_has_an_odd_aspect_ratio_unless_strips_are_common():
    usual, strip = photo(), photo(600, 100)

    rare = issues_of(*[usual] * 20, strip)
    common = issues_of(*[usual] * 20, *[strip] * 20)

    assert "odd_aspect_ratio" in rare[20]
    assert not any("odd_aspect_ratio" in names for names in common)


def test_a_gray_picture_is_odd_among_colored_ones_only():
    gray = np.repeat(cv2.cvtColor(photo(), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)

    rare = issues_of(*[photo()] * 30, gray)
    common = issues_of(*[photo()] * 30, *[gray] * 10)

    assert rare[30] == {"grayscale"}
    assert not any(common)


def test_a_few_gray_pictures_in_a_hundred_are_no_issue_and_still_no_copies_to_keep():
    gray = np.repeat(cv2.cvtColor(photo(), cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    table = measured(*[photo()] * 96, *[gray] * 4)

    # Leaving some out must not turn the others into bad images
    for dropped in range(30):
        assert not judged(table[dropped:]).any()
    assert flaws(table).tolist() == [False] * 96 + [True] * 4
    assert not flaws(table[-6:]).any()


def test_no_pictures_have_no_issues():
    nothing = np.zeros((0, len(IMAGE_STATISTICS)), np.float32)

    assert judged(nothing).shape == (0, len(ISSUES))
    assert flaws(nothing).shape == (0,)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (60_000, 1), (3, 3)])
def test_the_smallest_pictures_are_measured(size):
    picture = np.full((size[1], size[0], 3), 7, np.uint8)

    table = measured(picture)

    assert np.isfinite(table).all()
    assert np.isfinite(sharpness(table)).all()


def test_columns_are_what_their_names_say():
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[:, 100:] = (250, 50, 50)

    table = measured(picture)

    assert column(table, "width") == 200
    assert column(table, "height") == 100
    assert column(table, "darkest") == 0
    assert column(table, "brightest") == column(table, "steepest") == 110
    assert column(table, "entropy") == pytest.approx(1)
    assert column(table, "contrast") == pytest.approx(55)
    assert column(table, "chroma") == 200


def test_what_its_decoder_calls_damaged_is_an_issue_whatever_it_looks_like():
    statistics = measured(*(photo(seed=seed) for seed in range(3)))

    flags = image_issues(statistics, np.array([False, True, False]))

    assert flags[:, ISSUES.index("damaged")].tolist() == [False, True, False]
    assert "damaged" in SURE_ISSUES
    assert not flags[:, 1:].any()
