"""When and by which camera a picture was taken."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from core.reading.decode import decode_image
from core.reading.exif import NOT_KNOWN, capture_of


def photo(exif):
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    return file.getvalue()


def taken(when, fraction=None, **camera):
    exif = Image.Exif()
    for tag, name in ((0x010F, "make"), (0x0110, "model")):
        if name in camera:
            exif[tag] = camera[name]
    inside = exif.get_ifd(0x8769)
    if when is not None:
        inside[0x9003] = when
    if fraction is not None:
        inside[0x9291] = fraction
    if "serial" in camera:
        inside[0xA431] = camera["serial"]
    return exif


def capture(exif):
    return decode_image(photo(exif), side=32, max_megapixels=1).capture


def test_the_time_has_the_fraction_of_its_second():
    assert capture(taken("1970:01:01 00:01:00", "25")).seconds == 60.25
    assert capture(taken("1970:01:01 00:01:00")).seconds == 60


def test_cameras_are_told_by_make_model_and_serial_number():
    known = [
        capture(taken(None, make="A", model="B")),
        capture(taken(None, make="A", model="C")),
        capture(taken(None, make="A", model="B", serial="1")),
    ]

    assert len({one.camera for one in known}) == 3
    assert capture(taken(None, make="A", model="B")).camera == known[0].camera
    assert capture(Image.Exif()).camera == 0


@pytest.mark.parametrize(
    "when", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "", "2024:05"]
)
def test_a_time_that_is_none_is_not_known(when):
    assert math.isnan(capture(taken(when)).seconds)


def test_broken_metadata_costs_what_it_would_have_said():
    whole = taken("1970:01:01 00:01:00", "25", make="A").tobytes()[6:]

    for end in range(len(whole)):
        capture_of(whole[:end])
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        capture_of(bytes(broken))


def test_a_picture_without_metadata_says_nothing():
    assert capture_of(b"") is not None
    assert capture_of(b"").camera == NOT_KNOWN.camera
