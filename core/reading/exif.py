"""What a camera wrote into a file: how it was held, when, and which camera it was.

Tags and types are those of TIFF 6.0 and Exif 2.32. Broken metadata costs what it
would have said, never the picture.
"""

from __future__ import annotations

import calendar
import math
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_ORIENTATION = 0x0112
_MAKE, _MODEL, _SERIAL_NUMBER = 0x010F, 0x0110, 0xA431
_EXIF_DIRECTORY = 0x8769
_TIME_TAKEN, _FRACTION_OF_SECOND = 0x9003, 0x9291
_TEXT, _SHORT, _LONG = 2, 3, 4
_LONGEST_TEXT = 256


@dataclass(frozen=True)
class Capture:
    """When and by what a picture was taken.

    Attributes:
        seconds: since 1970 by the camera's clock, whose zone is not known; NaN without
        camera: equal for pictures of one camera, as far as its make, model and serial
            number tell; 0 where nothing does
    """

    seconds: float = math.nan
    camera: int = 0


NOT_KNOWN = Capture()


def directory(
    tiff: bytes, offset: int | None = None
) -> Iterator[tuple[int, int, bytes, str]]:
    """Yields the entries of a directory of Exif or MPF.

    Args:
        tiff: from the byte order mark on
        offset: of the directory; None for the first

    Yields:
        tag, type, count and value (four bytes each), and byte order
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return
    if offset is None:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
    if offset + 2 > len(tiff):
        return
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        if entry + 12 > len(tiff):
            return
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        yield tag, kind, tiff[entry + 4 : entry + 12], order


def orientation_of(tiff: bytes) -> int:
    """Returns the orientation, a whole number of any size; 1 if absent or broken."""
    for tag, kind, field, order in directory(tiff):
        if tag == _ORIENTATION and kind in (_SHORT, _LONG):
            number = order + ("H" if kind == _SHORT else "I")
            (value,) = struct.unpack_from(number, field, 4)
            return value if 1 <= value <= 8 else 1
    return 1


def capture_of(tiff: bytes) -> Capture:
    """Returns when a picture was taken and by which camera, as far as it says."""
    texts: dict[int, bytes] = {}
    offset = None
    for tag, kind, field, order in directory(tiff):
        if tag in (_MAKE, _MODEL) and kind == _TEXT:
            texts[tag] = _text(tiff, field, order)
        if tag == _EXIF_DIRECTORY and kind == _LONG:
            (offset,) = struct.unpack_from(order + "I", field, 4)
    for tag, kind, field, order in () if offset is None else directory(tiff, offset):
        if kind == _TEXT:
            texts[tag] = _text(tiff, field, order)
    named = [texts.get(tag, b"") for tag in (_MAKE, _MODEL, _SERIAL_NUMBER)]
    return Capture(
        _seconds(texts.get(_TIME_TAKEN, b""), texts.get(_FRACTION_OF_SECOND, b"")),
        zlib.crc32(b"\0".join(named)) if any(named) else 0,
    )


def _text(tiff: bytes, field: bytes, order: str) -> bytes:
    count, at = struct.unpack(order + "II", field)
    count = min(count, _LONGEST_TEXT)
    value = field[4 : 4 + count] if count <= 4 else tiff[at : at + count]
    return value.partition(b"\0")[0].strip()


def _seconds(taken: bytes, fraction: bytes) -> float:
    try:
        parts = time.strptime(taken.decode("ascii"), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return math.nan
    part = float(f"0.{fraction.decode()}") if fraction.isdigit() else 0.0
    return calendar.timegm(parts) + part
