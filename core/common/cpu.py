"""How many processors this process, or a part of its work, may use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar

_limit: ContextVar[int | None] = ContextVar("cores", default=None)


def available_cores() -> int:
    """Returns the cores we may run on, where the system can tell; else all.

    Within :func:`limited_to`, no more than that.
    """
    limit = _limit.get()
    return _cores() if limit is None else min(limit, _cores())


@contextlib.contextmanager
def limited_to(cores: int) -> Iterator[None]:
    """Limits :func:`available_cores` for what the calling thread does meanwhile.

    For a task beside others: a cluster gives each so many cores, and the system
    still says that all of them are there.
    """
    before = _limit.set(cores)
    try:
        yield
    finally:
        _limit.reset(before)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
