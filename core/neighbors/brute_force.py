"""The most similar rows by brute force, as matrix products a cache can hold.

Blocks of queries meet a part of the rows in one matrix product each. At least k
values of a block's row are as large as the kth of the maxima of groups of its columns,
and few more than k, so only these are sorted out. In single precision, one BLAS thread
a block, blocks side by side: the same result whatever the number of threads. Measured
on 24,466 x 256, k = 15: 3.9 CPU-seconds; scikit-learn, which computes in double
precision, takes 7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.float16 import to_single
from ..storage.record_store import Vectors

_GROUPS = 4
"""Groups of columns for each value that is wanted: 2 to 8 are as fast."""

_PART = 2**22
"""Numbers of the rows that meet all queries before the next rows do: 16 MB. More are
no faster."""

_NUMBERS_AT_ONCE = 2**20
_FEWEST_QUERIES, _MOST_QUERIES = 32, 512
"""Queries a block: so many that a product has 4 MB, within these bounds. 16 MB take
as long, and 40 MB more in all."""

Floats = NDArray[np.float32]
Indices = NDArray[np.int32]
Products = NDArray[Any]
Multiply: TypeAlias = Callable[[Floats], Products]
"""From float32[b, d] queries to their b x r products with some rows."""


def most_similar(vectors: Vectors, queries: Vectors, k: int) -> Indices:
    """Finds the k rows of largest dot product with each query.

    Args:
        vectors: n x d
        queries: q x d
        k: rows a query, at most n

    Returns:
        int32[q, k], rows in no order
    """
    # Imported here: it comes with scikit-learn, which few callers need
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    def multiplication(rows: NDArray[np.floating]) -> Multiply:
        columns = to_single(rows).T
        return lambda some: some @ columns

    with threadpool_limits(1, "blas"):
        return best_products(vectors, queries, k, multiplication, _PART)[0]


def best_products(
    vectors: Vectors,
    queries: Vectors,
    k: int,
    multiplication: Callable[[NDArray[np.floating]], Multiply],
    part: int,
) -> tuple[Indices, Products]:
    """Finds the k rows of largest product with each query.

    Args:
        vectors: n x d, at least one row
        queries: q x d, at least one row
        k: rows a query, at most n
        multiplication: prepares the products with some rows
        part: numbers of the rows that are prepared at once

    Returns:
        a tuple of

        -   int32[q, k], rows in no order
        -   q x k, their products
    """
    held = max(1, part // vectors.shape[1])
    step = max(_NUMBERS_AT_ONCE // min(held, len(vectors)), _FEWEST_QUERIES)
    step = min(step, _MOST_QUERIES)
    blocks = [slice(at, at + step) for at in range(0, len(queries), step)]
    best: list[_Best] = [None] * len(blocks)
    with ThreadPoolExecutor(available_cores()) as pool:
        for first in range(0, len(vectors), held):
            multiply = multiplication(vectors[first : first + held])
            improve = partial(_improved, multiply, first, queries, k)
            best = list(pool.map(improve, blocks, best))
            # Before the next rows are prepared
            del multiply, improve
    found, products = zip(*filter(None, best), strict=True)
    return np.concatenate(found), np.concatenate(products)


_Best: TypeAlias = tuple[Indices, Products] | None
"""Of a block of queries the best rows so far, and their products."""


def _improved(
    multiply: Multiply, first: int, queries: Vectors, k: int, block: slice, best: _Best
) -> _Best:
    """Takes in the rows from ``first`` on."""
    products = multiply(to_single(queries[block]))
    found = largest(products, min(k, products.shape[1]))
    products = np.take_along_axis(products, found, axis=1)
    found += np.int32(first)
    if best is None:
        return found, products
    found = np.concatenate([best[0], found], axis=1)
    products = np.concatenate([best[1], products], axis=1)
    kept = largest(products, min(k, products.shape[1]))
    return np.take_along_axis(found, kept, 1), np.take_along_axis(products, kept, 1)


def largest(values: Products, k: int) -> Indices:
    """Returns int32[b, k], the columns of each row's k largest values, in no order."""
    rows, columns = values.shape
    size = max(1, columns // (_GROUPS * k))
    groups = columns // size
    # A group is every so-manieth column: maxima of long runs are quick
    grouped = values[:, : groups * size].reshape(rows, size, groups)
    maxima = grouped.max(axis=1)
    maxima.partition(groups - k, axis=1)
    # In k groups there is at least one as large: few more than k are
    places = np.flatnonzero(values >= maxima[:, groups - k, None])
    row, column = np.divmod(places, columns)
    counts = np.bincount(row, minlength=rows)
    slot = np.arange(len(row)) - (counts.cumsum() - counts)[row]
    found = np.full((rows, counts.max()), _lowest(values.dtype), values.dtype)
    candidates = np.zeros(found.shape, np.int32)
    found[row, slot], candidates[row, slot] = values.ravel()[places], column
    # Those that fill a row up come last, of equal values too
    best = np.argpartition(found, found.shape[1] - k, axis=1)[:, found.shape[1] - k :]
    return np.take_along_axis(candidates, best, axis=1)


def _lowest(dtype: np.dtype[Any]) -> float:
    """Returns what no number of a type is below."""
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)
