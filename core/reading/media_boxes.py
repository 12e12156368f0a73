"""The parts of AVIF and JPEG 2000 files that Pillow does not tell."""

from __future__ import annotations

_USUAL_PRIMARIES = (1, 2)
_USUAL_TRANSFERS = (1, 2, 13)
"""Of sRGB, or not said (ITU-T H.273, tables 2 and 3)."""


def has_more_than_8_bits(data: bytes, format_name: str) -> bool:
    """True if samples have another depth than the 8 bits that Pillow hands out."""
    if format_name == "AVIF":
        # av1C: its third byte says high_bitdepth (AV1 in ISOBMFF, 2.3.3)
        return any(body[2:3] and body[2] & 0x40 for body in _bodies(data, b"av1C"))
    if format_name == "JPEG2000":
        return any(depth != 7 for depth in _depths(data))
    return False


def has_16_bits(data: bytes) -> bool:
    """True if all samples of a JPEG 2000 are unsigned numbers of 16 bits."""
    return set(_depths(data)) == {15}


def is_signed(data: bytes) -> bool:
    """True if all samples of a JPEG 2000 have a sign."""
    depths = _depths(data)
    return bool(depths) and all(depth & 0x80 for depth in depths)


def _depths(data: bytes) -> bytes:
    """Returns a byte a component: its bits less one, and in the highest its sign.

    SIZ (ITU-T T.800, A.5.1) has three bytes a component, the first its depth.
    """
    start = data.find(b"\xff\x4f\xff\x51") + 2
    count = int.from_bytes(data[start + 38 : start + 40], "big")
    return data[start + 40 : start + 40 + 3 * count : 3]


def color_space(data: bytes, format_name: str) -> bytes:
    """Returns the color boxes that say another color space than sRGB.

    Profiles that Pillow hands out may be among them.
    """
    if format_name not in ("AVIF", "JPEG2000"):
        return b""
    return b"".join(
        body for body in _bodies(data, b"colr") if not _is_usual(body, format_name)
    )


def _is_usual(body: bytes, format_name: str) -> bool:
    if format_name == "JPEG2000":
        # Method 1 names a color space; the decoder has applied it
        return body[:1] == b"\x01"
    primaries = int.from_bytes(body[4:6], "big")
    transfer = int.from_bytes(body[6:8], "big")
    return (
        body.startswith(b"nclx")
        and primaries in _USUAL_PRIMARIES
        and transfer in _USUAL_TRANSFERS
    )


def _bodies(data: bytes, name: bytes) -> list[bytes]:
    """Returns what the boxes of a name hold, wherever they lie.

    Coded data may hold the name by chance: two files are then taken for
    different that are not, never the other way round.
    """
    found = []
    place = data.find(name)
    while place >= 4:
        length = int.from_bytes(data[place - 4 : place], "big")
        found.append(data[place + 4 : place - 4 + length])
        place = data.find(name, place + 4)
    return found
