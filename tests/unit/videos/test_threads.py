"""How many threads decode each video."""

import pytest

from core.videos.embed import threads_of


@pytest.mark.parametrize(
    ("sizes", "cores", "threads"),
    [
        ([], 2, []),
        ([0, 0], 2, [1, 1]),
        ([500], 4, [4]),
        ([1000, 10], 2, [2, 1]),
        ([100] * 4, 16, [4] * 4),
        ([300, 100, 100, 100], 4, [2, 1, 1, 1]),
    ],
)
def test_a_long_video_among_few_is_decoded_by_more_threads(sizes, cores, threads):
    assert threads_of(sizes, cores) == threads


def test_of_many_videos_each_is_decoded_by_one_thread():
    assert threads_of([100] * 1000, 8)[:980] == [1] * 980
