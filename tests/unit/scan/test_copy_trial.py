"""Copies are made of some pictures, and tried; a scan keeps what it made of them."""

from dataclasses import fields, replace
from hashlib import sha256

import numpy as np
import pytest

from core.copy_detection import signatures
from core.copy_detection.augmentations import AUGMENTATIONS, COVERED, UNCOVERED
from core.copy_detection.one_design import OTHERS
from core.scan import copy_trial as module
from core.scan.candidates_by_looks import seen_from_afar
from core.scan.copy_trial import TriedPairs, sampled, try_copies
from core.scan.picture_reader import PictureReader
from core.scan.recall_estimate import expected_recall, false_rate
from core.scan.unique_images import DescribedImages, UniqueImages


def digests(count):
    made = [sha256(str(number).encode()).digest() for number in range(count)]
    return np.frombuffer(b"".join(sorted(made)), np.uint8).reshape(count, 32)


@pytest.mark.parametrize(
    ("count", "wanted"), [(0, 0), (9, 0), (25, 2), (300, 8), (2500, 12), (10**5, 20)]
)
def test_as_many_pictures_are_copied_as_the_set_can_bear(count, wanted):
    rows = sampled(digests(count))

    assert len(rows) == wanted == len(set(rows.tolist()))
    assert not wanted or rows.max() < count


def test_the_pictures_that_are_copied_are_spread_over_the_set():
    rows = sampled(digests(3200))

    assert np.diff(rows).max() < 3 * 3200 / 16


def test_pictures_whose_digests_lie_together_are_each_copied_once():
    near = np.zeros((90, 32), np.uint8)
    near[:, 31] = np.arange(90)

    assert sampled(near).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("count", [2500, 24_000])
def test_a_few_new_pictures_change_few_that_are_copied(count):
    every = digests(count)
    old = np.delete(every, np.arange(50, count, 100), axis=0)

    before = {one.tobytes() for one in old[sampled(old)]}
    now = {one.tobytes() for one in every[sampled(every)]}

    assert len(now & before) >= len(before) - 2


@pytest.fixture
def world(tmp_path, draw, embedder):
    """Twelve drawn pictures: their files, and what is known of them."""
    drawn = [draw(number, side=128) for number in range(12)]
    for number, image in enumerate(drawn):
        image.save(tmp_path / f"drawn {number}.png")
    files = [tmp_path / f"drawn {number}.png" for number in range(12)]
    made = [sha256(file.read_bytes()).digest() for file in files]
    order = sorted(range(12), key=made.__getitem__)
    paths = [
        str(files[row].rename(tmp_path / f"{number}.png")).encode()
        for number, row in enumerate(order)
    ]
    pixels = np.stack([np.asarray(drawn[row]) for row in order])
    vectors, _ = embedder.open_session()(pixels)
    every = np.array([list(made[row]) for row in order], np.uint8)
    return paths, described(vectors, signatures(pixels), every)


def described(vectors, made, every):
    rows = np.arange(len(vectors))
    sizes = np.full((len(vectors), 2), 128, np.int32)
    groups = UniqueImages(rows.astype(np.int32), rows, rows)
    damaged = np.zeros(len(rows), bool)
    return DescribedImages(groups, every, vectors, vectors, made, sizes, damaged)


def tried(world, embedder, rows):
    return trial(world, embedder, rows)[0]


def trial(world, embedder, rows, **options):
    paths, images = world
    read = PictureReader(paths, max_megapixels=64)
    afar = seen_from_afar(images.signatures)
    options.setdefault("others_of", no_others)
    return try_copies(
        images, afar, paths, embedder, read, originals=np.array(rows), **options
    )


def unreadable(images):
    return PictureReader([b"/nowhere/a.png"] * len(images), max_megapixels=64)


def no_others(pairs):
    return np.full((len(pairs), OTHERS), -1, np.int64)


def test_copies_of_the_pictures_are_found_with_their_originals(world, embedder):
    found = tried(world, embedder, [0, 4, 7])

    assert found.copy_scores.shape == (3, len(AUGMENTATIONS))
    assert found.composed_scores.shape == (3, UNCOVERED)
    assert found.covered_scores.shape == (3, COVERED)
    recall = expected_recall(found, 0.6)
    assert recall["re-encoded"] == recall["resized"] == recall["gray"] == 1
    assert false_rate(found, 0.6) in (None, 0.0)


def test_a_copy_that_is_not_proposed_scores_nothing(world, embedder):
    paths, images = world
    # The originals' vectors point elsewhere: the embedding finds nothing
    width = images.descriptors.shape[1]
    hidden = np.roll(np.eye(width, dtype=np.float32)[:12], 5, axis=1)
    images = described(hidden, np.zeros_like(images.signatures), images.digests)

    afar = seen_from_afar(images.signatures)
    found, *_ = try_copies(
        images,
        afar,
        paths,
        embedder,
        unreadable(images),
        no_others,
        originals=np.arange(2),
    )

    assert not found.copy_scores.any()


def test_a_copy_less_similar_than_the_search_asks_for_is_not_found(world, embedder):
    strict = replace(embedder, min_candidate_similarity=1.3)

    recall = expected_recall(tried(world, strict, [0, 4, 7]), 0.6)

    # Most of what is neither cropped nor tilted is proposed without the embedding too
    assert recall["cropped"] < 0.5 < recall["mirrored"]


def test_pictures_that_are_copies_untouched_are_no_known_non_copies(world, embedder):
    paths, images = world
    parts = images.descriptors, images.signatures, images.digests
    twice = described(*(np.concatenate([part, part]) for part in parts))

    afar = seen_from_afar(twice.signatures)
    found, *_ = try_copies(
        twice,
        afar,
        paths * 2,
        embedder,
        unreadable(twice),
        no_others,
        originals=np.arange(3),
    )

    # Each made copy is proposed with both equal originals
    assert (expected_recall(found, 0.6)["re-encoded"]) == 1
    assert not (found.negative_scores > 0.6).any()


def test_the_same_pictures_give_the_same_trial(world, embedder):
    one, two = (tried(world, embedder, [1, 2, 3, 9]) for _ in range(2))

    assert np.array_equal(one.copy_scores, two.copy_scores)
    assert np.array_equal(one.negative_scores, two.negative_scores)


def test_a_file_that_is_gone_is_left_out(world, embedder, tmp_path):
    (tmp_path / "4.png").unlink()

    found = tried(world, embedder, [0, 4, 7])

    assert len(found.copy_scores) == 2
    assert tried(world, embedder, [4]).copy_scores.shape == (0, len(AUGMENTATIONS))


def test_a_file_that_changed_is_left_out(world, embedder, tmp_path):
    (tmp_path / "4.png").write_bytes((tmp_path / "5.png").read_bytes())

    found, _, is_complete = trial(world, embedder, [0, 4, 7])

    assert len(found.copy_scores) == 2
    assert not is_complete


def test_a_trial_is_complete_if_all_files_could_be_read(world, embedder):
    paths, images = world
    afar, rows = seen_from_afar(images.signatures), np.array([0, 4, 7])

    unread = try_copies(
        images, afar, paths, embedder, unreadable(images), no_others, originals=rows
    )

    assert trial(world, embedder, [0, 4, 7])[2]
    # Copies were made, but could not be looked at
    assert len(unread[0].copy_scores) == 3
    assert not unread[2]


def some_of(world, rows):
    """The world as it was when there were only some of its pictures."""
    paths, images = world
    rows = np.array(rows)
    names = "digests", "descriptors", "features", "signatures", "sizes", "damaged"
    parts = {name: getattr(images, name)[rows] for name in names}
    return [paths[row] for row in rows], replace(images, **parts)


def assert_same(found, expected):
    scores, kept, complete = zip(found, expected, strict=True)
    assert all(complete)
    for one in fields(scores[0]):
        values = (getattr(score, one.name) for score in scores)
        np.testing.assert_array_equal(*values)
    for one in fields(TriedPairs):
        values = (getattr(trial.pairs, one.name) for trial in kept)
        np.testing.assert_array_equal(*values)
    assert np.array_equal(*(trial.copies.signatures for trial in kept))


def test_a_trial_beside_new_pictures_is_that_from_nothing(world, embedder, monkeypatch):
    rows = [0, 1, 2, 4, 5, 7, 8, 9, 11]
    _, known, _ = trial(some_of(world, rows), embedder, [0, 3, 5])
    image = np.full(12, -1)
    image[rows] = np.arange(len(rows))
    made = []
    make = module.made_copies

    def counted(paths, *others):
        made.extend(paths)
        return make(paths, *others)

    monkeypatch.setattr(module, "made_copies", counted)
    again = trial(world, embedder, [0, 2, 4, 7], known=known, image=image)

    assert made == [world[0][2]]
    assert_same(again, trial(world, embedder, [0, 2, 4, 7]))


def test_a_trial_without_pictures_that_are_gone_is_that_from_nothing(world, embedder):
    _, known, _ = trial(world, embedder, [0, 4, 7])
    rows = np.array([0, 1, 2, 4, 5, 6, 7, 8])
    now = some_of(world, rows)

    again = trial(now, embedder, [0, 3, 6], known=known, image=rows)

    assert_same(again, trial(now, embedder, [0, 3, 6]))


def test_a_copy_that_was_not_looked_at_is_when_a_look_is_due(world, embedder):
    expected, known, _ = trial(world, embedder, [0, 4, 7])
    looked = known.pairs.looked
    assert looked.any()
    unseen = replace(
        known.pairs,
        looked=np.zeros_like(looked),
        closer=np.full_like(known.pairs.closer, np.nan),
    )

    again = trial(
        world,
        embedder,
        [0, 4, 7],
        known=replace(known, pairs=unseen),
        image=np.arange(12),
    )

    assert_same(again, (expected, known, True))


def test_copies_of_another_size_are_made_again(world, embedder):
    paths, images = world
    _, known, _ = trial(world, embedder, [0, 4])
    sizes = images.sizes.copy()
    sizes[11] = 64
    other = paths, replace(images, sizes=sizes)

    again = trial(other, embedder, [0, 4], known=known, image=np.arange(12))

    assert_same(again, trial(other, embedder, [0, 4]))
