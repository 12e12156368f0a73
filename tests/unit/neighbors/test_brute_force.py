import numpy as np
import pytest

from core.common.float16 import to_single
from core.neighbors.brute_force import largest, most_similar


@pytest.mark.parametrize("rows", [1, 7, 16, 100, 1000])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_largest_dot_products_are_found_whatever_the_sizes(rows, k):
    rng = np.random.default_rng(rows)
    vectors = rng.normal(size=(rows, 8)).astype(np.float32)
    queries = rng.normal(size=(33, 8)).astype(np.float32)
    k = min(k, rows)

    found = most_similar(vectors, queries, k)

    wanted = np.argsort(-(queries @ vectors.T), axis=1)[:, :k]
    assert np.array_equal(np.sort(found, axis=1), np.sort(wanted, axis=1))


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("levels", [1, 2, 5, 10_000])
@pytest.mark.parametrize(("columns", "k"), [(1, 1), (9, 9), (50, 7), (3_001, 40)])
def test_the_largest_values_are_found_each_once_however_many_are_equal(
    dtype, levels, columns, k
):
    rng = np.random.default_rng(columns)
    values = rng.integers(-levels, 0, (20, columns)).astype(dtype)

    found = largest(values, k)

    assert found.shape == (20, k)
    assert all(len(set(row)) == k for row in found.tolist())
    best = np.sort(values, axis=1)[:, columns - k :]
    assert np.array_equal(np.sort(np.take_along_axis(values, found, 1), axis=1), best)


def test_blocks_of_queries_do_not_change_what_is_found(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    whole = most_similar(vectors, vectors, 10)

    monkeypatch.setattr("core.neighbors.brute_force._MOST_QUERIES", 7)
    monkeypatch.setattr("core.neighbors.brute_force._FEWEST_QUERIES", 7)
    pieces = most_similar(vectors, vectors, 10)

    assert np.array_equal(np.sort(whole, axis=1), np.sort(pieces, axis=1))


def test_more_rows_may_be_asked_for_than_a_part_has(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(70, 16)).astype(np.float32)
    monkeypatch.setattr("core.neighbors.brute_force._PART", 16 * 16)

    found = most_similar(vectors, vectors[:3], 40)

    wanted = np.argsort(-(vectors[:3] @ vectors.T), axis=1)[:, :40]
    assert np.array_equal(np.sort(found, axis=1), np.sort(wanted, axis=1))


@pytest.mark.parametrize("shape", [(0, 4), (3, 4), (2, 3, 4)])
def test_half_precision_is_widened_to_the_same_numbers(shape):
    half = np.random.default_rng(0).normal(size=shape).astype(np.float16)

    single = to_single(half)

    assert single.dtype == np.float32
    assert np.array_equal(single, half.astype(np.float32))
