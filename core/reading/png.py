"""The parts of a PNG file that Pillow does not tell."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE_BYTES = 8
_USUAL_GAMMA = struct.pack(">I", 45455)
_USUAL_CHROMATICITY = struct.pack(
    ">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000
)
"""Those of sRGB, which a PNG without either is taken for."""


class DamagedPngError(ValueError):
    """A chunk that makes the picture is damaged."""


@dataclass(frozen=True)
class PngHeader:
    """What stands beside the pixels.

    Attributes:
        bits: a sample
        is_gray: of one band
        is_apples: of the kind CgBI, which only Apple's decoder reads
        bits_in_use: as the chunk sBIT says
        color_space: what changes the colors that equal samples are shown in;
            embedded profiles aside
    """

    bits: int
    is_gray: bool
    is_apples: bool
    bits_in_use: int | None
    color_space: bytes


def read_png_header(data: bytes) -> PngHeader:
    """Reads the chunks before the pixels (PNG, third edition, 11)."""
    chunks: dict[bytes, bytes] = {}
    for name, body, _ in _chunks(data):
        if name == b"IDAT":
            break
        chunks[name] = bytes(body)
    head = chunks.get(b"IHDR", b"").ljust(13, b"\0")
    significant = chunks.get(b"sBIT", b"")
    return PngHeader(
        bits=head[8],
        is_gray=head[9] == 0,
        is_apples=b"CgBI" in chunks,
        bits_in_use=max(significant[:3], default=None),
        color_space=_color_space(chunks),
    )


def check_png_sums(data: bytes) -> None:
    """Raises if a chunk that makes the picture is damaged.

    Pillow checks no sum of the compressed pixels, and shows what it can make of
    damaged ones. Chunks of small letters, such as comments, may be damaged.

    Raises:
        DamagedPngError: a sum does not match
    """
    for name, body, stored in _chunks(data):
        if name[0] < ord("a") and zlib.crc32(body, zlib.crc32(name)) != stored:
            raise DamagedPngError("a checksum of the PNG does not match")
        if name == b"IEND":
            return


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yields name, content and checksum of each chunk that is whole."""
    view, place = memoryview(data), _SIGNATURE_BYTES
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        stop = place + 8 + length
        stored = int.from_bytes(data[stop : stop + 4], "big")
        yield data[place + 4 : place + 8], view[place + 8 : stop], stored
        place = stop + 4


def _color_space(chunks: dict[bytes, bytes]) -> bytes:
    """Returns the chunks that say another color space than sRGB, by rank."""
    if b"cICP" in chunks:
        return b"cICP" + chunks[b"cICP"]
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return b""
    gamma = chunks.get(b"gAMA", _USUAL_GAMMA)
    chromaticity = chunks.get(b"cHRM", _USUAL_CHROMATICITY)
    if (gamma, chromaticity) == (_USUAL_GAMMA, _USUAL_CHROMATICITY):
        return b""
    return b"gAMA" + gamma + chromaticity
