"""Reuses results of the previous scan whose inputs did not change.

Every stage is a function of its input. One digest of all of its input, of the model
and of this program is kept beside its result; where it is the same again, the result
is reused. Neighbor lists are updated where only the images differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib import metadata
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.pairs import distinct_pairs
from ..findings.class_learning import LearnedClasses, standing_evidence
from ..findings.label_support import ClassEvidence
from ..overview.records import SetEvidence
from .candidates_by_looks import MOST_PICTURES, KnownPairs, SeenLooks
from .copy_trial import CopyTrial
from .image_labels import ImageLabels
from .recall_estimate import CopyScores
from .scan_data import ImageGraphs, ModelInfo, ScanData, StageInputs, VerifiedPairs
from .unique_images import DescribedImages

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
        images: the unique images now
        model: that embedded them
        is_own: whether it was of this data set; of another one what was learned does
            not stand, so that what is said of a new data set depends on it alone

    Attributes:
        image: int64[i], the unique image of the previous scan that the same file
            represented; -1 for a new one. Ascending, since unique images stand in
            the order of their digests
        graphs: of the previous scan, if its embeddings were made as now
        pairs: of the previous scan, if its pictures were decoded as now as well
        trial: of the previous scan, likewise
        seen: of its images from afar, likewise
    """

    def __init__(
        self,
        scan_data: ScanData | None,
        images: DescribedImages,
        model: ModelInfo,
        *,
        is_own: bool = True,
    ) -> None:
        self._scan_data = scan_data
        self._is_own = is_own
        self._digests = images.digests
        self._vectors = digest_of(
            [model.sha256] if model.sha256 else [images.descriptors[:], images.digests]
        )
        self._pictures = digest_of([model.input_size])
        self._recall = digest_of(
            [self._vectors, model.min_candidate_similarity, images.digests]
        )
        self.image = np.full(len(images), -1, np.int64)
        self.pairs: VerifiedPairs | None = None
        self.trial: CopyTrial | None = None
        self.seen: SeenLooks | None = None
        self.graphs: ImageGraphs | None = None
        if scan_data is None:
            return
        if scan_data.inputs.vectors == self._vectors:
            self.graphs = scan_data.graphs
            # Which pairs are looked at closer depends on their cosines
            if scan_data.inputs.pictures == self._pictures:
                self.pairs = scan_data.pairs
                self.trial = scan_data.trial
                self.seen = scan_data.seen
        before = scan_data.files.digest[scan_data.images.first_file]
        place = {digest.tobytes(): row for row, digest in enumerate(before)}
        self.image[:] = [place.get(digest.tobytes(), -1) for digest in images.digests]

    def proposal(
        self,
        split_holds: NDArray[np.bool_],
        neighbors: int | None,
        least: float,
        by: str,
    ) -> str:
        """Returns a digest of all that pairs are proposed by.

        Args:
            split_holds: bool[s, i], which split holds which unique image
            neighbors: how many are searched of each image; None for as many as needed
            least: least cosine of copies
            by: what searches; a job finds some of the neighbors only
        """
        asked = f"{neighbors} {least!r} {by}"
        return self.set_input([split_holds, asked])

    def first_pairs(self, proposal: str) -> VerifiedPairs | None:
        """Returns the pairs that were proposed, if they were by the same."""
        known = self._scan_data
        if known is None or self.pairs is None or known.inputs.proposed != proposal:
            return None
        return self.pairs.at(slice(known.inputs.proposed_count))

    def known_pairs(self) -> KnownPairs | None:
        """Returns the pairs of images that are still here, if all that were proposed
        are known."""
        known = self._scan_data
        if known is None or self.pairs is None or known.inputs.proposed is None:
            return None
        now = np.full(len(known.images.first_file), -1, np.int64)
        if len(now) > MOST_PICTURES:
            return None
        here = np.flatnonzero(self.image >= 0)
        now[self.image[here]] = here
        ends = now[self.pairs.images]
        is_here = ends >= 0
        lost = ends[is_here.sum(axis=1) == 1].max(axis=1)
        new = np.flatnonzero(self.image < 0)
        pairs = distinct_pairs(ends[is_here.all(axis=1)])
        return KnownPairs(pairs, np.union1d(lost, new))

    def recall(self, proposal: str) -> tuple[CopyScores, CopyTrial | None, bool] | None:
        """Returns what :func:`~.copy_trial.try_copies` did, if it had the same images
        and pairs, and could read all files.

        Args:
            proposal: see :meth:`proposal`
        """
        known = self._scan_data
        if known is None or known.inputs.recall != self._recall_input(proposal):
            return None
        return known.recall, known.trial, True

    def learned(
        self, labels: ImageLabels
    ) -> tuple[ClassEvidence, LearnedClasses | None] | None:
        """Returns the class probabilities, if the previous scan had the same labels."""
        known = self._scan_data
        if known is None or known.inputs.classes != self._classes_input(labels):
            return None
        if known.learned is not None and known.learned.stood and not self._is_own:
            return None
        return known.classes, known.learned

    def nearly_learned(
        self, images: DescribedImages, labels: ImageLabels, classes: Sequence[str]
    ) -> tuple[ClassEvidence, LearnedClasses] | None:
        """Returns the class probabilities by what the previous scan learned, if next to
        nothing changed since, see
        :func:`~core.findings.class_learning.standing_evidence`.

        Args:
            images: the unique images now
            labels: of them
            classes: the names of the labels: another name may give others other codes
        """
        known = self._scan_data
        if known is None or known.learned is None or not self._is_own:
            return None
        if known.inputs.vectors != self._vectors:
            return None
        if list(known.samples.classes) != list(classes):
            return None
        return standing_evidence(
            known.classes,
            known.learned,
            self.image,
            (images.descriptors, images.features),
            labels.label,
            labels.group,
        )

    def set_input(
        self, parts: Iterable[str | bytes | float | NDArray[np.generic]]
    ) -> str:
        """Returns a digest of the images and of what else is known of their set."""
        return digest_of(chain([self._vectors, self._pictures, self._digests], parts))

    def set_evidence(self, inputs: str) -> SetEvidence | None:
        """Returns what was learned of the set, if it was learned from the same.

        Args:
            inputs: see :meth:`set_input`
        """
        known = self._scan_data.overview if self._scan_data else None
        return known if known and known.inputs == inputs else None

    def inputs(
        self,
        labels: ImageLabels,
        *,
        is_recall_complete: bool,
        proposed: str | None = None,
        proposed_count: int = 0,
    ) -> StageInputs:
        """Returns the digests of what the stages of this scan depended on.

        Args:
            labels: that were learned
            is_recall_complete: whether no file was missing in the recall estimate
            proposed: see :meth:`proposal`; None where it does not tell all
            proposed_count: of the pairs that were
        """
        return StageInputs(
            vectors=self._vectors,
            pictures=self._pictures,
            recall=self._recall_input(proposed) if is_recall_complete else None,
            classes=self._classes_input(labels),
            proposed=proposed,
            proposed_count=proposed_count,
        )

    def _recall_input(self, proposed: str | None) -> str:
        return digest_of([self._recall, str(proposed)])

    def _classes_input(self, labels: ImageLabels) -> str:
        return digest_of(
            [
                self._vectors,
                self._digests,
                labels.label,
                labels.group,
                labels.class_count,
            ]
        )


def digest_of(parts: Iterable[str | bytes | float | NDArray[np.generic]]) -> str:
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
    # What was learned lies in JSON files beside the text
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.json")]):
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
