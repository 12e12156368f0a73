"""Marked copies are proposed by what pictures look like from afar."""

from dataclasses import astuple, fields, replace

import cv2
import numpy as np
import pytest

from core.copy_detection import (
    AllLooks,
    TurnFree,
    half_likeness,
    half_looks_of,
    looks,
    looks_of,
    rotated_candidates,
    turn_free,
)
from core.copy_detection.signature import signatures
from core.neighbors import knn_graph
from core.scan import candidates_by_looks
from core.scan.candidates_by_looks import (
    KnownPairs,
    alike_candidates,
    alike_originals,
    looks_from_afar,
    seen_from_afar,
)

COUNT = 12


def scenes(seed, count=COUNT):
    """Returns uint8[count, 128, 128, 3]: patches of color, unlike one another."""
    rough = np.random.default_rng(seed).integers(0, 256, (count, 5, 5, 3), np.uint8)
    return np.array([cv2.resize(one, (128, 128)) for one in rough])


def parts(described):
    """Returns the signatures of the pictures, and those of the copies."""
    return described[:COUNT], described[COUNT:]


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

    pairs = {
        tuple(sorted(pair))
        for pair in alike_candidates(looks_from_afar(described)).tolist()
    }

    assert {(row, COUNT + row) for row in range(4)} <= pairs
    assert len(pairs) < 20


@pytest.fixture
def described():
    """Signatures of 12 pictures, then of marked copies of the first four."""
    pictures = scenes(0)
    copies = np.array([marked(one) for one in pictures[:4]])
    return signatures(np.concatenate([pictures, copies]))


def test_a_marked_copy_is_proposed_beside_its_original(described):
    pairs = {
        tuple(sorted(pair))
        for pair in alike_candidates(looks_from_afar(described)).tolist()
    }

    assert {(row, COUNT + row) for row in range(4)} <= pairs
    # Pictures that share nothing are not
    assert len(pairs) < 8


def test_a_made_copy_meets_pictures_and_no_made_copy(described):
    twice = np.concatenate([described, described[COUNT:]])

    pairs = alike_originals(*(looks_from_afar(one) for one in parts(twice)))

    assert (pairs[:, 0] < 8).all()
    assert (pairs[:, 1] < COUNT).all()
    expected = {(row, row % 4) for row in range(8)}
    assert expected <= {tuple(pair) for pair in pairs.tolist()}


def letterboxed(picture):
    """Returns the picture between black bars that take a third of the height."""
    inside = cv2.resize(picture, (128, 86), interpolation=cv2.INTER_AREA)
    return np.pad(inside, ((21, 21), (0, 0), (0, 0)))


def test_a_letterboxed_copy_is_proposed_by_what_it_frames():
    pictures = scenes(0)
    copies = np.array([letterboxed(one) for one in pictures[:4]])
    described = signatures(np.concatenate([pictures, copies]))

    pairs = {
        tuple(sorted(pair))
        for pair in alike_candidates(looks_from_afar(described)).tolist()
    }

    expected = {(row, COUNT + row) for row in range(4)}
    assert expected <= pairs
    # Nor is a picture ever proposed beside itself
    assert all(one != other for one, other in pairs)
    made = alike_originals(*(looks_from_afar(one) for one in parts(described)))
    originals = {(b, COUNT + a) for a, b in made.tolist()}
    assert expected <= originals


@pytest.mark.parametrize("top", [4, 76])
def test_a_copy_is_proposed_beside_a_caption_that_covers_a_third(top):
    pictures = scenes(3)
    copies = pictures[:4].copy()
    copies[:, top : top + 44, 8:] = 255
    described = signatures(np.concatenate([pictures, copies]))

    pairs = {
        tuple(sorted(pair))
        for pair in alike_candidates(looks_from_afar(described)).tolist()
    }

    expected = {(row, COUNT + row) for row in range(4)}
    assert expected <= pairs
    assert len(pairs) < 12
    made = alike_originals(*(looks_from_afar(one) for one in parts(described)))
    originals = {(b, COUNT + a) for a, b in made.tolist()}
    assert expected <= originals
    both = np.array([[0, COUNT], [0, COUNT + 1]], np.int32)
    likeness = half_likeness(described, both)
    assert likeness[0] > 0.99 > 0.9 > likeness[1]


def test_blank_pictures_look_like_nothing():
    blank = signatures(np.full((3, 128, 128, 3), 200, np.uint8))

    assert not looks_of(blank).any()
    assert not half_looks_of(blank).any()
    assert len(alike_candidates(looks_from_afar(blank))) == 0


def test_looks_are_unit_vectors_that_more_contrast_does_not_change():
    pictures = scenes(1)
    softer = (pictures * 0.5 + 64).astype(np.uint8)

    looks, others = looks_of(signatures(pictures)), looks_of(signatures(softer))

    assert np.linalg.norm(looks, axis=2) == pytest.approx(1, abs=1e-4)
    assert (looks * others).sum(axis=2).min() > 0.999


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_has_nobody_to_look_like(described, count):
    assert alike_candidates(looks_from_afar(described[:count])).shape == (0, 2)


def test_a_set_too_large_to_compare_all_proposes_none(described, monkeypatch):
    monkeypatch.setattr(candidates_by_looks, "MOST_PICTURES", COUNT - 1)

    assert len(alike_candidates(looks_from_afar(described))) == 0
    looks = [looks_from_afar(one) for one in parts(described)]
    assert len(alike_originals(*looks)) == 0


@pytest.fixture(scope="module")
def look_alikes():
    """Signatures of 600 pictures of which many look like several others."""
    random = np.random.default_rng(5)
    rough = random.integers(0, 256, (60, 5, 5, 3))
    drawn = rough[random.integers(0, 60, 600)] + random.normal(0, 12, (600, 5, 5, 3))
    drawn = np.clip(drawn, 0, 255).astype(np.uint8)
    return signatures(np.array([cv2.resize(one, (128, 128)) for one in drawn]))


def found_by(described, known=None):
    found = alike_candidates(looks_from_afar(described), known)
    return {tuple(sorted(pair)) for pair in found.tolist()}


@pytest.mark.parametrize("integers_above", [100, 2000])
@pytest.mark.parametrize(
    ("before", "now"),
    [
        (range(580), range(600)),
        (range(600), range(10, 590)),
        (range(570), range(9, 600)),
    ],
)
def test_what_is_known_of_most_pictures_gives_what_a_search_from_nothing_does(
    look_alikes, before, now, integers_above, monkeypatch
):
    monkeypatch.setattr(knn_graph, "_INTEGERS_ABOVE", integers_above)
    pairs = np.array(sorted(found_by(look_alikes[before]))) + before.start - now.start
    inside = (pairs >= 0) & (pairs < len(now))
    lost = pairs[inside.sum(axis=1) == 1]
    lost = lost[(lost >= 0) & (lost < len(now))]
    new = np.array(sorted(set(now) - set(before)), np.int64) - now.start
    asked = np.union1d(lost, new)
    known = KnownPairs(pairs[inside.all(axis=1)].astype(np.int32), asked)
    anew = found_by(look_alikes[now])

    assert found_by(look_alikes[now], known) == anew
    # All that was new or lost is asked: less is not enough
    assert found_by(look_alikes[now], replace(known, asked=asked[:0])) != anew
    assert len(asked) < 120


def test_where_much_is_new_all_are_searched(look_alikes):
    nothing = np.zeros((0, 2), np.int32)
    few = KnownPairs(nothing, np.arange(10))
    many = KnownPairs(nothing, np.arange(200))
    anew = found_by(look_alikes)

    assert found_by(look_alikes, many) == anew != found_by(look_alikes, few)


def with_margins(seed, count):
    """Returns pictures of which every second has plain margins, and some blank ones."""
    pictures = scenes(seed, count)
    pictures[::2, :30] = pictures[::2, -30:] = 0
    pictures[3::7] = 128
    return signatures(pictures)


@pytest.mark.parametrize("gone, new", [(0, 5), (4, 5), (4, 0), (0, 0), (30, 3)])
def test_what_is_known_of_pictures_from_afar_is_what_would_be_seen(
    gone, new, monkeypatch
):
    # Described in several parts
    monkeypatch.setattr(looks, "_PICTURES_AT_ONCE", 8)
    monkeypatch.setattr(rotated_candidates, "_PICTURES_AT_ONCE", 8)
    every = with_margins(0, 30 + new)
    random = np.random.default_rng(1)
    old = np.sort(random.permutation(30 + new)[:30])
    first = seen_from_afar(every[old])
    now = np.setdiff1d(np.arange(30 + new), old[:gone])
    before = np.array([np.flatnonzero(old == row).max(initial=-1) for row in now])

    found = seen_from_afar(every[now], first.seen, before)
    anew = seen_from_afar(every[now])

    for one, other in (
        (found.seen.numbers, anew.seen.numbers),
        (found.seen.picture, anew.seen.picture),
        *(
            (getattr(found.looks, part.name), getattr(anew.looks, part.name))
            for part in fields(AllLooks)
        ),
        *(
            (getattr(found.views, part.name), getattr(anew.views, part.name))
            for part in fields(TurnFree)
        ),
    ):
        assert np.array_equal(one, other)
    assert len(anew.looks.framing) and len(anew.seen.picture) > len(now) - 6


def test_only_new_pictures_are_described_from_afar(monkeypatch):
    every = with_margins(0, 20)
    first = seen_from_afar(every[:17])
    before, described = np.r_[np.arange(17), [-1] * 3], []
    described_first = candidates_by_looks.without_margins

    def counted(some):
        described.append(len(some))
        return described_first(some)

    monkeypatch.setattr(candidates_by_looks, "without_margins", counted)
    seen_from_afar(every, first.seen, before)

    assert sum(described) == 3


def test_views_in_numbers_are_those_of_a_set_of_any_size():
    every = with_margins(0, 40)

    found, streamed = seen_from_afar(every).views, turn_free(every)

    order = np.argsort(streamed.picture, kind="stable")
    assert np.array_equal(found.picture, streamed.picture[order])
    assert np.array_equal(found.kept, streamed.kept)
    assert np.array_equal(found.numbers, streamed.numbers[order])


@pytest.mark.slow
def test_processes_see_from_afar_what_this_process_does(
    answers_of_workers, monkeypatch
):
    framed = scenes(7)
    framed[:, :20] = framed[:, 108:] = 0
    described = signatures(np.concatenate([scenes(5), framed, scenes(6)]))
    here = seen_from_afar(described).seen
    monkeypatch.setattr(candidates_by_looks, "_DESCRIBED_AT_ONCE", 5)
    monkeypatch.setattr(candidates_by_looks, "_DESCRIBED_A_PROCESS", 10)

    theirs = seen_from_afar(described).seen

    assert len(answers_of_workers) > 1
    assert all(answers_of_workers)
    assert len(here.looks.framing) >= COUNT
    for one, other in (
        (here.numbers, theirs.numbers),
        (here.picture, theirs.picture),
        *zip(astuple(here.looks), astuple(theirs.looks), strict=True),
    ):
        assert np.array_equal(one, other)
