"""Classes that overlap, fall apart or have hardly any neighbors."""

import numpy as np
import pytest

from core.neighbors.knn_graph import neighbor_graph
from core.overview import class_structure
from core.overview.class_structure import (
    divided,
    labels_follow_pictures,
    looks_like,
    overlaps,
    thin_regions,
)
from core.overview.records import SetMembers

NAMES = ["cat", "dog", "car"]


def members_of(label, likeliest=None, **more):
    count = len(label)
    given = {
        "label": np.asarray(label, np.int32),
        "split": np.zeros(count, np.int32),
        "group": np.full(count, -1),
        "here": np.ones(count, bool),
        "likeliest": np.asarray(label if likeliest is None else likeliest, np.int32),
        "wrong_label": np.zeros(count, bool),
        "distance": np.full(count, np.nan, np.float32),
        "outlier": np.zeros(count, bool),
    }
    return SetMembers(**{**given, **more})


@pytest.fixture
def mixed():
    """Of 100 cats 40 look like dogs, and nothing else is unclear."""
    label = np.repeat([0, 1, 2], 100)
    likeliest = label.copy()
    likeliest[:40] = 1
    return label, likeliest


def test_classes_whose_images_look_like_the_other_overlap(mixed):
    (finding,) = overlaps(members_of(*mixed), NAMES)

    assert finding.key == "overlap cat / dog"
    assert "40 images of cat (40 %)" in finding.text
    assert finding.images.tolist() == list(range(40))


def test_labels_that_are_wrong_are_no_overlap(mixed):
    wrong = np.arange(300) < 40

    assert overlaps(members_of(*mixed, wrong_label=wrong), NAMES) == []


def test_copies_of_one_image_are_no_overlap(mixed):
    group = np.where(np.arange(300) < 40, 0, -1)

    assert overlaps(members_of(*mixed, group=group), NAMES) == []


def test_shuffled_labels_say_nothing():
    rng = np.random.default_rng(0)
    passed = 0
    for _ in range(300):
        label, likeliest = rng.integers(0, 3, 300), rng.integers(0, 3, 300)
        passed += labels_follow_pictures(members_of(label, likeliest))

    assert passed == 0
    assert labels_follow_pictures(members_of(np.repeat([0, 1], 20)))


def clouds(*sizes):
    rng = np.random.default_rng(3)
    centers = np.linalg.qr(rng.normal(size=(32, len(sizes))))[0].T
    rows = np.repeat(centers, sizes, axis=0) + 0.02 * rng.normal(size=(sum(sizes), 32))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.mark.parametrize("at_once", [30, 2**20])
def test_a_class_of_two_clouds_falls_apart(at_once, monkeypatch):
    monkeypatch.setattr(class_structure, "_ROWS_AT_ONCE", at_once)
    label = np.repeat([0, 1], [100, 100])
    graph = neighbor_graph(clouds(60, 40, 100), 12)

    (finding,) = divided(members_of(label), graph, NAMES)

    assert finding.measures == {"class": "cat", "groups": [60, 40]}
    assert finding.images.tolist() == list(range(60, 100))


def test_forty_moments_of_one_scene_are_no_group_of_a_class():
    label = np.repeat([0, 1], [100, 100])
    graph = neighbor_graph(clouds(60, 40, 100), 12)
    group = np.where((np.arange(200) >= 60) & (np.arange(200) < 100), 0, -1)

    assert divided(members_of(label, group=group), graph, NAMES) == []


def test_images_far_from_most_are_in_thin_regions_but_outliers_are_not():
    distance = np.random.default_rng(0).normal(0.3, 0.01, 200).astype(np.float32)
    distance[:15], distance[15:20] = 0.5, 0.9
    outlier = (np.arange(200) >= 15) & (np.arange(200) < 20)
    label = np.repeat([0, 1], [20, 180])

    (finding,) = thin_regions(
        members_of(label, distance=distance, outlier=outlier), NAMES
    )

    assert sorted(finding.images) == list(range(15))
    assert "15 of them are of class cat" in finding.text


def test_the_emptiest_of_thin_regions_come_first():
    distance = np.random.default_rng(0).normal(0.3, 0.01, 200).astype(np.float32)
    distance[:15] = np.linspace(0.5, 0.7, 15)

    (finding,) = thin_regions(members_of(np.zeros(200, int), distance=distance), NAMES)

    assert finding.images.tolist() == list(range(14, -1, -1))


def test_the_matrix_has_the_classes_that_are_taken_for_others_most_often(mixed):
    found = looks_like(members_of(*mixed), NAMES)

    assert found["classes"] == NAMES
    assert found["images"] == [[60, 40, 0], [0, 100, 0], [0, 0, 100]]

    many = np.repeat(np.arange(40), 10)
    likeliest = many.copy()
    likeliest[many == 39] = 38
    names = [f"{code:02d}" for code in range(40)]
    found = looks_like(members_of(many, likeliest), names)
    assert len(found["classes"]) == 12 and {"38", "39"} <= set(found["classes"])
    assert found["images"][-1][-2:] == [10, 0]


def test_without_labels_the_matrix_is_empty():
    assert looks_like(members_of([-1, -1]), []) == {"classes": [], "images": []}
