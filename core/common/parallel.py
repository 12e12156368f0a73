"""Work that is divided among threads, with its results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .cpu import available_cores

Part = TypeVar("Part")
Result = TypeVar("Result")


def threads_of_short_calls() -> int:
    """Returns how many threads make short calls of NumPy and OpenCV side by side.

    Each such call gives the interpreter's lock up, and threads that make them at once
    wake one another all the time. On a Xeon of two cores 16,142 pairs of look-alikes
    are compared in 19.7 CPU seconds by one thread, 19.5 by the clock, and in 27.3 and
    17.2 by two; 162 closer looks take 3.1 and 2.9, by two 4.0 and 2.6. All comparisons
    of 24,335 scenes take 46 and 40, by two 55 and 35. More cores were not measured.
    """
    return max(1, available_cores() // 2)


def in_threads(
    work: Callable[[Part], Result], parts: Sequence[Part], most_threads: int
) -> Iterator[tuple[Part, Result]]:
    """Yields each part with its result, in the order of the parts.

    Sums round differently with the number of BLAS threads, so each part has one, and
    the parts lie side by side. Where the caller stops, after a cancel, say, parts that
    run are waited for, and those that wait are not begun.

    Args:
        work: called from several threads at once
        parts: what it is called with
        most_threads: as each of them holds its own work space
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, "blas"):
        pool = ThreadPoolExecutor(min(most_threads, threads_of_short_calls()))
        try:
            yield from zip(parts, pool.map(work, parts), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)
