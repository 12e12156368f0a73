"""Reuses results of the previous scan whose inputs did not change.

Every stage is a function of its input. One digest of all of its input, of the model
and of this program is kept beside its result; where it is the same again, the result
is reused. Neighbor lists are updated where only the images differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..findings.label_issues import ClassEvidence
from ..neighbors.incremental import SPARE_NEIGHBORS, updated_graph
from ..neighbors.knn_graph import NeighborGraph, neighbor_graph
from ..storage.record_store import Vectors
from .recall_estimate import CopyScores
from .scan_data import ImageGraphs, ScanData, VerifiedPairs

_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "pynndescent",
    "onnxruntime",
    "opencv-python-headless",
    "Pillow",
)
"""Those that compute; one that is not installed computes nothing."""


class PreviousScan:
    """The previous scan, seen from the unique images of this one.

    Args:
        scan_data: that it left; None if there was none
        digests: uint8[i, 32], of the file that represents each unique image now
        vectors: digest of all that the embeddings depend on now
        pictures: digest of all that a decoded picture depends on now

    Attributes:
        image: int64[i], the unique image of the previous scan that the same file
            represented; -1 for a new one. Ascending, since unique images stand in
            the order of their digests
        pairs: of the previous scan, if its pictures were decoded as now
    """

    def __init__(
        self,
        scan_data: ScanData | None,
        digests: NDArray[np.uint8],
        vectors: str,
        pictures: str,
    ) -> None:
        self.image = np.full(len(digests), -1, np.int64)
        self.pairs: VerifiedPairs | None = None
        self._scan_data = scan_data
        self._graphs: ImageGraphs | None = None
        if scan_data is None:
            return
        if scan_data.inputs.vectors == vectors:
            self._graphs = scan_data.graphs
        if scan_data.inputs.pictures == pictures:
            self.pairs = scan_data.pairs
        before = scan_data.files.digest[scan_data.images.first_file]
        place = {digest.tobytes(): row for row, digest in enumerate(before)}
        self.image[:] = [place.get(digest.tobytes(), -1) for digest in digests]

    def graph_of_descriptors(self, vectors: Vectors, k: int) -> NeighborGraph:
        """Returns the k nearest neighbors of each unique image, and some to spare.

        Args:
            vectors: i x c, descriptors of the unique images
            k: number of neighbors
        """
        known = self._graphs
        if known is None:
            return self._graph(vectors, k, None)
        # One graph serves for both where the model gives one vector
        one = known.features if known.descriptors is None else known.descriptors
        return self._graph(vectors, k, one)

    def graph_of_features(self, vectors: Vectors, k: int) -> NeighborGraph:
        """Returns the same by features, i x f."""
        known = self._graphs
        return self._graph(vectors, k, None if known is None else known.features)

    def _graph(
        self, vectors: Vectors, k: int, previous: NeighborGraph | None
    ) -> NeighborGraph:
        k += SPARE_NEIGHBORS
        if previous is not None and previous.k >= k:
            found = updated_graph(
                vectors, k, previous, self.image, spare=SPARE_NEIGHBORS
            )
            if found is not None:
                return found
        return neighbor_graph(vectors, k)

    def recall(self, inputs: str) -> CopyScores | None:
        """Returns the scores of synthetic copies, if they were made of the same."""
        known = self._scan_data
        return known.recall if known and known.inputs.recall == inputs else None

    def classes(self, inputs: str) -> ClassEvidence | None:
        """Returns the class probabilities, if they were learned from the same."""
        known = self._scan_data
        return known.classes if known and known.inputs.classes == inputs else None


NO_PREVIOUS_SCAN = PreviousScan(None, np.empty((0, 32), np.uint8), "", "")


def digest_of(parts: Iterable[str | float | NDArray[np.generic]]) -> str:
    """Returns one digest of texts, numbers and arrays, and of this program.

    The program counts by its text and the packages that compute by their versions,
    so that nobody need remember what a change of either might change.
    """
    digest = hashlib.sha256(_PROGRAM)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()


def _program() -> bytes:
    here = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        digest.update(repr(path.relative_to(here).parts).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for package in _PACKAGES:
        try:
            digest.update(metadata.version(package).encode())
        except metadata.PackageNotFoundError:
            digest.update(package.encode())
    return digest.digest()


_PROGRAM = _program()
"""Taken when this is imported: the text may change while the program runs."""
