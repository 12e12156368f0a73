"""A worker process as the process that started it sees it."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Sequence
from typing import Any

from .children import Child, command_of, end_child, start_child
from .worker import Work, send

WORKER = command_of("core.common.worker")


class WorkerProcess:
    """One worker process, which may be started again after its death.

    Args:
        command: starts it

    Attributes:
        is_ready: it lives, as far as is known, and waits for a part
    """

    def __init__(self, command: Sequence[str] = WORKER) -> None:
        self._command = command
        self._child: Child | None = None
        self._begun = False
        self.is_ready = False

    def start(self, work: Work | None = None) -> None:
        """Starts it, again if it runs, and waits until it is ready or has died.

        Args:
            work: for which it makes ready; None to leave that to the first part
        """
        self.end()
        self._child = start_child(self._command)
        self.is_ready = bool(self._received())
        if work is not None:
            self._send(work, None)

    def ask(self, work: Work, *values: Any) -> tuple[bool, Any] | None:
        """Has a part done; starts the process for the first one, unless it was ended.

        Returns:
            whether it could be done, and its result; None if the process died
        """
        if not self._begun:
            self.start()
        return self._send(work, values)

    @property
    def is_dead(self) -> bool:
        """It was started and is no more."""
        return self._begun and not self.is_ready

    def kill(self) -> None:
        """Ends the process at once; for any thread. Who asked it sees that it died."""
        child = self._child
        if child is not None:
            child.kill()

    def end(self) -> None:
        """Ends the process and closes its pipes."""
        child, self._child = self._child, None
        self._begun, self.is_ready = True, False
        if child is not None:
            end_child(child)

    def _send(
        self, work: Work, values: tuple[Any, ...] | None
    ) -> tuple[bool, Any] | None:
        child = self._child
        if not self.is_ready or child is None or child.stdin is None:
            return None
        self.is_ready, answer = False, None
        with contextlib.suppress(OSError):
            send(child.stdin, (tuple(work), values))
            answer = self._received()
        self.is_ready = answer is not None
        return answer

    def _received(self) -> Any:
        """Waits for a message; returns None if the process died."""
        child = self._child
        if child is None or child.stdout is None:
            return None
        try:
            return pickle.load(child.stdout)  # noqa: S301 (our child's)
        except (OSError, EOFError, pickle.UnpicklingError):
            return None
