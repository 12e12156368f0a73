"""Runs a job to its end, in threads: `cluster_job.py MANIFEST OUT`.

Prints by stage the CPU seconds and the CPU-ms an image, of the tasks and of what the
driver does between them; the most memory that was held, pages of mapped files not
counted; and what the search found of its sample.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path

from measuring import cpu_seconds, instructions, own_megabytes, processor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.sharded_scan.job import JobProgress, run_job  # noqa: E402
from core.sharded_scan.job_folder import JobFolder  # noqa: E402
from core.sharded_scan.job_report import as_text, job_report  # noqa: E402
from core.sharded_scan.manifest import read_manifest  # noqa: E402
from core.sharded_scan.outputs import summary_of, write_outputs  # noqa: E402
from core.sharded_scan.thread_executor import ThreadExecutor  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest")
    parser.add_argument("out")
    options = parser.parse_args()
    print(f"{processor()}, {instructions()}")
    watch = Watch()
    manifest, folder = read_manifest(options.manifest), JobFolder(options.out)

    def on_progress(progress: JobProgress) -> None:
        watch.note(progress.stage)

    job = run_job(manifest, folder, ThreadExecutor(), on_progress=on_progress)
    images = len(job.names.paths)
    watch.note("Writing tables")
    report = job_report(job, manifest.address, [], "")
    write_outputs(job, folder, summary_of(job, manifest.address), report)
    watch.print(images)
    print(json.dumps(job.search))
    print(json.dumps(job.findings.counts))
    print(as_text(job))


class Watch:
    """Adds up CPU seconds by what was going on, and sees how much is held."""

    def __init__(self) -> None:
        self._stage, self._began = "Reading the manifest", cpu_seconds()
        self._seconds: dict[str, float] = {}
        self._most = 0.0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            self._most = max(self._most, own_megabytes())
            time.sleep(0.1)

    def note(self, stage: str) -> None:
        """Books what was spent since the last call on the stage of that time."""
        now = cpu_seconds()
        spent = self._seconds.get(self._stage, 0) + now - self._began
        self._seconds[self._stage] = spent
        self._stage, self._began = stage, now

    def print(self, images: int) -> None:
        self.note("")
        for stage, seconds in self._seconds.items():
            print(f"| {stage} | {seconds:.0f} | {1e3 * seconds / images:.3f} |")
        every = sum(self._seconds.values())
        print(f"{images:,} images, {every:.0f} CPU-s, {1e3 * every / images:.2f} ms")
        print(f"{self._most / 1e3:.2f} GB")


if __name__ == "__main__":
    main()
