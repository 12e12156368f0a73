"""Runs tasks on Ray: the cores of this machine, or a cluster. Nothing else knows it.

Ray's core tasks schedule, retry and place; what they carry is a task's name and its
receipt. Of Ray are used ``init``, ``remote``, ``wait``, ``get`` and ``cancel``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from ..common.cpu import available_cores
from ..errors import CurationError, InputError
from .tasks import Receipt
from .thread_executor import ATTEMPTS

_TASKS_A_CORE = 4
"""In flight: so that no core waits for the driver."""

_LOOK_SECONDS = 0.2
_STORE_BYTES = 100_000_000
"""Of Ray's object store, which holds receipts only."""

_MODULE = Path(__file__).parents[1]


class ClusterError(CurationError):
    """A cluster that cannot be reached or started."""


@contextlib.contextmanager
def ray_executor(address: str | None) -> Iterator[RayExecutor]:
    """Joins a cluster, or starts Ray on this machine for as long as this is open.

    Ray's telemetry stays off; a Ray of our own has a token of its own, and keeps all
    its files in a temporary folder.

    Args:
        address: of a cluster, such as "auto"; None for this machine

    Raises:
        InputError: Ray is not installed
        ClusterError: it cannot be reached or started
    """
    # Before the import, which reads it
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "ENGINE=ray needs Ray, which is not installed. Run: .venv/bin/pip install "
            "-r requirements-ray.txt, or use ENGINE=threads."
        ) from error
    shared: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        # Workers have the packages; Winnow's own text is sent to them
        "runtime_env": {"py_modules": [str(_MODULE)]},
    }
    # Short: the path of a socket has 107 letters at most
    with tempfile.TemporaryDirectory(
        prefix="winnow-ray-", ignore_cleanup_errors=True
    ) as folder:
        if address is None:
            # Given by nobody, Ray would make one and keep it in the home folder
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            shared |= {
                "address": "local",
                "num_cpus": available_cores(),
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
                "_temp_dir": folder,
            }
        try:
            _init(ray, address, shared)
        # Of many kinds: connection, version, token, resources
        except Exception as error:
            where = f"the cluster '{address}'" if address else "Ray on this machine"
            raise ClusterError(
                f"{where[0].upper()}{where[1:]} does not answer ({error}). Check the "
                "address and that it runs Ray "
                f"{ray.__version__}, or use ENGINE=threads."
            ) from error
        try:
            yield RayExecutor()
        finally:
            ray.shutdown()


def _init(ray: Any, address: str | None, shared: dict[str, Any]) -> None:
    """Joins a cluster, or starts Ray here."""
    # On a busy machine its own processes may wait for one another in vain, once
    for is_last in (True,) if address else (False, True):
        try:
            ray.init(**({"address": address} | shared))
            return
        # Of many kinds, and all that was begun is given up
        except Exception:
            if is_last:
                raise
            ray.shutdown()


class RayExecutor:
    """The cores of the cluster that this process has joined."""

    def __init__(self) -> None:
        import ray

        # Within: so it is sent as it is, whatever this module is called here
        def perform(work: str, address: str, name: str) -> dict[str, Any]:
            from core.sharded_scan import tasks

            return asdict(tasks.perform(work, address, name, 1))

        self.cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._perform = ray.remote(
            num_cpus=1,
            max_retries=ATTEMPTS - 1,
            retry_exceptions=[OSError, MemoryError],
        )(perform)

    def run(
        self,
        work: str,
        address: str,
        names: Sequence[str],
        on_done: Callable[[Receipt], None],
    ) -> dict[str, str]:
        """See :class:`~core.sharded_scan.tasks.Executor`."""
        import ray

        waiting, running = iter(names), dict[Any, str]()
        failures: dict[str, str] = {}
        try:
            while True:
                free = self.cores * _TASKS_A_CORE - len(running)
                for name in islice(waiting, free):
                    running[self._perform.remote(work, address, name)] = name
                if not running:
                    return failures
                done, _ = ray.wait([*running], timeout=_LOOK_SECONDS)
                for reference in done:
                    name = running.pop(reference)
                    try:
                        receipt = ray.get(reference)
                    except ray.exceptions.RayError as error:
                        failures[name] = _reason(error)
                        continue
                    on_done(Receipt(**receipt))
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _reason(error: Any) -> str:
    """Says in a line why a task failed; raises what ends the job."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, CurationError):
        raise cause from None
    first = str(cause or error).strip().splitlines()[:1]
    return f"{type(cause or error).__name__}: {''.join(first)}"
