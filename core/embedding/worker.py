"""A worker process: embeds the blocks of files that it is sent.

Threads share one interpreter, whose lock each file needs for a part of its time; that
limits how many images a second they read, however many cores there are. A process has
an interpreter of its own.

It is started as ``python -m core.embedding.worker`` in the plugin's folder, since
functions of a plugin cannot be pickled: FiftyOne gives their modules other names. It
writes to the stores of the process that started it, which then finds there what it
would have computed itself.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
from pathlib import Path
from typing import IO, NamedTuple


class WorkerSettings(NamedTuple):
    """What a worker is told first.

    Attributes:
        model: name of a model of :data:`core.models.registry.SPECS`, or None to
            describe the pictures only
        folder: where records are kept
        max_megapixels: larger pictures are refused from their header
    """

    model: str | None
    folder: str
    max_megapixels: float


def send(pipe: IO[bytes], message: object) -> None:
    """Writes one message, of plain values only."""
    pickle.dump(message, pipe)
    pipe.flush()


def _main() -> None:
    # Ctrl+C is for the process that started this one, which then ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    blocks, answers = sys.stdin.buffer, _answers()
    import cv2

    from ..models.registry import load_embedder
    from .file_pass import BlockEmbedder

    cv2.setNumThreads(1)
    settings = WorkerSettings(*pickle.load(blocks))  # noqa: S301 (our parent's)
    embedder = None if settings.model is None else load_embedder(settings.model)
    embed = BlockEmbedder(embedder, Path(settings.folder), settings.max_megapixels)
    send(answers, True)
    while True:
        try:
            paths = pickle.load(blocks)  # noqa: S301
        except EOFError:
            return
        # What went wrong happens again, and is raised, where we were started
        with contextlib.suppress(Exception):
            embed(paths)
        send(answers, True)


def _answers() -> IO[bytes]:
    """Keeps the standard output for answers: what a library prints goes elsewhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    _main()
