"""Pictures of other depths are judged as a person of their field would."""

import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput


@pytest.fixture
def scan(embedder, tmp_path):
    def run(paths):
        files = [os.fsencode(path) for path in paths]
        folder = tmp_path / "cache"
        return apply_thresholds(
            collect_scan_data(ScanInput(files), embedder, folder=folder)
        )

    return run


def scene(draw, number):
    return np.asarray(draw(number, 160).convert("L"), np.float32)


def issues_of(findings):
    return {name for names in findings.columns["image_issues"] for name in names}


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_few_bits_in_16_are_not_dark_and_smaller_copies_are_found(
    scan, draw, tmp_path, bits
):
    paths = []
    for number in range(10):
        deep = (scene(draw, number % 8) / 255 * (2**bits - 1)).astype(np.uint16)
        if number >= 8:
            small = Image.fromarray(deep.astype(np.float32)).resize((120, 120))
            deep = np.clip(np.asarray(small), 0, 2**bits - 1).astype(np.uint16)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(deep).save(paths[-1])

    found = scan(paths)

    assert not issues_of(found) & {"dark", "low_information"}
    assert found.counts["duplicate_clusters"] == 2
    assert found.columns["dup_kind"][8:] == ["near", "near"]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("hole", [-9999, -32768, np.nan])
def test_different_tiles_with_voids_are_no_copies(scan, draw, tmp_path, hole, big):
    paths = []
    for number in range(8):
        heights = scene(draw, number) * 3 - 200
        heights[:30, :40] = hole
        paths.append(tmp_path / f"{number}.tif")
        tifffile.imwrite(paths[-1], heights, bigtiff=big)

    found = scan(paths)

    assert set(found.columns["scan_status"]) == {"ok"}
    assert found.counts["duplicates"] == 0


def test_whole_tiffs_of_many_bands_are_unsupported_and_never_corrupt(
    scan, draw, tmp_path
):
    good = tmp_path / "good.png"
    draw(1).save(good)
    bands = tmp_path / "bands.tif"
    cube = np.random.default_rng(1).random((5, 40, 40), np.float32)
    tifffile.imwrite(
        bands, np.moveaxis(cube, 0, 2), photometric="minisblack", planarconfig="contig"
    )

    assert scan([good, bands]).columns["scan_status"] == ["ok", "unsupported"]
