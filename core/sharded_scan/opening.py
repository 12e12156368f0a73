"""A part of a finished job, to be looked at: a finding's images, the worst first."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..findings.decisions import no_decisions
from ..findings.finding import Finding
from ..findings.registry import image_finding
from ..findings.set_registry import SET_FINDINGS
from ..scan.apply_thresholds import accepted_pairs
from ..scan.part_of_scan import groups_of, part_of_scan
from ..scan.scan_data import ScanData
from ..scan.settings import ScanSettings
from ..scan.stored_scan import load_scan_data
from .job_folder import JobFolder
from .outputs import SCAN
from .remote import arrow
from .selection import badness, chosen, fields_of, has_finding
from .sources import is_local

MOST = 200_000
"""Images that FiftyOne is given at most: with more, its views become slow."""

_EVIDENCE = ("nearest", "support", "counterexample")


@dataclass(frozen=True, eq=False)
class OpenedJob:
    """Some of a job's images.

    Attributes:
        paths: c local paths
        splits: names, None without
        labels: names, None without
        scan_data: of these images
        settings: with the thresholds that the job had
        summary: of the whole job, ``summary.json``
        found: how many images have the finding in all
        shown: how many of these are among the c
        elsewhere: how many were left out because they are not local files
    """

    paths: Sequence[str]
    splits: Sequence[str | None]
    labels: Sequence[str | None]
    scan_data: ScanData
    settings: ScanSettings
    summary: Mapping[str, Any]
    found: int
    shown: int
    elsewhere: int


def open_job(
    address: str,
    what: str,
    *,
    split: str | None = None,
    label: str | None = None,
    limit: int = MOST,
) -> OpenedJob:
    """Chooses images of a finished job: whole groups of copies, the worst first.

    Where there is room, the images that they are compared with come along.

    Args:
        address: OUT of the job
        what: a finding of images or of the set, or the key of one of the set
        split: only what is found in this split
        label: only what is found under this label
        limit: images at most

    Raises:
        InputError: no finished job, no such finding, or nothing to be shown
        StaleRunError: the job is of another version of Winnow
    """
    if isinstance(limit, bool) or not 1 <= limit <= MOST:
        raise InputError(
            f"limit must be from 1 to {MOST:,}, got {limit!r}: FiftyOne shows a part "
            "of a job, and its tables hold the rest."
        )
    folder = JobFolder(address)
    if not folder.exists("summary.json"):
        raise InputError(
            f"'{address}' holds no finished job: there is no summary.json. Give the "
            "OUT of a job; one that was stopped goes on with the same command."
        )
    summary = json.loads(folder.local_anew("summary.json").read_bytes())
    finding, keys = _asked(what, summary["overview"].get("findings", ()))
    columns = _columns(folder, summary["findings"], fields_of(finding))
    is_found = has_finding(finding, columns, keys)
    for name, value in (("split", split), ("label", label)):
        if value is not None:
            is_found &= np.array([one == value for one in columns[name]], bool)
    here = np.array([is_local(os.fsencode(path)) for path in columns["path"]], bool)
    found = int(is_found.sum())
    if not (is_found & here).any():
        raise InputError(_nothing(what, found, split, label))
    data = load_scan_data(folder.local_anew(SCAN))
    settings = _settings(summary)
    nobody = no_decisions(len(data.samples))
    group = groups_of(
        data,
        accepted_pairs(data, settings, nobody),
        recordings=finding.section == "scenes",
    )
    order = badness(finding, columns)
    rows = chosen(is_found & here, order, group, limit)
    if not len(rows):
        raise InputError(
            f"The worst of '{what}' belongs to a group of copies with more than "
            f"{limit:,} images. Allow more with limit=, up to {MOST:,}."
        )
    rows = _with_evidence(rows, data, group, limit)
    elsewhere = int((~here[rows]).sum())
    rows = np.sort(rows[here[rows]])
    return OpenedJob(
        paths=[columns["path"][row] for row in rows],
        splits=[columns["split"][row] for row in rows],
        labels=[columns["label"][row] for row in rows],
        scan_data=part_of_scan(data, rows),
        settings=settings,
        summary=summary,
        found=found,
        shown=int(is_found[rows].sum()),
        elsewhere=elsewhere,
    )


def _asked(
    what: str, of_set: Sequence[Mapping[str, Any]]
) -> tuple[Finding, Sequence[str]]:
    """Returns a finding, and the keys of those of the set that are asked for."""
    keys = [one["key"] for one in of_set if what in (one["kind"], one["key"])]
    for one in of_set:
        if what == one["key"]:
            return SET_FINDINGS[one["kind"]], keys
    return SET_FINDINGS.get(what) or image_finding(what), keys


def _nothing(what: str, found: int, split: str | None, label: str | None) -> str:
    if found:
        return (
            f"The {found:,} images of '{what}' are no local files, and FiftyOne shows "
            "local files. Copy them, and scan a manifest of the copies."
        )
    where = " ".join(
        f"in {name} '{value}'"
        for name, value in (("split", split), ("label", label))
        if value is not None
    )
    return f"The job found no '{what}' {where}".rstrip() + ". Ask for another finding."


def _columns(
    folder: JobFolder, parts: Sequence[str], names: Sequence[str]
) -> dict[str, list[Any]]:
    wanted = ["path", "split", "label", *names]
    parquet = arrow().parquet
    tables = [
        parquet.read_table(folder.local_anew(part), columns=wanted) for part in parts
    ]
    return {
        name: [one for table in tables for one in table[name].to_pylist()]
        for name in wanted
    }


def _settings(summary: Mapping[str, Any]) -> ScanSettings:
    """Returns the job's settings; what followed from all its images is given."""
    known = {one.name for one in fields(ScanSettings)}
    given = {name: one for name, one in summary["settings"].items() if name in known}
    of_set = ("min_brightest", "max_darkest")
    looks = {name: summary["thresholds"][name] for name in of_set}
    return replace(ScanSettings(**given), **looks)


def _with_evidence(
    rows: NDArray[np.int64], data: ScanData, group: NDArray[np.int64], limit: int
) -> NDArray[np.int64]:
    """Adds the images that these are compared with, whole groups, if they all fit."""
    assert data.fixed is not None
    near = np.concatenate([getattr(data.fixed, name)[rows] for name in _EVIDENCE])
    wanted = np.isin(group, group[near[near >= 0]])
    wanted[rows] = True
    return np.flatnonzero(wanted) if wanted.sum() <= limit else rows
