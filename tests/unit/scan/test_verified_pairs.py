"""What an earlier scan compared is not compared again."""

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.models.registry import load_embedder
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import load_scan_data, save_scan_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture
def paths(tmp_path, draw):
    """Thirty pictures, and a smaller copy of each of the first ten."""
    made = []
    for number in range(40):
        path = tmp_path / f"{number:02d}.png"
        picture = draw(number % 30)
        if number >= 30:
            small = (picture.width * 3 // 4, picture.height * 3 // 4)
            picture = picture.resize(small, Image.Resampling.LANCZOS)
        picture.save(path)
        made.append(os.fsencode(path))
    return made


@pytest.fixture
def learn(embedder, tmp_path):
    def run(files, known=None):
        return collect_scan_data(
            files, embedder, folder=tmp_path / "cache", known=known
        )

    return run


def test_a_scan_with_new_images_says_what_a_scan_from_nothing_says(
    learn, paths, tmp_path
):
    save_scan_data(learn(paths[:35]), tmp_path / "first.npz")

    more = learn(paths, known=load_scan_data(tmp_path / "first.npz"))

    anew = learn(paths)
    assert len(anew.pairs) >= 10
    assert np.array_equal(more.pairs, anew.pairs)
    assert np.array_equal(more.pair_score, anew.pair_score)
    assert np.array_equal(more.pair_relation, anew.pair_relation)
    assert apply_thresholds(more).columns == apply_thresholds(anew).columns


def test_a_scan_without_some_of_the_images_does_so_too(learn, paths):
    first = learn(paths)

    fewer = learn(paths[5:], known=first)

    assert apply_thresholds(fewer).columns == apply_thresholds(learn(paths[5:])).columns


def test_what_is_known_is_taken_over(learn, paths):
    first = learn(paths)
    told = np.linspace(0.1, 0.2, len(first.pairs)).astype(np.float32)

    again = learn(paths, known=replace(first, pair_score=told))

    assert np.array_equal(again.pair_score, told)


def test_scores_that_were_found_in_another_way_are_not(learn, paths):
    first = learn(paths)
    old = replace(
        first,
        pair_score=np.zeros_like(first.pair_score),
        facts={**first.facts, "learned_from": {}},
    )

    assert np.array_equal(learn(paths, known=old).pair_score, first.pair_score)
