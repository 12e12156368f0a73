"""The recordings of a scan's samples: by a field, or by names and times that looks bear
out."""

from __future__ import annotations

import numpy as np

from ..embedding.image_table import ImageTable
from ..findings.sequences import (
    Sequences,
    confirmed,
    joined,
    sequences_by_field,
    sequences_by_name,
    sequences_by_time,
)
from .scan_data import Samples, ScanInput
from .unique_images import DescribedImages


def find_sequences(
    scan_input: ScanInput, table: ImageTable, samples: Samples, images: DescribedImages
) -> Sequences:
    """Finds which samples are frames of one recording or burst.

    Args:
        scan_input: paths of n samples, and what a field says
        table: of the pass over their files
        samples: the samples
        images: the unique images
    """
    paths, rank = scan_input.paths, samples.path_rank
    if scan_input.sequences is not None:
        names = scan_input.sequence_names
        return sequences_by_field(scan_input.sequences, names, paths, rank)
    readable = samples.readable
    captured = np.full(len(paths), np.nan)
    camera = np.zeros(len(paths), np.int64)
    files = samples.unique_file[readable]
    captured[readable] = table.column("captured")[files]
    camera[readable] = table.column("camera")[files]
    image = images.groups.of_samples(samples.unique_file)
    found = confirmed(sequences_by_name(paths), image, images.descriptors)
    timed = sequences_by_time(captured, camera, rank)
    return joined(found, confirmed(timed, image, images.descriptors))
