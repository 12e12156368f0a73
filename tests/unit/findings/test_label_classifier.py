"""The classifier of labels learns more from more rows."""

import numpy as np
from threadpoolctl import threadpool_limits

from core.findings.label_classifier import fit, probabilities

CLUSTERS, CLASSES, WIDTH = 400, 4, 16


def test_many_rows_are_seen_often_enough_to_learn_from_all_of_them():
    random = np.random.default_rng(0)
    centers = random.normal(size=(CLUSTERS, WIDTH))
    cluster = random.integers(CLUSTERS, size=80_000)
    inputs = np.ones((len(cluster), WIDTH + 1), np.float32)
    inputs[:, :-1] = centers[cluster] + random.normal(0, 0.25, (len(cluster), WIDTH))
    labels = (cluster % CLASSES).astype(np.int32)
    half = len(cluster) // 2

    with threadpool_limits(1, "blas"):
        weights = fit(inputs[:half], labels[:half], CLASSES)

    told = probabilities(inputs[half:], weights).argmax(axis=1)
    # 400 steps, which see each row twice, leave 0.77
    assert (told == labels[half:]).mean() > 0.85
