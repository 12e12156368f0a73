"""Work that is divided among threads, with its results in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .cpu import available_cores

Part = TypeVar("Part")
Result = TypeVar("Result")


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
        pool = ThreadPoolExecutor(min(most_threads, available_cores()))
        try:
            yield from zip(parts, pool.map(work, parts), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)
