import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

from core.reading.decode import DecodedImage, decode_image
from core.reading.formats import format_of, why_not_read


def decode(content, **options):
    return decode_image(content, **{"side": 128, "max_megapixels": 64, **options})


def encoded(suffix, size=(64, 48), **options):
    file = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(file, suffix, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("suffix", "feature"), [("AVIF", "avif"), ("JPEG2000", "jpg_2000")]
)
def test_avif_and_jpeg_2000_are_read_where_pillow_reads_them(
    suffix, feature, monkeypatch
):
    if not features.check(feature):
        pytest.skip(f"NOT TESTED: Pillow without {feature}")
    content = encoded(suffix)
    assert format_of(content) == suffix
    assert isinstance(decode(content), DecodedImage)

    why_not_read.cache_clear()
    monkeypatch.setattr("core.reading.formats.features.check", lambda _: False)
    failure = decode(content)
    why_not_read.cache_clear()
    assert failure.status == "unsupported"
    assert failure.reason.startswith(("AVIF", "JPEG 2000"))


@pytest.mark.parametrize("bits", [12, 16])
def test_a_jpeg_2000_of_16_bits_in_color_is_shown_by_the_bits_in_use(bits):
    if not features.check("jpg_2000"):
        pytest.skip("NOT TESTED: Pillow without jpg_2000")
    rng = np.random.default_rng(1)
    levels = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
    deep = levels.astype(np.uint16) * np.uint16(2**bits // 255)
    done, content = cv2.imencode(".jp2", deep[..., ::-1])
    assert done

    image = decode(content.tobytes())

    assert np.abs(image.stored - levels.astype(int)).max() <= 3


@pytest.mark.parametrize(("mode", "kind"), [("L", np.uint8), ("I;16", np.uint16)])
def test_a_jpeg_2000_of_samples_with_a_sign_is_shown_in_its_window(mode, kind):
    if not features.check("jpg_2000"):
        pytest.skip("NOT TESTED: Pillow without jpg_2000")
    heights = np.tile(np.arange(64), (48, 1)).astype(kind)
    file = io.BytesIO()
    # Pillow takes them for numbers with a sign, all of them positive
    Image.fromarray(heights).save(file, "JPEG2000", signed=True)

    shown = decode(file.getvalue()).stored[..., 0]

    assert (shown[:, 1:62] == np.rint(heights[:, 1:62] / 63 * 255)).all()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "pillow-heif"),
        (b"\xff\x0a" + bytes(40), "pillow-jxl-plugin"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "JPEG XL"),
        (b"\0\0\0\x14ftypqt  " + bytes(40), "video"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"\x1f\x8b\x08" + bytes(9), "gzip"),
    ],
)
def test_a_kind_that_is_not_read_is_named(content, says, monkeypatch):
    # As on a machine without the plugins
    why_not_read.cache_clear()
    monkeypatch.setattr(
        "core.reading.formats._PLUGINS",
        {"HEIF": ("no_module", "pillow-heif"), "JXL": ("no_one", "pillow-jxl-plugin")},
    )
    failure = decode(content)
    why_not_read.cache_clear()

    assert failure.status == "unsupported"
    assert says in failure.reason


@pytest.mark.parametrize(
    ("marker", "bits", "says"),
    [
        (0xC3, 8, "lossless"),
        (0xC7, 8, "hierarchical"),
        (0xC1, 12, "12 bits"),
        (0xF7, 8, "JPEG-LS"),
    ],
)
def test_a_jpeg_of_a_coding_that_is_not_read_is_no_damaged_one(marker, bits, says):
    content = bytearray(encoded("JPEG"))
    at = content.find(b"\xff\xc0")
    content[at + 1], content[at + 4] = marker, bits

    failure = decode(bytes(content))

    assert failure.status == "unsupported"
    assert says in failure.reason


def test_a_jpeg_whose_height_comes_later_is_no_damaged_one():
    content = encoded("JPEG")
    at = content.find(b"\xff\xc0") + 5
    lines = b"\xff\xdc\x00\x04" + content[at : at + 2]

    later = content[:at] + b"\0\0" + content[at + 2 : -2] + lines + content[-2:]

    assert decode(later).status == "unsupported"
    assert decode(later.replace(lines, b"")).status == "corrupt"


def test_a_png_of_apples_own_kind_is_no_damaged_one():
    def chunk(kind, body):
        sums = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + sums

    pixels = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = pixels.compress(bytes(8 * (1 + 8 * 4))) + pixels.flush()
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"\x50\0\x20\x02")
    content += chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 6, 0, 0, 0))
    content += chunk(b"IDAT", packed) + chunk(b"IEND", b"")

    failure = decode(content)

    assert failure.status == "unsupported"
    assert "CgBI" in failure.reason


def test_a_large_jpeg_counts_by_the_pixels_that_are_decoded():
    large = encoded("JPEG", (4000, 3000))

    image = decode(large, max_megapixels=1)

    assert (image.width, image.height) == (4000, 3000)
    assert image.decoded_pixels == image.stored.shape[0] * image.stored.shape[1]
    # Where it is not reduced, or held as a whole first, all count
    assert decode(large, side=2000, max_megapixels=1).status == "too_large"
    progressive = encoded("JPEG", (4000, 3000), progressive=True)
    assert decode(progressive, max_megapixels=1).status == "too_large"
    assert decode(encoded("PNG", (4000, 3000)), max_megapixels=1).status == "too_large"
