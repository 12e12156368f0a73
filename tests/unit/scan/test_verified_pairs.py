"""What the previous scan compared is not compared again."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.common.worker_process import WorkerProcess
from core.copy_detection import verify
from core.embedding.embed import embed_images
from core.scan import closer_looks
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.picture_reader import PictureReader
from core.scan.scan_data import ScanInput
from core.scan.stored_scan import load_scan_data, most_alike, save_scan_data
from core.scan.unique_images import unique_images
from core.scan.verified_pairs import compare, joined

pytestmark = pytest.mark.slow


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
    def run(files, previous=None, other_scans=None):
        return collect_scan_data(
            ScanInput(files),
            embedder,
            folder=tmp_path / "cache",
            previous=previous,
            other_scans=other_scans,
        )

    return run


def digests(scan_data):
    return scan_data.files.digest[scan_data.images.first_file]


def with_scores(scan_data, score):
    return replace(scan_data, pairs=replace(scan_data.pairs, score=score))


def test_a_scan_with_new_images_says_what_a_scan_from_nothing_says(
    learn, paths, tmp_path
):
    save_scan_data(learn(paths[:35]), tmp_path / "first.npz")

    more = learn(paths, previous=load_scan_data(tmp_path / "first.npz"))

    anew = learn(paths)
    assert len(anew.pairs) >= 10
    assert np.array_equal(more.pairs.images, anew.pairs.images)
    assert np.array_equal(more.pairs.score, anew.pairs.score)
    assert np.array_equal(more.pairs.relation, anew.pairs.relation)
    assert apply_thresholds(more).columns == apply_thresholds(anew).columns


def test_a_scan_without_some_of_the_images_does_so_too(learn, paths):
    first = learn(paths)

    fewer = learn(paths[5:], previous=first)

    assert apply_thresholds(fewer).columns == apply_thresholds(learn(paths[5:])).columns


def test_what_is_known_is_taken_over(learn, paths):
    first = learn(paths)
    told = np.linspace(0.1, 0.2, len(first.pairs)).astype(np.float32)

    again = learn(paths, previous=with_scores(first, told))

    assert np.array_equal(again.pairs.score, told)


def test_a_new_data_set_takes_over_what_another_one_s_scan_knows_of_its_files(
    learn, paths, tmp_path
):
    of_all, of_few = learn(paths), learn(paths[:10] + paths[30:35])
    told = np.linspace(0.1, 0.2, len(of_all.pairs)).astype(np.float32)
    others = tmp_path / "runs"
    save_scan_data(with_scores(of_all, told), others / "all.npz")
    save_scan_data(of_few, others / "few.npz")
    (others / "damaged.npz").write_bytes(b"PK\3\4 no archive")
    # It knows as many files, but this version cannot read it
    np.savez(others / "older.npz", **{"files.digest": of_all.files.digest})

    again = learn(paths, other_scans=others)
    strangers = learn(paths[20:30], other_scans=tmp_path / "none")

    assert np.array_equal(again.pairs.score, told)
    assert np.array_equal(again.pairs.images, of_all.pairs.images)
    assert len(strangers.samples) == 10


def test_a_stored_scan_that_knows_hardly_any_of_the_files_is_left_alone(
    learn, paths, tmp_path
):
    first = learn(paths[:10] + paths[30:])
    zeros = np.zeros_like(first.pairs.score)
    save_scan_data(with_scores(first, zeros), tmp_path / "runs" / "first.npz")
    lone = paths[10:30] + [paths[0]]

    assert most_alike(tmp_path / "runs", digests(learn(lone))) is None
    assert most_alike(tmp_path / "runs", digests(first)) is not None


def test_scores_that_were_found_in_another_way_are_not(learn, paths):
    first = learn(paths)
    old = replace(
        with_scores(first, np.zeros_like(first.pairs.score)),
        inputs=replace(first.inputs, pictures="decoded in another way"),
    )

    again = learn(paths, previous=old)

    assert np.array_equal(again.pairs.score, first.pairs.score)


def test_pairs_that_are_compared_in_parts_score_as_all_at_once(learn, embedder, paths):
    first = learn(paths)
    pairs = first.pairs.images
    folder = Path(os.fsdecode(paths[0])).parent / "cache"
    table = embed_images(paths, embedder, folder=folder, max_megapixels=64)
    images = unique_images(table)

    row_of = table.rows()
    shown = [paths[row_of[file]] for file in images.groups.first_file]
    read = PictureReader(shown, max_megapixels=64)
    parts = joined(
        *(compare(images, some, read=read) for some in (pairs[:4], pairs[4:]))
    )
    together = compare(images, pairs, read=read)

    for field in fields(parts):
        one, other = getattr(parts, field.name), getattr(together, field.name)
        assert np.array_equal(one, other), field.name


def test_the_same_processes_compare_look_and_try(
    learn, paths, answers_of_workers, worker_processes, monkeypatch
):
    alone = learn(paths)
    monkeypatch.setattr(verify, "_PAIRS_A_PROCESS", 10)
    monkeypatch.setattr(verify, "_OVERLAID_AT_ONCE", 8)
    monkeypatch.setattr(closer_looks, "_LOOKS_A_PROCESS", 10**6)
    start, started = WorkerProcess.start, []
    portable, looked_at = PictureReader.portable, []
    monkeypatch.setattr(
        PictureReader,
        "portable",
        lambda *one: looked_at.append(portable(*one)) or looked_at[-1],
    )
    monkeypatch.setattr(
        WorkerProcess, "start", lambda self: started.append(1) or start(self)
    )

    shared = learn(paths)

    assert len(started) == 2
    assert all(answers_of_workers)
    # Looks, too, for which no process would be started, at files and at made copies
    assert {"batch_comparer", "portable_looker"} <= set(answers_of_workers)
    assert any(content is not None for _, content in looked_at)
    assert not worker_processes()
    assert len(alone.recall.copy_scores)
    assert np.array_equal(shared.recall.copy_scores, alone.recall.copy_scores)
    for field in fields(shared.pairs):
        one, other = getattr(shared.pairs, field.name), getattr(alone.pairs, field.name)
        assert np.array_equal(one, other), field.name
