"""Two files have one picture digest only if all that they show is equal."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.reading.decode import WHOLE, DecodedImage, decode_image

SHAPE = 12, 17
"""Height and width."""


def digest(data):
    image = decode_image(data, side=WHOLE, max_megapixels=64)
    assert isinstance(image, DecodedImage), image
    return image.picture_digest


def by_pillow(suffix, mode=None, **options):
    def write(frames):
        pictures = [Image.fromarray(frame, mode) for frame in frames]
        file = io.BytesIO()
        several = {}
        if len(frames) > 1:
            several = {"save_all": True, "append_images": pictures[1:]}
            if suffix != "TIFF":
                several |= {"duration": 200, "loop": 0}
        pictures[0].save(file, suffix, **options, **several)
        return file.getvalue()

    return write


def by_tifffile(photometric="minisblack", big=False, **options):
    def write(frames):
        file = io.BytesIO()
        with tifffile.TiffWriter(file, bigtiff=big, byteorder="<>"[big]) as writer:
            for frame in frames:
                writer.write(frame, photometric=photometric, metadata=None, **options)
        return file.getvalue()

    return write


def by_planes(frames):
    """Writes each band by itself."""
    write = by_tifffile("rgb", planarconfig="separate", compression="deflate")
    return write([np.ascontiguousarray(frame.transpose(2, 0, 1)) for frame in frames])


def chunk(kind, body):
    sums = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + sums


def png_of_16_bits(color_type):
    """A writer of what Pillow cannot write."""

    def write(frames):
        (samples,) = frames
        height, width = samples.shape[:2]
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
        head = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
        body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body

    return write


LZW = {"compression": "tiff_lzw"}
LOSSLESS = {"lossless": True, "exact": True}
RGB = {"photometric": "rgb"}
ALPHA = RGB | {"extrasamples": ["unassalpha"]}
TILED = {"tile": (16, 16), "compression": "deflate", "predictor": True}
# Bands, number type, and writers without loss: of one picture, and of several
KINDS = {
    "gray": (
        1,
        "u1",
        [
            by_pillow("PNG"),
            by_pillow("TIFF", **LZW),
            by_pillow("BMP"),
            by_pillow("GIF"),
            by_pillow("JPEG2000"),
            by_tifffile(big=True),
        ],
        [by_pillow("TIFF", **LZW), by_tifffile(big=True), by_tifffile()],
    ),
    "rgb": (
        3,
        "u1",
        [
            by_pillow("PNG"),
            by_pillow("TIFF"),
            by_pillow("BMP"),
            by_pillow("WEBP", **LOSSLESS),
            by_pillow("JPEG2000"),
        ],
        [by_pillow("PNG"), by_pillow("WEBP", **LOSSLESS)],
    ),
    "rgb pages": (
        3,
        "u1",
        [by_pillow("TIFF")],
        [by_pillow("TIFF", **LZW), by_tifffile(**RGB)],
    ),
    "rgba": (
        4,
        "u1",
        [
            by_pillow("PNG"),
            by_pillow("WEBP", **LOSSLESS),
            by_pillow("TIFF", **LZW),
            by_tifffile(**ALPHA),
        ],
        [],
    ),
    "cmyk": (
        4,
        "u1",
        [by_pillow("TIFF", "CMYK"), by_pillow("TIFF", "CMYK", **LZW)],
        [],
    ),
    "lab": (3, "u1", [by_pillow("TIFF", "LAB"), by_pillow("TIFF", "LAB", **LZW)], []),
    "four bands": (
        4,
        "u1",
        [
            by_tifffile(**RGB, extrasamples=["unspecified"]),
            by_tifffile(**RGB, extrasamples=["unspecified"], compression="deflate"),
        ],
        [],
    ),
    "gray 16": (
        1,
        "u2",
        [by_pillow("PNG"), by_pillow("TIFF", **LZW), by_tifffile(big=True, **TILED)],
        [by_tifffile(), by_tifffile(big=True, **TILED)],
    ),
    "rgb 16": (
        3,
        "u2",
        [
            png_of_16_bits(2),
            by_tifffile(**RGB),
            by_tifffile(big=True, **RGB, **TILED),
            by_planes,
        ],
        [by_tifffile(**RGB), by_planes],
    ),
    "rgba 16": (
        4,
        "u2",
        [png_of_16_bits(6), by_tifffile(**ALPHA), by_tifffile(big=True, **ALPHA)],
        [],
    ),
    "signed": (1, "i2", [by_tifffile(), by_tifffile(big=True, **TILED)], []),
    "signed 8": (1, "i1", [by_tifffile(), by_tifffile(big=True)], []),
    "32 bits": (1, "u4", [by_tifffile(), by_tifffile(big=True, **TILED)], []),
    "float": (
        1,
        "f4",
        [
            by_pillow("TIFF"),
            by_pillow("TIFF", **LZW),
            by_pillow("TIFF", compression="tiff_adobe_deflate", tiffinfo={317: 3}),
            by_tifffile(big=True),
        ],
        [by_tifffile(), by_tifffile(big=True)],
    ),
    "float rgb": (3, "f4", [by_tifffile(**RGB), by_tifffile(big=True, **RGB)], []),
    "double": (1, "f8", [by_tifffile(), by_tifffile(big=True)], []),
}


def drawn(kind, count, seed):
    bands, dtype, _, _ = KINDS[kind]
    rng = np.random.default_rng(seed)
    shape = (count, *SHAPE) if bands == 1 else (count, *SHAPE, bands)
    if dtype[0] == "f":
        return list((rng.random(shape) * 3 - 1).astype(dtype))
    # 12 bits in 16, and as many as there are in the others
    least, most = (0, 4095) if dtype == "u2" else (0, np.iinfo(dtype).max)
    if dtype[0] == "i":
        least = np.iinfo(dtype).min
    return list(rng.integers(least, most, shape, dtype, endpoint=True))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_the_same_content_in_other_containers_is_equal_and_one_bit_more_is_not(
    kind, data
):
    _, dtype, of_one, of_several = KINDS[kind]
    count = data.draw(st.integers(2, 4)) if of_several else 1
    count = data.draw(st.sampled_from([1, count]))
    frames = drawn(kind, count, data.draw(st.integers(0, 2**32 - 1)))
    writers = of_one if count == 1 else of_several
    digests = {digest(write(frames)) for write in writers}

    assert len(digests) == 1

    changed = [frame.copy() for frame in frames]
    number = data.draw(st.integers(0, count - 1))
    place = data.draw(st.integers(0, changed[number].size - 1))
    if kind.startswith("rgba") and place % 4 < 3:
        # The color of what is transparent is not shown
        changed[number].reshape(-1)[place // 4 * 4 + 3] |= 1
        frames[number].reshape(-1)[place // 4 * 4 + 3] |= 1
        digests = {digest(write(frames)) for write in writers}
    bits = changed[number].view(f"u{np.dtype(dtype).itemsize}").reshape(-1)
    bits[place] ^= 1

    assert not digests & {digest(write(changed)) for write in writers}


@pytest.mark.parametrize("kind", [name for name in KINDS if KINDS[name][3]])
@settings(max_examples=5, deadline=None)
@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_a_picture_more_or_less_or_in_another_order_is_not_equal(kind, count, seed):
    frames = drawn(kind, count, seed)
    _, _, of_one, of_several = KINDS[kind]

    for write in of_several:
        whole = digest(write(frames))
        assert whole != digest(write(frames[::-1]))
        for write_less in of_one if count == 2 else of_several:
            assert whole != digest(write_less(frames[:-1]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gray", "gray 16"),
        ("gray 16", "signed"),
        ("rgb", "rgb 16"),
        ("float", "double"),
        ("cmyk", "four bands"),
        ("rgba", "rgba 16"),
    ],
)
def test_equal_numbers_of_another_depth_or_meaning_are_not_equal(one, other):
    frames = drawn(one, 1, 1)
    as_other = [frame.astype(KINDS[other][1]) for frame in frames]

    for write in KINDS[one][2]:
        for write_other in KINDS[other][2]:
            assert digest(write(frames)) != digest(write_other(as_other))


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("PNG", {}), ("TIFF", {}), ("WEBP", LOSSLESS), ("JPEG", {}), ("AVIF", {})],
)
@pytest.mark.parametrize("orientation", range(2, 9))
def test_another_orientation_or_profile_is_not_equal(suffix, options, orientation):
    picture = Image.fromarray(drawn("rgb", 1, 3)[0])

    def written(**more):
        file = io.BytesIO()
        picture.save(file, suffix, **options, **more)
        return file.getvalue()

    exif = Image.Exif()
    exif[0x0112] = orientation
    assert digest(written()) != digest(written(exif=exif))
    assert digest(written()) == digest(written(exif=Image.Exif()))
    profiles = [b"a profile of this scanner" + bytes([number]) for number in (0, 1)]
    of_these = {digest(written(icc_profile=profile)) for profile in profiles}
    assert len(of_these | {digest(written())}) == 3


@pytest.mark.parametrize("side", [16, 1600])
def test_profile_and_later_pictures_of_a_jpeg_count_whatever_its_size(side):
    # A large one is not decoded whole: its digest is that of the coded data
    picture = Image.effect_noise((side, side), 40).convert("RGB")
    other = Image.effect_noise((side, side), 40).convert("RGB")

    def written(form, **options):
        file = io.BytesIO()
        picture.save(file, form, **options)
        image = decode_image(file.getvalue(), side=128, max_megapixels=64)
        return image.picture_digest, image.first_digest

    def with_more(more):
        file = io.BytesIO()
        picture.save(file, "JPEG")
        image = decode_image(file.getvalue() + more, side=WHOLE, max_megapixels=64)
        return image.picture_digest, image.picture_count

    views = [
        written("JPEG"),
        written("JPEG", icc_profile=b"one"),
        written("JPEG", icc_profile=b"two"),
        written("MPO", save_all=True, append_images=[other]),
        written("MPO", save_all=True, append_images=[picture]),
    ]
    assert len({picture for picture, _ in views}) == len(views)
    assert written("JPEG", comment=b"seen in Rome") == views[0]
    # A motion photo: a video behind the picture
    video = b"\0\0\0\x18ftypmp42" + bytes(200)
    assert with_more(b"") == with_more(bytes(64))
    assert with_more(video)[0] != with_more(b"")[0]
    # No default selection takes a file of which only the first picture was compared
    assert with_more(video)[1] == 2


@pytest.mark.parametrize("suffix", ["GIF", "PNG", "WEBP"])
def test_frames_that_are_shown_for_longer_or_fewer_times_are_not_equal(suffix):
    frames = [Image.fromarray(frame) for frame in drawn("gray", 3, 5)]

    def written(**options):
        file = io.BytesIO()
        options = {"duration": 200, "loop": 0, "lossless": True, **options}
        frames[0].save(file, suffix, save_all=True, append_images=frames[1:], **options)
        return digest(file.getvalue())

    assert written() == written()
    assert len({written(), written(duration=[200, 210, 200]), written(loop=2)}) == 3


def test_samples_that_a_decoder_would_drop_are_never_called_equal(monkeypatch):
    """An AVIF or JPEG 2000 of more than 8 bits is equal to its own bytes only."""
    picture = Image.fromarray(drawn("rgb", 1, 1)[0])
    file = io.BytesIO()
    picture.save(file, "JPEG2000")
    data = file.getvalue()
    at = data.find(b"\xff\x4f\xff\x51")
    assert data[at + 42] == 7
    deeper = data[: at + 42] + b"\x09" + data[at + 43 :]

    one, other = (
        decode_image(deeper + end, side=128, max_megapixels=64) for end in (b"", b"x")
    )
    if isinstance(one, DecodedImage):
        assert one.first_digest == other.first_digest
        assert one.picture_digest != other.picture_digest


def test_whether_the_inks_of_a_jpeg_are_inverted_counts():
    file = io.BytesIO()
    Image.fromarray(drawn("cmyk", 1, 1)[0], "CMYK").save(file, "JPEG")
    data = file.getvalue()
    at = data.index(b"\xff\xee\x00\x0eAdobe")

    assert digest(data) != digest(data[:at] + data[at + 16 :])


def test_a_clear_color_and_a_color_space_of_a_png_count():
    samples = drawn("gray 16", 1, 1)
    plain = png_of_16_bits(0)(samples)

    def with_chunk(kind, body):
        return plain[:33] + chunk(kind, body) + plain[33:]

    clear = samples[0][0, 0].astype(">u2").tobytes()
    usual = struct.pack(">I", 45455)
    assert digest(with_chunk(b"tRNS", clear)) != digest(plain)
    assert digest(with_chunk(b"gAMA", struct.pack(">I", 100_000))) != digest(plain)
    assert digest(with_chunk(b"cICP", bytes((9, 16, 0, 1)))) != digest(plain)
    assert digest(with_chunk(b"gAMA", usual)) == digest(plain)


def test_a_stack_of_which_one_directory_tells_counts_all_its_pictures():
    # As ImageJ writes large ones: the pictures follow the first, without directories
    rng = np.random.default_rng(5)
    stack = rng.integers(0, 4000, (7, *SHAPE)).astype(np.uint16)
    description = "ImageJ=1.53t\nimages=7\nslices=7\nunit=pixel\n"
    first = by_tifffile(description=description)([stack[0]])
    other = stack.copy()
    other[6, 3, 4] ^= 1

    one, two = first + stack[1:].tobytes(), first + other[1:].tobytes()

    assert digest(one) != digest(two)
    assert decode_image(one, side=WHOLE, max_megapixels=64).picture_count == 7


def test_all_16_bits_of_a_palette_count():
    rng = np.random.default_rng(6)
    numbers = rng.integers(0, 256, SHAPE, np.uint8)
    colors = (rng.integers(0, 256, (3, 256)) * 256).astype(np.uint16)
    finer = colors.copy()
    finer[0, numbers[0, 0]] += 1

    files = [
        by_tifffile("palette", colormap=one)([numbers])
        for one in (colors, colors + colors // 256, finer)
    ]

    assert digest(files[0]) == digest(files[1])
    assert digest(files[0]) != digest(files[2])
