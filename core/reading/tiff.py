"""TIFF pages as they are: any number of bits, signed, floats, several bands.

Pillow shows 8 bits of three bands of them, and refuses what it has no mode for.
Here the samples themselves are read: libtiff, inside Pillow, unpacks each strip
or tile as if it held plain bytes, and what the bytes mean is applied to them
(TIFF 6.0; BigTIFF has the same directories with larger numbers).
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_FILL_ORDER, _STRIPS, _ORIENTATION, _BANDS = 266, 273, 274, 277
_ROWS_A_STRIP, _STRIP_SIZES, _LARGEST, _PLANAR = 278, 279, 281, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 317, 322, 323, 324, 325
_SUBFILE, _SUB_DIRECTORIES, _EXTRA, _SAMPLE_FORMAT = 254, 330, 338, 339
_DESCRIPTION, _COLOR_MAP, _DEPTH, _GDAL_NODATA = 270, 320, 32997, 42113
_JPEG_TABLES = 347
_COLOR_TAGS = (301, 318, 319, 532, 34675)
"""Transfer function, white point, primaries, reference levels, ICC profile."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_LOSSLESS = {1, 5, 8, 32773, 32946, 34925, 50000}
"""None, LZW, deflate (both numbers), PackBits, LZMA, Zstandard."""

_NEVER_DECODED = {9, 10, 32766, 32895, 32908, 32909, 33003, 33004, 33005, 34661, 34712}
_NEVER_DECODED |= {34713, 34715, 34887, 34892, 34926, 34927, 34933, 34934, 50002, 52546}
"""Registered compressions that Pillow's libtiff does not decode: JBIG, JPEG 2000 ..."""
_WEBP = 50001

_NEVER_SHOWN = {4, 9, 10, 32803, 32844, 32845, 34892, 51177}
"""Registered photometric interpretations that Pillow does not know: ICC L*a*b* ..."""

_STACK = re.compile(rb"ImageJ=.*?\nimages=(\d{1,9})\s", re.DOTALL)

_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}
_NUMBERS |= {13: "I", 16: "Q", 17: "q", 18: "Q"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {13: 4, 16: 8, 17: 8, 18: 8}
_MOST_PAGES = 65_536
_MOST_PADDING = 4
_LARGE_TILE = 2**24
"""Pixels: tiles may reach beyond the picture, but not for gigabytes."""

_ALPHA = (1, 2)
_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}


class UnsupportedTiffError(ValueError):
    """A page that is whole and is not read; the text says what it is."""


@dataclass(frozen=True, eq=False)
class Page:
    """One directory of a TIFF.

    Attributes:
        order: "<" or ">", of the numbers
        big: it is of a BigTIFF
        tags: numbers or bytes by tag
    """

    order: str
    big: bool
    tags: dict[int, tuple[Any, ...] | bytes]

    def number(self, tag: int, default: int) -> int:
        values = self.tags.get(tag)
        return int(values[0]) if values else default

    def numbers(self, tag: int) -> tuple[Any, ...]:
        return tuple(self.tags.get(tag, ()))

    @property
    def width(self) -> int:
        return self.number(_WIDTH, 0)

    @property
    def height(self) -> int:
        return self.number(_HEIGHT, 0)

    @property
    def bands(self) -> int:
        return self.number(_BANDS, 1)

    @property
    def orientation(self) -> int:
        value = self.number(_ORIENTATION, 1)
        return value if value in range(1, 9) else 1

    @property
    def bits(self) -> int:
        return self.number(_BITS, 1)

    @property
    def compression(self) -> int:
        return self.number(_COMPRESSION, 1)

    @property
    def jpeg_tables(self) -> bytes:
        """A JPEG without a picture, with the tables of all strips or tiles."""
        return bytes(self.tags.get(_JPEG_TABLES, b""))

    @property
    def bits_in_use(self) -> int | None:
        """As ``MaxSampleValue`` says, or where samples are not whole bytes."""
        largest = self.number(_LARGEST, 0)
        if self.bits % 8:
            return self.bits
        return largest.bit_length() if largest else None

    @property
    def fill(self) -> float | None:
        """What GDAL_NODATA says."""
        text = self.tags.get(_GDAL_NODATA, b"")
        try:
            value = float(bytes(text).strip(b"\0 "))
        except (ValueError, TypeError):
            return None
        return value if np.isfinite(value) else None

    @property
    def inverted(self) -> bool:
        return self.number(_PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO

    @property
    def space(self) -> str:
        """What the bands are, see :func:`core.reading.color_modes.deep_to_rgb`."""
        photometric = self.number(_PHOTOMETRIC, _BLACK_IS_ZERO)
        if photometric == _CMYK:
            return "CMYK"
        return "bands" if photometric != _RGB and self.bands > 2 else ""

    @property
    def has_alpha(self) -> bool:
        """The last band says how opaque the others are."""
        extra = self.numbers(_EXTRA)
        return bool(extra) and self.bands in (2, 4) and extra[-1] in _ALPHA

    @property
    def is_picture(self) -> bool:
        """It is no smaller version and no mask of another page."""
        return not self.number(_SUBFILE, 0) & 0b101

    @property
    def has_hidden_pages(self) -> bool:
        return _SUB_DIRECTORIES in self.tags

    @property
    def stacked(self) -> int:
        """How many pictures lie under this one directory, as ImageJ writes stacks."""
        found = _STACK.match(bytes(self.tags.get(_DESCRIPTION, b"")))
        return max(int(found[1]) if found else 1, self.number(_DEPTH, 1))

    @property
    def color_space(self) -> bytes:
        """What changes the colors that equal samples are shown in."""
        used = [(tag, self.tags[tag]) for tag in _COLOR_TAGS if tag in self.tags]
        colors = self.numbers(_COLOR_MAP)
        # Of 16 bits; Pillow shows the upper 8
        if any(color & 0xFF not in (0, color >> 8) for color in colors):
            used.append((_COLOR_MAP, colors))
        return repr(used).encode() if used else b""

    @property
    def end(self) -> int:
        """Where its last strip or tile ends in the file."""
        return max((place.stop for place in self.pieces()), default=0)

    def pieces(self) -> list[slice]:
        """Returns where its strips or tiles lie in the file."""
        starts = self.numbers(_TILES) or self.numbers(_STRIPS)
        sizes = self.numbers(_TILE_SIZES) or self.numbers(_STRIP_SIZES)
        return [slice(a, a + b) for a, b in zip(starts, sizes, strict=False)]

    @property
    def unpacked_bytes(self) -> int:
        """How many bytes a strip or tile holds at most."""
        width = self.number(_TILE_WIDTH, self.width)
        rows = self.number(_TILE_HEIGHT, self.height)
        return -(-width * self.bits * self.bands // 8) * rows

    @property
    def is_reversed(self) -> bool:
        """The first bit of a byte is its lowest."""
        return self.number(_FILL_ORDER, 1) == 2

    @property
    def is_plain(self) -> bool:
        """Pillow shows all that it holds."""
        if self.big and self.order == ">":
            # It takes the directory for a small one
            return False
        photometric = self.number(_PHOTOMETRIC, _BLACK_IS_ZERO)
        own = {_RGB: 3, _CMYK: 4, _YCBCR: 3, 8: 3, 9: 3}.get(photometric, 1)
        alone = self.bands == own
        if self.bands == own + 1 and own in (1, 3):
            alone = self.has_alpha
        unsigned = set(self.numbers(_SAMPLE_FORMAT)) <= {1, 4}
        return alone and unsigned and set(self.numbers(_BITS)) <= {1, 2, 4, 8}

    @property
    def is_never_read(self) -> bool:
        """It is of a registered kind that no decoder here knows."""
        coded = self.compression
        return (
            coded in _NEVER_DECODED
            or (coded == _WEBP and not _webp_is_decoded())
            or self.number(_PHOTOMETRIC, _BLACK_IS_ZERO) in _NEVER_SHOWN
        )

    def describe(self) -> str:
        """Says what a page is, such as "5 bands of 32-bit float"."""
        kind = {2: "signed integer", 3: "float", 5: "complex", 6: "complex"}.get(
            self.number(_SAMPLE_FORMAT, 1), "integer"
        )
        colors = {
            _PALETTE: " (palette)",
            _YCBCR: " (YCbCr)",
            8: " (CIELAB)",
            9: " (CIELAB)",
            10: " (CIELAB)",
            32803: " (raw of a camera)",
            34892: " (raw of a camera)",
            32844: " (LogLuv)",
            32845: " (LogLuv)",
        }.get(self.number(_PHOTOMETRIC, _BLACK_IS_ZERO), "")
        bands = "one band" if self.bands == 1 else f"{self.bands} bands"
        coded = self.compression
        packed = "" if coded in _LOSSLESS else f", compression {coded}"
        return f"{bands} of {self.bits}-bit {kind}{colors}{packed}"


@cache
def _webp_is_decoded() -> bool:
    """True if Pillow's libtiff was built with WebP, which then writes it as well."""
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "TIFF", compression="webp")
    except OSError:
        return False
    return True


def read_pages(data: bytes) -> list[Page]:
    """Reads the directories of a TIFF or BigTIFF.

    Raises:
        ValueError, struct.error: the file ends or breaks before their end
    """
    order = "<" if data.startswith(b"II") else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    offset, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    pages: list[Page] = []
    seen: set[int] = set()
    while at and at not in seen and len(pages) < _MOST_PAGES:
        seen.add(at)
        first = at + struct.calcsize(count)
        if first > len(data):
            raise ValueError("truncated directory")
        (entries,) = struct.unpack_from(order + count, data, at)
        if first + entries * entry > len(data):
            raise ValueError("truncated directory")
        tags = {}
        for place in range(first, first + entries * entry, entry):
            tag, values = _entry(data, place, order, offset)
            if values is not None:
                tags[tag] = values
        pages.append(Page(order, big, tags))
        (at,) = struct.unpack_from(order + offset, data, first + entries * entry)
    return pages


def _entry(
    data: bytes, place: int, order: str, offset: str
) -> tuple[int, tuple[Any, ...] | bytes | None]:
    """Returns a tag and its numbers, or its bytes; None if it cannot be read."""
    tag, kind = struct.unpack_from(order + "HH", data, place)
    (count,) = struct.unpack_from(order + offset, data, place + 4)
    room = struct.calcsize(offset)
    at = place + 4 + room
    size = _SIZES.get(kind, 0) * count
    if size > room:
        (at,) = struct.unpack_from(order + offset, data, at)
    if not size or at + size > len(data):
        return tag, None
    if kind in _NUMBERS:
        return tag, struct.unpack_from(f"{order}{count}{_NUMBERS[kind]}", data, at)
    return tag, data[at : at + size]


def read_samples(data: bytes, page: Page) -> NDArray[Any]:
    """Returns the samples of a page as stored: [height, width, bands].

    Raises:
        UnsupportedTiffError: of a kind that is not read
        OSError, ValueError: the page is damaged
    """
    bits, dtype = page.bits, _dtype_of(page)
    predictor = page.number(_PREDICTOR, 1)
    photometric = page.number(_PHOTOMETRIC, _BLACK_IS_ZERO)
    if (
        dtype is None
        or len(set(page.numbers(_BITS))) > 1
        or not 1 <= page.bands <= 4
        or page.compression not in _LOSSLESS
        or photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK)
        or (predictor != 1 and bits % 8)
    ):
        raise UnsupportedTiffError(page.describe())
    planes = page.bands if page.number(_PLANAR, 1) == 2 else 1
    inside = page.bands // planes
    read = [_plane(data, page, plane, planes, inside, dtype) for plane in range(planes)]
    return read[0] if planes == 1 else np.concatenate(read, axis=2)


def _dtype_of(page: Page) -> np.dtype[Any] | None:
    kind = _KINDS.get(page.number(_SAMPLE_FORMAT, 1))
    bits = page.bits
    if kind == "u" and bits % 8 and bits < 16:
        return np.dtype("<u2" if bits > 8 else "u1")
    if kind is None or bits not in ((16, 32, 64) if kind == "f" else (8, 16, 32, 64)):
        return None
    return np.dtype(f"{page.order}{kind}{bits // 8}")


def _plane(
    data: bytes, page: Page, plane: int, planes: int, bands: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Returns the samples of some bands that are stored together."""
    width, height = page.width, page.height
    tiled = _TILES in page.tags
    across, piece = 1, width
    rows = height
    if tiled:
        piece, tall = page.number(_TILE_WIDTH, 0), page.number(_TILE_HEIGHT, 0)
        if piece < 1 or tall < 1:
            raise ValueError("a tile has no size")
        across = -(-width // piece)
        rows = -(-height // tall) * tall
        if across * piece * rows > _MOST_PADDING * width * height + _LARGE_TILE:
            raise ValueError("a tile is far larger than the picture")
    bytes_a_piece = -(-piece * bands * page.bits // 8)
    pixels = _unpacked(data, page, plane, planes, (rows, across * bytes_a_piece))
    pieces = pixels.reshape(rows, across, bytes_a_piece)
    samples = _meant(pieces, page, dtype, piece, bands)
    return np.ascontiguousarray(
        samples.reshape(rows, across * piece, bands)[:height, :width]
    )


def _unpacked(
    data: bytes, page: Page, plane: int, planes: int, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Returns uint8[rows, bytes], unpacked by libtiff as if bytes were pixels."""
    tiled = _TILES in page.tags
    starts = page.numbers(_TILES if tiled else _STRIPS)
    sizes = page.numbers(_TILE_SIZES if tiled else _STRIP_SIZES)
    some = slice(
        plane * len(starts) // planes, (plane + 1) * len(starts) // planes, None
    )
    rows, width = shape
    tags: dict[int, list[int]] = {
        _WIDTH: [width],
        _HEIGHT: [rows],
        _BITS: [8],
        _COMPRESSION: [page.compression],
        _PHOTOMETRIC: [_BLACK_IS_ZERO],
        _BANDS: [1],
        _PLANAR: [1],
    }
    if tiled:
        across = -(-page.width // page.number(_TILE_WIDTH, 0))
        tags[_TILE_WIDTH] = [width // across]
        tags[_TILE_HEIGHT] = [page.number(_TILE_HEIGHT, 0)]
        tags[_TILES], tags[_TILE_SIZES] = list(starts[some]), list(sizes[some])
    else:
        tags[_ROWS_A_STRIP] = [min(page.number(_ROWS_A_STRIP, rows), rows)]
        tags[_STRIPS], tags[_STRIP_SIZES] = list(starts[some]), list(sizes[some])
    if page.is_reversed:
        tags[_FILL_ORDER] = [2]
    # Not Image.open: it takes so many bytes for so many pixels, a bomb
    file = io.BytesIO(_with_directory(data, tags))
    with TiffImagePlugin.TiffImageFile(file) as image:
        image.load()
    # Only here is the copy of the file given back
    file.close()
    return np.asarray(image)


def _with_directory(data: bytes, tags: dict[int, list[int]]) -> bytes:
    """Returns the file with another directory, at its end, as its only one."""
    start = len(data) + len(data) % 2
    values_at = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        packed = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(numbers) > 1:
            place, values = values_at + len(values), values + packed
            packed = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + packed
    directory = struct.pack("<H", len(tags)) + entries + bytes(4) + values
    head = b"II*\0" + struct.pack("<I", start)
    return b"".join((head, data[8:], bytes(len(data) % 2), directory))


def _meant(
    pieces: NDArray[np.uint8],
    page: Page,
    dtype: np.dtype[Any],
    width: int,
    bands: int,
) -> NDArray[Any]:
    """Returns [rows, pieces, width, bands], from uint8[rows, pieces, bytes]."""
    rows, across, _ = pieces.shape
    shape = rows, across, width, bands
    predictor = page.number(_PREDICTOR, 1)
    if page.bits % 8:
        return _whole_bytes(pieces, page.bits, width * bands, dtype).reshape(shape)
    if predictor == 3:
        sums = np.cumsum(
            pieces.reshape(rows, across, -1, bands), axis=2, dtype=np.uint8
        )
        bytes_of = sums.reshape(rows, across, dtype.itemsize, width * bands)
        big = np.ascontiguousarray(bytes_of.transpose(0, 1, 3, 2))
        samples = big.view(dtype.newbyteorder(">")).reshape(shape)
        return np.asarray(samples, dtype.newbyteorder("<"))
    samples = np.ascontiguousarray(pieces).view(dtype).reshape(shape)
    samples = samples.astype(dtype.newbyteorder("<"), copy=False)
    if predictor == 2:
        whole = samples.view(f"<u{dtype.itemsize}")
        return np.cumsum(whole, axis=2, dtype=whole.dtype).view(samples.dtype)
    return samples


def _whole_bytes(
    pieces: NDArray[np.uint8], bits: int, count: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Returns [rows, pieces, count] of samples that fill no whole bytes."""
    weights = (1 << np.arange(bits)[::-1]).astype(dtype)
    samples = np.empty((*pieces.shape[:2], count), dtype)
    for row, packed in enumerate(pieces):
        digits = np.unpackbits(packed, axis=1)[:, : count * bits]
        samples[row] = digits.reshape(len(packed), count, bits) @ weights
    return samples
