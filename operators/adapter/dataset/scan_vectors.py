"""The vectors that a finished scan compared, read again from where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ....core.copy_detection import Signatures
from ....core.embedding.embed import embed_images
from ....core.embedding.image_table import FileTable
from ....core.progress import OnProgress
from ....core.scan.collect_videos import describe_videos
from ....core.storage.cache import cache_folder
from ....core.storage.record_store import StoredColumn, Vectors
from ....core.videos.embed import embed_videos
from .fields import field_name
from .models import load_model, read_vectors
from .present import present
from .samples import is_of_videos, read_samples


@dataclass(frozen=True, eq=False)
class ScannedVectors:
    """What a scan compared, of n images or videos.

    Attributes:
        ids: of the samples
        paths: of the files
        vectors: n x d: float32 of any length from a field, else of unit length, float16
            of images and float32 of videos
        signatures: of the n images; None for vectors from a field, and for videos
    """

    ids: list[str]
    paths: list[bytes]
    vectors: NDArray[np.floating]
    signatures: Signatures | None = None


def scanned_vectors(
    dataset: fo.Dataset,
    settings: Mapping[str, Any],
    prefix: str | None,
    kind: str,
    on_progress: OnProgress,
) -> ScannedVectors:
    """Returns the vectors of the images or videos that the scan could read.

    They come from the cache; an image that is no longer in it is embedded again,
    and one that cannot be read any more is left out.

    Args:
        dataset: that was scanned
        settings: of the scan
        prefix: of its fields
        kind: ``copy`` or ``features``, where the model makes both
        on_progress: called after each batch
    """
    view = present(dataset).match({field_name("scan_status", prefix): "ok"})
    field = settings["embeddings"]
    if field:
        view = view.exists(field)
        table = read_samples(view)
        return ScannedVectors(table.ids, table.paths, read_vectors(view, field))
    table = read_samples(view)
    model, folder = load_model(settings["model"]), cache_folder()
    found: FileTable
    vectors: Vectors
    signatures: StoredColumn | None = None
    if is_of_videos(view):
        found = videos = embed_videos(
            table.paths,
            model,
            folder=folder,
            every=settings["every"],
            max_megapixels=settings["max_megapixels"],
            on_progress=on_progress,
        )
        described = describe_videos(videos)
        vectors = described.descriptors if kind == "copy" else described.features
    else:
        found = embed_images(
            table.paths,
            model,
            folder=folder,
            max_megapixels=settings["max_megapixels"],
            on_progress=on_progress,
        )
        vectors, signatures = found.stored(kind), found.stored("signature")
    rows = np.flatnonzero(found.unique_file >= 0)
    return ScannedVectors(
        [table.ids[row] for row in rows],
        [table.paths[row] for row in rows],
        vectors[found.unique_file[rows]],
        signatures.at(found.unique_file[rows]) if signatures is not None else None,
    )
