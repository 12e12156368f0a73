"""The tasks that compare the pictures of some pairs, and look closer at a few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..progress import OnProgress
from ..reading.jpeg_damage import NO_DAMAGE
from ..scan.picture_reader import PictureReader, ReadPicture
from ..scan.scan_data import VerifiedPairs
from ..scan.unique_images import DescribedImages, UniqueImages
from ..scan.verified_pairs import compare, look_closer
from ..storage.record_store import StoredColumn
from .job_folder import Arrays, JobFolder, unpacked
from .machine import check_machine, records_of_task
from .shard_records import ShardRecords
from .sources import read_source
from .tasks import Result

WORK = f"{__name__}:run"
LOOK = f"{__name__}:look"
SEEN, LAID, CARE = "seen", "laid", "care"


def run(
    folder: JobFolder,
    task: str,
    settings: Mapping[str, Any],
    arrays: Arrays,
    on_progress: OnProgress,
) -> Result:
    """Compares pairs of pictures.

    Args:
        folder: of the job
        task: its name
        settings: ``model``, ``machine``, ``max_megapixels``
        arrays: ``files`` packed, ``positions`` int64[u] of the pictures, ``locators``
            of them, packed; ``pairs`` int32[p, 2] of them
        on_progress: told after each batch; may raise to cancel

    Returns:
        the fields of :class:`~core.scan.scan_data.VerifiedPairs`, but for ``images``
    """
    del task
    images, read = _opened(folder, settings, arrays)
    found = compare(images, arrays["pairs"], read, on_progress)
    return Result(_columns(found), len(found))


def look(
    folder: JobFolder,
    task: str,
    settings: Mapping[str, Any],
    arrays: Arrays,
    on_progress: OnProgress,
) -> Result:
    """Looks closer at pairs of pictures, in their files.

    Args: see :func:`run`; ``arrays`` holds :data:`CARE` int8[p] as well

    Returns:
        what :class:`~core.scan.verified_pairs.Looks` holds: :data:`SEEN`,
        :data:`LAID`, and the fields of what is said
    """
    del task
    images, read = _opened(folder, settings, arrays)
    pairs, care = arrays["pairs"], arrays[CARE]
    looks = look_closer(images, pairs, care, read, on_progress)
    columns = {SEEN: looks.seen, LAID: looks.laid, **_columns(looks.said)}
    return Result(columns, len(pairs))


def _opened(
    folder: JobFolder, settings: Mapping[str, Any], arrays: Arrays
) -> tuple[DescribedImages, ReadPicture]:
    """Returns the images of a task, and what reads their pictures."""
    check_machine(settings["model"], settings["machine"])
    store = records_of_task(folder, settings["model"], arrays)
    locators = unpacked(arrays, "locators")
    read = PictureReader(locators, settings["max_megapixels"], read_source)
    return images_at(store, arrays["positions"]), read


def _columns(found: VerifiedPairs) -> Arrays:
    return {
        one.name: getattr(found, one.name)
        for one in fields(VerifiedPairs)
        if one.name != "images"
    }


def images_at(store: ShardRecords, positions: Any) -> DescribedImages:
    """Returns the images whose records are at these positions, one each."""
    every = np.arange(len(positions))
    sides = [store.read(positions, side) for side in ("width", "height")]
    return DescribedImages(
        groups=UniqueImages(every.astype(np.int32), every, every),
        digests=store.read(positions, "digest"),
        descriptors=store.read(positions, "copy"),
        features=StoredColumn(store, positions, "features"),
        signatures=StoredColumn(store, positions, "signature"),
        sizes=np.stack(sides, axis=1),
        damaged=store.read(positions, "damage") != NO_DAMAGE,
    )
