"""Damage is told by the decoder; every kind of it is made here on purpose."""

import io
import random

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from core.reading import jpeg_damage
from core.reading.decode import WHOLE, DecodedImage, decode_image
from core.reading.jpeg import read_header
from core.reading.jpeg_damage import DAMAGES, NO_DAMAGE, damage_of_scans
from core.reading.jpeg_pixels import decode_jpeg

CODINGS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
}
SCALES = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@pytest.fixture(scope="module")
def photos():
    pictures = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    corners = [(0, 0), (40, 60), (20, 110)]
    return [
        Image.fromarray(picture[top : top + 240, left : left + 320])
        for picture in pictures
        for top, left in corners
    ][:10]


def coded(picture, **options):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()


def decode_whole(content):
    """uint8[height, width, 3] at full size"""
    return decode_image(content, side=WHOLE, max_megapixels=64).upright()


def damage_of(content):
    image = decode_image(content, side=128, max_megapixels=64)
    assert isinstance(image, DecodedImage)
    return image.damage


def is_named(content):
    """True if the file is said to be damaged, or cannot be read at all."""
    image = decode_image(content, side=128, max_megapixels=64)
    return not isinstance(image, DecodedImage) or image.damage != NO_DAMAGE


def middle(content):
    start = content.index(b"\xff\xda")
    return start + (len(content) - start) // 2


def hole(content, _):
    return content[: middle(content)] + content[middle(content) + 400 :]


def zeros(content, _):
    return content[: middle(content)] + bytes(400) + content[middle(content) + 400 :]


def cut(content, _):
    return content[: middle(content)] + b"\xff\xd9"


def flipped(content, random):
    changed = bytearray(content)
    for _ in range(20):
        place = random.randrange(content.index(b"\xff\xda") + 20, len(content) - 2)
        changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("coding", CODINGS)
def test_nearly_all_that_is_damaged_inside_is_named(photos, coding):
    chance = random.Random(1)
    found = [
        is_named(damaged(coded(photo, **CODINGS[coding]), chance))
        for damaged in (hole, zeros, cut, flipped)
        for photo in photos
    ]

    assert sum(found) >= 38, (sum(found), found)


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_whole_picture_is_not_damaged(photos, coding, quality, subsampling):
    options = {**CODINGS[coding], "quality": quality, "subsampling": subsampling}
    for photo in photos:
        assert damage_of(coded(photo, **options)) == NO_DAMAGE
    assert damage_of(coded(photos[0].convert("L"), **options)) == NO_DAMAGE


@pytest.mark.parametrize("reduction", SCALES)
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_pixels_are_those_of_opencv(photos, coding, reduction, mode):
    content = coded(photos[0].convert(mode), **CODINGS[coding])

    pixels, damage = decode_jpeg(content, read_header(content), reduction)

    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), SCALES[reduction])
    assert damage == NO_DAMAGE
    assert np.array_equal(pixels, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def test_each_damage_is_said_in_words(photos):
    content = coded(photos[0])
    with_restarts = coded(photos[0], restart_marker_rows=1)
    other_order = with_restarts.replace(b"\xff\xd1", b"\xff\xd5", 1)

    assert DAMAGES[damage_of(cut(content, None))] == "coded data is missing"
    left_over = content[:-2] + content[-60:]
    assert DAMAGES[damage_of(left_over)] == "coded data is left over"
    assert DAMAGES[damage_of(other_order)] == DAMAGES[3]


def test_what_pads_the_end_or_follows_it_is_no_damage(photos):
    content = coded(photos[0])

    for padding in (bytes(500), b"\xee", bytes(range(8))):
        assert damage_of(content[:-2] + padding + content[-2:]) == NO_DAMAGE
        assert damage_of(content + padding) == NO_DAMAGE
    assert damage_of(content + content) == NO_DAMAGE


def test_zeros_up_to_the_end_are_damage_though_they_look_like_padding(photos):
    for photo in photos:
        content = coded(photo)
        assert damage_of(content[:-902] + bytes(900) + content[-2:]) != NO_DAMAGE


def test_zeros_in_a_flat_picture_are_no_damage():
    for value in (0, 128, 255):
        flat = Image.new("RGB", (1000, 1000), (value, value, value))
        for options in ({}, {"optimize": True}, {"progressive": True}):
            assert damage_of(coded(flat, quality=20, **options)) == NO_DAMAGE
            assert damage_of(coded(flat, **options)) == NO_DAMAGE


def test_a_long_file_is_searched_by_parts_as_a_short_one_is(photos, monkeypatch):
    content = coded(photos[0])
    end = len(content) - 2
    places = [start for start in range(middle(content), end - 9) if content[start]]
    files = [content, content[:end], content[: end + 1]]
    for place in places[:100]:
        files.append(content[:place] + b"\xff\xc8" + content[place + 2 :])
        files.append(content[:place] + b"\xff\xd9" + content[place + 2 :])
    at_once = [damage_of_scans(file) for file in files]

    monkeypatch.setattr(jpeg_damage, "_PART", 7)
    for near in (200, middle(content) - content.index(b"\xff\xda")):
        monkeypatch.setattr(jpeg_damage, "_NEAR", near)
        assert [damage_of_scans(file) for file in files] == at_once
    assert len(set(at_once)) == 2


def test_a_run_of_zeros_is_seen_wherever_it_begins(photos):
    content = coded(photos[0])
    for place in range(middle(content), middle(content) + 40):
        changed = content[:place] + b"\1" + bytes(64) + b"\1" + content[place + 66 :]
        assert DAMAGES[damage_of_scans(changed)] == "zeros in place of coded data"


def test_a_progressive_picture_without_its_last_scan_is_damaged(photos):
    content = coded(photos[0], progressive=True)
    tables = content.rindex(b"\xff\xc4")

    assert DAMAGES[damage_of(content[:tables] + b"\xff\xd9")] == DAMAGES[4]


def test_a_marker_that_says_odd_things_of_a_whole_picture_is_no_damage(photos):
    content = coded(photos[0])
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x07"
    jfif = content.replace(b"JFIF\0\1", b"JFIF\0\7", 1)
    place = content.index(b"\xff\xda")
    header_end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    other_band = content[: header_end - 2] + b"\x3e\x00" + content[header_end:]

    assert damage_of(content[:2] + adobe + content[2:]) == NO_DAMAGE
    assert damage_of(jfif) == NO_DAMAGE
    assert damage_of(other_band) == NO_DAMAGE


def test_a_damaged_picture_in_inks_is_named_and_shown(photos):
    content = coded(photos[0].convert("CMYK"))

    assert damage_of(content) == NO_DAMAGE
    assert damage_of(cut(content, None)) == DAMAGES.index("coded data is missing")


def test_what_is_left_of_a_damaged_picture_is_shown_as_it_was(photos):
    content = coded(photos[0])

    whole = decode_whole(content)
    damaged = decode_whole(cut(content, None))

    assert np.array_equal(whole[:64], damaged[:64])
    assert not np.array_equal(whole[-64:], damaged[-64:])


def test_a_large_picture_that_comes_reduced_is_named_too():
    large = Image.fromarray(data.astronaut()).resize((2048, 2048))
    content = coded(large)

    assert damage_of(content) == NO_DAMAGE
    assert damage_of(cut(content, None)) == DAMAGES.index("coded data is missing")
