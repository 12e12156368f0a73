"""The set as a whole, from the records of a scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings.scenes import Scenes
from ..findings.schema import NO_CLUSTER
from ..overview.composition import composition, units
from ..overview.overview import Overview, look_at_set, set_evidence
from ..overview.properties import Background
from ..overview.records import NONE, SetEvidence, SetMembers
from .columns import ColumnOf, of_nothing
from .image_labels import connected_groups, majority_labels
from .judgment import Judgment
from .previous_scan import PreviousScan
from .scan_data import (
    Pairs,
    Samples,
    ScanData,
    UniqueFiles,
    first_by_path,
    first_samples,
)
from .unique_images import DescribedImages

Origins = tuple[NDArray[np.float64], NDArray[np.uint32]]
"""When images were taken, and by which camera; see :class:`Background`."""


def evidence_of_set(
    samples: Samples,
    files: UniqueFiles,
    images: DescribedImages,
    related: Pairs,
    paths: Sequence[bytes],
    before: PreviousScan,
    origins: Origins | None = None,
    fields: Mapping[str, Sequence[Any]] | None = None,
) -> SetEvidence:
    """Looks at the set while the vectors are at hand.

    A set that did not change since the previous scan is not looked at again.

    Args:
        samples: n samples
        files: their unique files
        images: i unique images
        related: int32[p, 2], pairs of them that are copies or show one scene
        paths: of the unique images
        before: the previous scan
        origins: of the unique images, as their metadata say; None if not known
        fields: name -> n values of the samples
    """
    count = len(images)
    of_samples = images.groups.of_samples(samples.unique_file)
    first = images.groups.first_file
    file_bytes = np.zeros(len(files.digest), np.int64)
    readable = samples.readable
    file_bytes[samples.unique_file[readable]] = samples.file_bytes[readable]
    statistics, sizes = files.statistics[first], file_bytes[first]
    label = majority_labels(of_samples, samples.labels, count, len(samples.classes))
    split = _only_splits(of_samples, samples.splits, count)
    group = connected_groups(count, related)
    background = _background(
        first_by_path(of_samples, samples.path_rank, count), origins, fields or {}
    )
    arrays: list[NDArray[np.generic]] = [statistics, sizes, label, split, group]
    arrays += [background.captured, background.camera]
    names = repr([samples.classes, samples.split_names, background.fields])
    inputs = before.set_input(chain(arrays, [names], paths))
    if same := before.set_evidence(inputs):
        return same
    evidence = set_evidence(
        images.descriptors,
        images.features,
        images.signatures,
        statistics,
        sizes,
        paths,
        label,
        split,
        group,
        samples.classes,
        samples.split_names,
        background,
    )
    return replace(evidence, inputs=inputs)


def _background(
    sample_of: NDArray[np.int64],
    origins: Origins | None,
    fields: Mapping[str, Sequence[Any]],
) -> Background:
    """Returns what is known of the unique images: of the sample of each."""
    count = len(sample_of)
    captured, camera = origins or (np.full(count, np.nan), np.zeros(count, np.uint32))
    return Background(
        captured,
        camera,
        {
            name: [values[row] for row in sample_of.tolist()]
            for name, values in fields.items()
        },
    )


def overview_of(
    scan_data: ScanData, judged: Judgment, scenes: Scenes
) -> Overview | None:
    """Says what is wrong with the set, as thresholds and decisions have it.

    None where nobody looked at the set, as in a scan of objects.

    Args:
        scan_data: of the scan
        judged: what the rules say of the samples
        scenes: of the samples
    """
    if scan_data.overview is None:
        return None
    samples, of_samples = scan_data.samples, scan_data.sample_images
    count = len(scan_data.images.first_file)
    unit = units(of_samples, judged.duplicates.cluster, scenes.group)
    first = first_samples(scan_data)
    here = first >= 0
    likeliest = scan_data.classes.classes[:, 0]
    members = SetMembers(
        label=majority_labels(of_samples, samples.labels, count, len(samples.classes)),
        split=_only_splits(of_samples, samples.splits, count),
        group=np.where(here, unit[first], NO_CLUSTER),
        here=here,
        likeliest=likeliest,
        wrong_label=here & judged.labels.issue[first],
        distance=np.where(here, judged.outliers.distance[first], np.nan),
        outlier=here & judged.outlier[first],
    )
    counted = composition(
        samples.labels, samples.splits, unit, samples.classes, samples.split_names
    )
    return look_at_set(
        scan_data.overview,
        members,
        counted,
        scan_data.graphs.features,
        samples.classes,
        samples.split_names,
    )


def keys_of_samples(
    overview: Overview | None, of_samples: NDArray[np.int32]
) -> ColumnOf:
    """Returns what gives samples the keys of findings of the set; None if unreadable.

    Args:
        overview: of the set; None where nobody looked
        of_samples: int32[n], the unique image of each sample; -1 if unreadable
    """
    if overview is None:
        return of_nothing(len(of_samples))
    keys, nothing = overview.keys(), list[str]()
    return lambda rows: [
        keys.get(image, nothing) if image >= 0 else None
        for image in of_samples[rows].tolist()
    ]


def _only_splits(
    of_samples: NDArray[np.int32], splits: NDArray[np.int32], count: int
) -> NDArray[np.int32]:
    """Returns int32[i]: the split of each image, ``NONE`` for none or for several."""
    known = (of_samples >= 0) & (splits >= 0)
    least = np.full(count, np.iinfo(np.int32).max, np.int32)
    most = np.full(count, NONE, np.int32)
    np.minimum.at(least, of_samples[known], splits[known])
    np.maximum.at(most, of_samples[known], splits[known])
    return np.where(least == most, most, NONE).astype(np.int32)
