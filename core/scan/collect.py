"""The slow half of a scan: reads, embeds, searches and compares pictures."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..embedding.embed import embed_images
from ..embedding.records import ImageEmbedder
from ..neighbors.knn_graph import prepare_search
from ..progress import OnProgress, silent
from ..reading.files import ReadContent, read_file
from .candidate_search import NeighborSearch, search_neighbors
from .learn import StageClock, learned, model_info, paths_of_images
from .picture_reader import PictureReader, ReadPicture
from .previous_scan import PreviousScan
from .samples import samples_of, vectors_of_files
from .scan_data import Pairs, ScanData, ScanInput, VerifiedPairs
from .settings import DEFAULTS, ScanSettings
from .stored_scan import most_alike
from .unique_images import DescribedImages, unique_images
from .verified_pairs import verify

logger = logging.getLogger(__name__)


def collect_scan_data(
    scan_input: ScanInput,
    embedder: ImageEmbedder | None,
    *,
    folder: Path,
    settings: ScanSettings = DEFAULTS,
    previous: ScanData | None = None,
    other_scans: Path | None = None,
    on_progress: OnProgress = silent,
) -> ScanData:
    """Learns from n images all that thresholds are applied to.

    Args:
        scan_input: paths, labels and splits of the images
        embedder: the model; None if vectors are given
        folder: cache in which embeddings are kept between runs
        settings: see :class:`~core.scan.settings.ScanSettings`
        previous: what a scan left, whatever its settings. What did not change since is
            reused: pairs it compared are not compared again, lists of neighbors
            only take in what is new, copies that were made of pictures to estimate
            recall are kept, and what was learned of the classes. The result is that of
            a scan from nothing, but for neighbors that an approximate search may miss
            (see :mod:`core.neighbors.incremental`) and for class probabilities, and so
            label scores, of 4,000 labels and more of which at most one in fifty changed
            (see :mod:`core.findings.class_learning`)
        other_scans: folder of stored scans, of which the one that knows most of the
            files stands in where there is no previous one; None for none
        on_progress: told after each batch; may raise to cancel

    Raises:
        InputError: not one of the files is a readable image
    """
    paths, given = scan_input.paths, scan_input.vectors
    settings.check_against(len(paths))
    clock = StageClock()
    if previous is None:
        prepare_search(len(paths))
    table = embed_images(
        paths,
        embedder,
        folder=folder,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )
    samples = samples_of(table, scan_input)
    clock.end("read and embed")
    _log_read(samples.readable, clock)

    images = unique_images(
        table, None if given is None else vectors_of_files(samples, given)
    )
    is_own = previous is not None
    if previous is None and other_scans is not None:
        previous = most_alike(other_scans, images.digests)
    before = PreviousScan(previous, images, model_info(embedder), is_own=is_own)
    shown = paths_of_images(table, images, paths)
    read = PictureReader(shown, settings.max_megapixels)
    return learned(
        scan_input,
        table,
        samples,
        images,
        embedder,
        _InThisProcess(before, read, settings.neighbors, on_progress),
        before=before,
        clock=clock,
        folder=folder,
        settings=settings,
        on_progress=on_progress,
    )


@dataclass(frozen=True, eq=False)
class _InThisProcess:
    """The heavy stages of a scan in memory, which reuse those of the previous one."""

    before: PreviousScan
    read: ReadPicture
    neighbors: int | None
    on_progress: OnProgress
    read_content: ReadContent = read_file

    def search(
        self,
        images: DescribedImages,
        split_holds: NDArray[np.bool_],
        min_similarity: float,
    ) -> NeighborSearch:
        return search_neighbors(
            images,
            split_holds,
            min_similarity,
            self.neighbors,
            self.before,
            self.on_progress,
        )

    def verify(self, images: DescribedImages, pairs: Pairs) -> VerifiedPairs:
        return verify(images, pairs, self.before, self.read, self.on_progress)


def _log_read(readable: NDArray[np.bool_], clock: StageClock) -> None:
    logger.info(
        "Read %s of %s images, %.1f s",
        f"{int(readable.sum()):,}",
        f"{len(readable):,}",
        clock.seconds["read and embed"],
    )
