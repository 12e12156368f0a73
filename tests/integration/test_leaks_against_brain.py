"""A true leak that FiftyOne Brain's compute_leaky_splits does not report."""

import contextlib
import io

import numpy as np
import pytest

from core.findings.leaks import find_leaks
from core.neighbors.knn_graph import nearest

_THRESHOLD = 1 - np.cos(np.radians(20))
"""Cosine distance of the leaks that are looked for."""

_TRAIN, _TEST = 0, 1


def _at(degrees):
    angle = np.radians(degrees)
    return [np.cos(angle), np.sin(angle), 0, 0]


# A (train) is near B (train), and B is near C (test): B - C is a leak. A - C is
# none. The rest keeps the mean at 0, since Brain subtracts it.
_VECTORS = np.array([_at(0), _at(12), _at(27)], np.float32)
_FILLERS = np.array([[0, 0, 1, 0], [0, 0, -1, 0]], np.float32)
_EMBEDDINGS = np.concatenate([_VECTORS, -_VECTORS, _FILLERS])
_SPLITS = np.array([_TRAIN, _TRAIN, _TEST, *[_TRAIN] * 5])


@pytest.fixture
def chain(tmp_path, draw):
    """A, B and C are changed copies of one picture; the rest are others."""
    import fiftyone as fo

    samples = []
    for number, vector in enumerate(_EMBEDDINGS):
        picture = draw(0 if number < 3 else number)
        if number in (1, 2):
            share = 1 - 0.1 * number
            picture = picture.point(lambda level, share=share: level * share)
        path = tmp_path / f"{number}.png"
        picture.save(path)
        tag = "test" if _SPLITS[number] == _TEST else "train"
        samples.append(
            fo.Sample(filepath=str(path), tags=[tag], vector=vector.tolist())
        )
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    yield dataset
    dataset.delete()


def test_a_leak_that_brain_hides_behind_a_copy_in_train_is_found(chain, scan):
    import fiftyone.brain as fob

    with contextlib.redirect_stdout(io.StringIO()):
        index = fob.compute_leaky_splits(
            chain,
            ["train", "test"],
            embeddings=_EMBEDDINGS.copy(),
            threshold=_THRESHOLD,
            progress=False,
        )
    scan(chain, split_by=["train", "test"], embeddings="vector", progress=False)

    assert list(index.leak_ids) == []
    assert chain.values("leak")[:3] == [True, True, True]
    assert chain.values("leak_splits")[2] == ["train"]
    assert chain.values("leak_remove")[:3] == [True, True, False]


def test_the_leaks_are_exactly_the_pairs_across_splits_within_the_threshold():
    # The same vectors, by the rule alone: each split against the other
    inside = np.flatnonzero(_SPLITS == _TRAIN)
    outside = np.flatnonzero(_SPLITS == _TEST)
    near = nearest(_EMBEDDINGS[inside], _EMBEDDINGS[outside], 5)
    row, column = np.nonzero(1 - near.similarities <= _THRESHOLD)
    pairs = np.stack([outside[row], inside[near.indices[row, column]]], axis=1)
    every = np.arange(len(_SPLITS))

    leaks = find_leaks(
        _SPLITS.astype(np.int32),
        2,
        unique_image=every.astype(np.int32),
        byte_group=every,
        pixel_group=every,
        label=np.full(len(every), -1, np.int32),
        pairs=pairs.astype(np.int32),
    )

    assert np.flatnonzero(leaks.leak).tolist() == [1, 2]
