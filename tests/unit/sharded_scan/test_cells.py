import numpy as np
import pytest

from core.neighbors.knn_graph import exact_neighbors
from core.sharded_scan import cells
from core.sharded_scan.cells import centers_of, present_and_home
from core.sharded_scan.searching import nearest_centers


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((40, 32))
    rows = middles[rng.integers(0, 40, 4000)] + 0.6 * rng.standard_normal((4000, 32))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_few_pictures_are_one_cell(vectors):
    assert len(centers_of(vectors)) == 1


def test_each_picture_is_at_home_once_and_present_in_eight_cells(vectors, monkeypatch):
    monkeypatch.setattr(cells, "ONE_CELL", 1000)
    monkeypatch.setattr(cells, "HOME_ROWS", 200)

    centers = centers_of(vectors)
    divided = present_and_home(nearest_centers(vectors, centers, 8), len(centers))

    home = np.concatenate([present[rows] for present, rows in divided])
    present = np.concatenate([present for present, _ in divided])
    assert len(divided) == 20
    assert (np.sort(home) == np.arange(4000)).all()
    assert (np.bincount(present) == 8).all()
    assert all((np.diff(present) > 0).all() for present, _ in divided)


def test_cells_find_nearly_all_of_the_nearest(vectors, monkeypatch):
    monkeypatch.setattr(cells, "ONE_CELL", 1000)
    monkeypatch.setattr(cells, "HOME_ROWS", 200)
    true = exact_neighbors(vectors, np.arange(4000), 10).indices
    centers = centers_of(vectors)

    found = np.empty_like(true)
    divided = present_and_home(nearest_centers(vectors, centers, 8), len(centers))
    for present, rows in divided:
        near = exact_neighbors(vectors[present], rows, 10).indices
        found[present[rows]] = present[near]

    hits = (true[:, :, None] == found[:, None, :]).any(axis=2).mean()
    assert hits > 0.98


def test_some_rows_have_the_neighbors_that_they_have_among_all(vectors):
    every = exact_neighbors(vectors, np.arange(4000), 44)
    rows = np.arange(7, 4000, 13)

    some = exact_neighbors(vectors, rows, 44)

    np.testing.assert_array_equal(some.indices, every.indices[rows], strict=True)
    np.testing.assert_array_equal(some.similarities, every.similarities[rows])
