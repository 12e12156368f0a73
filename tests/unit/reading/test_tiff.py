import io
import struct
from hashlib import sha256

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.reading.decode import DecodedImage, decode_image
from core.reading.jpeg_damage import NO_DAMAGE
from core.reading.tiff import read_pages, read_samples


def decode(content):
    return decode_image(content, side=64, max_megapixels=64)


def written(samples, **options):
    file = io.BytesIO()
    options = {"photometric": "minisblack", "metadata": None, **options}
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def packed(values, bits):
    """An uncompressed TIFF of one band whose samples fill no whole bytes."""
    height, width = values.shape
    digits = values[..., None] >> np.arange(bits)[::-1] & 1
    rows = np.packbits(digits.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (277, 1)]
    tags += [(273, 8 + 2 + 9 * 12 + 4), (278, height), (279, len(rows))]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in sorted(tags))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + entries + bytes(4) + rows


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"compression": "deflate", "predictor": True, "rowsperstrip": 7},
        {"tile": (16, 32), "compression": "deflate", "predictor": True},
        {"tile": (32, 16)},
    ],
)
@pytest.mark.parametrize("dtype", ["i1", "u2", "i2", "u4", "i4", "u8", "f8"])
def test_samples_of_each_type_and_layout_are_read_as_they_are(
    order, big, layout, dtype
):
    rng = np.random.default_rng(1)
    samples = rng.integers(0, 100, (37, 41, 3)).astype(dtype)
    if dtype[1] == "8" and "predictor" in layout:
        layout = {"tile": (16, 32), "compression": "deflate"}
    options = {"bigtiff": big, "byteorder": order, "photometric": "rgb"}
    content = written(samples, **options, **layout)

    read = read_samples(content, read_pages(content)[0])

    assert read.dtype == np.dtype(dtype)
    assert np.array_equal(read, samples)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_samples_that_fill_no_whole_bytes_are_read(bits):
    values = np.arange(35 * 6).reshape(6, 35) * 2**bits // 210
    content = packed(values, bits)

    read = read_samples(content, read_pages(content)[0])

    assert np.array_equal(read[..., 0], values)
    image = decode(content)
    assert np.abs(image.stored[..., 0] - values / (2**bits - 1) * 255).max() <= 0.5


@pytest.mark.parametrize(
    ("shape", "dtype", "options", "says"),
    [
        ((20, 30, 5), "f4", {}, "5 bands of 32-bit float"),
        ((20, 30, 12), "u2", {}, "12 bands of 16-bit integer"),
        ((20, 30), "c8", {}, "one band of 64-bit complex"),
    ],
)
def test_a_whole_file_that_is_not_read_says_what_it_is(shape, dtype, options, says):
    planes = {"planarconfig": "contig"} if len(shape) == 3 else {}
    failure = decode(written(np.zeros(shape, dtype), **planes, **options))

    assert (failure.status, failure.reason) == ("unsupported", says)


@pytest.mark.parametrize(
    ("tag", "value", "says"),
    [
        (259, 34712, "3 bands of 8-bit integer, compression 34712"),
        (259, 34934, "3 bands of 8-bit integer, compression 34934"),
        (262, 9, "3 bands of 8-bit integer (CIELAB)"),
    ],
)
def test_a_compression_or_color_that_no_decoder_knows_is_no_damage(tag, value, says):
    content = written(np.zeros((20, 30, 3), "u1"), photometric="rgb")
    entry = struct.pack("<HHI", tag, 3, 1)
    place = content.index(entry) + len(entry)
    content = content[:place] + struct.pack("<H", value) + content[place + 2 :]

    failure = decode(content)

    assert (failure.status, failure.reason) == ("unsupported", says)


def test_of_four_bands_the_first_three_are_shown():
    rng = np.random.default_rng(1)
    bands = rng.integers(0, 4096, (20, 30, 4)).astype(np.uint16)
    options = {"photometric": "rgb", "extrasamples": ["unspecified"]}

    shown = decode(written(bands, **options)).stored

    assert np.abs(shown - bands[..., :3] / 4095 * 255).max() <= 0.5


def test_what_is_transparent_in_16_bits_is_white():
    bands = np.zeros((20, 30, 4), np.uint16)
    bands[:10, :, 3] = 65535
    content = written(bands, photometric="rgb", extrasamples=["unassalpha"])

    shown = decode(content).stored

    assert (shown[:10] == 0).all() and (shown[10:] == 255).all()


def test_nodata_of_gdal_is_left_out():
    heights = np.linspace(100, 900, 600, dtype=np.float32).reshape(20, 30)
    heights[:5, :5] = 12345
    content = written(heights, extratags=[(42113, "s", 0, "12345", True)])

    shown = decode(content).stored

    assert (shown[:5, :5] == 0).all() and shown[-1, -1, 0] == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_page_is_turned_upright_whatever_its_depth(orientation, dtype):
    ramp = (np.arange(600).reshape(20, 30) % 256).astype(dtype)
    tag = (274, "H", 1, orientation, True)
    plain = Image.fromarray(ramp.astype(np.uint8))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = orientation
    plain.save(file, "PNG", exif=exif)
    expected = decode(file.getvalue()).upright()

    image = decode(written(ramp, extratags=[tag]))

    assert np.array_equal(image.upright(), expected)
    assert (image.height, image.width) == expected.shape[:2]


def test_pages_are_counted_but_for_smaller_versions():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for side, kind in ((64, 0), (64, 0), (32, 1), (16, 1)):
            samples = np.zeros((side, side), np.uint8)
            writer.write(samples, photometric="minisblack", subfiletype=kind)

    assert decode(file.getvalue()).picture_count == 2


def test_directories_that_point_at_each_other_end():
    content = bytearray(written(np.zeros((8, 8), np.uint16)))
    (at,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, at)
    struct.pack_into("<I", content, at + 2 + 12 * count, at)

    assert len(read_pages(bytes(content))) == 1
    assert isinstance(decode(bytes(content)), DecodedImage)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_a_cut_off_deep_tiff_is_truncated(share, dtype):
    rng = np.random.default_rng(1)
    content = written(
        rng.integers(0, 999, (40, 50, 3)).astype(dtype), photometric="rgb"
    )

    assert decode(content[: int(len(content) * share)]).status == "truncated"


def test_a_bomb_of_deep_samples_is_refused_from_its_directory():
    file = io.BytesIO()
    zeros = np.zeros((9000, 9000), np.uint16)
    tifffile.imwrite(file, zeros, compression="deflate", photometric="minisblack")

    assert decode(file.getvalue()).status == "too_large"


def test_a_damaged_fax_is_equal_to_nothing_but_its_own_bytes():
    drawn = np.random.default_rng(3).random((60, 80)) < 0.1
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, "TIFF", compression="group4")
    whole = file.getvalue()
    damaged = whole[:40] + bytes(60) + whole[100:]

    image = decode(damaged)

    assert decode(whole).damage == NO_DAMAGE != image.damage
    assert image.picture_digest == image.first_digest == sha256(damaged).digest()
