"""Damage inside a TIFF that still gives a picture.

What libtiff says while Pillow reads a TIFF: it prints its errors on the terminal, and
goes on after some of them. Here they are heard instead, by the thread that reads the
file. And what it does not say: the checksum of deflated strips and tiles, at which it
does not look, and what its JPEG decoder warns of, which Pillow silences.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import zlib

from PIL import _imaging

from .jpeg import read_header
from .jpeg_damage import NO_DAMAGE, UNREADABLE_PART, WRONG_CHECKSUM
from .jpeg_pixels import decode_jpeg
from .tiff import Page, read_pages

_END_OF_IMAGE = b"\xff\xd9"
_SMALLEST = 8
"""How far libjpeg reduces a picture at most."""

_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p)


class _Heard(threading.local):
    is_damaged = False


_heard = _Heard()


def _hear(speaker: bytes | None, words: bytes | None) -> None:
    # Others speak of metadata, or of what Pillow raises
    if (speaker or b"").endswith(b"Decode"):
        _heard.is_damaged = True


_handler = _Handler(_hear)


def listen() -> None:
    """Forgets what this thread heard so far."""
    _heard.is_damaged = False


def damage_of_tiff(data: bytes, max_pixels: float) -> int:
    """Returns the damage of a TIFF, once it was decoded in this thread.

    Args:
        data: the whole file
        max_pixels: if all pages have more together, only the first is looked at, as
            only that was decoded

    Returns:
        an index in :data:`.jpeg_damage.DAMAGES`, or ``NO_DAMAGE``
    """
    if _heard.is_damaged:
        return UNREADABLE_PART
    pages = read_pages(data)
    if sum(page.width * page.height for page in pages) > max_pixels:
        pages = pages[:1]
    for page in pages:
        check = _CHECKS.get(page.compression)
        if check is None or page.is_reversed:
            continue
        for place in page.pieces():
            damage = check(data[place], page)
            if damage != NO_DAMAGE:
                return damage
    return NO_DAMAGE


def _damage_of_deflated(piece: bytes, page: Page) -> int:
    """Compares the checksum of a strip or tile (RFC 1950), if it has one."""
    reader = zlib.decompressobj()
    try:
        # More than a page holds is a bomb, which libtiff does not unpack either
        reader.decompress(piece, page.unpacked_bytes + 1)
    except zlib.error as error:
        is_checksum = "incorrect data check" in str(error)
        return WRONG_CHECKSUM if is_checksum else UNREADABLE_PART
    return NO_DAMAGE


def _damage_of_jpeg(piece: bytes, page: Page) -> int:
    """Looks at a strip or tile as a file of its own (TIFF Technical Note 2)."""
    tables = page.jpeg_tables
    # Some writers leave the end marker out
    file = (tables[:-2] + piece[2:] if tables else piece) + _END_OF_IMAGE
    header = read_header(file)
    # One that is larger than its place is a bomb, which libtiff refuses
    if header is None or header.width * header.height > page.unpacked_bytes:
        return NO_DAMAGE
    return decode_jpeg(file, header, _SMALLEST)[1]


_CHECKS = {7: _damage_of_jpeg, 8: _damage_of_deflated, 32946: _damage_of_deflated}
"""By the number of the compression."""


def _be_told() -> None:
    """Makes libtiff call us; where it is a part of Pillow itself, it cannot be."""
    with contextlib.suppress(OSError, AttributeError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [_Handler], ctypes.c_void_p
        # Called as long as the process lives, whatever becomes of this module
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(_handler))
        set_handler(_handler)


_be_told()
