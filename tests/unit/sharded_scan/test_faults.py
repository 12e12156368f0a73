"""What is lost when a process, a machine or the driver of a job is lost."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import fault_works
import psutil
import pytest

from core.errors import Cancelled
from core.sharded_scan import describing, job, reading_apart
from core.sharded_scan.job import run_job
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.machine import OtherMachineError
from core.sharded_scan.manifest import read_manifest
from core.sharded_scan.ray_executor import ClusterError, ray_executor
from core.sharded_scan.thread_executor import ThreadExecutor

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SHARDS = 6


@pytest.fixture(scope="module")
def small_manifest(tmp_path_factory, draw):
    """96 pictures in six lists."""
    folder = tmp_path_factory.mktemp("small")
    lists = folder / "lists"
    lists.mkdir()
    write_lists(lists, [draw(number) for number in range(96)], folder)
    return lists


def write_lists(lists, pictures, folder, deadly=None):
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = []
    for number, picture in enumerate(pictures):
        name = "deadly" if number == deadly else f"{number:03d}"
        paths.append(str(folder / f"{name}.png"))
        picture.save(paths[-1])
    size = len(paths) // SHARDS
    for shard in range(SHARDS):
        some = paths[shard * size : (shard + 1) * size]
        pq.write_table(pa.table({"path": some}), lists / f"{shard}.parquet")


@pytest.fixture
def faulty(monkeypatch):
    """Shards are read by a work that can be told to die."""
    monkeypatch.setattr(describing, "WORK", fault_works.READ)
    monkeypatch.setattr(reading_apart, "WORK", fault_works.READ)


def starts(folder):
    return Counter((folder / "starts").read_text().split())


def test_a_worker_killed_in_the_middle_costs_its_shard_alone(
    small_manifest, faulty, ray, tmp_path
):
    (tmp_path / "kill-once").touch()

    found = run_job(read_manifest(str(small_manifest)), JobFolder(str(tmp_path)), ray)

    begun = starts(tmp_path)
    assert begun.total() == SHARDS + 1
    assert sorted(begun.values()) == [1] * (SHARDS - 1) + [2]
    assert found.findings.counts["readable"] == 96


def test_a_picture_that_kills_its_process_costs_itself_alone(
    faulty, ray, tmp_path, draw
):
    lists, out = tmp_path / "lists", tmp_path / "out"
    for folder in (lists, out):
        folder.mkdir()
    write_lists(lists, [draw(number) for number in range(24)], tmp_path, deadly=9)
    manifest = read_manifest(str(lists))

    found = run_job(manifest, JobFolder(str(out)), ray)

    status = dict(zip(found.names.paths, found.findings.columns["scan_status"]))
    assert status.pop(os.fsencode(tmp_path / "deadly.png")) == "read_error"
    assert set(status.values()) == {"ok"}
    assert len(status) == 23
    begun = starts(out)
    again = run_job(manifest, JobFolder(str(out)), ray)
    for name, values in found.findings.columns.items():
        assert list(again.findings.columns[name]) == list(values), name
    assert starts(out) == begun


def test_a_driver_that_was_killed_goes_on_and_reads_no_finished_shard_again(
    small_manifest, tmp_path
):
    command = [sys.executable, "cli/scan_manifest.py", str(small_manifest)]
    command += ["--out", str(tmp_path)]
    reading = tmp_path / "work" / "describing"
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while len(finished(reading)) < 2:
        assert driver.poll() is None
        time.sleep(0.01)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = finished(reading)

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    after = finished(reading)
    assert {name: after[name] for name in before} == before
    assert len(after) == SHARDS
    assert (tmp_path / "summary.json").exists()


def finished(folder):
    results = [one for one in folder.glob("*.npz") if ".input." not in one.name]
    return {one.name: one.stat().st_mtime_ns for one in results}


def test_ray_reports_nothing_and_keeps_its_token_out_of_the_home_folder(ray):
    usage_lib = pytest.importorskip("ray._common.usage.usage_lib")

    token = Path.home() / ".ray" / "auth_token"
    began = psutil.Process().create_time()

    assert not usage_lib.usage_stats_enabled()
    assert os.environ["RAY_AUTH_TOKEN"]
    assert not token.exists() or token.stat().st_mtime < began


@pytest.mark.parametrize("address, tries", [(None, 2), ("127.0.0.1:1", 1)])
def test_ray_that_does_not_start_is_tried_again_and_then_named(
    address, tries, monkeypatch
):
    ray = pytest.importorskip("ray")
    tried = []

    def fails(**settings):
        tried.append(settings["address"])
        raise RuntimeError("timed out")

    monkeypatch.setattr(ray, "init", fails)
    monkeypatch.setattr(ray, "shutdown", lambda: None)

    with (
        pytest.raises(ClusterError, match="does not answer .timed out.*ENGINE=threads"),
        ray_executor(address),
    ):
        pass

    assert len(tried) == tries


@pytest.mark.parametrize("engine", ["threads", "ray"])
def test_a_machine_that_computes_other_numbers_is_refused(
    engine, small_manifest, tmp_path, request, monkeypatch
):
    executor = (
        ThreadExecutor() if engine == "threads" else request.getfixturevalue(engine)
    )
    other = job.this_machine("efficientnet-lite0")
    monkeypatch.setattr(
        job, "this_machine", lambda _: type(other)(**{**vars(other), "numbers": "0"})
    )

    with pytest.raises(OtherMachineError, match="of another kind .*one kind"):
        run_job(read_manifest(str(small_manifest)), JobFolder(str(tmp_path)), executor)


@pytest.mark.parametrize("engine", ["threads", "ray"])
def test_a_job_that_is_cancelled_ends_within_seconds_and_keeps_what_is_done(
    engine, small_manifest, tmp_path, request
):
    executor = (
        ThreadExecutor() if engine == "threads" else request.getfixturevalue(engine)
    )
    told = []

    def cancel(progress):
        told.append((time.monotonic(), progress))
        if progress.done:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        run_job(
            read_manifest(str(small_manifest)),
            JobFolder(str(tmp_path)),
            executor,
            on_progress=cancel,
        )

    when, last = told[-1]
    assert time.monotonic() - when < 8
    assert (last.done, last.total) == (16, 96)
    assert last.per_second > 0 and last.seconds_left > 0
    assert finished(tmp_path / "work" / "describing")
