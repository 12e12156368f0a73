"""A scan of things that are of one design, and scans of them again."""

import os
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from core.copy_detection import MIN_COPY_SCORE
from core.scan import verified_pairs
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput
from tests.unit.copy_detection.test_one_design import brighter, cells

COUNT = 40


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Files of different things of one design, and last a copy of the first."""
    folder = tmp_path_factory.mktemp("cells")
    shown = cells(COUNT, own=6)
    shown.append(brighter(shown[0]))
    paths = []
    for number, picture in enumerate(shown):
        gray = np.clip(picture, 0, 255).astype(np.uint8)
        path = folder / f"{number:02}.png"
        Image.fromarray(np.repeat(gray[..., None], 3, axis=2)).save(path)
        paths.append(os.fsencode(path))
    return paths


@pytest.fixture(scope="module")
def learn(embedder, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def run(paths, previous=None):
        given = ScanInput(paths)
        return collect_scan_data(given, embedder, folder=cache, previous=previous)

    return run


@pytest.fixture(scope="module")
def scanned(learn, paths):
    return learn(paths)


def same(one, other):
    for column in fields(one.pairs):
        a, b = (getattr(scan.pairs, column.name) for scan in (one, other))
        np.testing.assert_array_equal(a, b)
    for scores in ("copy_scores", "composed_scores", "covered_scores"):
        a, b = (getattr(scan.recall, scores) for scan in (one, other))
        np.testing.assert_array_equal(a, b)


def copies(scan):
    accepted = scan.pairs.images[scan.pairs.score >= MIN_COPY_SCORE]
    return [sorted(pair) for pair in accepted.tolist()]


def test_of_all_that_is_alike_the_copy_alone_is_one(scanned):
    images = scanned.sample_images
    refused = scanned.pairs.promise < 0

    assert refused.sum() > 50
    assert sorted(images[[0, COUNT]].tolist()) in copies(scanned)
    assert len(copies(scanned)) < refused.sum() / 10


def test_the_same_scan_compares_and_looks_at_nothing_again(
    scanned, learn, paths, monkeypatch
):
    compared = []
    known = verified_pairs.verify_pairs

    def count(signatures, pairs, *args, **options):
        compared.append(len(pairs))
        return known(signatures, pairs, *args, **options)

    monkeypatch.setattr(verified_pairs, "verify_pairs", count)

    again = learn(paths, scanned)

    same(again, scanned)
    assert sum(compared) == 0


def test_fewer_and_more_of_them_are_judged_as_if_for_the_first_time(
    scanned, learn, paths
):
    fewer = paths[5:]

    same(learn(fewer, scanned), learn(fewer))
    same(learn(paths, learn(fewer)), scanned)


def test_a_set_without_pairs_is_known_by_a_larger_one(learn, paths):
    same(learn(paths[:3], learn(paths[:1])), learn(paths[:3]))
