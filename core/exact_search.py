"""The most similar rows by brute force, as matrix products a cache can hold.

Blocks of queries meet a part of the rows in one matrix product each. The best k of a
block's row lie in the k groups of columns with the largest maxima, so only these
are sorted out. In single precision, one BLAS thread a block, blocks side by side:
the same result whatever the number of threads. Measured on 24,466 x 256, k = 15:
3.9 CPU-seconds; scikit-learn, which computes in double precision, takes 7.5.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .cores import available_cores
from .half_precision import to_single
from .store import Vectors

_GROUP = 16
"""Columns a group: of 16, 32 and 64 the fastest."""

_PART = 2**24
"""Numbers of the rows that meet all queries before the next rows do: 64 MB."""

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
        vectors: n x d
        queries: q x d
        k: rows a query, at most n
        multiplication: prepares the products with some rows
        part: numbers of the rows that are prepared at once

    Returns:
        a tuple of

        -   int32[q, k], rows in no order
        -   q x k, their products
    """
    found = products = np.empty((len(queries), 0), np.int32)
    step = max(_GROUP, part // vectors.shape[1])
    for start in range(0, len(vectors), step):
        rows = vectors[start : start + step]
        more, theirs = _best(multiplication(rows), len(rows), queries, k)
        if not start:
            found, products = more, theirs
            continue
        found = np.concatenate([found, more + np.int32(start)], axis=1)
        products = np.concatenate([products, theirs], axis=1)
        kept = largest(products, min(k, products.shape[1]))
        found = np.take_along_axis(found, kept, 1)
        products = np.take_along_axis(products, kept, 1)
    return found, products


def _best(
    multiply: Multiply, count: int, queries: Vectors, k: int
) -> tuple[Indices, Products]:
    """Returns int32[q, at most k], the best of some rows, and their products."""
    k = min(k, count)
    step = min(max(_NUMBERS_AT_ONCE // count, _FEWEST_QUERIES), _MOST_QUERIES)

    def search(start: int) -> tuple[Indices, Products]:
        products = multiply(to_single(queries[start : start + step]))
        found = largest(products, k)
        return found, np.take_along_axis(products, found, axis=1)

    with ThreadPoolExecutor(available_cores()) as pool:
        blocks = list(pool.map(search, range(0, len(queries), step)))
    found, products = (np.concatenate(part) for part in zip(*blocks, strict=True))
    return found, products


def largest(values: Products, k: int) -> Indices:
    """Returns int32[b, k], the columns of each row's k largest values."""
    rows, columns = values.shape
    groups = columns // _GROUP
    grouped = groups * _GROUP
    # A group is every so-manieth column: maxima of long runs are quick
    maxima = values[:, :grouped].reshape(rows, _GROUP, groups).max(axis=1)
    kept = min(k, groups)
    best = np.argpartition(maxima, groups - kept, axis=1)[:, groups - kept :]
    members = best[:, None, :] + groups * np.arange(_GROUP)[:, None]
    rest = np.broadcast_to(np.arange(grouped, columns), (rows, columns - grouped))
    candidates = np.concatenate([members.reshape(rows, -1), rest], axis=1)
    found = np.take_along_axis(values, candidates, axis=1)
    place = np.argpartition(found, found.shape[1] - k, axis=1)[:, found.shape[1] - k :]
    return np.take_along_axis(candidates, place, axis=1).astype(np.int32)
