"""Images as the overview of a set sees them, without the rest of a scan."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.embedding.embed import embed_images  # noqa: E402
from core.models.registry import load_embedder  # noqa: E402
from core.neighbors.knn_graph import NeighborGraph, neighbor_graph  # noqa: E402
from core.overview.composition import composition  # noqa: E402
from core.overview.overview import Overview, look_at_set, set_evidence  # noqa: E402
from core.overview.properties import Background  # noqa: E402
from core.overview.records import SetMembers  # noqa: E402
from core.scan.unique_images import unique_images  # noqa: E402

_NEIGHBORS = 12


@dataclass(frozen=True, eq=False)
class SetImages:
    """i unique images; none is a copy of another, or of its scene.

    Attributes:
        rows: int64[i], the path that each was read from
        paths: of the files
        file_bytes: int64[i]
        statistics: float32[i, s]
        signatures: uint8[i, q]
        descriptors: i x c, unit rows
        features: i x f, unit rows
        graph: the nearest neighbors by features
    """

    rows: NDArray[np.int64]
    paths: Sequence[bytes]
    file_bytes: NDArray[np.int64]
    statistics: NDArray[np.float32]
    signatures: NDArray[np.uint8]
    descriptors: NDArray[np.floating]
    features: NDArray[np.floating]
    graph: NeighborGraph

    def __len__(self) -> int:
        return len(self.rows)


def read_images(paths: Sequence[str | Path], cache: Path) -> SetImages:
    """Reads and embeds files; those of equal pixels are one image."""
    encoded = [os.fsencode(path) for path in paths]
    table = embed_images(encoded, load_embedder(), folder=cache, max_megapixels=100)
    images = unique_images(table)
    every = np.arange(len(images))
    rows = table.rows()[images.groups.first_file]
    features = np.asarray(images.features[every])
    return SetImages(
        rows=rows,
        paths=[encoded[row] for row in rows.tolist()],
        file_bytes=table.file_bytes[rows],
        statistics=table.column("statistics")[images.groups.first_file],
        signatures=np.asarray(images.signatures[every]),
        descriptors=np.asarray(images.descriptors[every]),
        features=features,
        graph=neighbor_graph(features.astype(np.float32), _NEIGHBORS),
    )


def overview_of(
    images: SetImages,
    label: NDArray[np.int32],
    split: NDArray[np.int32],
    classes: Sequence[str],
    splits: Sequence[str],
    background: Background | None = None,
    likeliest: NDArray[np.int32] | None = None,
) -> Overview:
    """Returns what is said of a set.

    Args:
        images: i images
        label: int32[i]
        split: int32[i]
        classes: names in order of their codes
        splits: likewise
        background: of the i images; None for none
        likeliest: int32[i], the class that each image looks like; None if unknown:
            then nothing is said of classes that overlap or fall apart
    """
    count = len(images)
    alone, none = np.full(count, -1), np.zeros(count, bool)
    nowhere = Background(np.full(count, np.nan), np.zeros(count, np.uint32), {})
    evidence = set_evidence(
        images.descriptors,
        images.features,
        images.signatures,
        images.statistics,
        images.file_bytes,
        images.paths,
        label,
        split,
        alone,
        classes,
        splits,
        background or nowhere,
    )
    members = SetMembers(
        label=label,
        split=split,
        group=alone,
        here=~none,
        likeliest=alone.astype(np.int32) if likeliest is None else likeliest,
        wrong_label=none,
        distance=np.full(count, np.nan, np.float32),
        outlier=none,
    )
    counts = composition(label, split, np.arange(count), classes, splits)
    return look_at_set(evidence, members, counts, images.graph, classes, splits)
