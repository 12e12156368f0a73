"""What a job leaves for people and other tools: parquet, JSON and a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.memory import peak_bytes
from ..common.version import winnow_version
from ..copy_detection import relation_names
from ..findings.schema import FIELDS
from ..report.as_html import as_html
from ..report.model import Report
from ..scan.part_of_scan import without_graphs
from ..scan.scan_data import first_samples
from ..scan.stored_scan import save_scan_data
from .job import FinishedJob
from .job_folder import JobFolder
from .remote import arrow, parquet_bytes
from .sources import shown_path

ROWS_A_PART = 100_000

SCAN = "scan.npz"
"""What was learned, but for vectors and neighbors: to open a part of it."""


def write_outputs(
    job: FinishedJob,
    folder: JobFolder,
    summary: Mapping[str, Any],
    report: Report,
) -> None:
    """Writes the findings of a job; ``summary.json``, which says all is there, last.

    Args:
        job: that is finished
        folder: of the job
        summary: JSON values
        report: for a person
    """
    folder.remove("summary.json")
    count = len(job.names.paths)
    parts = _write_parts(folder, "findings", count, _finding_rows(job))
    _write_parts(folder, "pairs", len(job.is_copy), _pair_rows(job))
    _write(folder, "clusters.parquet", _cluster_columns(job))
    rows = sorted(job.failures)
    _write(
        folder,
        "unreadable.parquet",
        {
            "path": _texts([_path(job, row) for row in rows]),
            "status": _texts([job.failures[row].status for row in rows]),
            "reason": _texts([job.failures[row].reason for row in rows]),
        },
    )
    folder.write("report.html", as_html(report).encode())
    data = without_graphs(job.scan_data)
    folder.write_by(SCAN, lambda path: save_scan_data(data, path))
    whole = {**summary, "findings": parts}
    text = json.dumps(whole, indent=1, allow_nan=False) + "\n"
    folder.write("summary.json", text.encode())


def summary_of(job: FinishedJob, manifest: str) -> dict[str, Any]:
    """Returns what ``summary.json`` says, but for the names of the parts."""
    findings, data = job.findings, job.scan_data
    return {
        "manifest": manifest,
        "counts": dict(findings.counts),
        "thresholds": dict(findings.thresholds),
        "rules": dict(findings.rules),
        "leak_matrix": findings.leak_matrix,
        "scene_matrix": findings.scene_matrix,
        "sequence_steps": findings.sequence_steps,
        "leaks_by_class": list(findings.leaks_by_class),
        "overview": dict(findings.overview),
        "expected": dict(findings.expected),
        "settings": asdict(job.settings),
        "model": data.model.name,
        "model_sha256": data.model.sha256,
        "search": dict(job.search),
        "hosts": list(job.hosts),
        "seconds": {name: round(one, 3) for name, one in data.seconds.items()},
        "peak_memory_bytes": peak_bytes(),
        "winnow": winnow_version(),
        "classes": list(job.names.classes),
        "splits": list(job.names.split_names),
    }


Columns = Mapping[str, Any]
ColumnsOf = Callable[[slice], Columns]


def _write_parts(
    folder: JobFolder, name: str, count: int, columns_of: ColumnsOf
) -> list[str]:
    """Writes rows in files of some; returns their names."""
    names = []
    for number, start in enumerate(range(0, max(count, 1), ROWS_A_PART)):
        names.append(f"{name}/part-{number:05d}.parquet")
        _write(folder, names[-1], columns_of(slice(start, start + ROWS_A_PART)))
    # Of an earlier run of more rows
    left = len(names)
    while folder.exists(f"{name}/part-{left:05d}.parquet"):
        folder.remove(f"{name}/part-{left:05d}.parquet")
        left += 1
    return names


def _write(folder: JobFolder, name: str, columns: Columns) -> None:
    folder.write(name, parquet_bytes(columns))


def _path(job: FinishedJob, row: int) -> str:
    return shown_path(job.names.paths[row])


def _finding_rows(job: FinishedJob) -> ColumnsOf:
    """Returns what gives some rows: path, split, label and the fields."""
    pa, names = arrow(), job.names
    types = {
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "str": pa.string(),
        "list of str": pa.list_(pa.string()),
        "sample": pa.string(),
    }

    def columns_of(rows: slice) -> Columns:
        columns = {
            "path": _texts([shown_path(path) for path in names.paths[rows]]),
            "split": _texts(_named(names.splits, names.split_names, rows)),
            "label": _texts(_named(names.labels, names.classes, rows)),
        }
        for spec in FIELDS:
            values = job.findings.columns[spec.name][rows]
            if spec.type == "sample":
                values = [None if one is None else _path(job, one) for one in values]
            columns[spec.name] = pa.array(values, types[spec.type])
        return columns

    return columns_of


def _named(
    codes: NDArray[np.int32] | None, names: Sequence[str], rows: slice
) -> list[str | None]:
    assert codes is not None
    return [None if code < 0 else names[code] for code in codes[rows].tolist()]


def _pair_rows(job: FinishedJob) -> ColumnsOf:
    """Returns what gives some pairs that were compared, by the first path of each."""
    data = job.scan_data
    pairs = data.pairs
    first = first_samples(data)

    def columns_of(rows: slice) -> Columns:
        one, other = first[pairs.images[rows]].T.tolist()
        relations = pairs.relation[rows].tolist()
        return {
            "path": _texts([_path(job, row) for row in one]),
            "other_path": _texts([_path(job, row) for row in other]),
            "similarity": pairs.similarity[rows],
            "score": pairs.score[rows],
            "is_copy": job.is_copy[rows],
            "relation": _texts([relation_names(bits) for bits in relations]),
            "same_scene": pairs.scene[rows],
        }

    return columns_of


def _cluster_columns(job: FinishedJob) -> Columns:
    pa = arrow()
    columns, names = job.findings.columns, job.names
    members: dict[int, list[int]] = {}
    kinds: dict[int, set[str]] = {}
    keepers: dict[int, int] = {}
    told = (columns[name] for name in ("dup_cluster", "dup_kind", "dup_keeper"))
    for row, (cluster, kind, is_kept) in enumerate(zip(*told, strict=True)):
        if cluster is None:
            continue
        members.setdefault(cluster, []).append(row)
        kinds.setdefault(cluster, set()).add(kind)
        if is_kept:
            keepers[cluster] = row
    lists = pa.list_(pa.string())
    order = sorted(members)

    def distinct(codes: NDArray[np.int32] | None, words: Sequence[str]) -> Any:
        assert codes is not None
        found = (np.unique(codes[members[one]]).tolist() for one in order)
        named = [sorted(words[code] for code in some if code >= 0) for some in found]
        return pa.array(named, lists)

    return {
        "cluster": pa.array(order, pa.int64()),
        "size": pa.array([len(members[one]) for one in order], pa.int64()),
        "keeper": _texts([_path(job, keepers[one]) for one in order]),
        "kinds": pa.array([sorted(kinds[one]) for one in order], lists),
        "splits": distinct(names.splits, names.split_names),
        "labels": distinct(names.labels, names.classes),
    }


def _texts(values: Sequence[str | None]) -> Any:
    pa = arrow()
    return pa.array(values, pa.string())
