"""The recordings of a scan's samples: by a field, or by names and times that looks bear
out."""

from __future__ import annotations

from collections.abc import Sequence as PathSequence

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import MIN_COPY_SCORE, relation_bits, tones_of
from ..embedding.image_table import ImageTable
from ..findings.sequence_proof import CopyPairs, confirmed
from ..findings.sequence_proposals import (
    sequences_by_field,
    sequences_by_name,
    sequences_by_time,
)
from ..findings.sequences import Sequences, joined
from .plain_pages import MAX_TONES
from .scan_data import Recordings, Samples, VerifiedPairs
from .unique_images import DescribedImages

_MIRRORED = relation_bits("mirrored")


def find_sequences(
    paths: PathSequence[bytes],
    table: ImageTable,
    samples: Samples,
    images: DescribedImages,
    pairs: VerifiedPairs,
    recordings: Recordings | None,
) -> Sequences:
    """Finds which samples are frames of one recording or burst.

    Args:
        paths: of n samples
        table: of the pass over their files
        samples: the samples
        images: the unique images
        pairs: of them, compared
        recordings: that a field names, which need no proof; None without
    """
    rank = samples.path_rank
    if recordings is not None:
        return sequences_by_field(recordings.codes, recordings.names, paths, rank)
    readable = samples.readable
    captured = np.full(len(paths), np.nan)
    camera = np.zeros(len(paths), np.int64)
    files = samples.unique_file[readable]
    captured[readable] = table.column("captured")[files]
    camera[readable] = table.column("camera")[files]
    image = images.groups.of_samples(samples.unique_file)
    passed = np.flatnonzero(pairs.score >= MIN_COPY_SCORE)
    is_mirrored = pairs.relation[passed] & _MIRRORED > 0
    copies, vectors = CopyPairs(pairs.images[passed], is_mirrored), images.descriptors

    def are_pages(rows: NDArray[np.int32]) -> bool:
        return float(np.median(tones_of(images.signatures[rows]))) < MAX_TONES

    found = confirmed(sequences_by_name(paths), image, vectors, copies, are_pages)
    timed = sequences_by_time(captured, camera, rank)
    return joined(found, confirmed(timed, image, vectors, copies, by_time=True))
