"""Which split an image looks as if it came from: learned without that image.

Two samples of one distribution cannot be told apart by a classifier better than by
chance (the classifier two-sample test: Lopez-Paz and Oquab, ICLR 2017). It is linear
discriminant analysis of the copy vectors, a random projection of the features
(Johnson and Lindenstrauss) and the properties of the picture; the copy vectors alone
hardly see light and compression, since they are made not to.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from ..common.float16 import to_single
from ..storage.record_store import Vectors
from .auroc import mean_ranks

Codes = NDArray[np.int32]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

NO_SPLIT = -1
FEWEST_OF_SPLIT = 25
"""Images of a split below which nothing is said of it."""

_FOLDS = 5
_DIMENSIONS = 256
_SHRINKAGE = 0.3
"""Of the common covariance towards a ball."""

_ROWS_AT_ONCE = 1024


def split_scores(
    descriptors: Vectors,
    features: Vectors,
    looks: Floats,
    rows: NDArray[np.int64],
    splits: Codes,
    split_count: int,
) -> Floats:
    """Returns float32[r, s]: the logarithm of how likely each split is, but a constant.

    Splits count alike, however many images they have.

    Args:
        descriptors: i x c, unit vectors
        features: i x f, unit vectors; may be the descriptors
        looks: float32[r, p], properties of the picture
        rows: int64[r], the images, in an order that means nothing
        splits: int32[r], ``NO_SPLIT`` for images of none or of several
        split_count: s

    Returns:
        NaN where there is nothing to learn from
    """
    result = np.full((len(rows), split_count), np.nan, np.float32)
    sizes = np.bincount(splits[splits >= 0], minlength=split_count)
    known = np.flatnonzero(sizes >= FEWEST_OF_SPLIT)
    asked = np.flatnonzero(np.isin(splits, known))
    if len(known) < 2:
        return result
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Sums round differently with the number of BLAS threads
    with threadpool_limits(1, "blas"):
        inputs = _inputs(descriptors, features, looks[asked], rows[asked])
        codes = np.searchsorted(known, splits[asked])
        folds = _folds(codes)
        moments = [
            _Moments.of_rows(inputs[one], codes[one], len(known)) for one in folds
        ]
        every = reduce(_Moments.plus, moments)
        for out, own in zip(folds, moments, strict=True):
            weights, bias = _discriminant(every.minus(own))
            result[np.ix_(asked[out], known)] = inputs[out] @ weights + bias
    return result


def _inputs(
    descriptors: Vectors, features: Vectors, looks: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Returns float32[r, d], the blocks side by side, of equal weight."""
    wide, narrow = features.shape[1], descriptors.shape[1]
    axes = np.random.default_rng(0).normal(size=(wide, min(wide, _DIMENSIONS)))
    axes = (axes / np.sqrt(axes.shape[1])).astype(np.float32)
    blocks = np.empty((len(rows), narrow + axes.shape[1]), np.float32)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        blocks[part, :narrow] = to_single(descriptors[rows[part]])
        blocks[part, narrow:] = to_single(features[rows[part]]) @ axes
    ranks = mean_ranks(looks).astype(np.float32)
    for one in (blocks, ranks):
        _standardize(one)
    inputs: Floats = np.concatenate([blocks, ranks], axis=1)
    return inputs


def _standardize(values: Floats) -> None:
    """Gives each column mean 0 and variance 1, in place."""
    spread = values.std(axis=0)
    values -= values.mean(axis=0)
    values /= np.maximum(spread, 1e-6)


def _folds(codes: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Deals the images to folds, split after split; returns bool[r], those of each."""
    fold = np.empty(len(codes), np.int64)
    fold[np.argsort(codes, kind="stable")] = np.arange(len(codes)) % _FOLDS
    return [fold == number for number in range(_FOLDS)]


@dataclass(frozen=True, eq=False)
class _Moments:
    """What linear discriminant analysis needs to know of some rows.

    Attributes:
        sizes: float64[s], rows of each split
        sums: float64[s, d], of the rows of each split
        products: float64[d, d], of all rows with one another
    """

    sizes: Doubles
    sums: Doubles
    products: Doubles

    @classmethod
    def of_rows(cls, inputs: Floats, codes: NDArray[np.int64], count: int) -> _Moments:
        """Returns those of float32[r, d] and of int64[r], which of s splits each is
        of."""
        members = np.zeros((count, len(codes)), np.float32)
        members[codes, np.arange(len(codes))] = 1
        sizes, sums = members.sum(axis=1), members @ inputs
        return cls(
            *(one.astype(np.float64) for one in (sizes, sums, inputs.T @ inputs))
        )

    def plus(self, other: _Moments) -> _Moments:
        """Returns those of the rows of both."""
        return _Moments(
            self.sizes + other.sizes,
            self.sums + other.sums,
            self.products + other.products,
        )

    def minus(self, other: _Moments) -> _Moments:
        """Returns those of the rows that are not of the other."""
        return _Moments(
            self.sizes - other.sizes,
            self.sums - other.sums,
            self.products - other.products,
        )


def _discriminant(moments: _Moments) -> tuple[Floats, Floats]:
    """Returns the weights d x s and bias s of linear discriminant analysis."""
    mean = moments.sums / moments.sizes[:, None]
    within = moments.products - mean.T @ moments.sums
    within /= moments.sizes.sum()
    ball = np.trace(within) / len(within)
    within *= 1 - _SHRINKAGE
    within[np.diag_indices(len(within))] += _SHRINKAGE * ball
    weights = np.linalg.solve(within, mean.T)
    bias = -(mean * weights.T).sum(axis=1) / 2
    return weights.astype(np.float32), bias.astype(np.float32)
