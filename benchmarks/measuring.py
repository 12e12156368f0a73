"""How much memory this process takes, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


def peak_megabytes() -> float:
    """Returns the most that was resident, pages of mapped files included.

    Not ru_maxrss: a child inherits its parent's.
    """
    return _megabytes("VmHWM")


def own_megabytes() -> float:
    """Returns what is resident now and belongs to no file."""
    return _megabytes("RssAnon")


def _megabytes(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024
