import os
import time
import tracemalloc
from hashlib import sha256

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from skimage import data

from core.reading import frames
from core.reading.decode import WHOLE, DecodedImage, decode_image
from core.reading.files import FileContent, ReadFailure, file_identity, read_file
from core.reading.frames import pixel_digest
from core.reading.jpeg_damage import NO_DAMAGE, UNREADABLE_PART, WRONG_CHECKSUM
from core.reading.tiff import read_pages


@pytest.fixture(scope="module")
def photo():
    return Image.fromarray(data.astronaut())


def encoded(picture, tmp_path, name, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path.read_bytes()


def decode(content, side=128):
    return decode_image(content, side=side, max_megapixels=64)


def decode_rgb(content):
    """uint8[height, width, 3], upright, at full size"""
    return decode(content, side=WHOLE).upright()


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tif"]
)
def test_each_format_is_decoded(photo, tmp_path, name):
    image = decode(encoded(photo, tmp_path, name))

    assert isinstance(image, DecodedImage)
    assert (image.width, image.height) == (512, 512)
    assert image.square(128).shape == (128, 128, 3)
    assert image.gray().shape == (256, 256)


def test_the_pixels_of_each_picture_of_a_file_are_digested_once(
    photo, tmp_path, monkeypatch
):
    digested = []

    def counted(rgb):
        digested.append(rgb.shape)
        return pixel_digest(rgb)

    monkeypatch.setattr(frames, "pixel_digest", counted)

    decode(encoded(photo, tmp_path, "one.png"))
    decode(encoded(photo, tmp_path, "two.tif", save_all=True, append_images=[photo]))

    assert digested == [(512, 512, 3)] * 3


def test_the_name_does_not_matter_only_the_content(photo, tmp_path):
    content = encoded(photo, tmp_path, "really.png")

    (tmp_path / "named.jpg").write_bytes(content)
    read = read_file(os.fsencode(tmp_path / "named.jpg"))

    assert isinstance(read, FileContent)
    assert isinstance(decode(read.data), DecodedImage)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_a_cut_off_file_is_truncated_not_half_gray(photo, tmp_path, name, share):
    content = encoded(photo, tmp_path, name)

    failure = decode(content[: int(len(content) * share)])

    assert isinstance(failure, ReadFailure)
    assert failure.status == "truncated"


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_a_png_whose_pixels_are_damaged_is_corrupt(photo, tmp_path, place):
    content = bytearray(encoded(photo.resize((64, 64)), tmp_path, "a.png"))
    content[int(len(content) * place)] ^= 0xFF

    failure = decode(bytes(content))

    assert isinstance(failure, ReadFailure)
    assert failure.status in ("corrupt", "truncated")


def test_a_png_whose_last_comment_is_damaged_is_fine(photo, tmp_path):
    content = encoded(photo, tmp_path, "a.png")
    comment = (4).to_bytes(4, "big") + b"tEXt" + b"a\0bc" + b"none"

    assert isinstance(decode(content[:-12] + comment + content[-12:]), DecodedImage)


def test_each_deflated_strip_that_is_damaged_is_named(photo, tmp_path):
    content = encoded(photo, tmp_path, "a.tif", compression="tiff_adobe_deflate")
    assert decode(content).damage == NO_DAMAGE
    for place in read_pages(content)[0].pieces():
        changed = bytearray(content)
        changed[place.stop - 2000] ^= 1

        image = decode(bytes(changed))

        # libtiff refuses most of them, and shows the others
        assert isinstance(image, ReadFailure) or image.damage == WRONG_CHECKSUM


def test_a_damaged_jpeg_inside_a_tiff_is_named(photo, tmp_path):
    content = encoded(photo, tmp_path, "a.tif", compression="jpeg")
    changed = bytearray(content)
    changed[len(content) // 2 : len(content) // 2 + 200] = bytes(200)

    image = decode(bytes(changed))

    assert image.damage in range(UNREADABLE_PART)
    assert image.picture_digest == sha256(bytes(changed)).digest()


@pytest.mark.parametrize("compression", ["tiff_adobe_deflate", "jpeg"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_whole_tiff_is_not_called_damaged(photo, tmp_path, compression, mode):
    picture = photo.convert(mode).resize((333, 217))
    pages = {"save_all": True, "append_images": [picture.rotate(90)]}
    for options in ({}, {"tiffinfo": {278: 16}}, pages):
        content = encoded(
            picture, tmp_path, "a.tif", compression=compression, **options
        )
        assert decode(content).damage == NO_DAMAGE


def test_a_tiff_whose_lines_are_damaged_is_named_and_nothing_is_printed(
    photo, tmp_path, capfd
):
    fax = photo.convert("1")
    content = encoded(fax, tmp_path, "fax.tif", compression="group4")
    changed = bytearray(content)
    changed[len(content) // 2] ^= 0xFF

    assert decode(content).damage == NO_DAMAGE
    assert decode(bytes(changed)).damage == UNREADABLE_PART
    assert decode(content).damage == NO_DAMAGE
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cut.webp", {}),
        ("cut.webp", {"lossless": True}),
        ("cut.tif", {}),
        ("cut.tif", {"compression": "tiff_lzw"}),
        ("cut.tif", {"compression": "tiff_adobe_deflate"}),
    ],
)
def test_a_cut_off_webp_or_tiff_is_truncated(photo, tmp_path, name, options, share):
    content = encoded(photo, tmp_path, name, **options)

    assert decode(content[: int(len(content) * share)]).status == "truncated"


def test_a_thumbnail_inside_does_not_make_a_cut_off_jpeg_look_whole(photo, tmp_path):
    thumbnail = encoded(photo.resize((32, 32)), tmp_path, "thumb.jpg")
    content = encoded(photo, tmp_path, "photo.jpg")
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with_thumbnail = content[:2] + segment + content[2:]

    assert isinstance(decode(with_thumbnail), DecodedImage)
    assert decode(with_thumbnail[: len(with_thumbnail) // 2]).status == "truncated"


def test_bytes_after_the_end_marker_do_no_harm(photo, tmp_path):
    content = encoded(photo, tmp_path, "motion.jpg") + b"a video appended" * 100

    assert isinstance(decode(content), DecodedImage)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(200, 150), (1600, 1200)])
def test_exif_orientation_turns_the_picture_upright(photo, tmp_path, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = photo.resize(size)
    content = encoded(stored, tmp_path, "turned.jpg", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(tmp_path / "turned.jpg"))

    image = decode(content)

    assert (image.width, image.height) == upright.size
    assert np.array_equal(decode_rgb(content), np.asarray(upright))
    expected = np.asarray(upright.resize((128, 128), Image.BOX), float)
    assert np.abs(image.square(128) - expected).mean() < 4


@pytest.mark.parametrize("size", [(150, 150), (161, 128), (640, 480), (256, 256)])
def test_a_square_holds_the_averages_of_areas_that_opencv_finds(photo, tmp_path, size):
    pixels = np.asarray(photo.resize(size))
    content = encoded(Image.fromarray(pixels), tmp_path, "a.png")

    found = decode(content).square(128)

    expected = cv2.resize(pixels, (128, 128), interpolation=cv2.INTER_AREA)
    differences = np.abs(found.astype(int) - expected)
    # Equal where sums round alike; a compiler may fuse those of one kind
    assert differences.max() <= 1
    assert (differences > 0).mean() < 0.001


@pytest.mark.parametrize(
    ("size", "decoded"),
    [
        ((640, 480), (320, 240)),
        ((960, 1280), (240, 320)),
        ((640, 478), (640, 478)),
        ((480, 480), (480, 480)),
    ],
)
def test_a_jpeg_is_reduced_where_enough_is_left(photo, tmp_path, size, decoded):
    image = decode(encoded(photo.resize(size), tmp_path, "a.jpg"))

    assert image.stored.shape[1::-1] == decoded
    assert (image.width, image.height) == size


@pytest.mark.parametrize(
    ("size", "decoded"),
    [
        ((400, 300), (200, 150)),
        ((398, 300), (398, 300)),
        ((90, 1600), (12, 200)),
        ((160, 100), (160, 100)),
    ],
)
def test_a_page_is_reduced_where_a_quarter_more_is_left(photo, tmp_path, size, decoded):
    content = encoded(photo.resize(size), tmp_path, "a.jpg")

    image = decode_image(content, side=160, max_megapixels=64, as_page=True)

    assert image.stored.shape[1::-1] == decoded


def test_a_lossless_copy_in_another_container_has_the_same_picture_digest(
    photo, tmp_path
):
    jpeg = encoded(photo.resize((150, 150)), tmp_path, "a.jpg")
    png = encoded(Image.open(tmp_path / "a.jpg"), tmp_path, "a.png")

    assert decode(jpeg).picture_digest == decode(png).picture_digest
    assert decode(jpeg).is_pixel_digest


def test_metadata_does_not_change_the_digest_of_a_large_jpeg(photo, tmp_path):
    large = photo.resize((1600, 1600))
    plain = encoded(large, tmp_path, "a.jpg")
    commented = encoded(large, tmp_path, "b.jpg", comment=b"seen in Rome")
    other = encoded(large, tmp_path, "c.jpg", quality=60)

    assert not decode(plain).is_pixel_digest
    assert decode(plain).picture_digest == decode(commented).picture_digest
    assert decode(plain).picture_digest != decode(other).picture_digest


def test_one_color_in_two_shapes_is_not_the_same_picture(tmp_path):
    wide = encoded(Image.new("RGB", (20, 10), "red"), tmp_path, "wide.png")
    tall = encoded(Image.new("RGB", (10, 20), "red"), tmp_path, "tall.png")

    assert decode(wide).picture_digest != decode(tall).picture_digest


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_each_mode_becomes_rgb(photo, tmp_path, mode):
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(photo.convert("L"), np.uint16) * 257)
    else:
        picture = photo.convert(mode)
    name = {"CMYK": "a.jpg", "F": "a.tif"}.get(mode, "a.png")

    pixels = decode(encoded(picture, tmp_path, name)).square(128)

    # Upright gray values survive each mode, roughly
    expected = np.asarray(photo.convert("L").resize((128, 128), Image.BOX), float)
    assert np.corrcoef(pixels.mean(axis=2).ravel(), expected.ravel())[0, 1] > 0.9


def test_what_is_transparent_is_white_whatever_color_it_hides(tmp_path):
    hidden = Image.new("RGBA", (64, 64), (255, 0, 0, 0))

    pixels = decode(encoded(hidden, tmp_path, "clear.png")).square(128)

    assert (pixels == 255).all()


def test_two_16_bit_pictures_that_look_alike_are_not_the_same(tmp_path):
    values = np.full((64, 64), 1000, np.uint16)
    one = encoded(Image.fromarray(values), tmp_path, "one.png")
    other = encoded(Image.fromarray(values + 1), tmp_path, "other.png")

    assert decode(one).picture_digest != decode(other).picture_digest


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_no_number_is_no_data_unless_all_are(bad, tmp_path):
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[3, 5] = bad
    holed = decode_rgb(encoded(Image.fromarray(values), tmp_path, "a.tif"))
    nothing = encoded(Image.fromarray(np.full_like(values, bad)), tmp_path, "b.tif")

    assert holed[3, 5].tolist() == [0, 0, 0]
    assert holed[-1, -1].tolist() == [255, 255, 255]
    assert decode(nothing).status == "nonfinite"


def test_a_large_transparent_picture_is_laid_on_white_everywhere(photo, tmp_path):
    picture = photo.resize((1100, 700)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    white = Image.new("RGBA", picture.size, "white")
    expected = np.asarray(Image.alpha_composite(white, picture).convert("RGB"), int)

    pixels = decode_rgb(encoded(picture, tmp_path, "a.png"))

    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize("byte_order", ["<u2", ">u2"])
def test_16_bits_are_rounded_to_8(tmp_path, byte_order):
    values = np.arange(65536, dtype=np.uint16).reshape(64, 1024)
    picture = Image.fromarray(values.astype(byte_order))

    content = encoded(picture, tmp_path, "a.tif")

    pixels = decode_rgb(content)[..., 0]
    assert np.array_equal(pixels, (values.astype(int) + 128) // 257)
    assert decode(content).is_pixel_digest


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "F"])
def test_a_large_picture_takes_a_few_bytes_a_pixel(tmp_path, mode):
    side = 2000
    ramp = np.arange(side * side).reshape(side, side)
    if mode in ("RGB", "RGBA"):
        picture = Image.fromarray(ramp.astype(np.uint8)).convert(mode)
    else:
        picture = Image.fromarray(ramp.astype({"I;16": "u2", "F": "f4"}[mode]))
    if mode == "RGBA":
        picture.putalpha(128)
    content = encoded(picture, tmp_path, "a.tif")

    tracemalloc.start()
    assert isinstance(decode(content), DecodedImage)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Three are the result; 16 bits and floats are needed beside it for the
    # digest, and Pillow hands them out in two copies. It was 36.
    assert peak < 12 * side * side


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"x", "unsupported"),
        (b"just a text", "unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "unsupported"),
        (b"\xff\xd8\xff\xe0", "truncated"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "corrupt"),
    ],
)
def test_what_is_no_image_says_why(content, status):
    failure = decode(content)

    assert isinstance(failure, ReadFailure)
    assert failure.status == status
    assert failure.reason


def test_a_small_file_that_would_become_a_giant_picture_is_refused(tmp_path):
    bomb = encoded(Image.new("L", (9000, 9000)), tmp_path, "bomb.png")

    started = time.perf_counter()
    failure = decode(bomb)

    assert failure.status == "too_large"
    assert "max_megapixels" in failure.reason
    assert time.perf_counter() - started < 1


def test_a_very_long_strip_is_an_image(tmp_path):
    strip = encoded(Image.new("L", (60_000, 1)), tmp_path, "strip.png")

    assert decode(strip).square(128).shape == (128, 128, 3)
    assert decode(strip).gray().shape == (1, 256)


def test_a_pipe_a_folder_and_a_device_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")

    started = time.perf_counter()
    for path in (tmp_path / "pipe.jpg", tmp_path, "/dev/zero"):
        assert read_file(os.fsencode(path)).status == "not_regular"

    assert time.perf_counter() - started < 1


def test_a_missing_file_and_a_dangling_link_are_missing(tmp_path):
    (tmp_path / "link.jpg").symlink_to(tmp_path / "nothing.jpg")

    for name in ("nothing.jpg", "link.jpg"):
        path = os.fsencode(tmp_path / name)
        assert read_file(path).status == "missing"
        assert file_identity(path).status == "missing"


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "empty.jpg").touch()

    assert read_file(os.fsencode(tmp_path / "empty.jpg")).status == "empty"


def test_a_file_that_changes_gets_another_identity(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    before = file_identity(os.fsencode(path))
    times = path.stat()

    path.write_bytes(b"two")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    # Same name, size and modification time: only the inode's own time tells
    assert file_identity(os.fsencode(path)).key != before.key


def test_a_small_picture_is_enlarged_more_sharply_for_a_network(tmp_path):
    edge = np.zeros((32, 32, 3), np.uint8)
    edge[:, 16:] = 200
    image = decode(encoded(Image.fromarray(edge), tmp_path, "edge.png"))

    compared, embedded = image.square(128), image.square_for_model(128)

    rows = [one[64, :, 0].astype(int) for one in (compared, embedded)]
    assert np.diff(rows[1]).max() > np.diff(rows[0]).max()
    # Nothing is enlarged where there are pixels enough
    assert not image.is_enlarged(32)
    np.testing.assert_array_equal(image.square_for_model(32), image.square(32))
