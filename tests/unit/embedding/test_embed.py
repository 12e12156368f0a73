import os
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from core.embedding import image_table, threads
from core.embedding.embed import embed_images
from core.embedding.file_pass import FilePass
from core.embedding.records import open_seen, record_dtype
from core.errors import Cancelled
from core.models.registry import load_embedder
from core.progress import silent
from core.reading.decode import decode_image
from core.reading.files import file_identity
from core.storage.record_store import RecordStore

COLUMNS = ("digest", "picture_digest", "statistics", "signature", "copy", "features")


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture
def paths(tmp_path, draw):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(40):
        draw(number).save(folder / f"{number:02d}.png")
    return [os.fsencode(path) for path in sorted(folder.iterdir())]


@pytest.fixture
def run(embedder, tmp_path):
    def embed(paths, **options):
        options.setdefault("folder", tmp_path / "cache")
        options.setdefault("max_megapixels", 64)
        return embed_images(paths, embedder, **options)

    return embed


class Forbidden:
    """An embedder that must not be asked to embed."""

    def __init__(self, embedder):
        self.embedder = embedder

    def __getattr__(self, name):
        return getattr(self.embedder, name)

    def open_session(self):
        def refuse(pixels):
            raise AssertionError(f"asked to embed {len(pixels)} pictures")

        return refuse


def test_each_file_gets_its_record(run, paths):
    table = run(paths)

    assert sorted(table.unique_file.tolist()) == list(range(40))
    assert table.column("copy").shape == (40, 256)
    assert table.column("width").tolist() == [64] * 40
    assert table.file_bytes.tolist() == [os.path.getsize(path) for path in paths]
    lengths = np.linalg.norm(table.column("features").astype(np.float32), axis=1)
    assert lengths == pytest.approx(1, abs=1e-3)


def test_order_threads_and_cache_change_nothing(run, paths, tmp_path):
    first = run(paths, cores=1)

    again = run(paths[::-1], cores=3, folder=tmp_path / "other")
    cached = run(paths[::-1], cores=2)

    assert again.unique_file.tolist() == first.unique_file[::-1].tolist()
    for name in COLUMNS:
        assert np.array_equal(first.column(name), again.column(name))
        assert np.array_equal(first.column(name), cached.column(name))


def test_nothing_is_embedded_twice_whatever_the_file_is_called(
    run, paths, embedder, tmp_path
):
    run(paths)
    moved = tmp_path / "moved.png"
    shutil.copyfile(paths[3], moved)

    table = embed_images(
        [*paths, os.fsencode(moved)],
        Forbidden(embedder),
        folder=tmp_path / "cache",
        max_megapixels=64,
    )

    assert table.unique_file[-1] == table.unique_file[3]


def test_small_fields_are_read_once_where_there_are_few_files(run, paths, monkeypatch):
    table, asked = run(paths), []
    expected = {name: table.stored(name)[:] for name in COLUMNS}
    sizes = np.stack([table.stored(name)[:] for name in ("width", "height")], axis=1)
    rows = np.array([7, 0, 7])
    reads = {name: getattr(RecordStore, name) for name in ("read", "read_before")}

    def counted(name):
        def read(store, positions, field):
            asked.append((name, field))
            return reads[name](store, positions, field)

        return read

    for name in reads:
        monkeypatch.setattr(RecordStore, name, counted(name))
    for most in (100, 10):
        monkeypatch.setattr(image_table, "_MOST_HELD", most)
        fresh = replace(table)
        for name, values in expected.items():
            assert np.array_equal(fresh.column(name), values)
            assert np.array_equal(fresh.values(name, rows), values[rows])
        assert np.array_equal(fresh.sizes(rows), sizes[rows])
        small = [one for one in asked if one[1] not in ("copy", "features")]
        once = [("read_before", "signature"), *[("read", "signature")] * 2]
        assert (small == once) == (most == 100)
        asked.clear()
    # What is returned is the caller's own
    first = replace(table)
    first.column("digest")[:] = 0
    assert first.column("digest").any()


def test_a_cancelled_pass_keeps_what_it_embedded(run, paths, embedder, tmp_path):
    def stop(progress):
        if progress.done:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(paths, cores=1, on_progress=stop)

    kept = (tmp_path / "cache").glob("*/keys.bin")
    assert sum(path.stat().st_size for path in kept) > 0


class CountingStore(RecordStore):
    """A store that notes how many records it is asked for, and given, at once."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked, self.given = [], []

    def positions(self, keys):
        if keys:
            self.asked.append(len(keys))
        return super().positions(keys)

    def append(self, keys, values):
        self.given.append(len(keys))
        return super().append(keys, values)


@pytest.mark.parametrize(("most_waiting", "asked"), [(2**20, [64, 6]), (0, [1] * 70)])
def test_files_are_looked_up_and_stored_many_at_once_but_few_large_ones_are_held(
    paths, draw, tmp_path, monkeypatch, most_waiting, asked
):
    monkeypatch.setattr(threads, "_MOST_BYTES_WAITING", most_waiting)
    for number in range(40, 70):
        draw(number).save(tmp_path / "images" / f"{number:02d}.png")
        paths.append(os.fsencode(tmp_path / "images" / f"{number:02d}.png"))
    store = CountingStore(tmp_path / "records", record_dtype(None))
    job = FilePass(paths, None, open_seen(tmp_path), store, max_megapixels=64)

    job.run(1, silent)

    assert store.asked == asked
    assert store.given == [64, 6]
    assert np.array_equal(np.sort(job.positions), np.arange(70))
    assert set(store.read(job.positions, "width").tolist()) == {64}


class Ones:
    """An embedder to which all pictures are the same."""

    copy_dim = feature_dim = 4

    def __init__(self, input_size):
        self.input_size = input_size

    def open_session(self):
        return lambda pixels: np.ones((2, len(pixels), 4), np.float32)


def test_a_large_input_of_a_model_holds_few_pictures(paths, tmp_path):
    embedder = Ones(input_size=512)
    dtype = record_dtype(embedder)
    store = CountingStore(tmp_path / "records", dtype)
    job = FilePass(paths, embedder, open_seen(tmp_path), store, max_megapixels=64)

    job.run(1, silent)

    assert store.asked == store.given == [16, 16, 8]
    assert np.array_equal(np.sort(job.positions), np.arange(40))


def test_files_that_wait_are_not_decoded_once_a_pass_is_stopped(
    paths, tmp_path, monkeypatch
):
    store = CountingStore(tmp_path / "records", record_dtype(None))
    job = FilePass(paths, None, open_seen(tmp_path), store, max_megapixels=64)
    decoded = []

    def decode(data, **options):
        decoded.append(data)
        if len(decoded) == 3:
            job.stop.set()
        return decode_image(data, **options)

    monkeypatch.setattr(threads, "decode_image", decode)

    job.run(1, silent)

    assert len(decoded) == 3
    assert store.given == [3]
    assert (job.positions >= 0).sum() == 3


class Overlaps:
    """Decodes as before, and counts the threads that do so at once."""

    def __init__(self):
        self.most, self._now, self._lock = 0, 0, threading.Lock()

    def __call__(self, data, **options):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.005)
        image = decode_image(data, **options)
        with self._lock:
            self._now -= 1
        return image


@pytest.mark.parametrize(("padding", "at_once"), [(0, 1), (2**15, 2)])
def test_small_files_are_decoded_by_one_thread_at_a_time(
    run, paths, monkeypatch, padding, at_once
):
    # What follows the end of a picture makes a large file of it
    for path in paths:
        with open(path, "ab") as file:
            file.write(b"\0" * padding)
    decode = Overlaps()
    monkeypatch.setattr(threads, "decode_image", decode)

    run(paths, cores=2)

    assert decode.most == at_once


def test_a_file_that_changed_is_read_again(run, paths, draw):
    before = run(paths).column("digest")

    draw(99).save(os.fsdecode(paths[0]))

    after = run(paths).column("digest")
    assert sum((a == before).all(axis=1).any() for a in after) == 39


def test_bad_files_cost_their_own_rows_only(run, paths, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    bad = [os.fsencode(tmp_path / "text.jpg"), os.fsencode(tmp_path / "gone.png")]
    mixed = [bad[0], *paths[:20], bad[1], *paths[20:]]

    table = run(mixed)

    assert {row: f.status for row, f in table.failures.items()} == {
        0: "unsupported",
        21: "missing",
    }
    assert (table.unique_file >= 0).sum() == 40


def test_a_smaller_limit_refuses_what_a_larger_one_recorded(run, paths):
    run(paths, max_megapixels=64)

    table = run(paths, max_megapixels=0.001)

    assert {f.status for f in table.failures.values()} == {"too_large"}
    assert len(table.failures) == 40


def test_a_broken_model_ends_the_pass_with_its_own_error(paths, embedder, tmp_path):
    with pytest.raises(AssertionError, match="asked to embed"):
        embed_images(
            paths, Forbidden(embedder), folder=tmp_path / "cache", max_megapixels=64
        )


def test_a_vector_that_is_not_finite_is_a_failure_of_its_row(paths, embedder, tmp_path):
    class Poisoned(Forbidden):
        def open_session(self):
            embed = self.embedder.open_session()

            def poison(pixels):
                copy, features = embed(pixels)
                copy[0] = np.nan
                return copy, features

            return poison

    table = embed_images(
        paths[:16], Poisoned(embedder), folder=tmp_path / "c", max_megapixels=64
    )

    assert [f.status for f in table.failures.values()] == ["nonfinite"]
    assert (table.unique_file >= 0).sum() == 15


def test_files_without_inode_numbers_are_not_taken_for_one_file(
    tmp_path, draw, monkeypatch
):
    from core.embedding import file_pass

    def without_number(path):
        identity = file_identity(path)
        status = identity.status
        numberless = os.stat_result((status[0], 0, *status[2:]))
        return identity._replace(status=numberless)

    monkeypatch.setattr(file_pass, "file_identity", without_number)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for number, path in enumerate(paths):
        draw(number).save(path)

    table = embed_images(
        [os.fsencode(path) for path in paths],
        None,
        folder=tmp_path / "cache",
        max_megapixels=64,
    )

    assert len(set(table.file_id.tolist())) == 2
