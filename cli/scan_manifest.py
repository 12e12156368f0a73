"""The manifest command: scans the images that a list names, by shards.

    python cli/scan_manifest.py [MANIFEST] [--out DIR-OR-URL] [--engine threads|ray]
                                [--ray-address ADDRESS] [--model NAME]
                                [--fail-on POLICY] [--max-megapixels NUMBER]
                                [--ignored-changes LIST]

Each option may also come from the environment (MANIFEST, OUT, ENGINE, RAY_ADDRESS,
MODEL, FAIL_ON, MAX_MEGAPIXELS, IGNORED_CHANGES), which is how ``make scan`` passes them
on. Neither FiftyOne nor its database is started.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scan_folder import exit_code, gate, number  # noqa: E402

from core.common.text import plain  # noqa: E402
from core.curation.not_looked_for import set_measures  # noqa: E402
from core.curation.policy import parse_policy  # noqa: E402
from core.errors import InputError  # noqa: E402
from core.models.registry import DEFAULT_MODEL  # noqa: E402
from core.scan.settings import DEFAULTS, ScanSettings  # noqa: E402
from core.sharded_scan.job import FinishedJob, JobProgress, run_job  # noqa: E402
from core.sharded_scan.job_folder import JobFolder  # noqa: E402
from core.sharded_scan.job_report import as_text, job_report, not_looked_for  # noqa: E402
from core.sharded_scan.manifest import Manifest, read_manifest  # noqa: E402
from core.sharded_scan.outputs import summary_of, write_outputs  # noqa: E402
from core.sharded_scan.tasks import Executor  # noqa: E402
from core.sharded_scan.thread_executor import ThreadExecutor  # noqa: E402

_ENGINES = ("threads", "ray")
_SECONDS_PER_LINE = 10.0
"""Seconds between two lines of progress."""


def main() -> int:
    options = _options()
    goes_on = "Finished shards are kept: the same command goes on from there."
    return exit_code(lambda: _scan(options), goes_on)


def _options() -> argparse.Namespace:
    env = os.environ
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", nargs="?", default=env.get("MANIFEST") or "")
    parser.add_argument("--out", default=env.get("OUT") or "winnow-out")
    parser.add_argument("--engine", default=env.get("ENGINE") or "")
    parser.add_argument("--ray-address", default=env.get("RAY_ADDRESS") or "")
    parser.add_argument("--model", default=env.get("MODEL") or DEFAULT_MODEL)
    parser.add_argument("--fail-on", default=env.get("FAIL_ON") or "")
    ignored = env.get("IGNORED_CHANGES") or ""
    parser.add_argument("--ignored-changes", default=ignored)
    limit = env.get("MAX_MEGAPIXELS") or DEFAULTS.max_megapixels
    parser.add_argument("--max-megapixels", default=limit)
    return parser.parse_args()


def _scan(options: argparse.Namespace) -> int:
    # Before any work: what is mistyped is said at once
    policy = parse_policy(options.fail_on)
    settings = ScanSettings(
        max_megapixels=number(options.max_megapixels),
        ignored_changes=options.ignored_changes.replace(",", " ").split(),
    )
    if not options.manifest:
        raise InputError("Name a manifest: make scan MANIFEST=images.parquet OUT=out")
    folder = JobFolder(options.out)
    folder.check_writable()
    manifest = read_manifest(options.manifest)
    print(_described(manifest), flush=True)
    with _executor(options) as executor:
        job = run_job(
            manifest,
            folder,
            executor,
            model=options.model,
            settings=settings,
            on_progress=_progress_printer(folder),
        )
    now = datetime.now().astimezone()
    when = f"{now.day} {now:%B %Y, %H:%M %Z}"
    report = job_report(job, manifest.address, _notes(job), when)
    write_outputs(job, folder, summary_of(job, manifest.address), report)
    print(f"\n{_headline(job)}\n\n{as_text(job)}\n")
    print(f"Written: {folder.address}/report.html, summary.json, clusters.parquet and")
    print("         unreadable.parquet; findings/, pairs/ and records/ in parts")
    found = job.findings
    measures = set_measures(found.overview, found.counts)
    return gate(policy, found.counts, not_looked_for(job), measures)


@contextlib.contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Executor]:
    engine = options.engine or ("ray" if options.ray_address else "threads")
    if engine not in _ENGINES:
        raise InputError(
            f"There is no engine '{engine}'. Use ENGINE=threads for this machine, or "
            "ENGINE=ray for a cluster."
        )
    if engine == "threads":
        if options.ray_address:
            raise InputError(
                "RAY_ADDRESS names a cluster and ENGINE=threads does not use one. "
                "Leave one of them out."
            )
        yield ThreadExecutor()
        return
    from core.sharded_scan.ray_executor import ray_executor

    with ray_executor(options.ray_address or None) as executor:
        yield executor


def _described(manifest: Manifest) -> str:
    tars = sum(bool(shard.tar) for shard in manifest.shards)
    parts = []
    if manifest.listed:
        parts.append(f"{manifest.listed:,} images")
    if tars:
        parts.append(f"{tars:,} tar files")
    shards = len(manifest.shards)
    return f"{plain(manifest.address)}: {' and '.join(parts)}, {shards:,} shards"


def _progress_printer(folder: JobFolder) -> Any:
    """Returns what prints a line when a stage begins, and every ten seconds."""
    stage, printed_at = "", 0.0

    def print_progress(progress: JobProgress) -> None:
        nonlocal stage, printed_at
        now = time.monotonic()
        if progress.stage == stage and now - printed_at < _SECONDS_PER_LINE:
            return
        stage, printed_at = progress.stage, now
        print(_line(progress), flush=True)
        values = {**vars(progress), "at": time.time()}
        folder.write("progress.json", json.dumps(values).encode())

    return print_progress


def _line(progress: JobProgress) -> str:
    if not progress.done:
        return f"{progress.stage} ..."
    total = f" of {progress.total:,}" if progress.total else ""
    parts = [f"{progress.done:,}{total}"]
    if progress.per_second:
        parts.append(f"{progress.per_second:,.0f} a second")
    if progress.seconds_left is not None:
        parts.append(f"{_time(progress.seconds_left)} left")
    if progress.failures:
        parts.append(f"{progress.failures:,} unreadable")
    return f"{progress.stage}: {', '.join(parts)}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _headline(job: FinishedJob) -> str:
    images = job.findings.counts["images"]
    seconds = sum(job.scan_data.seconds.values())
    return (
        f"Winnow scanned {images:,} images in {_time(seconds)} "
        f"({images / max(seconds, 1e-9):,.0f} a second) with {job.scan_data.model.name}"
    )


def _notes(job: FinishedJob) -> list[str]:
    """Says what to know of a search that was not exact."""
    notes = []
    for name, said in job.search.items():
        if said["cells"] > 1:
            pairs = ""
            if "pair_recall" in said:
                pairs = f", and {said['pair_recall']:.1%} of those that may be copies"
            notes.append(
                f"Similar images were searched in {said['cells']:,} cells, which found "
                f"{said['recall']:.1%} of the ten nearest by {name} in a sample{pairs}."
            )
    return notes


if __name__ == "__main__":
    sys.exit(main())
