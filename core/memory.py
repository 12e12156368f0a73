"""Gives memory that is free back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import sys


def give_back() -> None:
    """Returns what the C library holds for later use, where it can be asked.

    Between stages of a scan: each thread of glibc keeps what it has freed, which
    after a scan of 25,000 images was 108 MB of 397.
    """
    if sys.platform == "linux":
        # Other C libraries than glibc have no such function
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)
