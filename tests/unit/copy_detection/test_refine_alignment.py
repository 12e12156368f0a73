"""Pairs that hardly come to lie on one another are refined by half the steps."""

import numpy as np
import pytest

from core.copy_detection import signatures
from core.copy_detection.block_correlation import (
    detail_correlation,
    still_correlation,
)
from core.copy_detection.overlays import STILL, Overlays, joined
from core.copy_detection.planes import Pictures
from core.copy_detection.refine_alignment import align_finely, align_roughly


@pytest.fixture
def pictures():
    """A picture, the same cut to nine tenths, and another."""
    random = np.random.default_rng(3)

    def smooth(side):
        coarse = random.integers(0, 256, (9, 9, 3))
        fine = np.kron(coarse, np.ones((32, 32, 1)))
        return fine[:side, :side].astype(np.uint8)

    one, other = smooth(288), smooth(288)
    cut = one[14:274, 14:274]
    places = [np.arange(128) * len(each) // 128 for each in (one, cut, other)]
    square = np.stack(
        [
            each[np.ix_(rows, rows)]
            for each, rows in zip((one, cut, other), places, strict=True)
        ]
    )
    return Pictures(signatures(square), np.full((3, 2), 128, np.int32))


def overlays(inner, outer):
    warp = np.eye(2, 3)[None] * 0.9 + [[[0, 0, 0.07], [0, 0, 0.03]]]
    no = np.zeros(1, bool)
    ends = np.array([inner]), np.array([outer])
    return Overlays(*ends, np.zeros(1, np.int64), warp, no, no, no, no)


@pytest.fixture
def steps(monkeypatch):
    """How many pairs take how many steps."""
    from core.copy_detection import refine_alignment

    taken = []
    refine = refine_alignment._refine

    def noted(inner, outer, warp, count=4):
        taken.append((len(warp), count))
        return refine(inner, outer, warp, count)

    monkeypatch.setattr(refine_alignment, "_refine", noted)
    return taken


def test_a_copy_takes_all_steps_and_comes_into_place(pictures, steps):
    laid, correlation = align_roughly(pictures, overlays(1, 0))

    assert steps == [(1, 2), (1, 2)]
    assert correlation[0] > 0.9
    assert laid.warp[0] == pytest.approx(
        np.array([[260, 0, 14], [0, 260, 14]]) / 288, abs=0.03
    )


def test_another_picture_takes_half_of_them(pictures, steps):
    _, correlation = align_roughly(pictures, overlays(2, 0))

    assert steps == [(1, 2), (0, 2)]
    assert correlation[0] < 0.33


def test_frames_that_do_not_move_correlate_as_under_a_map_that_leaves_them(pictures):
    details = pictures.detail32
    still = np.broadcast_to(STILL, (3, 2, 3))

    found = still_correlation(details, details[[0, 0, 1]])

    assert found[0] == 1 > found[1] > found[2]
    assert np.array_equal(found, detail_correlation(details, details[[0, 0, 1]], still))


def test_a_pair_is_refined_the_same_however_many_others_are(pictures):
    one, other = overlays(1, 0), overlays(2, 0)
    many = joined([one, other] * 50)

    found = align_finely(pictures, many)

    for pair, rows in ((one, slice(0, None, 2)), (other, slice(1, None, 2))):
        alone = align_finely(pictures, pair).warp
        np.testing.assert_array_equal(found.warp[rows], np.tile(alone, (50, 1, 1)))
    assert found.warp[0] == pytest.approx(
        np.array([[260, 0, 14], [0, 260, 14]]) / 288, abs=0.01
    )


def test_details_correlate_the_same_however_many_pairs_there_are(pictures):
    maps = overlays(1, 0).warp
    details = pictures.detail
    alone = detail_correlation(details[1:2], details[:1], maps)

    many = [np.repeat(each, 70, axis=0) for each in (details[1:2], details[:1], maps)]

    np.testing.assert_array_equal(detail_correlation(*many), np.tile(alone, 70))
