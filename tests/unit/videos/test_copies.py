"""What two videos share, on made frames and on made links."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.videos.chains import longest_chain
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
