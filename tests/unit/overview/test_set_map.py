"""The map of a set: like images lie near one another, always in the same places."""

import numpy as np

from core.overview.set_map import set_map


def groups(count=60, dims=32, seed=0):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(2 * count, dims)) * 0.05
    vectors[:count, 0] += 1
    vectors[count:, 1] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def test_two_groups_lie_apart():
    places = set_map(groups(), np.arange(120)).places

    first, second = places[:60], places[60:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 5 * np.linalg.norm(first.std(axis=0))
    assert np.abs(places).max() == 1


def test_it_is_the_same_map_each_time_and_of_some_images_only():
    vectors, rows = groups(2000), np.arange(1, 4000)

    found, again = set_map(vectors, rows), set_map(vectors, rows)

    assert (found.places == again.places).all()
    assert len(found.images) == 2000 and set(found.images) <= set(rows)


def test_the_directions_are_those_in_which_the_images_differ_most():
    spreads = [3.0, 2.0, *[0.3] * 20]
    vectors = np.random.default_rng(0).normal(size=(120, 22)) * spreads
    vectors = vectors.astype(np.float32)
    centered = vectors - vectors.mean(axis=0)
    known = centered @ np.linalg.svd(centered)[2][:2].T

    places = set_map(vectors, np.arange(120)).places

    for axis in (0, 1):
        assert abs(np.corrcoef(known[:, axis], places[:, axis])[0, 1]) > 0.99


def test_one_image_or_images_that_are_alike_have_a_place():
    alike = np.ones((5, 4), np.float32) / 2

    assert set_map(alike, np.arange(1)).places.tolist() == [[0, 0]]
    assert len(set_map(alike, np.arange(0)).places) == 0
    assert np.isfinite(set_map(alike, np.arange(5)).places).all()
