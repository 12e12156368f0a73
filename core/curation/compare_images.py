"""New images against images that are there already: which are new, which are not.

The rules are those of a scan and its leaks: equal bytes, equal pixels, equal looks
(what :mod:`core.scan.unique_images` collapses), or a pair that the pictures verified.
A new file of several pictures is there already only if all of them are equal, since no
more than the first is compared otherwise. A page that is too plain to be told from
another is new, and what it resembles is named.

Memory: the copy vectors of all pictures, and the signatures of those that are
compared at the moment; never the signatures of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import MIN_COPY_SCORE
from ..embedding.embed import embed_images
from ..embedding.records import ImageEmbedder
from ..progress import OnProgress, silent
from .compared_pictures import Pictures, candidate_pairs, copies_among
from .comparison import Comparison, Contents, compared


def compare_images(
    new: Sequence[bytes],
    there: Sequence[bytes],
    part: NDArray[np.int32],
    part_count: int,
    embedder: ImageEmbedder,
    *,
    folder: Path,
    min_copy_score: float = MIN_COPY_SCORE,
    min_copy_similarity: float | None = None,
    max_megapixels: float = 64,
    on_progress: OnProgress = silent,
) -> Comparison:
    """Looks for copies of new images, among what is there and among themselves.

    Args:
        new: n paths; of two copies the first counts as new, the other repeats it
        there: o paths; those that were embedded before cost a look-up
        part: int32[o], the part each is in
        part_count: number of parts
        embedder: the model
        folder: where embeddings are kept between runs
        min_copy_score: how sure the comparison of two pictures must be, 0 to 1
        min_copy_similarity: cosine similarity that near copies need as well
        max_megapixels: larger pictures are not decoded
        on_progress: told after each batch; may raise to cancel
    """
    paths = [*new, *there]
    table = embed_images(
        paths,
        embedder,
        folder=folder,
        max_megapixels=max_megapixels,
        on_progress=on_progress,
    )
    pictures = Pictures(table)
    count, content = len(new), table.unique_file
    contents = Contents(
        new=pictures.of_row[:count],
        there=pictures.of_row[count:],
        new_file=content[:count],
        there_file=content[count:],
        part=part,
        part_count=part_count,
        alone=pictures.alone,
    )
    candidates = candidate_pairs(
        pictures,
        np.unique(contents.new[contents.new >= 0]),
        contents.present,
        embedder.min_candidate_similarity,
        on_progress,
    )
    least = -1 if min_copy_similarity is None else min_copy_similarity
    shown = [paths[row] for row in pictures.first_row.tolist()]
    copies, plain = copies_among(
        pictures, shown, candidates, least, min_copy_score, max_megapixels, on_progress
    )
    return compared(contents, copies, plain, table.failures)
