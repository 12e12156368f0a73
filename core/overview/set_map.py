"""A set as points of a plane: alike images lie near one another.

The two directions in which the images differ most (principal components of the
features), by power iteration. It shows the large groups; what lies near in all
directions but these two lies apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..storage.record_store import Vectors

_MOST = 2000
_STEPS = 30


@dataclass(frozen=True, eq=False)
class SetMap:
    """Where m images lie.

    Attributes:
        images: int64[m], the unique images, ascending
        places: float32[m, 2], from -1 to 1
    """

    images: NDArray[np.int64]
    places: NDArray[np.float32]


def set_map(features: Vectors, rows: NDArray[np.int64]) -> SetMap:
    """Lays out some of the images.

    Args:
        features: i x f, unit vectors
        rows: int64[r], the images to choose from
    """
    count = min(len(rows), _MOST)
    images = rows[np.arange(count) * len(rows) // max(count, 1)]
    if count < 2:
        return SetMap(images, np.zeros((count, 2), np.float32))
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Sums round differently with the number of BLAS threads
    with threadpool_limits(1, "blas"):
        values = to_single(features[images])
        values = values - values.mean(axis=0)
        axes = np.random.default_rng(0).normal(size=(values.shape[1], 2))
        for _ in range(_STEPS):
            axes, _ = np.linalg.qr(values.T @ (values @ axes.astype(np.float32)))
        places = (values @ axes.astype(np.float32)).astype(np.float64)
    # Either sign is as good: the farthest image lies to the right, and above
    far = np.abs(places).argmax(axis=0)
    places *= np.sign(places[far, [0, 1]])
    places /= max(float(np.abs(places).max()), 1e-12)
    return SetMap(images, places.astype(np.float32))
