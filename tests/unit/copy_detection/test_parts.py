"""Something small that came or went between two pictures of one camera."""

import numpy as np
import pytest

from core.copy_detection import (
    MIN_PART_CHANGE,
    SIGNATURE_SIDE,
    part_change,
    part_levels,
    signatures,
)

SIDE = SIGNATURE_SIDE


def change(*pictures):
    levels = part_levels(signatures(np.stack(pictures)))
    return part_change(levels[1:], levels[0])


@pytest.fixture
def scene(draw):
    return np.asarray(draw(1, side=SIDE))


@pytest.mark.parametrize("at", [(0, 0), (61, 43), (118, 118), (3, 90)])
def test_a_small_thing_anywhere_is_seen(scene, at):
    changed = scene.copy()
    top, left = at
    ground = changed[top : top + 10, left : left + 10]
    ground[:] = np.where(ground.mean() > 127, 0, 255)

    assert change(scene, changed)[0] >= MIN_PART_CHANGE


def test_noise_and_another_exposure_are_no_change(scene):
    noisy = scene + np.random.default_rng(0).normal(0, 8, scene.shape)
    calm = np.clip(scene, 20, 220)

    found = change(calm, np.clip(noisy, 20, 220).astype(np.uint8), calm + 20)

    assert (found < MIN_PART_CHANGE).all()


def test_many_pictures_are_taken_in_turns(scene, monkeypatch):
    pictures = np.stack([scene, scene[::-1], scene[:, ::-1]])
    at_once = part_levels(signatures(pictures))

    monkeypatch.setattr("core.copy_detection.parts._ROWS_AT_ONCE", 2)

    assert np.array_equal(part_levels(signatures(pictures)), at_once)
    assert part_levels(signatures(pictures)[:0]).shape == (0, at_once.shape[1])
