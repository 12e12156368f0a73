"""The stages after the pass over the files: search, compare, learn.

They are those of a scan, of a job and, in part, of videos and of objects.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..common.memory import give_back
from ..common.pairs import distinct_pairs
from ..common.parallel import workers_kept
from ..common.texts import TakenTexts
from ..copy_detection import turned_among
from ..embedding.image_table import FileTable, ImageTable
from ..embedding.records import ImageEmbedder
from ..findings.class_learning import LearnedClasses
from ..findings.duplicates import keeper_pairs_to_check
from ..findings.label_support import ClassEvidence
from ..models.registry import OWN_MIN_CANDIDATE_SIMILARITY
from ..overview.records import SetEvidence
from ..progress import OnProgress, silent
from ..reading.files import ReadContent, read_file
from .candidate_search import NeighborSearch
from .candidates_by_looks import FromAfar, alike_candidates, seen_from_afar
from .copy_trial import CopyTrial, try_copies
from .equal_pixels import join_equal_pixels
from .fastdup_preset import nearest_samples
from .image_labels import ImageLabels, labels_of_images, learn_labels
from .one_design import OthersOf, pictures_like_both
from .picture_reader import PictureReader
from .previous_scan import PreviousScan
from .recall_estimate import NO_COPY_SCORES, CopyScores, calibrated_score
from .samples import image_rows, split_membership, unique_files
from .scan_data import (
    ModelInfo,
    Pairs,
    Samples,
    ScanData,
    ScanInput,
    UniqueFiles,
    VerifiedPairs,
)
from .scan_sequences import find_sequences
from .settings import ScanSettings
from .unique_images import DescribedImages
from .verified_pairs import NO_PAIRS, joined, refuse_one_design, to_look_at
from .whole_set import Origins, evidence_of_set


class HeavyStages(Protocol):
    """The stages that cost the most, by whoever carries them out.

    Attributes:
        read_content: what reads the file of a path
    """

    @property
    def read_content(self) -> ReadContent: ...

    def search(
        self,
        images: DescribedImages,
        split_holds: NDArray[np.bool_],
        min_similarity: float,
    ) -> NeighborSearch:
        """Searches similar images, see
        :func:`~core.scan.candidate_search.search_neighbors`."""

    def verify(self, images: DescribedImages, pairs: Pairs) -> VerifiedPairs:
        """Compares pairs, see :func:`~core.scan.verified_pairs.verify`."""


class StageClock:
    """Wall-clock seconds by stage, between which free memory is given back."""

    def __init__(self) -> None:
        give_back()
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """Books the time since the last end on a stage; gives free memory back."""
        give_back()
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0) + now - self._last
        self._last = now


def learned(
    scan_input: ScanInput,
    table: ImageTable,
    samples: Samples,
    images: DescribedImages,
    embedder: ImageEmbedder | None,
    stages: HeavyStages,
    *,
    before: PreviousScan,
    clock: StageClock,
    folder: Path,
    settings: ScanSettings,
    on_progress: OnProgress = silent,
) -> ScanData:
    """Learns from described images all that thresholds are applied to.

    The stages after the pass over the files, of a scan and of a job alike.

    Args:
        scan_input: what was known of n images before they were read
        table: of the pass over their files
        samples: the n samples
        images: the unique images among them
        embedder: the model; None if vectors are given
        stages: what carries out the heavy ones
        before: the previous scan, for what is reused
        clock: that counts the seconds of the stages
        folder: where digests of pixels are kept between runs
        settings: see :class:`~core.scan.settings.ScanSettings`
        on_progress: told after each batch; may raise to cancel
    """
    paths = scan_input.paths
    files, model = unique_files(table), model_info(embedder)
    split_holds, least = (
        split_membership(samples, images),
        model.min_candidate_similarity,
    )
    search = stages.search(images, split_holds, least)
    nearest = None
    if settings.preset is not None:
        nearest = nearest_samples(table, scan_input.vectors, settings.neighbors)
    clock.end("search")

    graphs = search.graphs
    proposal = before.proposal(
        split_holds, settings.neighbors, least, type(stages).__name__
    )
    # The same processes compare, look and try
    with workers_kept():
        known, afar = before.first_pairs(proposal), None
        seen = before.seen
        if known is None:
            afar = seen_from_afar(images.signatures, before.seen, before.image)
            seen = afar.seen
            rotated = turned_among(afar.views)
            alike = alike_candidates(afar.looks, before.known_pairs())
            if afar.looks is None:
                # Of ten million images it is a gigabyte
                afar = None
            candidates = distinct_pairs(search.candidates, rotated, alike)
            # Of ten million images each takes a quarter of a gigabyte
            del search, rotated, alike
            known = _judged_pairs(stages, images, candidates)
            del candidates
        elif not known.looked[to_look_at(known, len(images))].all():
            # A file could not be read for a moment
            known = _judged_pairs(stages, images, known.images)
        pairs, proposed_count = known, len(known)
        sequences = find_sequences(
            paths, table, samples, images, pairs, scan_input.recordings
        )
        clock.end("compare pictures")
        recall, trial, is_recall_complete = before.recall(proposal) or estimate_recall(
            images,
            afar,
            table,
            paths,
            embedder,
            settings.max_megapixels,
            before,
            partial(
                pictures_like_both,
                compared=pairs.images,
                similarity=pairs.similarity,
                scores=pairs.score,
            ),
            stages.read_content,
            on_progress,
        )
        del afar
        clock.end("estimate recall")
        min_score = settings.min_copy_score
        if settings.calibrate:
            min_score = calibrated_score(recall, min_score)
        missing = keeper_pairs_to_check(
            image_rows(samples, files, images.groups),
            pairs.accepted(min_score),
            pairs.images,
        )
        pairs = joined(pairs, _judged_pairs(stages, images, missing, beside=pairs))
    groups = join_equal_pixels(
        table,
        images,
        pairs,
        paths,
        folder=folder,
        min_score=min_score,
        max_megapixels=settings.max_megapixels,
        read_content=stages.read_content,
        on_progress=on_progress,
    )
    clock.end("compare pictures")

    first = images.groups.first_file
    labels, (classes, known_classes), overview = learn_of_set(
        samples,
        files,
        images,
        pairs,
        min_score,
        paths_of_images(table, images, paths),
        before,
        clock,
        origins=(table.values("captured", first), table.values("camera", first)),
        properties=scan_input.properties,
        on_progress=on_progress,
    )
    return ScanData(
        samples=samples,
        files=files,
        images=groups,
        graphs=graphs,
        pairs=pairs,
        sequences=sequences,
        thinning=None,
        recall=recall,
        classes=classes,
        overview=overview,
        nearest_samples=nearest,
        model=model,
        inputs=before.inputs(
            labels,
            is_recall_complete=is_recall_complete,
            proposed=proposal,
            proposed_count=proposed_count,
        ),
        seconds=clock.seconds,
        predictions=scan_input.predictions,
        trial=trial,
        learned=known_classes,
        seen=seen,
    )


def learn_of_set(
    samples: Samples,
    files: UniqueFiles,
    images: DescribedImages,
    pairs: VerifiedPairs,
    min_score: float,
    shown: Sequence[bytes],
    before: PreviousScan,
    clock: StageClock,
    *,
    origins: Origins | None = None,
    properties: Mapping[str, Sequence[Any]] | None = None,
    on_progress: OnProgress = silent,
) -> tuple[ImageLabels, tuple[ClassEvidence, LearnedClasses | None], SetEvidence]:
    """Learns the labels of images, or videos, and what there is to say of their set.

    Args:
        samples: n samples
        files: their unique files
        images: i unique images
        pairs: of them
        min_score: from which pairs are copies
        shown: i paths, of the files that represent the images
        before: the previous scan, for what is reused
        clock: that counts the seconds of the stages
        origins: see :func:`~core.scan.whole_set.evidence_of_set`
        properties: name -> n values of the samples
        on_progress: told after each step; may raise to cancel
    """
    labels = labels_of_images(samples, images, pairs.accepted(min_score))
    learned_classes = (
        before.learned(labels)
        or before.nearly_learned(images, labels, samples.classes)
        or learn_labels(images, labels, on_progress)
    )
    clock.end("learn labels")
    related = pairs.images[(pairs.score >= min_score) | pairs.scene]
    overview = evidence_of_set(
        samples, files, images, related, shown, before, origins, properties
    )
    clock.end("look at the set")
    return labels, learned_classes, overview


def model_info(embedder: ImageEmbedder | None) -> ModelInfo:
    """Returns the record of a model, or that of given vectors."""
    if embedder is None:
        least = OWN_MIN_CANDIDATE_SIMILARITY
        return ModelInfo("given vectors", None, None, 0, least)
    return ModelInfo(
        embedder.name,
        embedder.sha256,
        embedder.precision,
        embedder.input_size,
        embedder.min_candidate_similarity,
    )


def _judged_pairs(
    stages: HeavyStages,
    images: DescribedImages,
    pairs: Pairs,
    beside: VerifiedPairs = NO_PAIRS,
) -> VerifiedPairs:
    """Compares pairs, and takes back those that are alike only as others are.

    Args:
        stages: what compares them
        images: the unique images
        pairs: int32[p, 2] of them
        beside: pairs that were compared before
    """
    found = stages.verify(images, pairs)
    among = joined(beside, found) if len(beside) else found
    refuse_one_design(found, among, images.signatures)
    return found


def estimate_recall(
    images: DescribedImages,
    afar: FromAfar | None,
    table: ImageTable,
    paths: Sequence[bytes],
    embedder: ImageEmbedder | None,
    max_megapixels: float,
    before: PreviousScan,
    others_of: OthersOf,
    read_content: ReadContent = read_file,
    on_progress: OnProgress = silent,
) -> tuple[CopyScores, CopyTrial | None, bool]:
    """Scores synthetic copies of a sample of the unique images.

    Args:
        images: the unique images
        afar: of the images; None to find them out
        table: of the files
        paths: absolute file paths of the table
        embedder: the model; without one there is no estimate
        max_megapixels: as for the scan
        before: the previous scan, for what is reused
        others_of: the pictures most like those of pairs
        read_content: what reads the file of a path
        on_progress: told after each image; may raise to cancel

    Returns: see :func:`~.copy_trial.try_copies`
    """
    if embedder is None:
        return NO_COPY_SCORES, None, False
    shown = paths_of_images(table, images, paths)
    return try_copies(
        images,
        afar or seen_from_afar(images.signatures, before.seen, before.image),
        shown,
        embedder,
        PictureReader(shown, max_megapixels, read_content),
        others_of,
        known=before.trial,
        image=before.image,
        read_content=read_content,
        on_progress=on_progress,
    )


def paths_of_images(
    table: FileTable,
    images: DescribedImages,
    paths: Sequence[bytes],
    rows: NDArray[np.int64] | None = None,
) -> Sequence[bytes]:
    """Returns the path of the file that represents each unique image, or some."""
    first = images.groups.first_file
    return TakenTexts(paths, table.rows()[first if rows is None else first[rows]])
