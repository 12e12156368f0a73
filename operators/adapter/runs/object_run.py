"""Objects of a scan: from their boxes to attributes on the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.embedding.records import ImageEmbedder
from ....core.errors import ScanNotFoundError, StaleRunError
from ....core.findings.schema import Findings
from ....core.objects.collect import (
    ObjectData,
    ObjectInput,
    collect_object_data,
    without_objects,
)
from ....core.objects.findings import ObjectFindings, find_objects
from ....core.objects.settings import ObjectSettings
from ....core.objects.units import picture_sizes
from ....core.progress import OnProgress
from ....core.scan.scan_data import ScanData
from ....core.scan.settings import ScanSettings
from ....core.scan.stored_scan import load_record, save_record
from ....core.storage.cache import cache_folder
from ..dataset.object_decisions import read_object_decisions
from ..dataset.objects import labels_by_id
from .paths import object_data_path, scan_data_path
from .run_record import ScanRun, complete_run
from .stored_run import without_changed_labels


@dataclass(frozen=True, eq=False)
class ObjectRun:
    """What a scan says of the objects of a field.

    Attributes:
        field: that holds them
        data: what was learned of them
        findings: one value per attribute and object
    """

    field: str
    data: ObjectData
    findings: ObjectFindings

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall-clock seconds by stage."""
        return self.data.scan.seconds if self.data.scan else {}


def scan_objects(
    dataset: fo.Dataset,
    field: str,
    objects: ObjectInput,
    pictures: ScanData,
    found: Findings,
    paths: Sequence[bytes],
    embedder: ImageEmbedder,
    *,
    settings: ScanSettings,
    options: ObjectSettings,
    prefix: str | None,
    stored: Path,
    on_progress: OnProgress,
) -> ObjectRun:
    """Learns of objects what can be known, keeps it, and applies thresholds.

    Args:
        dataset: that holds the pictures
        field: of the objects
        objects: what is known of them
        pictures: what was learned of their pictures
        found: of the pictures
        paths: absolute file paths of the pictures
        embedder: the model
        settings: of the scan
        options: of objects
        prefix: of the scan's fields
        stored: file of the pictures' scan data
        on_progress: told after each batch; may raise to cancel
    """
    data = collect_object_data(
        pictures,
        paths,
        objects,
        _copies(found),
        embedder,
        folder=cache_folder(),
        settings=settings,
        options=options,
        previous=_previous(dataset, prefix),
        on_progress=on_progress,
    )
    save_record(data, object_data_path(stored))
    return judge_objects(dataset, field, data, pictures, found, settings, options)


def judge_objects(
    dataset: fo.Dataset,
    field: str,
    data: ObjectData,
    pictures: ScanData,
    found: Findings,
    settings: ScanSettings,
    options: ObjectSettings,
) -> ObjectRun:
    """Applies thresholds to objects, and what was decided of them.

    Args:
        dataset: that holds them
        field: that holds them
        data: what was learned of them
        pictures: what was learned of the pictures they are on
        found: of the pictures, which says what copies they have
        settings: of the scan
        options: of objects
    """
    group = _picture_groups(found.columns["dup_cluster"])
    decided = read_object_decisions(dataset, field, data.ids)
    sizes = picture_sizes(pictures)
    findings = find_objects(data, sizes, group, settings, options, decided)
    return ObjectRun(field, data, findings)


def load_objects(dataset: fo.Dataset, run: ScanRun) -> ObjectData:
    """Loads what the last finished scan learned of objects, seen from today.

    Objects that were deleted since do not count in it, and labels that were changed
    since are not known to it.

    Raises:
        StaleRunError: the file or the field is gone
    """
    data = load_record(ObjectData, object_data_path(scan_data_path(run.scan_data)))
    if run.objects is None or not dataset.has_sample_field(run.objects):
        raise StaleRunError(
            f"The field '{run.objects}' of the objects that were scanned is gone. "
            "Scan again: what was embedded is kept, so it is quick."
        )
    label_of = labels_by_id(dataset, run.objects)
    gone = np.fromiter((one not in label_of for one in data.ids), bool, len(data.ids))
    data = without_objects(data, gone)
    if data.scan is None:
        return data
    labels = [label_of.get(one) for one in data.ids]
    return replace(data, scan=without_changed_labels(data.scan, labels))


def object_settings_of(run: ScanRun) -> ObjectSettings:
    """Returns the settings of objects that a finished run was made with."""
    known = {field.name for field in fields(ObjectSettings)}
    return ObjectSettings(
        **{name: value for name, value in run.settings.items() if name in known}
    )


def _previous(dataset: fo.Dataset, prefix: str | None) -> ScanData | None:
    """Returns what the last finished scan learned of crops; None without."""
    try:
        run = complete_run(dataset, prefix)
        path = object_data_path(scan_data_path(run.scan_data))
        return load_record(ObjectData, path).scan
    except (ScanNotFoundError, StaleRunError):
        return None


def _copies(found: Findings) -> NDArray[np.int64]:
    """Returns int64[p, 2]: rows of each copy and of the copy that stays."""
    clusters, keepers = found.columns["dup_cluster"], found.columns["dup_keeper"]
    keeper_of = {
        cluster: row
        for row, (cluster, keeps) in enumerate(zip(clusters, keepers, strict=True))
        if keeps
    }
    pairs = [
        (row, keeper_of[cluster])
        for row, (cluster, keeps) in enumerate(zip(clusters, keepers, strict=True))
        if cluster is not None and not keeps
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _picture_groups(clusters: Sequence[Any]) -> NDArray[np.int64]:
    """Returns int64[n], equal for copies; every other picture is its own group."""
    own = -1 - np.arange(len(clusters))
    groups = [
        alone if cluster is None else cluster
        for cluster, alone in zip(clusters, own.tolist(), strict=True)
    ]
    return np.array(groups, np.int64)
