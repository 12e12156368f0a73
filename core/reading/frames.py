"""All pictures of a file: the one that is looked at, and a digest of the others.

An animation, a stack of a microscope or a document of many pages is shown by its
first picture. Whether two such files are equal is a question of all of them, of
how long each is shown, and of the color space they are shown in.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .color_modes import (
    Shown,
    colored_of_16_bits,
    deep_to_rgb,
    signed_to_rgb,
    to_rgb,
)
from .media_boxes import color_space, has_16_bits, has_more_than_8_bits, is_signed
from .png import check_png_sums, read_png_header
from .tiff import Page, read_pages, read_samples

ORIENTATION_TAG = 0x0112
_UNPROVABLE = ("HEIF", "JXL")
"""Formats whose plugins may drop bits; equal to nothing but the same bytes."""

_MOST_PICTURES = 2**31 - 1
"""An APNG may claim any number, and not hold them."""

Sample = TypeVar("Sample", bound=np.generic)
CheckSize = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Frames:
    """What a file shows.

    Attributes:
        first: the picture that is looked at
        orientation: EXIF orientation of the first, 1 to 8
        count: of pictures, smaller versions and masks aside
        first_digest: SHA-256 that is equal for equal first pictures in 8-bit RGB
        digest: SHA-256 that is equal only where all that is shown is equal; where
            that cannot be told from the decoded pictures, of the file's bytes
    """

    first: Shown
    orientation: int
    count: int
    first_digest: bytes
    digest: bytes


@dataclass(frozen=True, eq=False)
class _Frame:
    """One picture.

    Attributes:
        shown: of it
        orientation: EXIF orientation, 1 to 8
        timing: how long it is shown
    """

    shown: Shown
    orientation: int
    timing: bytes = b""


@dataclass(frozen=True, eq=False)
class _File:
    """The pictures of one file, not decoded yet.

    Attributes:
        frames: decodes one after the other
        count: of pictures to decode
        pictures: of those, how many are no smaller version and no mask
        pixels: in all of them
        context: what changes how equal samples are shown: the color space, loops
        provable: that two files decode alike proves that they are equal
    """

    frames: Iterator[_Frame]
    count: int
    pictures: int
    pixels: int
    context: bytes = b""
    provable: bool = True


def read_frames(
    data: bytes, format_name: str, check_size: CheckSize, max_pixels: float
) -> Frames:
    """Decodes the first picture of a file, and the others for their digest.

    Args:
        data: the whole file
        format_name: Pillow's
        check_size: given width and height of the first picture; may raise
        max_pixels: if all pictures have more together, only the first is decoded

    Raises:
        Exception: whatever a decoder makes of a damaged file
    """
    # The format list is what keeps Pillow from starting Ghostscript on an
    # EPS that calls itself .png
    if format_name == "TIFF":
        file = _tiff(data, check_size)
    else:
        file = _other(data, format_name, check_size)
    first = next(file.frames)
    first_digest = _rgb_digest(first)
    digest = None
    if file.provable and (file.count == 1 or file.pixels <= max_pixels):
        digest = _digest_of_all(first, first_digest, file)
    return Frames(
        replace(first.shown, rest=None),
        first.orientation,
        min(file.pictures, _MOST_PICTURES),
        first_digest,
        digest or hashlib.sha256(b"file" + data).digest(),
    )


def pixel_digest(rgb: NDArray[np.uint8]) -> bytes:
    """SHA-256 over size and pixels: 10 x 20 never equals 20 x 10."""
    return _digest(struct.pack("<II", *rgb.shape[:2]), rgb)


def digest_with(digest: bytes, *parts: bytes) -> bytes:
    """Returns the digest itself if no part is there, else of all of them."""
    if not any(parts):
        return digest
    own = [digest, *(hashlib.sha256(part).digest() for part in parts)]
    return hashlib.sha256(b"".join(own)).digest()


def upright(image: NDArray[Sample], orientation: int) -> NDArray[Sample]:
    """Applies an EXIF orientation (1 to 8; anything else is taken as 1)."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _digest_of_all(first: _Frame, first_digest: bytes, file: _File) -> bytes | None:
    """Returns the digest of all pictures; None if a later one is damaged."""
    digest = _digest_of(first, first_digest)
    if file.count == 1:
        return digest_with(digest, file.context)
    digests = [digest, first.timing]
    try:
        for frame in file.frames:
            digests += [_digest_of(frame, _rgb_digest(frame)), frame.timing]
    # Decoders raise a zoo of types; the first picture is there all the same
    except Exception:
        return None
    all_of_them = hashlib.sha256(repr(digests).encode()).digest()
    return digest_with(all_of_them, file.context)


def _rgb_digest(frame: _Frame) -> bytes:
    return pixel_digest(upright(frame.shown.rgb, frame.orientation))


def _digest_of(frame: _Frame, rgb_digest: bytes) -> bytes:
    if frame.shown.rest is None:
        return rgb_digest
    head = rgb_digest + f"{frame.shown.kind} {frame.shown.rest.shape}".encode()
    return _digest(head, upright(frame.shown.rest, frame.orientation))


def _digest(head: bytes, array: NDArray[np.generic]) -> bytes:
    """SHA-256 over some bytes and an array's, which is not copied for it."""
    digest = hashlib.sha256(head)
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _tiff(data: bytes, check_size: CheckSize) -> _File:
    pages = read_pages(data)
    if not pages:
        raise ValueError("truncated: the TIFF has no page")
    check_size(pages[0].width, pages[0].height)
    stacked = pages[0].stacked if len(pages) == 1 else 1
    return _File(
        _tiff_frames(data, pages),
        len(pages),
        max(stacked, sum(page.is_picture for page in pages)),
        sum(page.width * page.height for page in pages),
        b"".join(page.color_space for page in pages),
        # Smaller versions of the raw picture of a camera, for example
        stacked == 1 and not any(page.has_hidden_pages for page in pages),
    )


def _tiff_frames(data: bytes, pages: list[Page]) -> Iterator[_Frame]:
    image = None
    for number, page in enumerate(pages):
        if not page.is_plain:
            yield _Frame(_deep_page(data, page), page.orientation)
            continue
        image = image or Image.open(io.BytesIO(data), formats=["TIFF"])
        image.seek(number)
        image.load()
        # Pillow turns a TIFF upright as it loads it
        yield _Frame(to_rgb(image), orientation_of(image))


def _deep_page(data: bytes, page: Page) -> Shown:
    return deep_to_rgb(
        read_samples(data, page),
        bits=page.bits_in_use,
        fill=page.fill,
        inverted=page.inverted,
        has_alpha=page.has_alpha,
        space=page.space,
    )


def _other(data: bytes, format_name: str, check_size: CheckSize) -> _File:
    image = Image.open(io.BytesIO(data), formats=[format_name])
    check_size(image.width, image.height)
    # Some plugins count by looking through the file: before it is decoded
    count = getattr(image, "n_frames", 1)
    context = image.info.get("icc_profile") or b""
    context += color_space(data, format_name)
    if format_name == "JPEG":
        # Of four inks: whether they are inverted
        context += repr(image.info.get("adobe")).encode()
    bits, colored_16 = None, False
    if format_name == "PNG":
        header = read_png_header(data)
        bits = header.bits_in_use
        colored_16 = header.bits == 16 and not header.is_gray
        context += header.color_space
    if format_name == "JPEG2000":
        colored_16 = image.mode == "RGB" and has_16_bits(data)
    if count > 1:
        played = [image.info.get(key) for key in ("loop", "default_image")]
        context += repr(played).encode()
    if colored_16 and count == 1:
        frames = _frame_of_16_bits(data, image, bits)
    else:
        frames = _pillow_frames(data, image, count, bits)
    return _File(
        frames,
        count,
        count,
        count * image.width * image.height,
        context,
        format_name not in _UNPROVABLE
        and not (colored_16 and count > 1)
        and not has_more_than_8_bits(data, format_name),
    )


def _pillow_frames(
    data: bytes, image: Image.Image, count: int, bits: int | None
) -> Iterator[_Frame]:
    with image:
        for number in range(count):
            if number:
                image.seek(number)
            image.load()
            if not number and image.format == "PNG":
                check_png_sums(data)
            duration = image.info.get("duration") if count > 1 else None
            timing = b"" if duration is None else b"%.3f" % duration
            signed = image.format == "JPEG2000" and is_signed(data)
            shown = signed_to_rgb(image) if signed else to_rgb(image, bits)
            yield _Frame(shown, orientation_of(image), timing)


def _frame_of_16_bits(
    data: bytes, image: Image.Image, bits: int | None
) -> Iterator[_Frame]:
    with image:
        # It says in words what is wrong with a damaged one
        image.load()
        if image.format == "PNG":
            check_png_sums(data)
        yield _Frame(colored_of_16_bits(data, bits), orientation_of(image))


def orientation_of(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 to 8."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    # Broken EXIF must not cost the picture; Pillow raises many types here
    except Exception:
        return 1
    return value if value in range(1, 9) else 1
