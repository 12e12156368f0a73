import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core.common.worker import work_of
from core.embedding.embed import embed_images
from core.embedding.file_pass import block_embedder
from core.embedding.worker_pool import MIN_FILES, WorkerPool
from core.errors import CacheError, Cancelled
from core.models.registry import load_embedder

pytestmark = pytest.mark.slow


COLUMNS = ("digest", "picture_digest", "statistics", "signature", "copy", "features")
ROOT = Path(__file__).parents[3]
WORK = work_of(block_embedder, None, "unused", 64)

WORKER = """
import os, pickle, sys
from pathlib import Path

noted, deaths = Path(sys.argv[1]), float(sys.argv[2])
blocks, answers = sys.stdin.buffer, sys.stdout.buffer
answer = True
while True:
    pickle.dump(answer, answers)
    answers.flush()
    answer = True, None
    _, values = pickle.load(blocks)
    if values is None:
        if deaths < 0:
            os.abort()
        continue
    (paths,) = values
    if b"deadly" in paths:
        with open(noted / "deaths", "ab") as file:
            file.write(b".")
        if (noted / "deaths").stat().st_size <= deaths:
            os.abort()
    with open(noted / "embedded", "a") as file:
        file.write("".join(f"{path.decode()}\\n" for path in paths))
"""
"""Speaks as :mod:`core.common.worker` does, and dies of some files."""


@pytest.fixture
def many(tmp_path, draw):
    """More files than threads embed, of 20 pictures, and two bad ones."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        draw(number, side=32).save(folder / f"{number}.png")
    for number in range(20, MIN_FILES + 100):
        shutil.copyfile(folder / f"{number % 20}.png", folder / f"{number}.png")
    (folder / "text.png").write_text("no image")
    (folder / "empty.png").touch()
    return [os.fsencode(path) for path in sorted(folder.iterdir())]


@pytest.fixture
def embedded(tmp_path):
    """Sends 1,100 files to workers that die of one of them ``deaths`` times."""

    def embed(deaths, command=None):
        paths = [b"%d" % number for number in range(MIN_FILES + 76)]
        paths[700] = b"deadly"
        rows = range(len(paths))
        blocks = iter([rows[start : start + 64] for start in rows[::64]])
        if command is None:
            command = [sys.executable, "-c", WORKER, str(tmp_path), str(deaths)]
        pool = WorkerPool(paths, WORK, 2, threading.Event(), command)
        try:
            answers = list(pool.embedded(blocks))
        finally:
            pool.close()
        assert sorted(row for rows, _ in answers for row in rows) == list(rows)
        return [row for rows, is_deadly in answers if is_deadly for row in rows]

    return embed


def test_processes_make_the_table_that_threads_make(many, tmp_path):
    embedder = load_embedder()
    tables = [
        embed_images(
            many, embedder, folder=tmp_path / name, max_megapixels=64, cores=cores
        )
        for name, cores in (("threads", 2), ("processes", 3))
    ]

    one, other = tables
    assert np.array_equal(one.unique_file, other.unique_file)
    assert one.failures == other.failures
    assert {failure.status for failure in one.failures.values()} == {
        "empty",
        "unsupported",
    }
    for name in COLUMNS:
        assert np.array_equal(one.column(name), other.column(name))


def test_processes_embed_what_the_run_then_only_looks_up(many, tmp_path):
    class Refusing:
        """Has the name of a model, and must not be asked to embed."""

        def __getattr__(self, name):
            return getattr(load_embedder(), name)

        def open_session(self):
            raise AssertionError("embedded in this process")

    table = embed_images(
        many, Refusing(), folder=tmp_path / "cache", max_megapixels=64, cores=3
    )

    assert len(table.column("digest")) == 20


def test_a_file_that_kills_its_process_costs_itself_alone(embedded, tmp_path):
    assert embedded(deaths=np.inf) == [700]

    done = (tmp_path / "embedded").read_text().split()
    assert sorted(done) == sorted({str(n) for n in range(MIN_FILES + 76)} - {"700"})


def test_a_process_that_dies_once_costs_nothing(embedded, tmp_path):
    assert embedded(deaths=1) == []

    assert "deadly" in (tmp_path / "embedded").read_text().split()


def test_no_file_is_blamed_for_a_process_that_dies_before_it(embedded, tmp_path):
    assert embedded(deaths=-1) == []

    assert not (tmp_path / "embedded").exists()


@pytest.mark.parametrize("command", [["no-such-program"], [sys.executable, "-c", ""]])
def test_where_no_process_starts_blocks_come_back_as_they_are(embedded, command):
    assert embedded(deaths=0, command=command) == []


def test_few_files_start_no_process(worker_processes):
    pool = WorkerPool([b"a", b"b"], WORK, 2, threading.Event(), ["no-such-program"])

    assert list(pool.embedded(iter([[0], [1]]))) == [([0], False), ([1], False)]
    assert not worker_processes()


def test_what_was_cancelled_leaves_no_process(many, tmp_path, worker_processes):
    def cancel(progress):
        if worker_processes():
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        embed_images(
            many,
            None,
            folder=tmp_path / "cache",
            max_megapixels=64,
            cores=3,
            on_progress=cancel,
        )

    assert not worker_processes()


def test_a_cache_that_cannot_be_written_is_said_as_without_processes(many, tmp_path):
    folder = tmp_path / "cache"
    embed_images([], None, folder=folder, max_megapixels=64)
    for path in folder.glob("*/keys.bin"):
        path.unlink()
        path.mkdir()

    with pytest.raises(CacheError, match="cannot be used"):
        embed_images(many, None, folder=folder, max_megapixels=64, cores=3)


def test_a_worker_ends_without_a_word_when_its_input_does(tmp_path):
    command = [sys.executable, "-m", "core.common.worker"]
    work = work_of(block_embedder, None, str(tmp_path), 64)
    told = pickle.dumps((tuple(work), None)) + pickle.dumps((tuple(work), ([],)))

    done = subprocess.run(command, cwd=ROOT, input=told, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == pickle.dumps(True) + 2 * pickle.dumps((True, None))
