"""Processes of our own that are spoken to through pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

Child = subprocess.Popen[bytes]

_THREADS_OF_BLAS = "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"


def command_of(module: str) -> tuple[str, ...]:
    """Returns what starts a module of ours, such as ``core.videos.decoder``.

    By this name, since FiftyOne gives the modules of a plugin other ones.
    """
    return sys.executable, "-m", module


def start_child(command: Sequence[str]) -> Child | None:
    """Starts a process in the plugin's folder; returns None where none can be started.

    Its standard input and output are pipes, and what it complains of is dropped.
    """
    with contextlib.suppress(OSError):
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **dict.fromkeys(_THREADS_OF_BLAS, "1")},
        )
    return None


def end_child(child: Child) -> None:
    """Ends a process, whatever it is doing, and closes its pipes."""
    child.kill()
    with contextlib.suppress(OSError):  # what was still to be written
        child.communicate()
