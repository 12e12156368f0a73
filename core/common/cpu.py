"""How many processors this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Returns the cores we may run on, where the system can tell; else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
