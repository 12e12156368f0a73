"""The parts of a JPEG file that a decoder does not tell: is it whole?

OpenCV fills the missing part of a cut-off JPEG with grey and says nothing,
so completeness is read from the file's own markers (ITU-T T.81, annex B).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP1 = 0xE1
_APP14_ADOBE = 0xEE
_METADATA = (frozenset(range(0xE0, 0xF0)) | {0xFE}) - {_APP14_ADOBE}
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class JpegHeader:
    """What stands before the first scan.

    Attributes:
        width: as stored, in pixels
        height: as stored, in pixels
        components: 1 grey, 3 colour, 4 CMYK or YCCK
        orientation: EXIF orientation, 1 to 8
        scan_offset: where the first scan starts in the file
        metadata: (start, end) of each segment that does not change pixels
    """

    width: int
    height: int
    components: int
    orientation: int
    scan_offset: int
    metadata: tuple[tuple[int, int], ...]


def read_header(data: bytes) -> JpegHeader | None:
    """Reads the marker segments before the first scan.

    Returns:
        the header, or None if the file ends or breaks before its first scan
    """
    position, orientation = 2, 1
    frame: tuple[int, int, int] | None = None
    metadata: list[tuple[int, int]] = []
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in _STANDALONE:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        end = position + 2 + length
        body = data[position + 4 : end]
        if marker == _START_OF_SCAN:
            if frame is None:
                return None
            width, height, components = frame
            return JpegHeader(
                width, height, components, orientation, position, tuple(metadata)
            )
        if marker in _START_OF_FRAME and len(body) >= 6:
            height, width = struct.unpack_from(">HH", body, 1)
            frame = width, height, body[5]
        if marker == _APP1 and body.startswith(b"Exif\0\0"):
            orientation = _exif_orientation(body[6:])
        if marker in _METADATA:
            metadata.append((position, end))
        position = end
    return None


def is_complete(data: bytes, header: JpegHeader) -> bool:
    """True if the picture's end marker is there.

    Inside coded data 0xFF is always followed by 0x00 or a restart marker, so
    the first end marker after the scan's start is the real one, and if there is
    any there is that; what cameras append after it does not matter, and neither
    does a thumbnail before it.
    """
    # From the end, where it nearly always is: from the start, a tenth of the decoding
    return data.rfind(_END_OF_IMAGE, header.scan_offset) != -1


def end_of_image(data: bytes, header: JpegHeader) -> int:
    """Returns where the picture's end marker is, -1 if nowhere."""
    return data.find(_END_OF_IMAGE, header.scan_offset)


def coded_content(data: bytes, header: JpegHeader) -> bytes:
    """Returns a SHA-256 of the file without its metadata segments.

    Files that differ in comments, EXIF or embedded profiles only are equal;
    the orientation counts, since it turns the picture.
    """
    digest = hashlib.sha256(b"jpeg%d" % header.orientation)
    position = 0
    for start, end in header.metadata:
        digest.update(data[position:start])
        position = end
    digest.update(data[position:])
    return digest.digest()


def _exif_orientation(tiff: bytes) -> int:
    """Reads tag 0x0112 of the first directory; 1 if absent or broken."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    if offset + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for entry in range(offset + 2, offset + 2 + 12 * count, 12):
        if entry + 12 > len(tiff):
            return 1
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        if tag == _ORIENTATION_TAG and kind == 3:
            (value,) = struct.unpack_from(order + "H", tiff, entry + 8)
            return value if 1 <= value <= 8 else 1
    return 1
