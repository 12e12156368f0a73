"""One large mark over many photographs, ten of which are there without it as well."""

import os

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput

BARE, MARKED = 10, 24
WIDTH, HEIGHT = 400, 320


def cuttings():
    """MARKED places of photographs, textured and plain ones: RGB."""
    names = ("retina", "astronaut", "coffee", "immunohistochemistry", "rocket", "cat")
    photos = [getattr(data, name)() for name in names]
    for number in range(MARKED):
        photo = photos[number % len(photos)]
        row, column = divmod(number // len(photos), 2)
        top, left = (row * photo.shape[0] // 2, column * photo.shape[1] // 2)
        part = photo[top : top + photo.shape[0] // 2, left : left + photo.shape[1] // 2]
        yield cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def marked(picture, ink):
    layer = np.zeros((HEIGHT, WIDTH), np.uint8)
    for row in (60, 160, 260):
        cv2.putText(layer, "STOCKPIX STOCKPIX", (6, row), 0, 1.25, 255, 4, cv2.LINE_AA)
    cv2.line(layer, (0, 0), (WIDTH, HEIGHT), 255, 6)
    cv2.line(layer, (0, HEIGHT), (WIDTH, 0), 255, 6)
    opacity = 0.59 * layer[..., None] / 255
    return np.uint8(picture * (1 - opacity) + ink * opacity)


@pytest.mark.parametrize(("ink", "least"), [(255, BARE), (0, BARE - 1)])
def test_bare_photographs_are_found_under_the_mark_and_no_others(
    embedder, tmp_path, ink, least
):
    pictures = list(cuttings())
    shown = pictures[:BARE] + [marked(one, ink) for one in pictures]
    paths = [tmp_path / f"{number:02}.jpg" for number in range(len(shown))]
    for path, pixels in zip(paths, shown, strict=True):
        Image.fromarray(pixels).save(path, quality=90)

    scanned = collect_scan_data(
        ScanInput([os.fsencode(path) for path in paths]),
        embedder,
        folder=tmp_path / "cache",
    )
    cluster = apply_thresholds(scanned).columns["dup_cluster"]

    bare, under = cluster[:BARE], cluster[BARE : 2 * BARE]
    assert bare == under
    found = [one for one in bare if one is not None]
    assert len(found) == len(set(found)) >= least
    assert cluster[2 * BARE :] == [None] * (MARKED - BARE)
