"""Forms that differ in a word are removed by no default; their copies still are."""

import os
import time

import cv2
import numpy as np
import pytest
from PIL import ImageOps

from core.copy_detection import (
    MIN_COPY_SCORE,
    PAGE_SIDE,
    SIGNATURE_SIDE,
    PairScores,
    signatures,
)
from core.findings.schema import TOO_PLAIN
from core.progress import silent
from core.reading.decode import WHOLE, decode_image
from core.scan import plain_pages
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.picture_reader import PictureReader
from core.scan.plain_pages import judge_pages
from core.scan.scan_data import ScanInput
from tests.papers import KINDS, filled_differently, paper


@pytest.fixture
def scan(embedder, tmp_path):
    def run(pictures, suffix=".png", **options):
        paths = []
        for number, picture in enumerate(pictures):
            path = tmp_path / f"{number:03d}{suffix}"
            picture.save(path)
            paths.append(os.fsencode(path))
        scan_data = collect_scan_data(
            ScanInput(paths, **options), embedder, folder=tmp_path / "cache"
        )
        return apply_thresholds(scan_data)

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_pages_that_differ_in_one_to_three_entries_are_not_removable(scan, kind):
    pages = [
        paper(kind, filled)
        for differing in (1, 2, 3)
        for filled in filled_differently(3, differing, seed=differing)
    ]

    assert scan(pages).counts["removable"] == 0


@pytest.mark.parametrize("kind", ["text", "slide"])
def test_a_page_that_is_made_smaller_is_a_copy_all_the_same(scan, kind):
    pages = [paper(kind, filled) for filled in filled_differently(5, 14)]
    small = pages[0].resize([side * 3 // 4 for side in pages[0].size])

    found = scan([*pages, small])

    assert found.counts["removable"] == 1
    assert found.columns["dup_relation"][5] == "resized"


def test_a_darker_page_cannot_be_told_and_is_shown_with_its_reason(scan):
    pages = [paper("drawing", filled) for filled in filled_differently(5, 14)]
    darker = pages[0].point(lambda level: level * 7 // 10)
    splits = np.array([0] * 5 + [1], np.int32)

    found = scan([*pages, darker], splits=splits, split_names=["train", "test"])

    assert TOO_PLAIN in found.columns["dup_relation"]
    assert found.counts["too_plain"] == 1
    assert found.counts["removable"] == 0
    assert found.columns["leak"][0] and found.columns["leak"][5]
    assert not any(found.columns["leak_remove"])


def test_a_changed_photograph_is_a_copy_all_the_same(scan, draw):
    pictures = [draw(number) for number in range(8)]

    found = scan([*pictures, ImageOps.mirror(pictures[0])])

    assert found.counts["removable"] == 1
    assert found.counts["too_plain"] == 0


def test_a_photograph_that_is_no_page_is_read_once_for_all_its_pairs(draw, monkeypatch):
    monkeypatch.setattr(plain_pages, "available_cores", lambda: 4)
    photo = np.asarray(draw(0))
    images, read = 5, []
    pairs = np.array([[a, b] for a in range(images) for b in range(a)], np.int32)
    found = PairScores.of_nothing(len(pairs))
    found.scores[:] = 1
    small = cv2.resize(photo, (SIGNATURE_SIDE, SIGNATURE_SIDE))
    flat = np.where(small > 128, 200, 60).astype(np.uint8)
    plain = signatures(np.repeat(flat[None], images, axis=0))

    def reader(item, side):
        read.append(item)
        # Meanwhile other threads come to other pairs with it
        time.sleep(0.01)
        return photo

    judge_pages(found, pairs, plain, reader, silent)

    assert (found.scores == 1).all()
    assert len(set(read)) == len(read) < images


def test_a_page_that_was_seen_in_full_needs_no_other_look():
    page = np.asarray(paper("text", next(filled_differently(1, 14))).convert("RGB"))
    square = cv2.resize(page, (SIGNATURE_SIDE, SIGNATURE_SIDE), interpolation=3)
    described = signatures(np.repeat(square[None], 2, axis=0))
    found = PairScores.of_nothing(1)
    found.scores[:], found.chance[:], found.narrow[:] = 0.7, 0.9, True

    pairs = np.array([[0, 1]], np.int32)
    judge_pages(found, pairs, described, lambda _item, _side: page, silent)

    assert found.scores[0] >= MIN_COPY_SCORE
    assert not found.narrow[0] and not found.chance[0]


def test_a_large_page_is_decoded_at_half_and_shown_at_the_size_of_pages(tmp_path):
    page = paper("text", next(filled_differently(1, 14)))
    page.resize((2480, 3508)).save(tmp_path / "page.jpg", quality=90)
    page.resize((2800, 4000)).save(tmp_path / "larger.jpg", quality=90)
    paths = [os.fsencode(tmp_path / name) for name in ("page.jpg", "larger.jpg")]

    whole, larger = (
        PictureReader(paths, 64)(item, PAGE_SIDE).astype(int) for item in (0, 1)
    )

    expected = decode_image(
        (tmp_path / "larger.jpg").read_bytes(), side=WHOLE, max_megapixels=64
    )
    assert whole.shape == (1600, 1131, 3) and larger.shape == (1600, 1120, 3)
    apart = np.abs(larger - expected.fitted(PAGE_SIDE))
    assert 0 < apart.mean() < 3
