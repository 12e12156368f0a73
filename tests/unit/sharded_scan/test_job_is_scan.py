"""A job finds what a scan finds, to the last bit."""

import os
from dataclasses import fields

import numpy as np
import pytest

from core.common.texts import PackedTexts
from core.findings.registry import FINDINGS
from core.findings.schema import FIELDS
from core.findings.set_registry import SET_FINDINGS
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.columns import Column
from core.scan.scan_data import ScanInput
from core.sharded_scan import by_shards
from core.sharded_scan.job import run_job
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.manifest import read_manifest
from core.sharded_scan.selection import has_finding
from core.sharded_scan.thread_executor import ThreadExecutor

pytestmark = pytest.mark.slow

SHARDS = 6


@pytest.fixture(scope="module")
def scanned(many_images, embedder, tmp_path_factory):
    paths, splits, labels = many_images
    classes = sorted({label for label in labels if label})
    split_names = list(dict.fromkeys(splits))
    data = collect_scan_data(
        ScanInput(
            [os.fsencode(path) for path in paths],
            np.array([classes.index(x) if x else -1 for x in labels], np.int32),
            classes,
            np.array([split_names.index(x) for x in splits], np.int32),
            split_names,
        ),
        embedder,
        folder=tmp_path_factory.mktemp("cache"),
    )
    return data, apply_thresholds(data)


@pytest.fixture(scope="module")
def manifest(many_images, tmp_path_factory):
    """Six parquet files with the 300 images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("manifest")
    for shard, rows in enumerate(np.array_split(np.arange(300), SHARDS)):
        columns = {
            name: [str(values[row]) if values[row] else None for row in rows]
            for name, values in zip(("path", "split", "label"), many_images)
        }
        pq.write_table(pa.table(columns), folder / f"{shard}.parquet")
    return folder


def assert_same(job, scanned):
    data, findings = scanned
    found = job.findings
    for name, values in findings.columns.items():
        assert list(found.columns[name]) == values, name
    assert list(found.columns) == list(findings.columns) == [x.name for x in FIELDS]
    for one in fields(findings):
        if one.name != "columns":
            assert getattr(found, one.name) == getattr(findings, one.name), one.name
    assert data.pairs.looked.sum() > 3
    for column in fields(data.pairs):
        name = column.name
        one, other = getattr(job.scan_data.pairs, name), getattr(data.pairs, name)
        np.testing.assert_array_equal(one, other, err_msg=name, strict=True)
    for graph in ("features", "descriptors"):
        for part in ("indices", "similarities"):
            one, other = (
                getattr(getattr(each.graphs, graph), part)
                for each in (job.scan_data, data)
            )
            np.testing.assert_array_equal(one, other, strict=True)


def assert_held_little(job):
    """What may be of ten million images lies in files, or is made when looked at."""
    graphs = job.scan_data.graphs
    for graph in (graphs.features, graphs.descriptors):
        assert isinstance(graph.indices.base, np.memmap)
        assert isinstance(graph.similarities.base, np.memmap)
    assert all(isinstance(one, Column) for one in job.findings.columns.values())
    assert isinstance(job.names.paths, PackedTexts)


@pytest.fixture
def small_tasks(monkeypatch):
    """Several tasks a stage, as a job of many images has."""
    monkeypatch.setattr(by_shards, "_ASKED_AT_ONCE", 70)
    monkeypatch.setattr(by_shards, "_PAIRS_AT_ONCE", 90)
    monkeypatch.setattr(by_shards, "_LOOKS_AT_ONCE", 3)


def test_threads_find_what_a_scan_finds(manifest, scanned, small_tasks, tmp_path):
    told = []
    job = run_job(
        read_manifest(str(manifest)),
        JobFolder(str(tmp_path)),
        ThreadExecutor(),
        on_progress=told.append,
    )

    assert_same(job, scanned)
    assert_held_little(job)
    assert list(dict.fromkeys(one.stage for one in told))[:5] == [
        "Reading images",
        "Searching similar images",
        "Comparing pictures",
        "Looking closer",
        "Trying known copies",
    ]
    assert scanned[1].counts["leaks"] > 5
    assert scanned[1].counts["unreadable"] == 4


def test_each_finding_that_files_can_have_is_among_them(scanned):
    findings = scanned[1]
    without = {
        name
        for name, finding in FINDINGS.items()
        if not has_finding(finding, findings.columns).any()
    }

    # Frames are thinned on request, and a manifest has no predictions
    assert without == {"bursts", "confidently_wrong", "hardest"}
    assert any(findings.counts[name] for name in SET_FINDINGS)


def test_ray_finds_what_a_scan_finds(manifest, scanned, small_tasks, ray, tmp_path):
    job = run_job(read_manifest(str(manifest)), JobFolder(str(tmp_path)), ray)

    assert_same(job, scanned)
