"""What two videos share, on made frames and on made links."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.copy_detection import PairScores, relation_bits
from core.videos.chains import Links, VideoFrames, links_at_one_speed, longest_chain
from core.videos.copies import _unless_by_one_camera
from core.videos.video_pairs import VideoPairs, shared_intros


def brute_force(numbers):
    """The most numbers in a row of places that only grow."""
    return max(
        (
            len(places)
            for size in range(len(numbers) + 1)
            for places in itertools.combinations(range(len(numbers)), size)
            if all(numbers[a] < numbers[b] for a, b in itertools.pairwise(places))
        ),
        default=0,
    )


@given(st.lists(st.integers(0, 8), max_size=9))
def test_the_longest_chain_is_as_long_as_that_of_brute_force(numbers):
    chain = longest_chain(numbers)

    assert len(chain) == brute_force(numbers)
    assert chain == sorted(set(chain))
    assert all(numbers[a] < numbers[b] for a, b in itertools.pairwise(chain))


def test_the_longest_chain_of_an_hour_is_found_at_once():
    forward = np.arange(7200)
    assert longest_chain(forward.tolist()) == forward.tolist()


def pairs_of(*stretches):
    """Pairs (a, b), each with the end of what both show from their beginning on."""
    ends = [end for _, end in stretches]
    count = len(stretches)
    return VideoPairs(
        np.array([pair for pair, _ in stretches], np.int32),
        np.full(count, 0.2, np.float32),
        np.ones(count, bool),
        np.zeros(count, np.int16),
        np.zeros(count, np.uint8),
        np.ones(count, bool),
        np.array([[[0.0, end], [0.0, end]] for end in ends]),
    )


def test_what_three_episodes_begin_with_is_an_intro():
    pairs = pairs_of(((0, 1), 20.0), ((0, 2), 20.0), ((1, 2), 20.0))

    assert shared_intros(pairs, np.full(3, 100.0)).all()


@pytest.mark.parametrize(
    ("pairs", "seconds"),
    [
        (pairs_of(((0, 1), 20.0)), 100.0),  # two videos are no series
        (pairs_of(((0, 1), 20.0), ((0, 2), 20.0), ((1, 2), 20.0)), 50.0),  # too long
    ],
)
def test_other_beginnings_are_none(pairs, seconds):
    assert not shared_intros(pairs, np.full(3, seconds)).any()


def linked(step=0.5, count=6, copies=((3, 3),), late=0.0):
    """Links of a still scene: every frame of one video is most like frame 3."""
    seconds = np.arange(count) * step
    frames = VideoFrames(
        video=np.repeat(np.arange(2, dtype=np.int32), count),
        seconds=np.concatenate([seconds, seconds + late]),
        vectors=np.zeros((2 * count, 4), np.float32),
        signatures=np.zeros((2 * count, 4608), np.uint8),
        sizes=np.full((2 * count, 2), 64, np.int32),
        step=step,
    )
    ends = np.stack([np.arange(count), np.full(count, count + 3)], axis=1)
    score = np.zeros(count, np.float32)
    for one, other in copies:
        ends[one, 1], score[one] = count + other, 0.9
    scores = PairScores.of_nothing(count)
    scores.scores[:] = score
    places = [slice(0, count), slice(count, 2 * count)]
    return frames, places, Links(ends, 0, 1), scores


def test_what_a_copy_says_of_the_time_links_all_other_frames():
    frames, places, links, scores = linked()

    in_time, apart = links_at_one_speed(frames, places, links, scores, 200)

    assert (in_time.ends[:, 1] - in_time.ends[:, 0]).tolist() == [6] * 6
    assert in_time.ends[:, 0].tolist() == [*range(6)]
    assert apart.ends[:, 0].tolist() == [*range(6)] * 3
    # A quarter, a half and three quarters of the time away
    assert apart.ends[:6, 1].tolist() == [11, 6, 7, 8, 9, 10]
    assert apart.ends[6:12, 1].tolist() == [9, 10, 11, 6, 7, 8]
    assert apart.ends[12:, 1].tolist() == [8, 9, 10, 11, 6, 7]


def test_most_copies_say_when_one_begins_in_the_other():
    frames, places, links, scores = linked(copies=((0, 2), (1, 3), (3, 3)))

    in_time, _ = links_at_one_speed(frames, places, links, scores, 200)

    # Two seconds into the longer, which ends before the shorter does
    assert in_time.ends.tolist() == [[0, 8], [1, 9], [2, 10], [3, 11], [4, 11]]


def test_without_a_copy_nothing_is_said_of_the_time():
    frames, places, links, scores = linked(copies=())

    assert links_at_one_speed(frames, places, links, scores, 200) is None


def test_few_of_many_frames_are_linked_evenly():
    frames, places, links, scores = linked(count=50)

    in_time, _ = links_at_one_speed(frames, places, links, scores, 10)

    assert in_time.ends[:, 0].tolist() == [*range(0, 50, 5)]


@pytest.mark.parametrize(
    ("change", "is_always_alike", "is_copy"),
    [
        ("edited", True, False),  # two people before one camera
        ("edited", False, True),  # a copy with a caption
        ("resized", True, True),  # a scene in which little moves
    ],
)
def test_what_is_alike_at_all_times_but_for_a_part_is_the_camera(
    change, is_always_alike, is_copy
):
    told = VideoPairs(
        np.array([[0, 1]], np.int32),
        np.array([0.5], np.float32),
        np.array([True]),
        np.array([relation_bits("trimmed", change)], np.int16),
        np.zeros(1, np.uint8),
        np.array([False]),
        np.zeros((1, 2, 2)),
    )

    settled = _unless_by_one_camera(told, is_always_alike)

    assert settled.agrees[0] == is_copy
    assert settled.scene[0] != is_copy
    assert _unless_by_one_camera(None, True) is None
