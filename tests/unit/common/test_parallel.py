import os
import threading
import time
from functools import partial

import pytest
from threadpoolctl import threadpool_info

from core.common.cpu import limited_to
from core.common.parallel import (
    in_parallel,
    processes_for,
    side_by_side,
    workers_kept,
)
from core.common.worker import work_of
from core.common.worker_process import WorkerProcess


def call(function):
    """Makes what calls a function, as makers of ours do."""
    return function


def in_threads(function, parts, most_threads):
    with in_parallel(
        call, (function,), parts, lambda part: (part,), most_threads=most_threads
    ) as found:
        yield from found


def by_processes(text, parts, processes=3):
    """Evaluates a text in several processes, for each part as ``it``."""
    return in_parallel(
        partial,
        (eval,),
        list(parts),
        lambda it: (text, {"it": it, "here": os.getpid()}),
        most_threads=4,
        processes=processes,
    )


def in_processes(text, parts, processes=3):
    with by_processes(text, parts, processes) as found:
        return list(found)


@pytest.fixture
def cores(monkeypatch):
    def set_cores(count):
        monkeypatch.setattr("core.common.parallel.available_cores", lambda: count)

    return set_cores


def test_results_come_with_their_parts_in_order():
    def slower_at_first(part):
        time.sleep(0.02 if part == 0 else 0)
        return part**2

    found = list(in_threads(slower_at_first, range(5), 2))

    assert found == [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)]


def test_parts_lie_side_by_side_with_one_thread_of_blas_each(cores):
    cores(4)
    both = threading.Barrier(2, timeout=10)

    def threads_of_blas(part):
        both.wait()
        blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
        return {one["num_threads"] for one in blas}

    assert [found for _, found in in_threads(threads_of_blas, "ab", 2)] == [{1}, {1}]


def test_no_more_threads_than_asked_for(cores):
    cores(16)
    names = {
        name
        for _, name in in_threads(
            lambda part: time.sleep(0.01) or threading.current_thread().name,
            range(12),
            3,
        )
    }

    assert len(names) == 3


@pytest.mark.parametrize(("count", "threads"), [(1, 1), (2, 1), (4, 2)])
def test_threads_that_would_wake_one_another_are_half_as_many_as_cores(
    cores, count, threads
):
    cores(count)
    names = in_threads(
        lambda part: time.sleep(0.01) or threading.current_thread().name, range(8), 8
    )

    assert len({name for _, name in names}) == threads


def test_what_waits_is_not_begun_once_the_caller_stops(cores):
    cores(1)
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


def test_processes_share_the_parts_whose_results_come_in_order(cores, worker_processes):
    cores(3)
    # Long enough that none does all parts before another has started
    text = "__import__('time').sleep(.2) or (it, __import__('os').getpid())"

    found = in_processes(text, range(30))

    assert [part for part, _ in found] == list(range(30))
    assert [it for _, (it, _) in found] == list(range(30))
    assert len({process for _, (_, process) in found}) == 3
    assert not worker_processes()


@pytest.mark.parametrize("trouble", ["__import__('os').abort()", "1 / 0"])
def test_what_a_process_cannot_do_is_done_here(cores, trouble, answers_of_workers):
    cores(3)
    # Long enough that the processes have started before all is done
    text = (
        "(__import__('time').sleep(.2) or it)"
        f" if __import__('os').getpid() == here else {trouble}"
    )

    assert in_processes(text, range(8)) == [(it, it) for it in range(8)]
    assert answers_of_workers
    assert not any(answers_of_workers)


def test_what_goes_wrong_everywhere_is_raised_here(cores, worker_processes):
    cores(3)

    with pytest.raises(ZeroDivisionError):
        in_processes("1 / (it - 5)", range(8))

    assert not worker_processes()


def test_where_no_process_starts_all_is_done_here(cores, monkeypatch):
    cores(3)
    monkeypatch.setattr("core.common.worker_process.start_child", lambda command: None)

    assert in_processes("it + 1", range(4)) == [(it, it + 1) for it in range(4)]


def test_a_cancel_leaves_no_process_though_the_error_is_held(cores, worker_processes):
    def cancelled():
        with by_processes("__import__('time').sleep(.05)", range(90)) as found:
            for part, _ in found:
                raise KeyboardInterrupt(part)

    with pytest.raises(KeyboardInterrupt) as held:
        cancelled()

    assert held.traceback
    assert not worker_processes()


def test_no_more_than_so_many_threads_stand_in_for_processes(cores, monkeypatch):
    cores(4)
    monkeypatch.setattr("core.common.worker_process.start_child", lambda command: None)
    at_once, running, lock = [], [0], threading.Lock()

    def work(_):
        with lock:
            running[0] += 1
            at_once.append(running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    asked = call, (work,), range(24), lambda part: (part,)
    with in_parallel(*asked, most_threads=8, processes=12) as found:
        list(found)

    assert max(at_once) == 2


def test_as_many_processes_as_the_work_is_worth(cores):
    cores(64)
    counts = [processes_for(count, 100) for count in (0, 199, 200, 900, 10**6)]

    assert counts == [1, 1, 2, 9, 16]
    cores(4)
    assert processes_for(10**6, 100) == 4


def test_processes_are_kept_for_what_follows(cores, worker_processes):
    cores(3)
    text = "__import__('time').sleep(.2) or __import__('os').getpid()"

    with workers_kept():
        one = {process for _, process in in_processes(text, range(30))}
        with workers_kept():
            other = {process for _, process in in_processes(text, range(30))}
        assert len(worker_processes()) == 2
        worker_processes()[0].kill()
        in_processes(text, range(30))
        later = {process for _, process in in_processes(text, range(30))}

    assert len(one) == 3 and one == other
    assert len(later) == 3 and len(later & one) == 2
    assert not worker_processes()


def test_processes_that_are_there_do_work_that_none_is_started_for(cores):
    cores(4)

    with workers_kept():
        assert processes_for(5, 100) == 1
        in_processes("it", range(30))
        assert processes_for(5, 100) == 3
        assert processes_for(500, 100) == 4
    assert processes_for(5, 100) == 1


def test_what_waits_is_not_begun_after_an_error():
    begun = []

    def work(part):
        begun.append(part)
        time.sleep(0.05)
        return -part

    with (
        pytest.raises(KeyError),
        side_by_side(work, range(40), threads=2) as done,
    ):
        assert next(done) == (0, 0)
        raise KeyError

    assert len(begun) < 6
    with side_by_side(work, range(5), threads=2) as done:
        assert list(done) == [(part, -part) for part in range(5)]


def test_a_process_that_was_ended_is_not_started_by_who_asks_late(worker_processes):
    worker = WorkerProcess()
    worker.end()

    assert worker.ask(work_of(partial, eval), "1") is None
    assert worker.is_dead
    assert not worker_processes()


def test_settings_by_which_nothing_is_found_again_are_refused(cores):
    cores(3)

    with (
        pytest.raises(TypeError, match="unhashable"),
        in_parallel(
            partial, (eval, []), range(8), repr, most_threads=1, processes=3
        ) as found,
    ):
        list(found)


def test_a_task_beside_others_is_worth_no_process():
    with limited_to(1):
        assert processes_for(10**6, 100) == 1


def test_one_part_starts_no_process(cores, monkeypatch):
    cores(8)
    monkeypatch.setattr("core.common.worker_process.start_child", pytest.fail)

    assert in_processes("it", [7]) == [(7, 7)]
