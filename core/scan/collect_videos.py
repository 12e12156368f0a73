"""The slow half of a scan of videos: to the same records as a scan of pictures.

A video is what an image is elsewhere: it has copies, a label, a split, neighbors by the
mean of its frames' vectors. What it shares with another one is told by the frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..embedding.records import ImageEmbedder
from ..findings.sequence_proposals import sequences_by_field
from ..findings.sequences import Sequences, no_sequences
from ..progress import OnProgress, silent
from ..reading.image_statistics import IMAGE_STATISTICS
from ..reading.jpeg_damage import ENDS_EARLY, NO_DAMAGE, UNREADABLE_PART
from ..videos.copies import compare_videos, frames_to_compare
from ..videos.embed import embed_videos
from ..videos.frame_table import VideoTable, frames_by_video
from ..videos.segments import (
    SEGMENTS,
    Segments,
    find_segments,
    is_empty,
    typical_statistics,
)
from ..videos.video_data import PLAYED, VideoData
from ..videos.video_pairs import (
    DEFAULT_MIN_SHARED,
    VideoPairs,
    joined,
    shared_intros,
)
from .candidate_search import search_neighbors
from .learn import StageClock, learn_of_set, model_info, paths_of_images
from .previous_scan import PreviousScan
from .recall_estimate import NO_COPY_SCORES
from .samples import samples_of, split_membership
from .scan_data import (
    ScanData,
    ScanInput,
    UniqueFiles,
    VerifiedPairs,
)
from .settings import DEFAULTS, ScanSettings
from .stored_scan import most_alike
from .unique_images import DescribedImages, UniqueImages

_DAMAGED = SEGMENTS.index("damaged")


def collect_video_data(
    scan_input: ScanInput,
    embedder: ImageEmbedder | None,
    *,
    folder: Path,
    settings: ScanSettings = DEFAULTS,
    previous: ScanData | None = None,
    other_scans: Path | None = None,
    on_progress: OnProgress = silent,
) -> ScanData:
    """Learns from n videos all that thresholds are applied to.

    Args:
        scan_input: paths, labels and splits of the videos
        embedder: the model; None if vectors are given, which of videos none can be
        folder: cache in which what was decoded is kept between runs
        settings: see :class:`~core.scan.settings.ScanSettings`
        previous: what a scan left. Videos it compared are not compared again
        other_scans: folder of stored scans, of which the one that knows most of the
            files stands in where there is no previous one; None for none
        on_progress: told after each video and batch; may raise to cancel

    Raises:
        InputError: not one of the files is a readable video
    """
    assert embedder is not None
    settings.check_against(len(scan_input.paths))
    clock = StageClock()
    table = embed_videos(
        scan_input.paths,
        embedder,
        folder=folder,
        every=settings.every,
        max_megapixels=settings.max_megapixels,
        on_progress=on_progress,
    )
    samples = samples_of(table, scan_input, "videos")
    clock.end("read and embed")
    model = model_info(embedder)
    images = describe_videos(table)
    if previous is not None and not _is_like(previous, settings):
        previous = None
    is_own = previous is not None
    if previous is None and other_scans is not None:
        previous = most_alike(other_scans, images.digests)
        if previous is not None and not _is_like(previous, settings):
            previous = None
    before = PreviousScan(previous, images, model, is_own=is_own)
    search = search_neighbors(
        images,
        split_membership(samples, images),
        model.min_candidate_similarity,
        settings.neighbors,
        before,
        on_progress,
    )
    clock.end("search")
    shared = _compared(
        table,
        settings.every,
        model.min_candidate_similarity,
        previous,
        before,
        on_progress,
    )
    files, pairs = _files(table), _pairs(shared, table)
    clock.end("compare videos")
    labels, (classes, learned), overview = learn_of_set(
        samples,
        files,
        images,
        pairs,
        DEFAULT_MIN_SHARED,
        paths_of_images(table, images, scan_input.paths),
        before,
        clock,
        properties=scan_input.properties,
        on_progress=on_progress,
    )
    return ScanData(
        samples=samples,
        files=files,
        images=images.groups,
        graphs=search.graphs,
        pairs=pairs,
        sequences=_sequences(scan_input, samples.path_rank),
        thinning=None,
        recall=NO_COPY_SCORES,
        classes=classes,
        overview=overview,
        nearest_samples=None,
        model=model,
        inputs=before.inputs(labels, is_recall_complete=False),
        seconds=clock.seconds,
        learned=learned,
        videos=VideoData(
            every=settings.every,
            rate=table.videos["rate"].copy(),
            frames=table.videos["frames"].copy(),
            is_truncated=table.videos["is_truncated"].copy(),
            has_variable_rate=table.videos["has_variable_rate"].copy(),
            is_played=np.isin(np.char.lower(table.videos["codec"]), list(PLAYED)),
            segments=_segments(table, settings.every),
            pairs=shared,
        ),
        predictions=scan_input.predictions,
    )


def _is_like(previous: ScanData, settings: ScanSettings) -> bool:
    """Returns whether the same frames of videos were looked at."""
    return previous.videos is not None and previous.videos.every == settings.every


def describe_videos(table: VideoTable) -> DescribedImages:
    """Returns the videos as images are described.

    The vectors of a video are the means of those of its frames that show something, and
    its signature is that of the frame that is most like them.
    """
    count = len(table.videos)
    empty = is_empty(table.stored("statistics")[:])
    means: dict[str, list[NDArray[np.float32]]] = {"copy": [], "features": []}
    typical = np.zeros(count, np.int64)
    for video, rows in enumerate(_shown_rows(table, empty, count)):
        for field, found in means.items():
            vectors = to_single(table.stored(field)[rows])
            mean = vectors.mean(axis=0)
            mean /= max(float(np.linalg.norm(mean)), 1e-12)
            found.append(mean)
            if field == "copy":
                typical[video] = rows[(vectors @ mean).argmax()]
    every = np.arange(count)
    groups = UniqueImages(every.astype(np.int32), every, every)
    return DescribedImages(
        groups=groups,
        digests=table.videos["digest"].copy(),
        descriptors=np.array(means["copy"]),
        features=np.array(means["features"]),
        signatures=table.stored("signature").at(typical),
        sizes=_sizes(table),
        damaged=_damage(table) != NO_DAMAGE,
    )


def _shown_rows(
    table: VideoTable, empty: NDArray[np.bool_], count: int
) -> Iterator[NDArray[np.int64]]:
    """Yields the frames of each video that are not empty; all of them if all are."""
    for place in frames_by_video(table.video, count):
        rows = np.arange(place.start, place.stop)
        shown = rows[~empty[rows]]
        yield shown if len(shown) else rows


def _sizes(table: VideoTable) -> NDArray[np.int32]:
    return np.stack([table.videos["width"], table.videos["height"]], axis=1)


def _damage(table: VideoTable) -> NDArray[np.int8]:
    damage = np.where(table.videos["damage"] > 0, UNREADABLE_PART, NO_DAMAGE)
    truncated = table.videos["is_truncated"]
    return np.where(truncated, ENDS_EARLY, damage).astype(np.int8)


def _files(table: VideoTable) -> UniqueFiles:
    count, sizes, ends = len(table.videos), _sizes(table), table.ends
    measured = table.stored("statistics")[:]
    statistics = np.zeros((count, len(IMAGE_STATISTICS)), np.float32)
    for video, place in enumerate(frames_by_video(table.video, count)):
        seconds = table.seconds[place]
        statistics[video] = typical_statistics(measured[place], seconds, ends[video])
    for side, name in enumerate(("width", "height")):
        statistics[:, IMAGE_STATISTICS.index(name)] = sizes[:, side]
    return UniqueFiles(
        digest=table.videos["digest"].copy(),
        first_group=np.arange(count),
        picture_count=np.ones(count, np.int32),
        width=sizes[:, 0],
        height=sizes[:, 1],
        statistics=statistics,
        damage=_damage(table),
        seconds=ends,
    )


def _segments(table: VideoTable, every: float) -> Segments:
    """Returns what can be seen to be wrong in stretches of the videos."""
    statistics, ends = table.stored("statistics")[:], table.ends
    found: list[tuple[int, int, int, int]] = []
    for video, place in enumerate(frames_by_video(table.video, len(ends))):
        stretches = find_segments(
            statistics[place],
            table.number[place],
            table.last[place],
            table.seconds[place],
            ends[video],
            table.still[place],
            every,
        )
        found += [(video, *one) for one in stretches]
        facts = table.videos[video]
        if facts["damage"]:
            last = min(int(facts["last_damage"]), int(facts["frames"]) - 1)
            first = min(int(facts["first_damage"]), last)
            found.append((video, _DAMAGED, first, last))
    columns = np.array(found, np.int64).reshape(-1, 4).T
    video, kind, first, last = columns
    return Segments(video.astype(np.int32), kind.astype(np.int8), first, last)


def _compared(
    table: VideoTable,
    every: float,
    min_similarity: float,
    previous: ScanData | None,
    before: PreviousScan,
    on_progress: OnProgress,
) -> VideoPairs:
    """Compares the videos, but for two that were compared before."""
    old, known = [], None
    # Pairs of videos come from their vectors, as neighbors do
    if before.graphs is not None and previous is not None and previous.videos:
        known = before.image >= 0
        old.append(_renumbered(previous.videos.pairs, before.image))
    new = compare_videos(
        frames_to_compare(table, every),
        len(table.videos),
        min_similarity,
        known=known,
        on_progress=on_progress,
    )
    return joined([*old, new])


def _renumbered(pairs: VideoPairs, image: NDArray[np.int64]) -> VideoPairs:
    """Returns pairs of the previous scan by the numbers of this one.

    Args:
        pairs: of videos there
        image: int64[m], the video there of each one here; -1 for a new one. Ascending
            but for these, so that the order within pairs stays
    """
    here = np.full(
        int(max(image.max(initial=-1), pairs.videos.max(initial=-1))) + 1, -1
    )
    here[image[image >= 0]] = np.flatnonzero(image >= 0)
    videos = here[pairs.videos]
    there = (videos >= 0).all(axis=1)
    kept = {
        name: getattr(pairs, name)[there] for name in VideoPairs.__dataclass_fields__
    }
    return VideoPairs(**{**kept, "videos": videos[there].astype(np.int32)})


def _pairs(shared: VideoPairs, table: VideoTable) -> VerifiedPairs:
    """Returns the pairs as those of images: their score is the share."""
    intro = shared_intros(shared, table.ends)
    share = np.where(shared.agrees & ~intro, shared.share, 0).astype(np.float32)
    return VerifiedPairs(
        images=shared.videos,
        similarity=shared.share,
        score=share,
        relation=shared.relation,
        changes=shared.changes,
        scene=shared.scene & ~intro,
        promise=np.zeros(len(share), np.float32),
        looked=np.zeros(len(share), bool),
    )


def _sequences(scan_input: ScanInput, path_rank: NDArray[np.int64]) -> Sequences:
    """Returns the recordings that a field names; of videos no name tells them."""
    named = scan_input.recordings
    if named is None:
        return no_sequences(len(scan_input.paths))
    return sequences_by_field(named.codes, named.names, scan_input.paths, path_rank)
