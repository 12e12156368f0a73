"""What can be read of two plain pages tells copies from other pages."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from core.copy_detection.pages import (
    OTHER,
    SAME,
    UNSURE,
    _differences,
    _planes,
    compare_pages,
    is_page,
)
from tests.papers import KINDS, filled_differently, paper


def as_jpeg(page, quality=75):
    file = io.BytesIO()
    page.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def smaller(page, share):
    size = round(page.width * share), round(page.height * share)
    return page.resize(size, Image.Resampling.LANCZOS)


def said(one, other):
    return compare_pages(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("differing", [1, 14])
@pytest.mark.parametrize("kind", KINDS)
def test_pages_that_differ_in_an_entry_are_never_the_same(kind, differing):
    one, other = (paper(kind, filled) for filled in filled_differently(2, differing))

    assert said(one, other) == OTHER or differing == 14
    assert said(one, other) != SAME
    assert said(as_jpeg(one, 50), other) != SAME
    assert said(smaller(one, 1 / 2), other) != SAME


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_saved_again_or_a_little_smaller_is_the_same(kind):
    page = paper(kind, next(filled_differently(1, 14, seed=3)))

    for copy in (page, as_jpeg(page), smaller(page, 3 / 4)):
        assert said(page, copy) == SAME


@pytest.mark.parametrize("kind", KINDS)
def test_where_others_need_not_be_told_the_same_are_the_same(kind):
    one, other = (
        np.asarray(paper(kind, filled)) for filled in filled_differently(2, 1)
    )

    assert compare_pages(one, one, may_differ=False) == SAME
    assert compare_pages(one, other, may_differ=False) == UNSURE


def test_pages_are_compared_in_strips_that_show_no_seam():
    random = np.random.default_rng(0)
    one, other = random.integers(0, 256, (2, 200, 90, 3)).astype(np.uint8)
    planes = [_planes(page, (90, 200)) for page in (one, other)]

    found = np.concatenate(list(_differences(*planes)))

    apart = [a.astype(np.float32) - b for a, b in zip(*planes, strict=True)]
    sides = (3, 9, 9)
    whole = [
        np.abs(cv2.blur(plane, (side, side)))
        for plane, side in zip(apart, sides, strict=True)
    ]
    np.testing.assert_array_equal(found, np.max(whole, axis=0))


def test_a_page_of_another_frame_or_brightness_cannot_be_told():
    page = paper("form", next(filled_differently(1, 14)))
    cut = page.crop((20, 20, page.width, page.height))

    assert said(page, page.resize((page.width, page.height * 9 // 10))) == UNSURE
    assert said(page, cut.resize(page.size)) == UNSURE
    assert said(page, smaller(page, 1 / 3)) == UNSURE
    assert said(page, page.point(lambda level: level * 7 // 10)) == UNSURE


def test_another_color_of_one_brightness_is_another_page():
    page = Image.new("RGB", (200, 200), "white")
    drawn = np.array(page)
    for top in range(10, 190, 30):
        drawn[top : top + 10, 20:180] = 0
    red, green = drawn.copy(), drawn.copy()
    red[45:65, 90:130], green[45:65, 90:130] = (200, 50, 50), (50, 115, 73)

    assert said(red, red) == SAME
    assert said(red, green) == OTHER


def on_one_ground(random, shade, texture):
    """A disc of 56 pixels on a soft ground, as a photograph has it."""
    y, x = np.mgrid[:240, :320]
    picture = np.full((240, 320, 3), (150, 150, 160)) + (x // 16)[..., None]
    disc = np.hypot(y - 120, x - 160) < 28
    picture[disc] = shade
    picture[disc] += (12 * np.sin(x / texture))[disc, None].astype(int)
    noisy = picture + random.normal(0, 2, picture.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def test_a_faint_difference_of_a_broad_place_is_no_noise():
    random = np.random.default_rng(0)
    red = on_one_ground(random, (212, 95, 80), 8)
    others = [
        on_one_ground(random, (185, 75, 60), 8),
        on_one_ground(random, (212, 112, 100), 11),
        on_one_ground(random, (200, 95, 110), 8),
    ]
    copies = [
        on_one_ground(random, (212, 95, 80), 8),
        as_jpeg(red, 30),
        smaller(red, 3 / 4),
        red.point(lambda level: level * 1.08),
    ]

    assert [said(red, other) for other in others] == [UNSURE] * 3
    assert [said(red, copy) for copy in copies] == [SAME] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_one_as_jpeg_too_and_a_photograph_is_none(kind, draw):
    page = paper(kind, next(filled_differently(1, 14)))

    assert is_page(np.asarray(page))
    assert is_page(np.asarray(as_jpeg(page)))
    assert not is_page(np.asarray(draw(1, 300)))
    assert not is_page(np.zeros((1, 1, 3), np.uint8))
