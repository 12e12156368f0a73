"""The slow half of a scan of objects: cuts out, embeds, searches and compares crops.

The stages are those of :mod:`core.scan.collect`; a crop is a picture. What only whole
files have (synthetic copies, pixels that are read again) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import distinct_pairs
from ..copy_detection import frame_maps, turned_candidates
from ..copy_detection.overlays import STILL
from ..embedding.records import ImageEmbedder, open_store
from ..findings.schema import QUARANTINED
from ..findings.sequences import no_sequences
from ..progress import OnProgress, silent
from ..scan.candidate_search import search_neighbors
from ..scan.image_labels import labels_of_images, learn_labels
from ..scan.learn import StageClock, model_info
from ..scan.previous_scan import PreviousScan
from ..scan.recall_estimate import NO_COPY_SCORES
from ..scan.samples import samples_of, split_membership, unique_files
from ..scan.scan_data import ScanData, ScanInput, without
from ..scan.settings import DEFAULTS, ScanSettings
from ..scan.unique_images import unique_images
from ..scan.verified_pairs import refuse_one_design, verify
from ..storage.record_store import RecordStore, StoredColumn
from .agreement import BoxComparisons, Copies, compare_boxes
from .boxes import BOX_ISSUES, box_issues
from .crops import embed_crops
from .moved import without_moved
from .settings import OBJECT_DEFAULTS, ObjectSettings
from .units import OK, TINY, UNREAD, Units, corners, picture_sizes, units_of


@dataclass(frozen=True, eq=False)
class ObjectInput:
    """What a data set knows of u objects.

    Attributes:
        ids: what names each object, for an order that does not change
        file: int64[u], row of each object's picture
        boxes: float64[u, 4], left, top, width and height as shares of the upright
            picture; NaN where there are other than four numbers
        labels: int32[u], codes into ``classes``, -1 without
        classes: label names
        attribute_count: int64[u], how much a person has said of each
        is_crowd: bool[u], a box around many objects
    """

    ids: Sequence[str]
    file: NDArray[np.int64]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int32]
    classes: Sequence[str]
    attribute_count: NDArray[np.int64]
    is_crowd: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ObjectData:
    """The stored half of a scan of objects.

    Attributes:
        ids: what names each object, as given
        units: which part of which picture each object is
        boxes: float64[u, 4], as given
        attribute_count: int64[u], as given
        copies: int64[p, 2], pictures that are copies of one another
        comparisons: of their boxes
        scan: of the crops, one sample per object; None where fewer than two objects
            have a crop, so that nothing can be compared
    """

    ids: list[str]
    units: Units
    boxes: NDArray[np.float64]
    attribute_count: NDArray[np.int64]
    copies: NDArray[np.int64]
    comparisons: BoxComparisons
    scan: ScanData | None


def collect_object_data(
    pictures: ScanData,
    paths: Sequence[bytes],
    objects: ObjectInput,
    copies: NDArray[np.int64],
    embedder: ImageEmbedder,
    *,
    folder: Path,
    settings: ScanSettings = DEFAULTS,
    options: ObjectSettings = OBJECT_DEFAULTS,
    previous: ScanData | None = None,
    on_progress: OnProgress = silent,
) -> ObjectData:
    """Learns from u objects all that thresholds are applied to.

    Args:
        pictures: the scan of the n pictures that the objects are on
        paths: absolute file paths of the pictures
        objects: what is known of them
        copies: int64[p, 2], pictures that are copies of one another
        embedder: the model
        folder: cache in which embeddings are kept between runs
        settings: those of the scan of the pictures
        options: see :class:`~core.objects.settings.ObjectSettings`
        previous: what an earlier scan of objects left; see
            :func:`core.scan.collect.collect_scan_data`
        on_progress: told after each batch; may raise to cancel
    """
    clock = StageClock()
    units = units_of(
        objects.file,
        objects.boxes,
        picture_sizes(pictures),
        is_crowd=objects.is_crowd,
        margin=options.object_margin,
        min_side=options.min_object_side,
    )
    table = embed_crops(
        paths,
        pictures,
        units,
        embedder,
        folder=folder,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )
    comparisons = compare_copies(
        pictures,
        paths,
        objects.file,
        objects.boxes,
        _comparable(pictures, units, objects, options),
        copies,
        open_store(folder, embedder),
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )
    data = ObjectData(
        list(objects.ids),
        units,
        objects.boxes,
        objects.attribute_count,
        copies,
        comparisons,
        None,
    )
    if (table.unique_file >= 0).sum() < 2:
        return data
    given = ScanInput(
        [
            paths[file] + b"#" + name.encode()
            for file, name in zip(objects.file.tolist(), objects.ids, strict=True)
        ],
        objects.labels,
        objects.classes,
        pictures.samples.splits[objects.file],
        pictures.samples.split_names,
    )
    samples, files = samples_of(table, given), unique_files(table)
    clock.end("read and embed objects")
    crops = unique_images(table)
    model = model_info(embedder)
    before = PreviousScan(previous, crops, model)
    search = search_neighbors(
        crops,
        split_membership(samples, crops),
        model.min_candidate_similarity,
        settings.neighbors,
        before,
        on_progress,
    )
    clock.end("search objects")
    rotated = turned_candidates(crops.signatures)
    pairs = verify(
        crops,
        distinct_pairs(search.candidates, rotated),
        before,
        on_progress=on_progress,
    )
    refuse_one_design(pairs, pairs, crops.signatures)
    clock.end("compare objects")
    labels = labels_of_images(samples, crops, pairs.accepted(settings.min_copy_score))
    classes, _ = before.learned(labels) or learn_labels(crops, labels, on_progress)
    clock.end("learn labels of objects")
    scan = ScanData(
        samples=samples,
        files=files,
        images=crops.groups,
        graphs=search.graphs,
        pairs=pairs,
        sequences=no_sequences(len(samples)),
        thinning=None,
        recall=NO_COPY_SCORES,
        classes=classes,
        overview=None,
        nearest_samples=None,
        model=model,
        inputs=before.inputs(labels, is_recall_complete=False),
        seconds=clock.seconds,
    )
    return replace(data, scan=scan)


def compare_copies(
    pictures: ScanData,
    paths: Sequence[bytes],
    picture: NDArray[np.int64],
    boxes: NDArray[np.float64],
    counts: NDArray[np.bool_],
    copies: NDArray[np.int64],
    store: RecordStore,
    *,
    max_megapixels: float,
    on_progress: OnProgress = silent,
) -> BoxComparisons:
    """Compares the boxes of pictures with those of their copies.

    Args:
        pictures: the scan of n pictures
        paths: absolute file paths of them
        picture: int64[u], of each object
        boxes: float64[u, 4], left, top, width and height as shares of the picture
        counts: bool[u], boxes that are compared
        copies: int64[p, 2], pictures that are copies of one another
        store: of what is known of the files
        max_megapixels: larger pictures are refused
        on_progress: told after each pair whose boxes differ; may raise to cancel
    """
    laid = Copies(copies, _frame_maps(pictures, copies, store))
    edges = np.clip(corners(boxes), 0, 1)
    found = compare_boxes(laid, picture, edges, counts)
    return without_moved(
        found,
        laid,
        edges,
        paths,
        max_megapixels=max_megapixels,
        on_progress=on_progress,
    )


def _comparable(
    pictures: ScanData, units: Units, objects: ObjectInput, options: ObjectSettings
) -> NDArray[np.bool_]:
    """Returns bool[u], boxes that a copy should have too.

    Crowds have no edges to compare, and a second box on one object is another
    finding.
    """
    issues = box_issues(
        units,
        objects.boxes,
        picture_sizes(pictures),
        objects.labels.astype(np.int64),
        objects.attribute_count,
        min_overlap=options.min_box_overlap,
    )
    second = issues[:, BOX_ISSUES.index("duplicate")]
    return np.isin(units.status, (OK, TINY)) & ~second


def _frame_maps(
    pictures: ScanData, copies: NDArray[np.int64], store: RecordStore
) -> NDArray[np.float64]:
    """Returns float64[p, 2, 3]; those of equal pictures are still."""
    images = pictures.sample_images[copies]
    maps = np.tile(STILL, (len(copies), 1, 1))
    differ = np.flatnonzero(images[:, 0] != images[:, 1])
    if not len(differ):
        return maps
    shown, pairs = np.unique(images[differ], return_inverse=True)
    files = pictures.files
    first = pictures.images.first_file[shown]
    positions = store.positions([one.tobytes() for one in files.digest[first]])
    sizes = np.stack([files.width[first], files.height[first]], axis=1)
    signatures = StoredColumn(store, positions, "signature")
    maps[differ] = frame_maps(
        signatures, pairs.reshape(-1, 2).astype(np.int32), sizes.astype(np.int32)
    )
    return maps


def without_objects(data: ObjectData, gone: NDArray[np.bool_]) -> ObjectData:
    """Returns the data without objects that are deleted since, or their pictures.

    Args:
        data: as it was collected
        gone: bool[u]
    """
    status = np.where(gone, np.int8(UNREAD), data.units.status)
    scan = None if data.scan is None else without(data.scan, gone, QUARANTINED)
    return replace(data, units=replace(data.units, status=status), scan=scan)
