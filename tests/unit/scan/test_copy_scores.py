"""How surely an image is a copy, whatever the threshold."""

from types import SimpleNamespace

import numpy as np

from core.scan.copy_scores import copy_scores


def scan_data(sample_images, pairs, scores, images):
    pairs = np.array(pairs, np.int32).reshape(-1, 2)
    return SimpleNamespace(
        sample_images=np.array(sample_images, np.int32),
        images=SimpleNamespace(first_file=np.arange(images)),
        pairs=SimpleNamespace(images=pairs, score=np.array(scores, np.float32)),
    )


def test_the_best_pair_counts_also_below_the_threshold():
    data = scan_data([0, 1, 2, 3], [[0, 1], [1, 2]], [0.2, 0.9], 4)

    found = copy_scores(data, np.ones(2, bool))

    assert np.allclose(found[:3], [0.2, 0.9, 0.9]) and np.isnan(found[3])


def test_equal_pixels_score_one_and_unread_images_nothing():
    data = scan_data([0, 0, 1, -1], [[0, 1]], [0.3], 2)

    found = copy_scores(data, np.ones(1, bool))

    assert np.allclose(found[:3], [1, 1, 0.3]) and np.isnan(found[3])


def test_a_pair_that_is_ruled_out_says_nothing():
    data = scan_data([0, 1], [[0, 1]], [0.9], 2)

    assert np.isnan(copy_scores(data, np.zeros(1, bool))).all()
