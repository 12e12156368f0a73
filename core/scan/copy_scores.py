"""How surely each image is a copy of another one, also below the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .scan_data import ScanData


def copy_scores(
    scan_data: ScanData, eligible: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Returns the best score of each sample's pairs, whatever the threshold on it.

    Args:
        scan_data: of the scan, n samples
        eligible: bool[p], the pairs that nothing but their score rules out

    Returns:
        float32[n] in [0, 1]; 1 for samples of equal pixels, NaN without a pair
    """
    images, pairs = scan_data.sample_images, scan_data.pairs
    samples = np.bincount(
        images[images >= 0], minlength=len(scan_data.images.first_file)
    )
    best = np.where(samples > 1, 1, -1).astype(np.float32)
    for side in (0, 1):
        np.maximum.at(best, pairs.images[eligible, side], pairs.score[eligible])
    best[best < 0] = np.nan
    # The last value stands for no image
    return np.append(best, np.float32(np.nan))[images]
