"""Decodes a file's bytes to upright pixels.

The gate comes first: the bytes must carry a signature and a pixel count that
we accept before any decoder sees them. Whatever goes wrong is a
:class:`~core.files.ReadFailure`, never an exception.
"""

from __future__ import annotations

import hashlib
import io
import logging
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .files import ReadFailure
from .jpeg import JpegHeader, coded_content, is_complete, read_header
from .jpeg_damage import NO_DAMAGE, UNREADABLE_PART
from .jpeg_pixels import decode_jpeg
from .rgb import NonfiniteError, to_rgb
from .tiff_faults import heard_damage, listen

GREY_SIDE = 256
"""Longer side, in pixels, of what :meth:`DecodedImage.grey` returns."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
)
_ORIENTATION_TAG = 0x0112
U8 = NDArray[np.uint8]

# Pillow warns of odd metadata, once and without the file's name. Not by file:
# ``catch_warnings`` is not for threads
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class _Unreadable(Exception):
    """Carries a :class:`ReadFailure` out of the nested steps below."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = ReadFailure(status, reason)


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """A picture in RGB, what is transparent laid on white or black.

    Attributes:
        stored: uint8[h, w, 3], as stored in the file (not turned upright);
            a large JPEG comes reduced by 2, 4 or 8
        orientation: EXIF orientation, 1 to 8
        width: of the upright picture at full size, in pixels
        height: of the upright picture at full size, in pixels
        picture_digest: SHA-256 that is equal for equal decoded pictures
        is_pixel_digest: True if ``picture_digest`` was taken from the full
            decoded pixels; False if from a large JPEG's coded data, which
            sees through metadata but not through another container
        damage: index in :data:`core.jpeg_damage.DAMAGES`, what is wrong inside a
            file that still gives a picture; ``NO_DAMAGE`` for a whole one
    """

    stored: U8
    orientation: int
    width: int
    height: int
    picture_digest: bytes
    is_pixel_digest: bool
    damage: int

    def square(self, side: int) -> U8:
        """Returns uint8[side, side, 3], upright, squashed to a square."""
        # Shrink first, turn after: a small picture is cheaper to turn
        return _upright(_resized(self.stored, side, side), self.orientation)

    def upright(self) -> U8:
        """Returns uint8[h, w, 3], as it is looked at; large JPEGs come reduced."""
        return _upright(self.stored, self.orientation)

    def grey(self) -> U8:
        """Returns uint8[h, w], upright, longer side at most GREY_SIDE."""
        full = _u8(cv2.cvtColor(self.stored, cv2.COLOR_RGB2GRAY))
        return _upright(_fitted(full, GREY_SIDE), self.orientation)

    def fitted(self, side: int) -> U8:
        """Returns uint8[h, w, 3], upright, longer side at most ``side``."""
        return _upright(_fitted(self.stored, side), self.orientation)


def decode_image(
    data: bytes, *, side: int, max_megapixels: float
) -> DecodedImage | ReadFailure:
    """Decodes an image file's bytes, strictly.

    Args:
        data: the whole file
        side: the largest square that will be asked for, in pixels
        max_megapixels: pictures with more are refused from their header

    Returns:
        the picture, or why there is none
    """
    format_name = _format_of(data)
    if format_name is None:
        return ReadFailure("unsupported", _describe_unknown(data))
    try:
        if format_name == "JPEG":
            return _decode_jpeg(data, side, max_megapixels)
        return _decode_other(data, format_name, max_megapixels)
    except _Unreadable as error:
        return error.failure
    # Decoders raise a zoo of types on hostile bytes (OSError, ValueError,
    # SyntaxError, EOFError, struct.error, cv2.error ...); each means the
    # same here: this one file has no picture
    except Exception as error:
        return _failure_of_decoder(error, data)


def decode_rgb(data: bytes, *, max_megapixels: float) -> U8 | ReadFailure:
    """Decodes at full size: uint8[height, width, 3], upright.

    Used to compare two pictures pixel by pixel, whatever their containers.
    """
    try:
        if _format_of(data) == "JPEG":
            header = _checked_jpeg_header(data, max_megapixels)
            rgb, _ = _jpeg_rgb(data, header, 1)
            return _upright(rgb, header.orientation)
        rgb, orientation, _ = _pillow_rgb(data, _format_of(data) or "", max_megapixels)
        return _upright(rgb, orientation)
    except _Unreadable as error:
        return error.failure
    except Exception as error:
        return _failure_of_decoder(error, data)


def _decode_jpeg(data: bytes, side: int, max_megapixels: float) -> DecodedImage:
    header = _checked_jpeg_header(data, max_megapixels)
    reduction = _reduction_for(header, side)
    rgb, damage = _jpeg_rgb(data, header, reduction)
    if reduction == 1:
        digest = _pixel_digest(_upright(rgb, header.orientation))
    else:
        digest = coded_content(data, header)
    size = header.width, header.height
    return _decoded(rgb, header.orientation, size, digest, reduction == 1, damage)


def _checked_jpeg_header(data: bytes, max_megapixels: float) -> JpegHeader:
    header = read_header(data)
    if header is None:
        raise _Unreadable("truncated", "the JPEG ends before its picture")
    _check_pixel_count(header.width, header.height, max_megapixels)
    if not is_complete(data, header):
        raise _Unreadable("truncated", "the JPEG has no end marker")
    return header


def _reduction_for(header: JpegHeader, side: int) -> int:
    """Returns 1, 2, 4 or 8: how far libjpeg may shrink while it decodes.

    The result keeps at least twice the embedder's input on its shorter side
    (measured: vectors stay within cosine 0.996 of a full decode).
    """
    if header.components not in (1, 3):
        return 1
    shorter = min(header.width, header.height)
    for reduction in (8, 4, 2):
        if shorter // reduction >= max(2 * side, GREY_SIDE):
            return reduction
    return 1


def _jpeg_rgb(data: bytes, header: JpegHeader, reduction: int) -> tuple[U8, int]:
    """Decodes a JPEG as stored (not turned upright), perhaps reduced.

    Returns:
        uint8[h, w, 3], and its damage
    """
    rgb, damage = decode_jpeg(data, header, reduction)
    if rgb is None:
        rgb, _, _ = _pillow_rgb(data, "JPEG", float("inf"))
    return rgb, damage


def _decode_other(data: bytes, format_name: str, max_megapixels: float) -> DecodedImage:
    listen()
    rgb, orientation, rest = _pillow_rgb(data, format_name, max_megapixels)
    damage = UNREADABLE_PART if heard_damage() else NO_DAMAGE
    if format_name == "PNG":
        _check_png_sums(data)
    digest = _pixel_digest(_upright(rgb, orientation))
    if rest is not None:
        # RGB in 8 bits cannot tell such pictures apart
        digest = _digest(digest, rest)
    size = rgb.shape[1], rgb.shape[0]
    return _decoded(rgb, orientation, size, digest, True, damage)


def _check_png_sums(data: bytes) -> None:
    """Raises if a chunk that makes the picture is damaged.

    Pillow checks no sum of the compressed pixels, and shows what it can make of
    damaged ones. Chunks of small letters, such as comments, may be damaged.
    """
    place, end = len(_MAGIC[1][0]), len(data)
    while place + 12 <= end:
        length = int.from_bytes(data[place : place + 4], "big")
        stop = place + 8 + length
        named_and_filled = memoryview(data)[place + 4 : stop]
        stored = int.from_bytes(data[stop : stop + 4], "big")
        if data[place + 4] < ord("a") and zlib.crc32(named_and_filled) != stored:
            raise _Unreadable("corrupt", "a checksum of the PNG does not match")
        if data[place + 4 : place + 8] == b"IEND":
            return
        place = stop + 4


def _pillow_rgb(
    data: bytes, format_name: str, max_megapixels: float
) -> tuple[U8, int, NDArray[Any] | None]:
    """Returns uint8[h, w, 3] as stored, its EXIF orientation, and what that lacks.

    See :func:`core.rgb.to_rgb`.
    """
    # The format list is what keeps Pillow from starting Ghostscript on an
    # EPS that calls itself .jpg. MPO is read as its first JPEG.
    with Image.open(io.BytesIO(data), formats=[format_name]) as image:
        _check_pixel_count(image.width, image.height, max_megapixels)
        image.load()
        rgb, rest = to_rgb(image)
        return rgb, _orientation_of(image), rest


def _check_pixel_count(width: int, height: int, max_megapixels: float) -> None:
    if width < 1 or height < 1:
        raise _Unreadable("corrupt", "the header gives a size of zero")
    if width * height > max_megapixels * 1e6:
        megapixels = width * height / 1e6
        raise _Unreadable(
            "too_large",
            f"{width} x {height} are {megapixels:,.0f} megapixels, "
            f"more than max_megapixels={max_megapixels:g}",
        )


def _decoded(
    rgb: U8,
    orientation: int,
    stored_size: tuple[int, int],
    picture_digest: bytes,
    is_pixel_digest: bool,
    damage: int,
) -> DecodedImage:
    width, height = stored_size[::-1] if orientation >= 5 else stored_size
    return DecodedImage(
        rgb, orientation, width, height, picture_digest, is_pixel_digest, damage
    )


def _resized(image: U8, width: int, height: int) -> U8:
    """Resizes, each axis by the filter that suits it.

    Areas are averaged where an axis shrinks: INTER_LINEAR skips pixels there
    and was measured to move an embedding to cosine 0.93.
    """
    old_height, old_width = image.shape[:2]
    shrunk = (min(width, old_width), min(height, old_height))
    if shrunk != (old_width, old_height):
        image = _u8(cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA))
    if shrunk != (width, height):
        image = _u8(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR))
    return image


def _fitted(image: U8, side: int) -> U8:
    scale = min(1.0, side / max(image.shape[:2]))
    height, width = (max(1, round(n * scale)) for n in image.shape[:2])
    return _resized(image, width, height)


def _upright(image: U8, orientation: int) -> U8:
    """Applies an EXIF orientation (1 to 8; anything else is taken as 1)."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _pixel_digest(rgb: U8) -> bytes:
    """SHA-256 over size and pixels: 10 x 20 never equals 20 x 10."""
    shape = struct.pack("<II", *rgb.shape[:2])
    return _digest(shape, rgb)


def _digest(head: bytes, array: NDArray[Any]) -> bytes:
    """SHA-256 over some bytes and an array's, which is not copied for it."""
    digest = hashlib.sha256(head)
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _orientation_of(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    # Broken EXIF must not cost the picture; Pillow raises many types here
    except Exception:
        return 1
    return value if value in range(1, 9) else 1


def _format_of(data: bytes) -> str | None:
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def _describe_unknown(data: bytes) -> str:
    head = data[:512].lstrip()
    if data[4:8] == b"ftyp":
        return "HEIF, AVIF or video; convert it to JPEG or PNG"
    if head.startswith((b"<svg", b"<?xml")):
        return "SVG or XML; render it to PNG"
    if head.startswith(b"8BPS"):
        return "Photoshop; export it as PNG or TIFF"
    if head.startswith((b"%!PS", b"%PDF")):
        return "PostScript or PDF; export its pictures"
    readable = ", ".join(_FORMATS)
    return f"not an image of a kind that is read ({readable})"


def _failure_of_decoder(error: Exception, data: bytes) -> ReadFailure:
    text = str(error)
    if isinstance(error, NonfiniteError):
        return ReadFailure("nonfinite", text)
    if _is_cut_off(data):
        return ReadFailure("truncated", "the file ends too early")
    if isinstance(error, UnidentifiedImageError):
        return ReadFailure("corrupt", "the header is damaged")
    if isinstance(error, MemoryError) or "Bomb" in type(error).__name__:
        return ReadFailure("too_large", "decoding it would exhaust memory")
    if text.lower().startswith("unsupported"):
        return ReadFailure("unsupported", text)
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return ReadFailure("truncated", text or "the file ends too early")
    return ReadFailure("corrupt", text.splitlines()[0] if text else repr(error))


def _is_cut_off(data: bytes) -> bool:
    """True if a WebP or TIFF says of itself that it is longer.

    Their decoders call it damaged. A WebP (RIFF) begins with its length; most
    writers put a TIFF's directory (TIFF 6.0, section 2) at its end.
    """
    if len(data) >= 8 and _format_of(data) == "TIFF":
        order = "<" if data.startswith(b"II") else ">"
        (start,) = struct.unpack_from(order + "I", data, 4)
        if start + 2 > len(data):
            return True
        (entries,) = struct.unpack_from(order + "H", data, start)
        return bool(start + 2 + 12 * entries + 4 > len(data))
    if _format_of(data) == "WEBP" and len(data) >= 12:
        (length,) = struct.unpack_from("<I", data, 4)
        return bool(length + 8 > len(data))
    return False


def _u8(array: NDArray[np.generic]) -> U8:
    """Tells the type checker what OpenCV and Pillow do not."""
    return array.astype(np.uint8, copy=False)
