"""What several threads ask for is made by one, while the others wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.common.made_once import made_once


def test_threads_that_ask_at_once_get_what_one_makes():
    asked, go_on = [], threading.Event()

    @made_once(2)
    def double(number):
        asked.append(number)
        assert go_on.wait(10)
        return [2 * number]

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(double, number) for number in (1, 1, 2, 1)]
        go_on.set()
        one, same, other, third = (answer.result() for answer in answers)

    assert sorted(asked) == [1, 2]
    assert one is same is third
    assert (one, other) == ([2], [4])


def test_what_was_asked_for_last_is_kept():
    asked = []
    double = made_once(2)(lambda number: asked.append(number) or 2 * number)

    assert [double(one) for one in (1, 2, 1, 3, 1, 2)] == [2, 4, 2, 6, 2, 4]

    assert asked == [1, 2, 3, 2]


def test_what_could_not_be_made_is_not_kept():
    asked, answers = [], [None, "there", "not asked for"]
    read = made_once(2)(lambda number: asked.append(number) or answers.pop(0))

    assert [read(7), read(7), read(7)] == [None, "there", "there"]
    assert asked == [7, 7]


def test_an_error_is_told_to_all_and_not_kept():
    asked = []

    @made_once(2)
    def refuse(number):
        asked.append(number)
        raise ValueError(number)

    for _ in range(2):
        with pytest.raises(ValueError, match="7"):
            refuse(7)

    assert asked == [7, 7]
