"""A scan without a database, of pictures that are made."""

import os

import pytest

from core.models.registry import load_embedder
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput
from core.scan.settings import ScanSettings


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture
def scan(embedder, tmp_path):
    def run(paths, settings=None, **annotations):
        scan_data = collect_scan_data(
            ScanInput([os.fsencode(path) for path in paths], **annotations),
            embedder,
            folder=tmp_path / "cache",
            settings=settings or ScanSettings(),
        )
        return apply_thresholds(scan_data, settings or ScanSettings()), scan_data

    return run


@pytest.fixture
def pictures(tmp_path, draw):
    folder = tmp_path / "pictures"
    folder.mkdir()

    def save(count, name="{:03d}.png"):
        paths = [folder / name.format(number) for number in range(count)]
        for number, path in enumerate(paths):
            draw(number).save(path)
        return paths

    return save
