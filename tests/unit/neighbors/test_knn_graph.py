import numpy as np
import pytest

from core.neighbors import knn_graph, nn_descent
from core.neighbors.knn_graph import NO_NEIGHBOR, nearest, neighbor_graph
from core.scan.verified_pairs import cosines
from core.storage.record_store import RecordStore, StoredColumn


def unit_vectors(count, dims=16, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, dims))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbors_are_sorted_and_never_the_row_itself():
    graph = neighbor_graph(unit_vectors(200), 10)

    assert graph.indices.shape == (200, 10)
    assert (graph.indices != np.arange(200)[:, None]).all()
    assert (np.diff(graph.similarities, axis=1) <= 0).all()


def test_they_are_what_a_naive_search_finds():
    vectors = unit_vectors(300)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -2)

    graph = neighbor_graph(vectors, 7)

    assert np.array_equal(graph.indices, np.argsort(-cosine, axis=1)[:, :7])
    assert np.allclose(
        graph.similarities, np.sort(cosine, axis=1)[:, :-8:-1], atol=1e-6
    )


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_small_set_is_padded(count):
    graph = neighbor_graph(unit_vectors(count), 10)

    assert graph.indices.shape == (count, 10)
    assert ((graph.indices >= 0).sum(axis=1) == max(count - 1, 0)).all()
    assert (graph.indices[:, max(count - 1, 0) :] == NO_NEIGHBOR).all()
    assert np.isneginf(graph.similarities[:, max(count - 1, 0) :]).all()


def test_a_query_may_find_itself_in_another_set():
    vectors = unit_vectors(50)

    graph = nearest(vectors, vectors[[3, 30]], 2)

    assert graph.indices[:, 0].tolist() == [3, 30]
    assert graph.similarities[:, 0] == pytest.approx([1, 1])


def test_equal_similarities_come_in_the_order_of_their_rows():
    vectors = np.eye(6, dtype=np.float32)

    graph = neighbor_graph(vectors, 5)

    for row in range(6):
        assert graph.indices[row].tolist() == [n for n in range(6) if n != row]


def test_half_precision_is_enough():
    vectors = unit_vectors(300, 64)

    half = neighbor_graph(vectors.astype(np.float16), 3)
    full = neighbor_graph(vectors, 3)

    assert (half.indices[:, 0] == full.indices[:, 0]).mean() > 0.97


def stored(folder, vectors):
    store = RecordStore(folder, np.dtype([("features", "<f2", vectors.shape[1:])]))
    records = np.empty(len(vectors), store.dtype)
    records["features"] = vectors
    keys = [row.to_bytes(32, "big") for row in range(len(vectors))]
    # As in a scan, the rows are not in the order of the records
    order = np.random.default_rng(1).permutation(len(vectors))
    positions = np.empty(len(vectors), np.int64)
    positions[order] = store.append([keys[row] for row in order], records[order])
    return StoredColumn(store, positions, "features")


@pytest.mark.parametrize("dims", [64, 600])
def test_vectors_on_disk_are_read_in_parts_and_give_the_same(
    tmp_path, monkeypatch, dims
):
    vectors = unit_vectors(4_500, dims).astype(np.float16)
    whole = neighbor_graph(vectors, 10)

    monkeypatch.setattr(knn_graph, "_NUMBERS_HELD", 1_000 * dims)
    found = neighbor_graph(stored(tmp_path, vectors), 10)

    assert np.array_equal(found.indices, whole.indices)
    assert np.array_equal(found.similarities, whole.similarities)


def test_similarities_are_of_all_numbers_though_fewer_are_searched():
    vectors = unit_vectors(4_500, 600)

    graph = neighbor_graph(vectors, 3)

    rows = np.repeat(np.arange(len(vectors)), 3)
    pairs = np.stack([rows, graph.indices.ravel()], axis=1)
    assert np.array_equal(graph.similarities.ravel(), cosines(vectors, pairs))


def test_a_few_queries_of_many_rows_are_answered_exactly(monkeypatch):
    monkeypatch.setattr(knn_graph, "_EXACT_BELOW", 300)
    monkeypatch.setattr(knn_graph, "_EXACT_TO_QUERY", 0)
    monkeypatch.setattr(knn_graph, "nearly_most_similar", None)
    vectors = unit_vectors(900)

    graph = nearest(vectors, vectors[:100], 1)

    assert graph.indices[:, 0].tolist() == list(range(100))


def test_nothing_is_compiled_for_what_is_searched_exactly(monkeypatch):
    monkeypatch.setattr(nn_descent, "_compiling", None)

    knn_graph.prepare_search(knn_graph._EXACT_BELOW)

    assert nn_descent._compiling is None


@pytest.mark.slow
def test_brute_force_of_long_vectors_finds_nearly_all_and_compiles_nothing(monkeypatch):
    monkeypatch.setattr(knn_graph, "_EXACT_BELOW", 1_000)
    monkeypatch.setattr(knn_graph, "_EXACT_TO_QUERY", 1_000)
    monkeypatch.setattr(knn_graph, "nearly_most_similar", None)
    project, shapes = knn_graph._projected, []

    def projected(vectors):
        shapes.append(vectors.shape)
        return project(vectors)

    monkeypatch.setattr(knn_graph, "_projected", projected)
    random = np.random.default_rng(3)
    axes, centers = random.normal(size=(60, 640)), random.normal(size=(200, 60))
    rows = centers[random.integers(0, 200, 6_000)]
    vectors = (rows + 0.7 * random.normal(size=rows.shape)) @ axes
    vectors += 4 * random.normal(size=vectors.shape)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors.astype(np.float32)

    graph = neighbor_graph(vectors, 10)

    true = neighbor_graph(vectors, 10, exact=True)
    hits = [
        len(np.intersect1d(*lists))
        for lists in zip(graph.indices, true.indices, strict=True)
    ]
    assert np.mean(hits) / 10 > 0.98
    assert shapes == [(6_000, 640)]


def test_brute_force_of_short_vectors_searches_no_row_again(monkeypatch):
    monkeypatch.setattr(knn_graph, "_EXACT_BELOW", 1_000)
    monkeypatch.setattr(knn_graph, "_EXACT_TO_QUERY", 1_000)
    vectors = unit_vectors(6_000, 64)
    true = neighbor_graph(vectors, 10, exact=True)
    monkeypatch.setattr(knn_graph, "nearly_most_similar", None)
    monkeypatch.setattr(knn_graph, "most_similar", None)

    graph = neighbor_graph(vectors, 10)

    hits = [
        len(np.intersect1d(*lists))
        for lists in zip(graph.indices, true.indices, strict=True)
    ]
    assert np.mean(hits) / 10 > 0.999
