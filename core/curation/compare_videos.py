"""New videos against videos that are there already: which are new, which are not.

A new video is there already if a video there shows all of it: equal bytes, or a copy by
the rules of a scan, of which the new one is no more than an excerpt. A new one that
shows more, or that shares a part of each, is new, and what it resembles is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import PARTLY, relation_bits
from ..embedding.records import ImageEmbedder
from ..progress import OnProgress, silent
from ..videos.copies import compare_videos, frames_to_compare
from ..videos.embed import embed_videos
from ..videos.video_pairs import VideoPairs, shared_intros
from .comparison import Bools, Comparison, Contents, Copies, compared


def compare_sets_of_videos(
    new: Sequence[bytes],
    there: Sequence[bytes],
    part: NDArray[np.int32],
    part_count: int,
    embedder: ImageEmbedder,
    *,
    folder: Path,
    every: float,
    min_shared: float,
    max_megapixels: float,
    on_progress: OnProgress = silent,
) -> Comparison:
    """Looks for copies of new videos, among what is there and among themselves.

    Args:
        new: n paths; of two copies the first counts as new, the other repeats it
        there: o paths; those that were scanned before cost a look-up
        part: int32[o], the part each is in
        part_count: number of parts
        embedder: the model
        folder: where records are kept between runs
        every: seconds between the frames that are looked at
        min_shared: share of the frames of the shorter that copies both show
        max_megapixels: videos of larger frames are not decoded
        on_progress: told after each video and batch; may raise to cancel
    """
    table = embed_videos(
        [*new, *there],
        embedder,
        folder=folder,
        every=every,
        max_megapixels=max_megapixels,
        on_progress=on_progress,
    )
    content, count = table.unique_file, len(table.videos)
    contents = Contents(
        new=content[: len(new)],
        there=content[len(new) :],
        new_file=content[: len(new)],
        there_file=content[len(new) :],
        part=part,
        part_count=part_count,
        alone=np.ones(count, bool),
    )
    known = np.ones(count, bool)
    known[contents.new[contents.new >= 0]] = False
    pairs = compare_videos(
        frames_to_compare(table, every),
        count,
        embedder.min_candidate_similarity,
        known=known,
        on_progress=on_progress,
    )
    is_copy = pairs.agrees & (pairs.share >= min_shared)
    is_copy &= ~shared_intros(pairs, table.ends)
    whole = _shown_whole(pairs, table.ends)
    # Both orders: the first of a pair is the one of which it is asked
    ends = np.concatenate([pairs.videos, pairs.videos[:, ::-1]])
    is_there = np.concatenate([is_copy & whole[:, side] for side in (0, 1)])
    is_part = np.concatenate([is_copy & ~whole[:, side] for side in (0, 1)])
    share = np.tile(pairs.share, 2)[is_there]
    copies = Copies(ends[is_there], share, share)
    return compared(contents, copies, ends[is_part], table.failures)


def _shown_whole(pairs: VideoPairs, seconds: NDArray[np.float64]) -> Bools:
    """Returns of both videos of each pair whether the other shows all of it.

    Args:
        pairs: p of them
        seconds: float64[m], how long each video lasts

    Returns:
        bool[p, 2]
    """
    partly = (pairs.relation & relation_bits(PARTLY)) != 0
    trimmed = (pairs.relation & relation_bits("trimmed")) != 0
    length = seconds[pairs.videos]
    longer = length > length[:, ::-1]
    whole: Bools = ~partly[:, None] & ~(trimmed[:, None] & longer)
    return whole
