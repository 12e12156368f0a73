"""A job from its manifest to its scan data: which stages there are, in what order."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embedding.records import record_dtype
from ..errors import InputError
from ..findings.decisions import no_decisions
from ..findings.schema import Findings
from ..models.registry import DEFAULT_MODEL
from ..progress import Progress
from ..reading.files import ReadFailure
from ..scan.apply_thresholds import (
    accepted_pairs,
    apply_thresholds,
    with_fixed_judgment,
)
from ..scan.learn import StageClock, learned, model_info, paths_of_images
from ..scan.previous_scan import PreviousScan
from ..scan.samples import samples_of
from ..scan.scan_data import ScanData, ScanInput
from ..scan.settings import DEFAULTS, ScanSettings
from ..scan.unique_images import unique_images
from . import describing
from .by_shards import ByShards, OnDone, TasksFailedError, positions_of
from .job_folder import JobFolder
from .job_table import JobTable, job_table
from .machine import opened_model, this_machine
from .manifest import Manifest
from .reading_apart import read_apart, shard_task
from .remote import arrow
from .shard_records import ShardRecords
from .tasks import Executor, Receipt, not_done, result_of

_LOST_SHARDS = 0.01
"""Share of the shards whose processes may die: more is no matter of a picture."""

_FEWEST_LOST = 2


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes:
        stage: what is being done, for a person
        done: finished units of the stage
        total: all of them; 0 if not known, as for tar files
        failures: images that could not be read so far
        per_second: units a second since the stage began; 0 if not known
        cpu_seconds: of all tasks of the stage
        seconds_left: of the stage; None if not known
    """

    stage: str
    done: int
    total: int
    failures: int
    per_second: float
    cpu_seconds: float
    seconds_left: float | None


OnJobProgress = Callable[[JobProgress], None]


@dataclass(frozen=True, eq=False)
class FinishedJob:
    """What a job found.

    Attributes:
        names: paths, splits and labels of n images
        scan_data: what was learned
        settings: in force
        findings: by them
        is_copy: bool[p], which of the compared pairs are copies
        failures: why a row is unreadable
        search: of each kind of vectors ``cells``, and the ``recall`` of the ten
            nearest; of those that copies are found by also ``pair_recall``
        hosts: that did a part of it in this run
    """

    names: ScanInput
    scan_data: ScanData
    settings: ScanSettings
    findings: Findings
    is_copy: NDArray[np.bool_]
    failures: Mapping[int, ReadFailure]
    search: Mapping[str, Any]
    hosts: Sequence[str]


def run_job(
    manifest: Manifest,
    folder: JobFolder,
    executor: Executor,
    *,
    model: str = DEFAULT_MODEL,
    settings: ScanSettings = DEFAULTS,
    on_progress: OnJobProgress = lambda _: None,
) -> FinishedJob:
    """Scans the images of a manifest; goes on where an earlier run ended.

    Args:
        manifest: of the images
        folder: of the job
        executor: what runs its tasks
        model: name, or path of an .onnx file that all machines reach
        settings: as of a scan
        on_progress: told after each task; may raise to cancel

    Raises:
        InputError: nothing was done, or not one image can be read
        CurationError: the job could not be finished; what is done is kept
    """
    arrow()
    folder.check_writable()
    if settings.preset is not None:
        raise InputError(
            f"A job has no preset '{settings.preset}'. Leave it out, or scan a folder."
        )
    clock, reporter = StageClock(), _ProgressReporter(on_progress)
    embedder = opened_model(model)
    common = {
        "model": model,
        "machine": asdict(this_machine(model)),
        "max_megapixels": settings.max_megapixels,
    }
    folder.write("job.json", _as_json({**common, "settings": asdict(settings)}))
    described = _described(manifest, folder, executor, common, reporter)
    table, names = described.table, described.names
    if len(names.paths) < 2:
        raise InputError(
            f"The manifest '{manifest.address}' holds {len(names.paths)} images. "
            "Winnow compares images with each other: list at least 2."
        )
    settings.check_against(len(names.paths))
    samples = samples_of(table, names)
    clock.end("read and embed")
    images = unique_images(table)
    stages = ByShards(
        folder,
        executor,
        common,
        positions_of(images),
        described.store,
        paths_of_images(table, images, names.paths),
        reporter.begin,
        settings.neighbors,
    )
    with tempfile.TemporaryDirectory() as scratch:
        data = learned(
            names,
            table,
            samples,
            images,
            embedder,
            stages,
            before=PreviousScan(None, images, model_info(embedder)),
            clock=clock,
            folder=Path(scratch),
            settings=settings,
            on_progress=reporter.show,
        )
    data = with_fixed_judgment(data, settings)
    findings = apply_thresholds(data, settings, in_parts=True)
    is_copy = accepted_pairs(data, settings, no_decisions(len(samples)))
    clock.end("apply thresholds")
    return FinishedJob(
        names,
        data,
        settings,
        findings,
        is_copy,
        table.failures,
        stages.said,
        sorted(reporter.hosts),
    )


def _described(
    manifest: Manifest,
    folder: JobFolder,
    executor: Executor,
    common: Mapping[str, Any],
    reporter: _ProgressReporter,
) -> JobTable:
    """Has all shards read, and joins what they say."""
    # Records outlive changes of the program that they do not depend on
    machine = {key: one for key, one in common["machine"].items() if key != "program"}
    reading = {**common, "machine": machine}
    tasks = [shard_task(folder, reading, shard) for shard in manifest.shards]
    left = not_done(folder, describing.WORK, tasks)
    waiting = set(left)
    unread = [
        shard
        for task, shard in zip(tasks, manifest.shards, strict=True)
        if task in waiting
    ]
    on_done = reporter.begin("Reading images", sum(len(one.locators) for one in unread))
    failures = executor.run(describing.WORK, folder.address, left, on_done)
    if len(failures) > max(_FEWEST_LOST, int(_LOST_SHARDS * len(tasks))):
        raise TasksFailedError(
            f"{len(failures):,} of {len(tasks):,} shards could not be read, the first "
            f"because: {next(iter(failures.values()))}. What is done is kept: start "
            "the job again when that is mended."
        )
    for task, shard in zip(tasks, manifest.shards, strict=True):
        if task in failures:
            read_apart(folder, executor, task, shard, reading)
    results = (result_of(folder, describing.WORK, task) for task in tasks)
    dtype = record_dtype(opened_model(common["model"]))
    files = [describing.records_file(task) for task in tasks]
    store = ShardRecords(folder, files, dtype)
    return job_table(store, manifest.shards, results)


class _ProgressReporter:
    """Adds up what the tasks of a stage say."""

    def __init__(self, on_progress: OnJobProgress) -> None:
        self._tell = on_progress
        self.hosts: set[str] = set()

    def show(self, progress: Progress) -> None:
        """Tells what the driver does itself."""
        stage, done, total = progress.stage, progress.done, progress.total
        self._tell(JobProgress(stage, done, total, 0, 0.0, 0.0, None))

    def begin(self, stage: str, total: int) -> OnDone:
        """Begins a stage; returns what is told of each task."""
        started = time.monotonic()
        done, failures, cpu = 0, 0, 0.0

        def on_done(receipt: Receipt) -> None:
            nonlocal done, failures, cpu
            self.hosts.add(receipt.host)
            done += receipt.rows
            failures += receipt.failures
            cpu += receipt.cpu_seconds
            rate = done / max(time.monotonic() - started, 1e-9)
            left = (total - done) / rate if total >= done > 0 else None
            self._tell(JobProgress(stage, done, total, failures, rate, cpu, left))

        self._tell(JobProgress(stage, 0, total, 0, 0.0, 0.0, None))
        return on_done


def _as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()
