"""Read from the markers alone: some releases of OpenCV pad what is cut off."""

import io
import struct

import pytest
from PIL import Image

from core.reading.decode import decode_image
from core.reading.jpeg import coded_content, is_complete, read_header


@pytest.fixture(scope="module", params=[False, True], ids=["baseline", "progressive"])
def jpeg(request, draw):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    draw(1, 200).save(buffer, "JPEG", progressive=request.param, exif=exif)
    return buffer.getvalue()


def test_the_header_tells_size_components_and_orientation(jpeg):
    header = read_header(jpeg)

    assert (header.width, header.height, header.components) == (200, 200, 3)
    assert header.orientation == 6


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_cut_off_file_is_not_complete(jpeg, share):
    cut = jpeg[: int(len(jpeg) * share)]
    header = read_header(cut)

    assert header is None or not is_complete(cut, header)
    assert is_complete(jpeg, read_header(jpeg))


def test_the_end_of_a_thumbnail_is_not_the_end_and_what_follows_the_end_is_nothing(
    jpeg,
):
    with_thumbnail = jpeg[:2] + b"\xff\xe1\0\4\xff\xd9" + jpeg[2:]
    cut, longer = with_thumbnail[:-2], with_thumbnail + bytes(100)

    assert not is_complete(cut, read_header(cut))
    assert is_complete(longer, read_header(longer))


def test_metadata_is_no_part_of_the_coded_content_but_orientation_is(jpeg):
    commented = jpeg[:2] + b"\xff\xfe\0\4hi" + jpeg[2:]
    turned = jpeg.replace(
        b"\x12\x01\x03\x00\x01\x00\x00\x00\x06", b"\x12\x01\x03\x00\x01\x00\x00\x00\x03"
    )
    turned = turned.replace(
        b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06",
        b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03",
    )

    own = coded_content(jpeg, read_header(jpeg))
    assert coded_content(commented, read_header(commented)) == own
    assert read_header(turned).orientation == 3
    assert coded_content(turned, read_header(turned)) != own


@pytest.mark.parametrize(
    "junk", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\0\4\0\0", b"\xff\xd8" + bytes(50)]
)
def test_junk_has_no_header(junk):
    assert read_header(junk) is None


def exif_of(*entries, order="<"):
    """An Exif segment of some (tag, type, value)."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = head + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, value in entries:
        field = struct.pack(order + {3: "H2x", 4: "I"}[kind], value)
        body += struct.pack(order + "HHI", tag, kind, 1) + field
    body = b"Exif\0\0" + body + bytes(4)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


@pytest.mark.parametrize(
    "segments",
    [
        [exif_of((0x0112, 3, 6))],
        [exif_of((0x0112, 4, 6))],
        [exif_of((0x0112, 4, 6), order=">")],
        [exif_of((0x0112, 3, 6)), exif_of((0x0128, 3, 2))],
        [exif_of((0x0112, 3, 6)), exif_of((0x0112, 3, 8))],
        [exif_of((0x0128, 3, 2))],
        [],
    ],
)
def test_the_orientation_is_that_of_pillow_however_it_is_written(segments):
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, "JPEG")
    data = file.getvalue()
    data = data[:2] + b"".join(segments) + data[2:]

    orientation = Image.open(io.BytesIO(data)).getexif().get(0x0112, 1)

    assert read_header(data).orientation == orientation


@pytest.mark.parametrize(
    ("later", "count"),
    [
        ([(80, 60)], 2),
        ([(80, 60), (80, 60)], 3),
        # A thumbnail, or a map of brightness at a quarter of the size
        ([(40, 30)], 1),
        ([(80, 60), (40, 30)], 2),
    ],
)
def test_later_pictures_of_no_type_count_if_they_are_as_large(later, count):
    sides = [(80, 60), *later]
    first, *others = (Image.effect_noise(size, 40).convert("RGB") for size in sides)
    file = io.BytesIO()
    first.save(file, "MPO", save_all=True, append_images=others)

    image = decode_image(file.getvalue(), side=128, max_megapixels=64)

    assert image.picture_count == count


def test_a_map_of_brightness_is_no_picture_whatever_its_size():
    first, gain = (Image.effect_noise((80, 60), 40).convert("RGB") for _ in range(2))
    file, words = io.BytesIO(), {"comment": b'hdrgm:Version="1.0"'}
    gain.encoderinfo = words
    first.save(file, "MPO", save_all=True, append_images=[gain])
    data = file.getvalue()
    assert data.count(b"hdrgm") == 1

    image = decode_image(data, side=128, max_megapixels=64)

    assert image.picture_count == 1
