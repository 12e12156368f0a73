"""Marked copies are proposed by what pictures look like from afar."""

import cv2
import numpy as np
import pytest

from core.copy_detection import half_likeness, half_looks_of, looks_of
from core.copy_detection.signature import signatures
from core.scan import candidates_by_looks
from core.scan.candidates_by_looks import alike_candidates, alike_originals

COUNT = 12


def scenes(seed, count=COUNT):
    """Returns uint8[count, 128, 128, 3]: patches of color, unlike one another."""
    rough = np.random.default_rng(seed).integers(0, 256, (count, 5, 5, 3), np.uint8)
    return np.array([cv2.resize(one, (128, 128)) for one in rough])


def marked(picture):
    """Returns the picture with a pale mark tiled over it."""
    result = picture.copy()
    for top in range(20, 128, 36):
        for left in range(4, 100, 48):
            cv2.putText(result, "MARK", (left, top), 0, 0.4, (190, 190, 190), 1)
    return result


@pytest.mark.parametrize("ink", [20, 240])
def test_a_copy_is_proposed_whose_mark_is_most_of_what_it_shows(ink):
    plain = (scenes(2) * 0.15 + 100).astype(np.uint8)
    copies = plain[:4].copy()
    for copy in copies:
        for top in range(14, 128, 14):
            cv2.putText(copy, "STOCK STOCK", (2, top), 0, 0.45, (ink, ink, ink), 1)
    described = signatures(np.concatenate([plain, copies]))

    pairs = {tuple(sorted(pair)) for pair in alike_candidates(described).tolist()}

    assert {(row, COUNT + row) for row in range(4)} <= pairs
    assert len(pairs) < 20


@pytest.fixture
def described():
    """Signatures of 12 pictures, then of marked copies of the first four."""
    pictures = scenes(0)
    copies = np.array([marked(one) for one in pictures[:4]])
    return signatures(np.concatenate([pictures, copies]))


def test_a_marked_copy_is_proposed_beside_its_original(described):
    pairs = {tuple(sorted(pair)) for pair in alike_candidates(described).tolist()}

    assert {(row, COUNT + row) for row in range(4)} <= pairs
    # Pictures that share nothing are not
    assert len(pairs) < 8


def test_a_made_copy_meets_pictures_and_no_made_copy(described):
    twice = np.concatenate([described, described[COUNT:]])

    pairs = alike_originals(twice, COUNT)

    assert (pairs[:, 0] >= COUNT).all()
    assert (pairs[:, 1] < COUNT).all()
    expected = {(COUNT + row, row % 4) for row in range(8)}
    assert expected <= {tuple(pair) for pair in pairs.tolist()}


def letterboxed(picture):
    """Returns the picture between black bars that take a third of the height."""
    inside = cv2.resize(picture, (128, 86), interpolation=cv2.INTER_AREA)
    return np.pad(inside, ((21, 21), (0, 0), (0, 0)))


def test_a_letterboxed_copy_is_proposed_by_what_it_frames():
    pictures = scenes(0)
    copies = np.array([letterboxed(one) for one in pictures[:4]])
    described = signatures(np.concatenate([pictures, copies]))

    pairs = {tuple(sorted(pair)) for pair in alike_candidates(described).tolist()}

    expected = {(row, COUNT + row) for row in range(4)}
    assert expected <= pairs
    # Nor is a picture ever proposed beside itself
    assert all(one != other for one, other in pairs)
    originals = {(b, a) for a, b in alike_originals(described, COUNT).tolist()}
    assert expected <= originals


@pytest.mark.parametrize("top", [4, 76])
def test_a_copy_is_proposed_beside_a_caption_that_covers_a_third(top):
    pictures = scenes(3)
    copies = pictures[:4].copy()
    copies[:, top : top + 44, 8:] = 255
    described = signatures(np.concatenate([pictures, copies]))

    pairs = {tuple(sorted(pair)) for pair in alike_candidates(described).tolist()}

    expected = {(row, COUNT + row) for row in range(4)}
    assert expected <= pairs
    assert len(pairs) < 12
    originals = {(b, a) for a, b in alike_originals(described, COUNT).tolist()}
    assert expected <= originals
    both = np.array([[0, COUNT], [0, COUNT + 1]], np.int32)
    likeness = half_likeness(described, both)
    assert likeness[0] > 0.99 > 0.9 > likeness[1]


def test_blank_pictures_look_like_nothing():
    blank = signatures(np.full((3, 128, 128, 3), 200, np.uint8))

    assert not looks_of(blank).any()
    assert not half_looks_of(blank).any()
    assert len(alike_candidates(blank)) == 0


def test_looks_are_unit_vectors_that_more_contrast_does_not_change():
    pictures = scenes(1)
    softer = (pictures * 0.5 + 64).astype(np.uint8)

    looks, others = looks_of(signatures(pictures)), looks_of(signatures(softer))

    assert np.linalg.norm(looks, axis=2) == pytest.approx(1, abs=1e-4)
    assert (looks * others).sum(axis=2).min() > 0.999


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_has_nobody_to_look_like(described, count):
    assert alike_candidates(described[:count]).shape == (0, 2)


def test_a_set_too_large_to_compare_all_proposes_none(described, monkeypatch):
    monkeypatch.setattr(candidates_by_looks, "_MOST_PICTURES", COUNT - 1)

    assert len(alike_candidates(described)) == 0
    assert len(alike_originals(described, COUNT)) == 0
