"""What an earlier scan learned that still holds, so that it is not learned again.

Every stage is a function of its input. One digest of all of its input, of the model
and of this program is kept beside what was learned; where it is the same again,
the result is taken over. Neighbor lists are taken over where only items differ.
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
from .scan_data import ScanData

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
    """An earlier scan, seen from the items of this one.

    Args:
        scan_data: that it left; None if there was none
        digests: uint8[i, 32], of the file that stands for each item now
        source: says all that the vectors of a file depend on, see :func:`digest_of`
        pictures: says all that its decoded picture depends on

    Attributes:
        item: int64[i], the item of the earlier scan that the same file stood for; -1
            for a new one. Ascending, since items stand in the order of their digests
        same_pictures: whether it compared pictures that were decoded as now
    """

    def __init__(
        self,
        scan_data: ScanData | None,
        digests: NDArray[np.uint8],
        source: str,
        pictures: str,
    ) -> None:
        self.scan_data = scan_data
        self.item = np.full(len(digests), -1, np.int64)
        self._from = (
            {} if scan_data is None else scan_data.facts.get("learned_from", {})
        )
        self._same_vectors = self._from.get("vectors") == source
        self.same_pictures = self._from.get("pictures") == pictures
        if scan_data is not None:
            before = scan_data.digest[scan_data.first]
            place = {digest.tobytes(): row for row, digest in enumerate(before)}
            self.item[:] = [place.get(digest.tobytes(), -1) for digest in digests]

    def graph(self, vectors: Vectors, k: int, *, by_copies: bool) -> NeighborGraph:
        """Returns the nearest neighbors of each item, and some to spare.

        Args:
            vectors: i x d, of the items
            k: neighbors that are asked for
            by_copies: whether these are the copy vectors
        """
        k += SPARE_NEIGHBORS
        if self.scan_data is not None and self._same_vectors:
            known = _lists(self.scan_data, by_copies)
            if known.k >= k:
                found = updated_graph(
                    vectors, k, known, self.item, spare=SPARE_NEIGHBORS
                )
                if found is not None:
                    return found
        return neighbor_graph(vectors, k)

    def trial(self, source: str) -> CopyScores | None:
        """Returns the trial of known copies, if it was made of the same."""
        if self.scan_data is None or self._from.get("trial") != source:
            return None
        return CopyScores(
            self.scan_data.synthetic_copy_scores, self.scan_data.negative_scores
        )

    def labels(self, source: str) -> ClassEvidence | None:
        """Returns what was learned of the labels, if it was learned from the same."""
        if self.scan_data is None or self._from.get("labels") != source:
            return None
        return ClassEvidence(
            self.scan_data.class_candidates,
            self.scan_data.class_probability,
            self.scan_data.given_probability,
        )


NO_EARLIER_SCAN = PreviousScan(None, np.empty((0, 32), np.uint8), "", "")


def _lists(scan_data: ScanData, by_copies: bool) -> NeighborGraph:
    # One graph serves for both where the model gives one vector
    if by_copies and scan_data.copy_neighbors.shape[1]:
        return NeighborGraph(
            scan_data.copy_neighbors, scan_data.copy_neighbor_similarity
        )
    return NeighborGraph(scan_data.neighbors, scan_data.neighbor_similarity)


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
