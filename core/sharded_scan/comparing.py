"""The task that compares the pictures of some pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..progress import OnProgress
from ..reading.jpeg_damage import NO_DAMAGE
from ..scan.plain_pages import page_reader
from ..scan.scan_data import VerifiedPairs
from ..scan.unique_images import DescribedImages, UniqueImages
from ..scan.verified_pairs import verify
from ..storage.record_store import StoredColumn
from .job_folder import Arrays, JobFolder, unpacked
from .machine import check_machine, records_of_task
from .shard_records import ShardRecords
from .sources import read_source
from .tasks import Result

WORK = f"{__name__}:run"


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
    check_machine(settings["model"], settings["machine"])
    store = records_of_task(folder, settings["model"], arrays)
    images = images_at(store, arrays["positions"])
    locators = unpacked(arrays, "locators")
    read_page = page_reader(locators, settings["max_megapixels"], read_source)
    found = verify(images, arrays["pairs"], None, read_page, on_progress)
    kept = {
        one.name: getattr(found, one.name)
        for one in fields(VerifiedPairs)
        if one.name != "images"
    }
    return Result(kept, len(found))


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
