"""The most similar rows by brute force, as products of small integers.

Unit vectors are rounded to 8 bits, queries to 7, and multiplied as integers by
onnxruntime, up to eight times as fast as in single precision. Rounding adds an error
of known spread to a product, so it is known as well how similar a row that is not
among the best can be at most. Measured on 24,466 x 256 and 1,280: with 20 rows to
spare, 1.4 % and 0.02 % of the queries have to be searched again, precisely.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..common.cpu import available_cores
from ..common.float16 import to_single
from ..models.onnx_session import open_runtime
from ..storage.record_store import Vectors
from .brute_force import Floats, Indices, Multiply, best_products

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_LEVELS, _QUERY_LEVELS = 127, 63
"""Largest integers of rows and queries. Processors without instructions for such
products (VNNI) add two of them in 16 bits: with 7 bits on one side they fit."""

_ZERO = _QUERY_LEVELS + 1
"""What stands for 0 among the unsigned integers of a query."""

_PART = 2**24
"""Numbers of the rows that are prepared at once: 64 MB with the rows themselves and
what onnxruntime packs. Twice as many are no faster."""

_PRODUCTS_AT_ONCE = 2**20
_BAND = 4096
_SLACK = 1e-3
"""Rows that are multiplied together with the queries within their reach, and what is
added to that, since vectors are of length 1 but for rounding. Of the looks of 24,335
scenes a row has .55 of the others within reach at a cosine of .92, and .3 at .993."""

_LARGEST = 2**31 - 1
_ROWS_ROUNDED = 1024
_SURELY = 5.0
"""Spreads of the error that a product surely does not exceed where it matters: of 24
million, the largest was 5.4."""

_COARSE = 0.5
"""Steps as large as this, in root mean squares of the numbers, round many of them to
nothing, which is no even error."""

_IR_VERSION, _OPSET = 8, 13


def probably_most_similar(
    vectors: Vectors, queries: Vectors, k: int
) -> tuple[Indices, Floats]:
    """Finds k rows, probably those of largest dot product with each query.

    Args:
        vectors: n x d, rows no longer than 1
        queries: q x d, rows no longer than 1
        k: rows a query, at most n

    Returns:
        a tuple of

        -   int32[q, k], rows in no order
        -   float32[q]: no other row's product is larger; -inf where all are found,
            inf where rounding is too coarse to tell
    """
    row_step = _row_step(vectors)

    def multiplication(rows: NDArray[np.floating]) -> Multiply:
        return _multiplication(rows, row_step)

    found, products = best_products(vectors, queries, k, multiplication, _PART)
    if k == len(vectors):
        return found, np.full(len(queries), -np.inf, np.float32)
    query_step = np.concatenate(
        [
            _steps(to_single(queries[start : start + _ROWS_ROUNDED]))[:, 0]
            for start in range(0, len(queries), _ROWS_ROUNDED)
        ]
    )
    least = products.min(axis=1) * query_step * row_step
    error = _error(query_step, row_step, vectors.shape[1])
    return found, (least + error).astype(np.float32)


def probably_above(
    vectors: Vectors, queries: Vectors, least: float, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Finds the rows whose dot product with a query is probably as large as said.

    Half the work of finding the largest, where few are.

    Args:
        vectors: n x d, rows no longer than 1
        queries: q x d, rows no longer than 1
        least: product
        most: rows a query; one with more is not answered

    Returns:
        a tuple of

        -   int64[p], queries
        -   int64[p], a row for each; none is missing, some have a smaller product
        -   int64[r], queries that have more such rows, or of which rounding is too
            coarse to tell
    """
    row_step = _row_step(vectors)
    counts = np.zeros(len(queries), np.int64)
    none = np.zeros(0, np.int64)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = [(none, none)]
    with ThreadPoolExecutor(available_cores()) as pool:
        for rows, asked in _within_reach(vectors, queries, least):
            multiply = _multiplication(vectors[rows], row_step)
            above = partial(_above, multiply, queries, row_step, least, most, counts)
            step = max(1, _PRODUCTS_AT_ONCE // len(rows))
            blocks = [
                asked[start : start + step] for start in range(0, len(asked), step)
            ]
            found += (
                (block[query], rows[row])
                for block, (query, row) in zip(
                    blocks, pool.map(above, blocks), strict=True
                )
            )
            # Before the next rows are prepared
            del multiply, above
    query, row = (np.concatenate(parts) for parts in zip(*found, strict=True))
    answered = counts[query] <= most
    return query[answered], row[answered], np.flatnonzero(counts > most)


def _within_reach(
    vectors: Vectors, queries: Vectors, least: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yields some rows, and the queries that any of them may be as similar to as said.

    Two vectors of such a product lie as close together, and so does each of their
    numbers: rows and queries stand in the order of the one that varies most.

    Args:
        vectors: n x d, rows no longer than 1
        queries: q x d, rows no longer than 1
        least: product

    Yields:
        int64[r] of the n, and int64[s] of the q; each row once
    """
    spread = to_single(vectors[:_ROWS_ROUNDED]).std(axis=0)
    axis = int(spread.argmax())
    place, asked = _numbers_at(vectors, axis), _numbers_at(queries, axis)
    order, query_order = (np.argsort(one, kind="stable") for one in (place, asked))
    place, asked = place[order], asked[query_order]
    reach = np.sqrt(max(2 - 2 * least, 0)) + _SLACK
    for first in range(0, len(order), _BAND):
        rows = order[first : first + _BAND]
        ends = place[first] - reach, place[first + len(rows) - 1] + reach
        start, end = np.searchsorted(asked, ends)
        yield rows, query_order[start:end]


def _numbers_at(vectors: Vectors, axis: int) -> Floats:
    """Returns float32[n], one number of each row."""
    parts = [
        to_single(vectors[start : start + _ROWS_ROUNDED])[:, axis]
        for start in range(0, len(vectors), _ROWS_ROUNDED)
    ]
    return np.concatenate(parts)


def _above(
    multiply: Multiply,
    queries: Vectors,
    row_step: float,
    least: float,
    most: int,
    counts: NDArray[np.int64],
    block: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns queries and rows above for a block; none of queries with too many.

    Args:
        counts: int64[q], to which the rows above are added
    """
    some = to_single(queries[block])
    query_step = _steps(some)[:, 0]
    error = _error(query_step, row_step, some.shape[1])
    levels = np.ceil((least - error) / (query_step * row_step))
    # Where rounding is too coarse to tell all rows are above: too many
    levels = np.clip(levels, -_LARGEST, _LARGEST).astype(np.int32)
    products = multiply(some)
    places = np.flatnonzero(products >= levels[:, None])
    query, row = np.divmod(places, products.shape[1])
    here = np.bincount(query, minlength=len(some))
    counts[block] += here
    few = here[query] <= most
    return query[few], row[few]


def _row_step(vectors: Vectors) -> float:
    """Returns what one of the integers of rows stands for."""
    ends = [0.0]
    for start in range(0, len(vectors), _ROWS_ROUNDED):
        some = to_single(vectors[start : start + _ROWS_ROUNDED])
        ends += [float(some.max()), -float(some.min())]
    return max(max(ends), 1e-12) / _LEVELS


def _error(query_step: Floats, row_step: float, dims: int) -> NDArray[np.float64]:
    """Returns float64[q], by how much products of queries surely err at most."""
    # Rounding to a step errs evenly by up to half of it: a variance of 1 / 12
    spread = np.sqrt((query_step.astype(np.float64) ** 2 + row_step**2) / 12)
    coarse = _COARSE / np.sqrt(dims)
    spread[np.maximum(query_step, row_step) > coarse] = np.inf
    return _SURELY * spread


def _steps(queries: Floats) -> Floats:
    """Returns float32[q, 1]: what one of a query's integers stands for."""
    most = np.abs(queries).max(axis=1, keepdims=True)
    steps: Floats = np.maximum(most, np.float32(1e-12)) / np.float32(_QUERY_LEVELS)
    return steps


def _multiplication(rows: NDArray[np.floating], step: float) -> Multiply:
    columns = np.empty((rows.shape[1], len(rows)), np.int8)
    for start in range(0, len(rows), _ROWS_ROUNDED):
        some = to_single(rows[start : start + _ROWS_ROUNDED])
        columns[:, start : start + len(some)] = np.rint(some / np.float32(step)).T
    return _IntegerProduct(columns, _open_product(columns))


@dataclass(frozen=True, eq=False)
class _IntegerProduct:
    """The products of queries with some rows.

    Attributes:
        columns: int8[d, r], the rows; held because the session reads them in place
        session: see :func:`_open_product`
    """

    columns: NDArray[np.int8]
    session: InferenceSession

    def __call__(self, queries: Floats) -> NDArray[np.int32]:
        levels = np.rint(queries / _steps(queries)) + _ZERO
        found: list[NDArray[np.int32]] = self.session.run(
            None, {"queries": levels.astype(np.uint8)}
        )
        return found[0]


def _open_product(columns: NDArray[np.int8]) -> InferenceSession:
    """Opens (queries - zero) @ columns; the columns must outlive it."""
    # Imported here: it is slow to import, and few callers need it
    from onnx import TensorProto, helper, numpy_helper

    # Named only: what is written into a model is copied again and again
    named = TensorProto(name="columns", data_type=TensorProto.INT8, dims=columns.shape)
    named.data_location = TensorProto.EXTERNAL
    named.external_data.add(key="location", value="columns")
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["queries", "columns", "zero"], ["found"])],
        "products",
        [helper.make_tensor_value_info("queries", TensorProto.UINT8, ["q", None])],
        [helper.make_tensor_value_info("found", TensorProto.INT32, ["q", None])],
        [named, numpy_helper.from_array(np.array(_ZERO, np.uint8), "zero")],
    )
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=opset)
    return open_runtime(model.SerializeToString(), {"columns": columns})
