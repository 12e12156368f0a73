import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.embedding.embed import embed_images
from core.reading.thumbnails import thumbnail
from core.storage.cache import cache_uses, clear_cache

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path, draw):
    """A cache folder after a scan, and what a person put beside it."""
    folder = tmp_path / "cache"
    picture = tmp_path / "one.png"
    draw(1).save(picture)
    embed_images([os.fsencode(picture)], None, folder=folder, max_megapixels=64)
    thumbnail(str(picture), folder / "thumbnails")
    (folder / "runs").mkdir()
    np.savez(folder / "runs" / f"{'0' * 24}-winnow-{'0' * 8}.npz", a=np.arange(3))
    return folder


def test_each_kind_is_counted(cache):
    embeddings, pictures, scans = cache_uses(cache)

    assert (embeddings.files, pictures.files, scans.files) == (4, 1, 1)
    assert min(embeddings.size, pictures.size, scans.size) > 100


def test_what_can_be_made_again_is_cleared_and_nothing_else(cache):
    mine = [
        cache / "holiday.jpg",
        cache / "thumbnails" / "holiday.jpg",
        cache / "thumbnails" / f"{'a' * 32}.jpg",
        cache / "seen" / "notes.bin",
        cache / "data" / "values.bin",
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    before = cache_uses(cache)

    freed = clear_cache(cache)

    embeddings, pictures, scans = cache_uses(cache)
    assert freed == before[0].size + before[1].size
    assert embeddings.files == pictures.files == 0
    assert scans.files == 1
    assert all(path.read_bytes() == b"mine" for path in mine)


def test_what_a_link_leads_to_is_left_alone(cache, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (cache / "seen").rename(elsewhere)
    (cache / "seen").symlink_to(elsewhere)

    clear_cache(cache)

    assert (elsewhere / "keys.bin").exists()


def test_a_cache_that_is_not_there_takes_nothing(tmp_path):
    assert [use.files for use in cache_uses(tmp_path / "none")] == [0, 0, 0]
    assert clear_cache(tmp_path / "none") == 0


@pytest.fixture
def command(cache):
    def run(clear):
        return subprocess.run(
            [sys.executable, str(ROOT / "cli" / "cache.py")],
            env=os.environ | {"WINNOW_CACHE": str(cache), "CLEAR": clear},
            capture_output=True,
            text=True,
            check=True,
        )

    return run


@pytest.mark.parametrize("no", ["", "0"])
def test_the_command_says_what_there_is(cache, command, no):
    assert "embeddings              4 files" in command(no).stdout


def test_the_command_says_what_it_freed(cache, command):
    done = command("1")

    assert done.stdout.startswith("Cleared embeddings and small pictures: ")
    assert str(cache) in done.stdout
    assert "embeddings              0 files" in done.stdout
