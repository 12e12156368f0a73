import threading
import time

import pytest
from threadpoolctl import threadpool_info

from core.common.parallel import in_threads


def test_results_come_with_their_parts_in_order():
    def slower_at_first(part):
        time.sleep(0.02 if part == 0 else 0)
        return part**2

    found = list(in_threads(slower_at_first, range(5), 2))

    assert found == [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)]


def test_parts_lie_side_by_side_with_one_thread_of_blas_each(monkeypatch):
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: 4)
    both = threading.Barrier(2, timeout=10)

    def threads_of_blas(part):
        both.wait()
        blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
        return {one["num_threads"] for one in blas}

    assert [found for _, found in in_threads(threads_of_blas, "ab", 2)] == [{1}, {1}]


def test_no_more_threads_than_asked_for(monkeypatch):
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: 16)
    names = {
        name
        for _, name in in_threads(
            lambda part: time.sleep(0.01) or threading.current_thread().name,
            range(12),
            3,
        )
    }

    assert len(names) == 3


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 2)])
def test_threads_that_would_wake_one_another_are_half_as_many_as_cores(
    monkeypatch, cores, threads
):
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: cores)
    names = in_threads(
        lambda part: time.sleep(0.01) or threading.current_thread().name, range(8), 8
    )

    assert len({name for _, name in names}) == threads


def test_what_waits_is_not_begun_once_the_caller_stops(monkeypatch):
    monkeypatch.setattr("core.common.parallel.available_cores", lambda: 1)
    begun = []

    def note(part):
        begun.append(part)
        time.sleep(0.02)

    def cancelled():
        for part, _ in in_threads(note, range(50), 1):
            raise KeyboardInterrupt(part)

    with pytest.raises(KeyboardInterrupt):
        cancelled()

    assert len(begun) < 5
