"""What an engine adds to reading an image: `cluster_engines.py MANIFEST COUNT ENGINE`.

Reads the first COUNT images of a manifest in shards, by threads or by Ray on this
machine, and prints a row of a table: CPU-ms an image in the tasks, as their receipts
say; CPU seconds of all processes beyond the tasks; seconds until the first and the last
shard was there; and the most memory that all processes held, shared pages once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.models.registry import DEFAULT_MODEL  # noqa: E402
from core.sharded_scan import describing  # noqa: E402
from core.sharded_scan.job_folder import JobFolder  # noqa: E402
from core.sharded_scan.machine import this_machine  # noqa: E402
from core.sharded_scan.manifest import ListedShard, read_manifest  # noqa: E402
from core.sharded_scan.ray_executor import ray_executor  # noqa: E402
from core.sharded_scan.reading_apart import shard_task  # noqa: E402
from core.sharded_scan.tasks import Receipt  # noqa: E402
from core.sharded_scan.thread_executor import ThreadExecutor  # noqa: E402

_A_SHARD = 500
"""Images: so few that each core gets several of the smallest run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest")
    parser.add_argument("count", type=int)
    parser.add_argument("engine", choices=("threads", "ray"))
    options = parser.parse_args()
    shards = list(first(read_manifest(options.manifest).shards, options.count))
    settings = {
        "model": DEFAULT_MODEL,
        "machine": asdict(this_machine(DEFAULT_MODEL)),
        "max_megapixels": 100.0,
    }
    began, used, memory = time.perf_counter(), cpu_seconds(), Memory()
    receipts: list[Receipt] = []
    arrived: list[float] = []

    def on_done(receipt: Receipt) -> None:
        receipts.append(receipt)
        arrived.append(time.perf_counter() - began)

    opened = (
        nullcontext(ThreadExecutor())
        if options.engine == "threads"
        else ray_executor(None)
    )
    with tempfile.TemporaryDirectory() as out, opened as executor, memory:
        folder = JobFolder(out)
        tasks = [shard_task(folder, settings, shard) for shard in shards]
        failures = executor.run(describing.WORK, folder.address, tasks, on_done)
        # Before the processes are gone that it counts
        all_of_it = cpu_seconds() - used
    if failures:
        raise SystemExit(str(failures))
    images = sum(one.rows for one in receipts)
    in_tasks = sum(one.cpu_seconds for one in receipts)
    row = [options.engine, f"{images:,}", f"{1e3 * in_tasks / images:.2f}"]
    row += [f"{all_of_it - in_tasks:.1f}", f"{1e3 * all_of_it / images:.2f}"]
    row += [f"{arrived[0]:.0f}", f"{arrived[-1]:.0f}", f"{memory.most / 1e9:.2f}"]
    print(f"| {' | '.join(row)} |")


def first(shards: list[ListedShard], count: int) -> Iterator[ListedShard]:
    """Yields the first images in small shards."""
    for shard in shards:
        for start in range(0, min(len(shard.locators), count), _A_SHARD):
            some = slice(start, min(start + _A_SHARD, count))
            names = ("locators", "splits", "labels", "sequences", "stamps")
            yield replace(shard, **{name: getattr(shard, name)[some] for name in names})
        count -= min(len(shard.locators), count)


def cpu_seconds() -> float:
    """Returns what this process and all below it have used, the ended ones too."""
    return sum(sum(one.cpu_times()[:4]) for one in processes())


def processes() -> Iterator[psutil.Process]:
    """Yields this process and all below it."""
    here = psutil.Process()
    yield from (here, *here.children(recursive=True))


class Memory:
    """The most that all processes held, looked up every ten seconds."""

    def __init__(self) -> None:
        self.most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(10):
            held = 0
            for one in processes():
                try:
                    held += one.memory_full_info().pss
                except psutil.Error:
                    continue
            self.most = max(self.most, held)


if __name__ == "__main__":
    main()
