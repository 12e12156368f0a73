"""The parts of a JPEG file that a decoder does not tell: is it whole?

OpenCV fills the missing part of a cut-off JPEG with gray and says nothing,
so completeness is read from the file's own markers (ITU-T T.81, annex B).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from .exif import Capture, capture_of, directory, orientation_of

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"
_JPEG_LS = 0xF7
_START_OF_FRAME = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {_JPEG_LS}
_NUMBER_OF_LINES = b"\xff\xdc\x00\x04"
_MEDIA_BOX = b"ftyp"
_APP1 = 0xE1
_APP2 = 0xE2
_APP14_ADOBE = 0xEE
_METADATA = (frozenset(range(0xE0, 0xF0)) | {0xFE}) - {_APP14_ADOBE}
_STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}
_PICTURE_ENTRIES = 0xB002
_A_VIEW = 0x02
_GAIN_MAPS = (b"hdrgm", b"HDRGainMap", b"urn:iso:std:iso:ts:21496")
"""What says that a picture only brightens the first: of Google, Apple and ISO 21496."""


@dataclass(frozen=True)
class LaterPictures:
    """What a file of several pictures (CIPA DC-007, MPF) holds after its first.

    Attributes:
        count: of further views, a video is one; thumbnails and maps of the first aside
        data: all that follows the first picture, if it is a video or a picture
    """

    count: int
    data: bytes


@dataclass(frozen=True)
class JpegHeader:
    """What stands before the first scan.

    Attributes:
        width: as stored, in pixels
        height: as stored, in pixels
        components: 1 gray, 3 color, 4 CMYK or YCCK
        orientation: EXIF orientation, 1 to 8
        capture: when and by what it was taken
        scan_offset: where the first scan starts in the file
        metadata: (start, end) of each segment that does not change pixels
        profile: the embedded color profile, empty without
        announced: where the TIFF structure of the segment MPF begins, which tells of
            more pictures; None without one
        coding: marker of the frame header, which says how it is coded
        bits: a sample
    """

    width: int
    height: int
    components: int
    orientation: int
    capture: Capture
    scan_offset: int
    metadata: tuple[tuple[int, int], ...]
    profile: bytes
    announced: int | None
    coding: int
    bits: int

    @property
    def is_progressive(self) -> bool:
        return self.coding & 0x03 == 0x02

    @property
    def unusual_coding(self) -> str | None:
        """Names a coding or depth that few decoders read; None if it is usual."""
        if self.bits != 8:
            return f"a JPEG of {self.bits} bits a sample; convert it to PNG or TIFF"
        if self.coding in (0xC0, 0xC1, 0xC2):
            return None
        kind = {0xC3: "lossless", 0xC9: "arithmetic", 0xCA: "arithmetic"}
        kind[_JPEG_LS] = "JPEG-LS"
        named = kind.get(self.coding, "hierarchical or differential")
        return f"a JPEG of {named} coding; convert it to a common JPEG or PNG"


def read_header(data: bytes) -> JpegHeader | None:
    """Reads the marker segments before the first scan.

    Returns:
        the header, or None if the file ends or breaks before its first scan
    """
    position, exif = 2, b""
    frame: tuple[int, int, int, int, int] | None = None
    metadata: list[tuple[int, int]] = []
    profile: list[bytes] = []
    announced = None
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
            width, height, components, coding, bits = frame
            return JpegHeader(
                width=width,
                height=height,
                components=components,
                orientation=orientation_of(exif),
                capture=capture_of(exif),
                scan_offset=position,
                metadata=tuple(metadata),
                # In pieces that carry their number (ICC.1, annex B.4)
                profile=b"".join(piece[2:] for piece in sorted(profile)),
                announced=announced,
                coding=coding,
                bits=bits,
            )
        if marker in _START_OF_FRAME and len(body) >= 6:
            height, width = struct.unpack_from(">HH", body, 1)
            frame = width, height, body[5], marker, body[0]
        # Of two segments the first counts, as for Pillow and OpenCV
        if marker == _APP1 and body.startswith(b"Exif\0\0"):
            exif = exif or body[6:]
        if marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(body[12:])
        if marker == _APP2 and body.startswith(b"MPF\0"):
            announced = position + 8
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


def height_comes_later(data: bytes, header: JpegHeader) -> bool:
    """True if the height stands behind the first scan (T.81, B.2.5)."""
    return not header.height and _NUMBER_OF_LINES in data[header.scan_offset :]


def end_of_image(data: bytes, header: JpegHeader) -> int:
    """Returns where the picture's end marker is, -1 if nowhere."""
    return data.find(_END_OF_IMAGE, header.scan_offset)


def coded_content(data: bytes, header: JpegHeader) -> bytes:
    """Returns a SHA-256 of the file without its metadata segments.

    Files that differ in comments, EXIF or embedded profiles only are equal;
    the orientation counts, since it turns the picture.
    """
    digest = hashlib.sha256(b"jpeg%d" % header.orientation)
    # Megabytes, which need not be copied
    whole, position = memoryview(data), 0
    for start, end in header.metadata:
        digest.update(whole[position:start])
        position = end
    digest.update(whole[position:])
    return digest.digest()


def later_pictures(data: bytes, header: JpegHeader) -> LaterPictures:
    """Returns what follows the first picture, if the header announces pictures.

    A phone's motion photo has a video there, which no header needs to announce.
    """
    if header.announced is None and data.endswith(_END_OF_IMAGE):
        # Nearly all: they need not be searched for the end of their picture
        return LaterPictures(0, b"")
    rest = data[end_of_image(data, header) + 2 :]
    video = _MEDIA_BOX in rest
    if header.announced is None:
        return LaterPictures(video, rest if video else b"")
    return LaterPictures(video + _further_views(data, header, header.announced), rest)


def _further_views(data: bytes, header: JpegHeader, start: int) -> int:
    """Counts the pictures after the first that are no smaller version or map of it.

    The type of a picture is in the low 24 bits of the first number of its entry, its
    size and place, from ``start`` on, in the next two (CIPA DC-007, 5.2.3.3). Those
    from 0x020000 on are views of a panorama, a stereo pair or a scene; those of no
    type are maps of a phone, or pictures as large as the first.
    """
    tiff = data[start : header.scan_offset]
    for tag, _, field, order in directory(tiff):
        if tag == _PICTURE_ENTRIES:
            length, at = struct.unpack(order + "II", field)
            places = range(at, min(at + length, len(tiff) - 15), 16)
            count = 0
            for one in places[1:]:
                kind, size, place = struct.unpack_from(order + "III", tiff, one)
                picture = data[start + place : start + place + size]
                count += kind >> 16 & 0xFF == _A_VIEW
                count += not kind & 0xFFFFFF and _is_as_large(picture, header)
            return count
    return 0


def _is_as_large(picture: bytes, first: JpegHeader) -> bool:
    """True if a later picture may be one of its own, by its size and its words."""
    header = read_header(picture)
    if header is None or any(
        word in picture[: header.scan_offset] for word in _GAIN_MAPS
    ):
        return False
    return (header.width, header.height) == (first.width, first.height)
