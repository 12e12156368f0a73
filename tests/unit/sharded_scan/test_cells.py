import numpy as np
import pytest

from core.embedding.records import record_dtype
from core.models.registry import DEFAULT_MODEL
from core.neighbors.knn_graph import exact_neighbors
from core.sharded_scan import cells, searching
from core.sharded_scan.by_shards import ByShards
from core.sharded_scan.cells import centers_of, present_and_home
from core.sharded_scan.comparing import images_at
from core.sharded_scan.job_folder import JobFolder
from core.sharded_scan.searching import nearest_centers
from core.sharded_scan.shard_records import ShardRecords, as_file
from core.sharded_scan.thread_executor import ThreadExecutor


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


def test_a_job_in_cells_says_which_share_it_finds(monkeypatch, embedder, tmp_path):
    monkeypatch.setattr(cells, "ONE_CELL", 500)
    monkeypatch.setattr(cells, "HOME_ROWS", 100)
    monkeypatch.setattr(searching, "REACH", 3)
    records = records_of(embedder, 2000)
    folder = JobFolder(str(tmp_path))
    folder.write("shard.npy", as_file(records))
    store = ShardRecords(folder, ["shard.npy"], records.dtype)
    rows = np.arange(len(records))
    settings = {"model": DEFAULT_MODEL}
    stages = ByShards(
        folder,
        ThreadExecutor(),
        settings,
        rows,
        store,
        [],
        lambda *_: lambda _: None,
        neighbors=10,
    )

    found = stages.search(images_at(store, rows), np.zeros((0, 2000), bool), 0.3)

    for name, graph in (
        ("copy", found.graphs.of_descriptors),
        ("features", found.graphs.features),
    ):
        vectors = records[name].astype(np.float32)
        true = exact_neighbors(vectors, rows, 10).indices
        hits = (true[:, :, None] == graph.indices[:, None, :]).any(axis=2).mean()
        said = stages.said[name]
        assert said["cells"] == 20
        assert said["recall"] == pytest.approx(hits, abs=0.03)
        assert 0.9 < said["recall"] <= said.get("pair_recall", 1)
        # Who is found by another knows of it: where its list is full of nearer ones
        last = graph.similarities[graph.indices, -1]
        back = (graph.indices[graph.indices] == rows[:, None, None]).any(axis=2)
        assert (back | (graph.similarities <= last)).all()


def records_of(embedder, count):
    """Records of pictures around 60 middles, with their vectors alone."""
    rng = np.random.default_rng(3)
    records = np.zeros(count, record_dtype(embedder))
    middle = rng.integers(0, 60, count)
    for name, dims in (("copy", 256), ("features", 1280)):
        rows = rng.standard_normal((60, dims))[middle]
        rows += 1.2 * rng.standard_normal(rows.shape)
        records[name] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return records


def test_some_rows_have_the_neighbors_that_they_have_among_all(vectors):
    every = exact_neighbors(vectors, np.arange(4000), 44)
    rows = np.arange(7, 4000, 13)

    some = exact_neighbors(vectors, rows, 44)

    np.testing.assert_array_equal(some.indices, every.indices[rows], strict=True)
    np.testing.assert_array_equal(some.similarities, every.similarities[rows])
