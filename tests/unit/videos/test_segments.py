"""Which stretches of a video show nothing, by made statistics of its frames."""

import numpy as np

from core.reading.image_statistics import IMAGE_STATISTICS
from core.videos.held import NOT_STILL, StillRun, StillRuns
from core.videos.segments import LOOKS_OF_FRAMES, find_segments, typical_statistics

STEP, RATE = 0.5, 25
LIT = {
    "brightest": 220,
    "darkest": 10,
    "contrast": 50,
    "entropy": 7,
    "detail": 400,
    "steepest": 120,
    "steepest_blurred": 40,
}
BLACK = {"brightest": 2, "contrast": 0.5, "entropy": 0.1, "detail": 0, "steepest": 2}
SOFT = {"detail": 2, "steepest": 40, "steepest_blurred": 39}
DIM = {"brightest": 40}
FADED = {"contrast": 10, "detail": 16, "steepest": 24, "steepest_blurred": 8}
TITLE = {**BLACK, "detail": 20, "steepest": 60}


def segments(*looks, held=None):
    """Segments of a video of so many half seconds; some frames held for longer."""
    steps = np.array(held or [1] * len(looks))
    begins = np.concatenate([[0], np.cumsum(steps)])
    number = (begins[:-1] * STEP * RATE).astype(np.int64)
    last = (begins[1:] * STEP * RATE).astype(np.int64) - 1
    statistics = np.array(
        [[{**LIT, **look}.get(name, 0) for name in IMAGE_STATISTICS] for look in looks],
        np.float32,
    )
    still = np.stack([number, last, steps * STEP], axis=1).astype(np.float64)
    still[steps < 3] = -1, -1, 0
    found = find_segments(
        statistics, number, last, begins[:-1] * STEP, begins[-1] * STEP, still, STEP
    )
    return [(LOOKS_OF_FRAMES[kind], first, last) for kind, first, last in found]


def test_each_kind_is_found_with_its_first_and_last_frame():
    for name, look in (("black", BLACK), ("blurry", SOFT), ("dark", DIM)):
        found = segments(*[{}] * 4, *[look] * 4, *[{}] * 4)
        assert found == [(name, 50, 99)], name


def test_a_frame_that_stands_still_for_two_seconds_is_frozen():
    assert segments({}, {}, {}, held=[2, 4, 2]) == [("frozen", 25, 74)]
    assert segments({}, {}, {}, held=[2, 2, 2]) == []


def still_runs(likeness):
    """Runs of samples that differ from the one before (0), a little (1), or not (2)."""
    runs, told = StillRuns(), [int(one) for one in likeness.split()]
    for place, like in enumerate(told):
        runs.note(12 * place, place / 2, is_still=like == 2, is_alike=like > 0)
    runs.end(12 * len(told), len(told) / 2)
    return runs


def test_a_key_frame_does_not_end_a_picture_that_stands_still():
    assert still_runs("0 2 1 2 0 0").runs == [StillRun(0, 47, 2.0)]
    # Noise alone, and a change after which nothing stands still
    assert still_runs("0 1 1 1 1 1 1").runs == []
    assert still_runs("0 2 2 1 1 1 0").runs == [StillRun(0, 35, 1.5)]


def test_noise_of_a_camera_is_told_from_a_picture_that_stands_still():
    runs = still_runs("0 2 2 2 0 2 0 0 2 2")

    assert runs.runs == [StillRun(0, 47, 2.0), StillRun(84, 119, 1.5)]
    assert runs.longest(0, 119) == StillRun(0, 47, 2.0)
    assert runs.longest(48, 80) == NOT_STILL


def test_black_that_is_held_is_black_and_not_frozen():
    assert segments({}, BLACK, {}, held=[2, 6, 2]) == [("black", 25, 99)]


def test_half_a_second_is_no_stretch():
    assert segments({}, {}, BLACK, {}, SOFT, {}, {}) == []


def test_a_video_that_is_soft_throughout_is_not_blurry():
    assert segments(*[SOFT] * 10) == []


def test_a_fade_is_not_blurry_and_a_title_on_black_is_not_black():
    assert segments(*[{}] * 6, *[FADED] * 4) == []
    assert segments(*[{}] * 6, *[TITLE] * 4) == []
    assert segments(*[{}] * 4, *[TITLE] * 4, *[BLACK] * 4) == [("black", 100, 149)]


def test_what_is_typical_is_what_half_of_the_time_shows():
    looks = [LIT, {**LIT, **BLACK}]
    statistics = np.array(
        [[look.get(name, 0) for name in IMAGE_STATISTICS] for look in looks],
        np.float32,
    )
    column = IMAGE_STATISTICS.index("brightest")

    short = typical_statistics(statistics, np.array([0.0, 8.0]), 10)
    long = typical_statistics(statistics, np.array([0.0, 2.0]), 10)

    assert (short[column], long[column]) == (220, 2)
