"""Which pairs a scan looks at closely, and what comes of it."""

import os
import threading
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from core.common import parallel
from core.copy_detection import (
    MIN_COPY_SCORE,
    SIGNATURE_SIDE,
    TOO_PLAIN,
    PairScores,
    is_page,
    relation_names,
    signatures,
)
from core.copy_detection.closer_look import (
    DOUBTED,
    MARK,
    THOROUGH,
    UNCONFIRMED,
)
from core.progress import silent
from core.scan import closer_looks
from core.scan.apply_thresholds import apply_thresholds
from core.scan.closer_looks import chosen, looked_at, overruled, show_little
from core.scan.collect import collect_scan_data
from core.scan.pair_promise import (
    _STROKES_PROMISE,
    care_for,
    promise_in_place,
)
from core.scan.picture_reader import PictureReader
from core.scan.scan_data import ScanInput
from core.scan.verified_pairs import NO_PAIRS, Looks, look_closer, put_looks
from tests.unit.copy_detection.test_closer_look import (
    photo,
    tilted_and_written_on,
)


def apart(count):
    """Pairs of which each picture is most like the other, and their similarities."""
    pairs = np.arange(2 * count, dtype=np.int32).reshape(-1, 2)
    return pairs, np.full(count, 0.9, np.float32)


@pytest.mark.parametrize(
    ("promise", "an_image"), [(np.linspace(0.2, 1, 5000), 0.06), (0.04, 0.02)]
)
def test_so_many_pairs_are_looked_at_as_a_scan_can_afford(promise, an_image):
    promise = np.broadcast_to(promise, 5000).astype(np.float32)

    rows = chosen(promise, *apart(5000), image_count=1000)

    none = chosen(promise, *apart(5000), image_count=0)
    assert len(rows) == len(none) + 1000 * an_image
    if promise[0] < promise[-1]:
        assert rows.tolist() == list(range(5000 - len(rows), 5000))
    assert len(chosen(np.zeros(5, np.float32), *apart(5), 1000)) == 0
    assert len(chosen(promise[:0], *apart(0), 1000)) == 0


def test_features_are_not_looked_for_in_pairs_that_are_alike_but_for_strokes():
    picture = photo("coffee")
    soft = cv2.GaussianBlur(picture, (0, 0), 6)
    shown, asked = [soft, np.ascontiguousarray(soft[:, ::-1])], []
    sizes = np.array([one.shape[1::-1] for one in shown], np.int32)
    promise = np.array([_STROKES_PROMISE, 0.7], np.float32)
    pairs = np.zeros((1, 2), np.int32)
    pairs[0, 1] = 1

    kinds = care_for(promise, np.zeros(2, np.float32))
    for kind in kinds:
        care = np.array([kind], np.int8)
        _, laid, _ = looked_at(pairs, care, sizes, lambda i, _: shown[i], silent)
        asked.append(len(laid))

    assert kinds.tolist() == [MARK, THOROUGH]
    # Mirror images have other corners, but the same features
    assert asked == [0, 1]


def test_what_is_narrowly_taken_for_a_copy_must_be_confirmed():
    found = PairScores.of_nothing(2)
    found.scores[:], found.chance[:] = 0.7, 0.9
    found.narrow[0] = True

    promise = promise_in_place(found, np.full(2, 0.8, np.float32), np.zeros(2))

    assert care_for(promise, found.scores).tolist() == [UNCONFIRMED, DOUBTED]
    # However many others promise more than these, whose pictures are more like others
    count = 3000
    others = np.ones(count, np.float32)
    pairs, similarity = apart(count)
    pairs = np.concatenate([pairs, [[0, 2]]]).astype(np.int32)
    similarity = np.append(similarity, np.float32(0))
    rows = chosen(np.append(others, promise[0]), pairs, similarity, image_count=1000)
    assert count in rows
    assert len(rows) == 1 + len(chosen(others, *apart(count), image_count=1000))


def test_a_copy_in_doubt_is_looked_at_however_many_others_are_refused():
    count = 4000
    pairs, similarity = apart(count + 2)
    found = PairScores.of_nothing(count + 2)
    found.chance[:] = 0.99
    found.chance[-2:], found.scores[-2:] = (0.7, 0.9), 0.8

    promise = promise_in_place(found, similarity, np.zeros(count + 2, np.float32))
    rows = chosen(promise, pairs, similarity, image_count=100)

    assert {count, count + 1} <= set(rows.tolist())
    few = chosen(np.full(count + 2, 2.5, np.float32), pairs, similarity, 100)
    assert len(few) == len(rows) - 2
    assert care_for(promise, found.scores)[-2:].tolist() == [DOUBTED, DOUBTED]


def test_the_most_doubtful_copies_are_looked_at_first():
    pairs, similarity = apart(4000)
    promise = np.linspace(2.99, 2.01, 4000).astype(np.float32)

    rows = chosen(promise, pairs, similarity, image_count=0)

    assert rows.tolist() == list(range(4000 - len(rows), 4000))


def test_half_of_the_glances_go_to_pairs_of_which_most_is_the_same_in_place():
    pairs, _ = apart(400)
    similarity = np.linspace(0.95, 0.8, 400).astype(np.float32)
    promise = np.full(400, 0.005, np.float32)
    promise[300:325] = 0.04

    rows = chosen(promise, pairs, similarity, 0)

    assert rows.tolist() == [*range(25), *range(300, 325)]


def test_pictures_that_are_most_like_one_another_are_looked_at_first():
    # 0 and 1 are most alike; 2 is most like 0; 3 is like 0 too, but more like 4
    pairs = np.array([[0, 1], [0, 2], [0, 3], [3, 4]], np.int32)
    similarity = np.array([0.9, 0.8, 0.7, 0.95], np.float32)
    faint, doubtful = np.full((2, 4), [[0.04], [0.3]], np.float32)

    assert chosen(faint, pairs, similarity, 5).tolist() == [0, 1, 3]
    assert chosen(doubtful, pairs, similarity, 5).tolist() == [0, 1, 3]
    assert chosen(np.full(4, 0.9, np.float32), pairs, similarity, 5).tolist() == [
        0,
        1,
        2,
        3,
    ]


def test_a_pair_that_passed_is_decided_only_if_a_closer_look_refuses_it():
    scores = np.array([0.9, 0.9, 0.1, 0.1], np.float32)
    promise = np.array([0.9, 0.9, 0.1, 0.1], np.float32)
    closer = np.array([0.65, 0.55, 0.5, 0.9], np.float32)
    alike, little = np.full(4, 0.8, np.float32), np.zeros(4, bool)

    decided = overruled(scores, promise, closer, alike, little)

    assert decided.tolist() == [1, 2, 3]


def test_another_moment_is_a_copy_only_if_a_closer_look_is_sure_of_it():
    scores = np.array([0.3, 0.3, 0.0], np.float32)
    promise = np.array([0.9, 0.9, 0.9], np.float32)
    closer = np.array([0.985, 0.99, 0.7], np.float32)
    alike = np.full(3, 0.8, np.float32)

    decided = overruled(scores, promise, closer, alike, np.zeros(3, bool))

    assert decided.tolist() == [1, 2]


def test_of_few_pixels_another_moment_needs_less_and_what_is_unlike_more():
    scores = np.array([0.3, 0.3, 0, 0, 0, 0, 0], np.float32)
    promise = np.full(7, 0.9, np.float32)
    closer = np.array([0.96, 0.94, 0.86, 0.92, 0.65, 0.84, 0.86], np.float32)
    similarity = np.array([0.8, 0.8, 0.7, 0.7, 0.7, 0.8, 0.8], np.float32)
    sizes = np.array([[32, 40], [63, 90], [32, 32], [64, 64]], np.int32)
    pairs = np.array([[0, 1], [0, 1], [0, 2], [0, 2], [2, 3], [0, 1], [0, 1]], np.int32)

    little = show_little(sizes, pairs)

    assert little.tolist() == [True] * 4 + [False] + [True] * 2
    decided = overruled(scores, promise, closer, similarity, little)
    assert decided.tolist() == [0, 3, 4, 6]


@pytest.fixture
def files(tmp_path):
    """A photograph, a changed copy of it, and a file that cannot be read any more."""
    picture = photo("astronaut")
    shown = (picture, tilted_and_written_on(picture))
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path, pixels in zip(paths, shown, strict=False):
        Image.fromarray(pixels).save(path)
    paths[2].write_bytes(b"gone")
    return [os.fsencode(path) for path in paths]


def test_a_picture_that_cannot_be_read_again_costs_only_its_own_pairs(files):
    read = PictureReader(files, max_megapixels=64)
    pairs = np.array([[0, 1], [0, 2], [1, 2]], np.int32)

    seen, rows, found = looked_at(
        pairs, np.ones(3, bool), np.full((3, 2), 150, np.int32), read, silent
    )

    assert seen.tolist() == [True, False, False]
    assert rows.tolist() == [0]
    assert found.scores[0] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("is_made", [False, True])
def test_processes_look_as_this_process_does(
    files, is_made, answers_of_workers, monkeypatch
):
    read = PictureReader(files, max_megapixels=64)
    if is_made:
        # The copy is no file, and what could not be read cannot be made
        contents = [Path(os.fsdecode(files[1])).read_bytes(), None]
        read = PictureReader(files[:1], max_megapixels=64).with_made(
            contents.__getitem__
        )
    pairs = np.array([[0, 1], [0, 2], [1, 2]] * 60, np.int32)
    sizes, care = np.full((3, 2), 150, np.int32), np.ones(len(pairs), np.int8)
    asked = pairs, care, sizes, read, silent
    seen, rows, found = looked_at(*asked)
    monkeypatch.setattr(closer_looks, "_LOOKS_A_PROCESS", len(pairs) // 3)

    their_seen, their_rows, theirs = looked_at(*asked)

    assert len(answers_of_workers) > 1
    assert all(answers_of_workers)
    assert np.array_equal(seen, their_seen)
    assert np.array_equal(rows, their_rows)
    assert len(rows) == 60
    for one, other in zip(found.columns(), theirs.columns(), strict=True):
        assert np.array_equal(one, other)


def test_what_no_process_can_read_is_looked_at_here(answers_of_workers, monkeypatch):
    monkeypatch.setattr(closer_looks, "_LOOKS_A_PROCESS", 1)
    picture = photo("astronaut")
    shown = picture, tilted_and_written_on(picture)
    pairs = np.array([[0, 1]] * 8, np.int32)
    sizes, care = np.full((2, 2), 150, np.int32), np.ones(len(pairs), np.int8)

    _, rows, _ = looked_at(pairs, care, sizes, lambda item, _: shown[item], silent)

    assert len(rows) == len(pairs)
    assert not answers_of_workers


def test_large_files_are_decoded_side_by_side_and_small_ones_are_not(monkeypatch):
    monkeypatch.setattr(closer_looks, "available_cores", lambda: 2)
    monkeypatch.setattr(parallel, "available_cores", lambda: 2)
    picture, both = photo("astronaut"), threading.Barrier(2, timeout=10)
    readers = set()

    def read_large(item, side):
        both.wait()
        return picture

    def read_small(item, side):
        readers.add(threading.current_thread().name)
        return picture

    for read, size in ((read_large, 2000), (read_small, 500)):
        sizes = np.full((2, 2), size, np.int32)
        pairs, care = np.array([[0, 1]], np.int32), np.ones(1, np.int8)
        assert looked_at(pairs, care, sizes, read, silent)[0].all()

    assert len(readers) == 1


def test_a_file_that_cannot_be_read_for_a_moment_is_read_by_the_next_scan(learn, files):
    unseen = Looks(np.zeros(1, bool), np.zeros(0, np.int64), NO_PAIRS)
    first = learn(files[:2])
    unread = compared(first)

    put_looks(unread, np.array([0]), unseen, np.zeros(1, bool))

    assert first.pairs.looked.tolist() == [True]
    assert unread.looked.tolist() == [False]
    again = learn(files[:2], previous=replace(first, pairs=unread))
    assert again.pairs.looked.tolist() == [True]
    assert again.pairs.score.tolist() == first.pairs.score.tolist()


def compared(scanned):
    """The pairs of a scan as if none had been looked at."""
    pairs = scanned.pairs
    return replace(
        pairs, score=np.zeros_like(pairs.score), looked=np.zeros_like(pairs.looked)
    )


@pytest.fixture
def learn(embedder, tmp_path):
    def run(paths, previous=None):
        return collect_scan_data(
            ScanInput(paths), embedder, folder=tmp_path / "cache", previous=previous
        )

    return run


def looks_of_files(shown, folder):
    """What a closer look says of two pictures in files."""
    paths = [folder / f"{number}.png" for number in range(2)]
    for path, pixels in zip(paths, shown, strict=True):
        Image.fromarray(pixels).save(path)
    squares = [cv2.resize(one, (SIGNATURE_SIDE, SIGNATURE_SIDE)) for one in shown]
    images = SimpleNamespace(
        signatures=signatures(np.array(squares)),
        sizes=np.array([one.shape[1::-1] for one in shown], np.int32),
        descriptors=np.eye(2, dtype=np.float32),
        damaged=np.zeros(2, bool),
    )
    read = PictureReader([os.fsencode(path) for path in paths], max_megapixels=64)
    return look_closer(images, np.array([[0, 1]], np.int32), np.ones(1, bool), read)


def test_soft_pictures_that_a_closer_look_finds_are_too_plain_to_tell(tmp_path):
    soft = (photo("astronaut") * 0.2 + 110).astype(np.uint8)

    looks = looks_of_files([soft, tilted_and_written_on(soft)], tmp_path)

    assert looks.laid.tolist() == [0]
    assert looks.said.score[0] >= MIN_COPY_SCORE
    assert relation_names(int(looks.said.relation[0])) == TOO_PLAIN


@pytest.mark.parametrize(("larger", "answer"), [(1, "cropped"), (3, TOO_PLAIN)])
def test_a_soft_picture_that_was_cut_is_told_if_it_is_seen_in_full(
    larger, answer, tmp_path
):
    soft = (photo("astronaut") * 0.2 + 110).astype(np.uint8)
    shown = [
        cv2.resize(picture, (150 * larger, 150 * larger), interpolation=cv2.INTER_CUBIC)
        for picture in (soft, soft[8:142, 8:142])
    ]

    looks = looks_of_files(shown, tmp_path)

    assert looks.said.score[0] >= MIN_COPY_SCORE
    assert answer in relation_names(int(looks.said.relation[0]))


def test_a_mark_over_a_picture_as_plain_as_a_page_is_too_plain_to_tell(tmp_path):
    ground = np.linspace(116, 125, 400) + np.zeros((320, 1))
    bare = np.repeat(np.rint(ground).astype(np.uint8)[..., None], 3, axis=2)
    for column in range(20, 400, 50):
        cv2.line(bare, (column, 0), (420 - column, 320), (98, 98, 98), 4)
    layer = bare.copy()
    for row in range(40, 320, 75):
        cv2.putText(layer, "STOCK STOCK STOCK", (5, row), 0, 1.3, (255, 255, 255), 3)
    marked = cv2.addWeighted(bare, 0.4, layer, 0.6, 0)

    looks = looks_of_files([bare, marked], tmp_path)

    assert is_page(bare)
    assert is_page(marked)
    assert looks.laid.tolist() == [0]
    assert looks.said.score[0] >= MIN_COPY_SCORE
    assert relation_names(int(looks.said.relation[0])) == TOO_PLAIN


def test_what_a_look_said_is_reused_by_the_next_scan(learn, files):
    first = learn(files[:2])
    assert first.pairs.looked.tolist() == [True]
    told = np.full(1, 0.77, np.float32)

    again = learn(
        files[:2], previous=replace(first, pairs=replace(first.pairs, score=told))
    )

    assert again.pairs.score.tolist() == told.tolist()
    assert apply_thresholds(first).counts["removable"] == 1
    assert {one.name for one in fields(NO_PAIRS)} >= {"promise", "looked"}
