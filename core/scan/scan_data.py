"""What a scan learned, as records: all that thresholds are applied to.

Rows are samples (n), which name unique files (m): files of distinct bytes. Unique
images (i) surely differ; p pairs of them may be copies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import PARTLY, TOO_PLAIN, relation_bits
from ..findings.class_learning import LearnedClasses
from ..findings.label_issues import LabelFindings
from ..findings.label_support import ClassEvidence
from ..findings.outliers import OutlierDistances
from ..findings.predictions import Predictions
from ..findings.sequences import Sequences
from ..neighbors.knn_graph import NeighborGraph
from ..overview.records import SetEvidence
from ..reading.jpeg_damage import NO_DAMAGE
from ..reading.split_names import TRAIN, split_role
from ..videos.video_data import VideoData
from .candidates_by_looks import SeenLooks
from .copy_trial import CopyTrial
from .recall_estimate import CopyScores
from .unique_images import UniqueImages

Pairs = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Recordings:
    """The recordings that a field names.

    Attributes:
        codes: int32[n], codes into ``names``, -1 without
        names: of the recordings
    """

    codes: NDArray[np.int32]
    names: Sequence[str]


@dataclass(frozen=True, eq=False)
class ScanInput:
    """What a data set knows of n images before they are read.

    Attributes:
        paths: absolute file paths
        labels: int32[n], codes into ``classes``, -1 without; None if there are none
        classes: label names
        splits: int32[n], codes into ``split_names``, -1 without; None if there are
            none
        split_names: split names
        recordings: by a field; None to tell them by names, times and looks
        vectors: n x d, embeddings made elsewhere; None to embed the images
        predictions: of a model of the person's; None without
        properties: name -> n values that should tell no class or split
    """

    paths: Sequence[bytes]
    labels: NDArray[np.int32] | None = None
    classes: Sequence[str] = ()
    splits: NDArray[np.int32] | None = None
    split_names: Sequence[str] = ()
    recordings: Recordings | None = None
    vectors: NDArray[np.float32] | None = None
    predictions: Predictions | None = None
    properties: Mapping[str, Sequence[Any]] | None = None


class UnreadableFile(TypedDict):
    """Why a file is unreadable; the path is text that anything can show."""

    path: str
    status: str
    reason: str


@dataclass(frozen=True, eq=False)
class Samples:
    """n samples of a data set, and their files as the file system knows them.

    Attributes:
        unique_file: int64[n], the unique file of each; -1 if unreadable
        status: int16[n], code into ``statuses``
        path_rank: int64[n], place of the path among all, sorted
        file_bytes: int64[n]
        modified: float64[n], seconds since 1970, NaN where missing
        file_id: int64[n], equal for names of one file
        is_link: bool[n], the path is a symbolic link
        labels: int32[n], code into ``classes``; -1 without
        splits: int32[n], code into ``split_names``; -1 without
        statuses: words for ``status``; the first is "ok"
        classes: label names
        split_names: split names
        unreadable: the first 1,000 files that cannot be read
    """

    unique_file: NDArray[np.int64]
    status: NDArray[np.int16]
    path_rank: NDArray[np.int64]
    file_bytes: NDArray[np.int64]
    modified: NDArray[np.float64]
    file_id: NDArray[np.int64]
    is_link: NDArray[np.bool_]
    labels: NDArray[np.int32]
    splits: NDArray[np.int32]
    statuses: list[str]
    classes: list[str]
    split_names: list[str]
    unreadable: list[UnreadableFile]

    def __len__(self) -> int:
        return len(self.unique_file)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """bool[n]"""
        return self.unique_file >= 0

    @property
    def evaluated(self) -> NDArray[np.bool_]:
        """bool[n], those of test and validation splits, which should stay there"""
        return np.isin(self.splits, evaluation_splits(self.split_names))


@dataclass(frozen=True, eq=False)
class UniqueFiles:
    """m files of distinct bytes, sorted by digest.

    Attributes:
        digest: uint8[m, 32], SHA-256 of the bytes
        first_group: int64[m], equal where the first pictures are equal in 8-bit RGB
        picture_count: int32[m], pictures in each file
        width: int32[m], upright, in pixels
        height: int32[m]
        statistics: float32[m, s], see :mod:`core.reading.image_statistics`
        damage: int8[m], index in :data:`core.reading.jpeg_damage.DAMAGES`;
            ``NO_DAMAGE`` for a whole picture
        seconds: float64[m], how long a video lasts; 0 for a picture
    """

    digest: NDArray[np.uint8]
    first_group: NDArray[np.int64]
    picture_count: NDArray[np.int32]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    statistics: NDArray[np.float32]
    damage: NDArray[np.int8]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageGraphs:
    """The nearest neighbors of each unique image.

    Attributes:
        features: by features, with ``spare`` more than findings ask for
        descriptors: by copy descriptors, likewise; None if they are the features
        spare: the last neighbors of each row, kept for the next scan only
    """

    features: NeighborGraph
    descriptors: NeighborGraph | None
    spare: int

    @property
    def of_descriptors(self) -> NeighborGraph:
        """The one by descriptors: that of the features serves where they are one."""
        return self.features if self.descriptors is None else self.descriptors

    def by_features(self) -> NeighborGraph:
        """Returns the neighbors by features that findings ask for."""
        return self.features.first(self.features.k - self.spare)

    def by_descriptors(self) -> NeighborGraph | None:
        """Returns those by descriptors, None if they are the features."""
        if self.descriptors is None:
            return None
        return self.descriptors.first(self.descriptors.k - self.spare)


@dataclass(frozen=True, eq=False)
class VerifiedPairs:
    """p pairs of unique images, with what their pictures and vectors say of them.

    Attributes:
        images: int32[p, 2]
        similarity: float32[p], cosine of the descriptors
        score: float32[p] in [0, 1], larger is more surely a copy
        relation: int16[p], bits of :data:`core.copy_detection.RELATIONS`
        changes: uint8[p], bits of :data:`core.copy_detection.CHANGES_OF_MEANING`
        scene: bool[p], two photographs of one scene, whatever the score
        promise: float32[p], how much a closer look at the files may change, see
            :func:`~core.scan.pair_promise.promise_of`; 0 for nothing, and below 0 for
            what is alike only as others are, see :mod:`core.scan.one_design`
        looked: bool[p], which were looked at closely
    """

    images: Pairs
    similarity: NDArray[np.float32]
    score: NDArray[np.float32]
    relation: NDArray[np.int16]
    changes: NDArray[np.uint8]
    scene: NDArray[np.bool_]
    promise: NDArray[np.float32]
    looked: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def unsure(self) -> NDArray[np.bool_]:
        """bool[p], True where one may show what the other does not.

        Pages that look the same but may be different ones, and videos that share a
        part of each.
        """
        plain = self.relation == relation_bits(TOO_PLAIN)
        partly = (self.relation & relation_bits(PARTLY)) != 0
        unsure: NDArray[np.bool_] = plain | partly
        return unsure

    def at(self, rows: NDArray[np.int64] | slice) -> VerifiedPairs:
        """Returns what is said of some pairs."""
        return VerifiedPairs(*(getattr(self, one.name)[rows] for one in fields(self)))

    def accepted(self, min_score: float) -> Pairs:
        """Returns int32[q, 2], the pairs that score as much at least."""
        accepted: Pairs = self.images[self.score >= min_score]
        return accepted


@dataclass(frozen=True, eq=False)
class Thinning:
    """Which of n images show no more than another one, see :mod:`core.curation.thin`.

    Attributes:
        burst: int64[n], equal for images that show the same; -1 for an image that
            was not thinned
        kept: bool[n], False for images that show no more than a kept one of the burst
        in_part: bool[n], True for those of them that differ from it in a part, as where
            something small came or went
    """

    burst: NDArray[np.int64]
    kept: NDArray[np.bool_]
    in_part: NDArray[np.bool_]


@dataclass(frozen=True)
class ModelInfo:
    """The model of a scan.

    Attributes:
        name: of the model, or "given vectors"
        sha256: of its file; None for given vectors
        precision: such as "int8"; None for given vectors
        input_size: height and width of its input in pixels; 0 for given vectors
        min_candidate_similarity: cosine of descriptors below which no pair of
            images was compared
    """

    name: str
    sha256: str | None
    precision: str | None
    input_size: int
    min_candidate_similarity: float


@dataclass(frozen=True)
class StageInputs:
    """Digests of all that the stages of a scan depended on.

    Attributes:
        vectors: of the embeddings
        pictures: of how the pictures were decoded
        recall: of the recall estimate; None if it lacks a file that could not be
            read again, which may be over soon
        classes: of the class probabilities
        proposed: of the pairs that were proposed before any was compared; None where
            that is not known
        proposed_count: how many these are; they come first among the pairs
    """

    vectors: str
    pictures: str
    recall: str | None
    classes: str
    proposed: str | None
    proposed_count: int


@dataclass(frozen=True, eq=False)
class FixedJudgment:
    """What was judged of n samples beside others that are no longer at hand.

    Neighbors decide on outliers and labels, and where a part of a job's images is
    looked at, most neighbors lie elsewhere.

    Attributes:
        outliers: distances of the samples
        nearest: int64[n], the sample to compare each with; -1 without
        labels: of the samples
        confidence: float32[n], that the suggested label is right, NaN without
        support: int64[n], a sample that speaks for the label; -1 without
        counterexample: int64[n], one that speaks for another; -1 without
        thresholds: in force where none is given
        rules: how they were chosen
        expected: what is known of them
    """

    outliers: OutlierDistances
    nearest: NDArray[np.int64]
    labels: LabelFindings
    confidence: NDArray[np.float32]
    support: NDArray[np.int64]
    counterexample: NDArray[np.int64]
    thresholds: Mapping[str, float | None]
    rules: Mapping[str, str]
    expected: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ScanData:
    """The stored half of a scan.

    Attributes:
        samples: the rows
        files: the unique files
        images: the unique images
        graphs: their nearest neighbors
        pairs: those that may be copies
        sequences: which samples are frames of one recording
        thinning: which frames show no more than another one; None if it was not asked
        recall: the scores of synthetic copies
        classes: what a classifier says of the labels
        overview: what was learned of the set as a whole; None for a scan of objects
        nearest_samples: the neighbors that fastdup would know of each sample, see
            :func:`core.fastdup.rules.nearest_rows`; None without its preset
        model: that embedded the images
        inputs: of the stages
        seconds: wall-clock time by stage
        fixed: what was judged of outliers and labels before; None to judge them
        predictions: of the samples, by a model of the person's; None without
        videos: what is known of videos; None for a scan of pictures
        trial: the synthetic copies, for the next scan; None without, or for a part
        learned: what the class probabilities come from, for the next scan; None
            likewise, and of few labels
        seen: what the unique images look like from afar, for the next scan; None
            likewise, and of more than 100,000
    """

    samples: Samples
    files: UniqueFiles
    images: UniqueImages
    graphs: ImageGraphs
    pairs: VerifiedPairs
    sequences: Sequences
    thinning: Thinning | None
    recall: CopyScores
    classes: ClassEvidence
    overview: SetEvidence | None
    nearest_samples: NeighborGraph | None
    model: ModelInfo
    inputs: StageInputs
    seconds: Mapping[str, float]
    fixed: FixedJudgment | None = None
    predictions: Predictions | None = None
    videos: VideoData | None = None
    trial: CopyTrial | None = None
    learned: LearnedClasses | None = None
    seen: SeenLooks | None = None

    @property
    def sample_images(self) -> NDArray[np.int32]:
        """int32[n], the unique image of each sample; -1 if unreadable."""
        return self.images.of_samples(self.samples.unique_file)


def without(scan_data: ScanData, rows: NDArray[np.bool_], status: str) -> ScanData:
    """Returns the scan as if some files could not be read.

    Args:
        scan_data: of n samples
        rows: bool[n], the samples that no longer count
        status: a word that says why
    """
    samples = scan_data.samples
    statuses = list(samples.statuses)
    if status not in statuses:
        statuses.append(status)
    code = np.int16(statuses.index(status))
    fewer = replace(
        samples,
        unique_file=np.where(rows, -1, samples.unique_file),
        status=np.where(rows, code, samples.status),
        statuses=statuses,
    )
    return replace(scan_data, samples=fewer)


def with_labels(scan_data: ScanData, labels: NDArray[np.int32]) -> ScanData:
    """Returns the scan with other labels of its samples, int32[n]."""
    return replace(scan_data, samples=replace(scan_data.samples, labels=labels))


def first_samples(scan_data: ScanData) -> NDArray[np.int64]:
    """Returns int64[i]: of the samples of each unique image that of the first path."""
    count = len(scan_data.images.first_file)
    return first_by_path(scan_data.sample_images, scan_data.samples.path_rank, count)


def first_by_path(
    groups: NDArray[np.integer], path_rank: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Returns which sample of each group has the first path, whatever their order.

    Args:
        groups: int[n], of the samples; -1 for none
        path_rank: int64[n], of the samples
        count: of groups

    Returns:
        int64[count], -1 for a group without a sample
    """
    rows = np.flatnonzero(groups >= 0)
    # Last assignment wins: the first path comes last
    rows = rows[np.argsort(-path_rank[rows])]
    result = np.full(count, -1, np.int64)
    result[groups[rows]] = rows
    return result


def sample_damage(samples: Samples, files: UniqueFiles) -> NDArray[np.int8]:
    """Returns int8[n], ``NO_DAMAGE`` where nothing is known."""
    damage = np.full(len(samples), NO_DAMAGE, np.int8)
    readable = samples.readable
    damage[readable] = files.damage[samples.unique_file[readable]]
    return damage


def evaluation_splits(names: Sequence[str]) -> list[int]:
    """Returns the codes of splits whose images should stay where they are."""
    return [
        code for code, name in enumerate(names) if split_role(name) not in (None, TRAIN)
    ]
