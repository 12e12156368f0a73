"""Folders of labeled pictures, and what a scan knows of their labels."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.embedding.embed import embed_images  # noqa: E402
from core.findings.class_learning import learn_classes  # noqa: E402
from core.findings.label_support import (  # noqa: E402
    COPY_VOTERS,
    VOTERS,
    LabelEvidence,
    gather_evidence,
)
from core.models.registry import DEFAULT_MODEL, load_embedder  # noqa: E402
from core.neighbors.knn_graph import NeighborGraph, neighbor_graph  # noqa: E402
from core.storage.cache import cache_folder  # noqa: E402

Floats = NDArray[np.floating]
Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LabeledSet:
    """What is known of n pictures.

    Attributes:
        files: of the pictures, each with other bytes
        names: of the classes
        truth: int32[n], their classes
        vectors: descriptors and features as a scan has them, unit rows
        graphs: the neighbors by features, and by descriptors
    """

    files: list[Path]
    names: list[str]
    truth: Codes
    vectors: tuple[Floats, Floats]
    graphs: tuple[NeighborGraph, NeighborGraph]

    def evidence(self, label: Codes) -> LabelEvidence:
        """Returns what a scan knows of pictures with these labels."""
        alone = np.full(len(label), -1, np.int64)
        count = len(self.names)
        learned = learn_classes(self.vectors, label, alone, count)[0]
        return gather_evidence(
            learned, self.graphs[0], label, alone, count, copy_graph=self.graphs[1]
        )


def embedded(paths: list[Path], network: str) -> tuple[Floats, Floats]:
    """Returns the descriptors and the features of files, unit rows."""
    table = embed_images(
        [os.fsencode(path) for path in paths],
        load_embedder(network),
        folder=cache_folder(),
        max_megapixels=100,
    )
    found = []
    for name in ("copy", "features"):
        values = np.asarray(table.column(name)[table.unique_file]).astype(np.float32)
        found.append(values / np.linalg.norm(values, axis=1, keepdims=True))
    return found[0], found[1]


def read_set(folder: Path, most: int | None = None) -> LabeledSet:
    """Returns pictures of a folder that holds a folder a class, each file once.

    Args:
        folder: its classes may be at any depth
        most: pictures to draw at random; None for all
    """
    files = sorted(path for path in folder.rglob("*") if cv2.haveImageReader(str(path)))
    files = list({sha256(path.read_bytes()).digest(): path for path in files}.values())
    drawn = np.random.default_rng(1).permutation(len(files))[:most]
    files = [files[row] for row in drawn]
    names, truth = np.unique([one.parent.name for one in files], return_inverse=True)
    copy, features = embedded(files, DEFAULT_MODEL)
    graphs = (neighbor_graph(features, VOTERS), neighbor_graph(copy, COPY_VOTERS))
    codes = truth.astype(np.int32)
    return LabeledSet(files, names.tolist(), codes, (copy, features), graphs)
