"""A worker process: does the work that is named to it, part by part.

Threads share one interpreter, whose lock they need for much of short work; that limits
how much they do at once, however many cores there are. A process has an interpreter of
its own.

It is started as ``python -m core.common.worker`` in the plugin's folder, since
functions of a plugin cannot be pickled: FiftyOne gives their modules other names. So
work is named, and only plain values go through the pipes: numbers, bytes, arrays.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import IO, Any, NamedTuple


class Work(NamedTuple):
    """What is done with the values of each part.

    Attributes:
        module: such as ``core.copy_detection.verify``
        maker: a function of it, which returns what is called with the values
        settings: plain values, hashable, that the maker is called with once a process
    """

    module: str
    maker: str
    settings: tuple[Any, ...]


def work_of(maker: Callable[..., Callable[..., Any]], *settings: Any) -> Work:
    """Returns the work of a function or class of ours, by which any process finds it.

    Example:
        >>> work_of(Work, 1)
        Work(module='core.common.worker', maker='Work', settings=(1,))
    """
    hash(settings)  # A worker finds by them what it has made
    above = __name__.removesuffix("core.common.worker")
    module = maker.__module__.removeprefix(above)
    return Work(module, maker.__name__, settings)


def send(pipe: IO[bytes], message: object) -> None:
    """Writes one message, of plain values only."""
    pickle.dump(message, pipe)
    pipe.flush()


def _main() -> None:
    # Ctrl+C is for the process that started this one, which then ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks, answers = sys.stdin.buffer, _answers()
    import cv2

    cv2.setNumThreads(1)
    made: dict[Work, Callable[..., Any]] = {}
    send(answers, True)
    while True:
        try:
            named, values = pickle.load(tasks)  # noqa: S301 (our parent's)
        except EOFError:
            return
        send(answers, _answer(made, Work(*named), values))


def _answer(
    made: dict[Work, Callable[..., Any]], work: Work, values: tuple[Any, ...] | None
) -> tuple[bool, Any]:
    """Returns whether a part could be done, and its result; without values, whether
    all is ready for parts."""
    # What goes wrong happens again, and is raised, where we were started
    with contextlib.suppress(Exception):
        if work not in made:
            maker = getattr(importlib.import_module(work.module), work.maker)
            made[work] = maker(*work.settings)
        return True, None if values is None else made[work](*values)
    return False, None


def _answers() -> IO[bytes]:
    """Keeps the standard output for answers: what a library prints goes elsewhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    _main()
