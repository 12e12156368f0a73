"""Damage inside a JPEG that still gives a picture.

A JPEG has no checksum. Two things tell damage: what the decoder warns of, and
how the file is built (ITU-T T.81, annexes B, F and G), at which a decoder does
not look twice.
"""

from __future__ import annotations

import re

import numpy as np

from .jpeg import JpegHeader, end_of_image

DAMAGES = (
    "coded data is missing",
    "coded data is left over",
    "a code that does not exist",
    "a restart marker is not where it belongs",
    "its scans do not fit together",
    "a marker that does not belong there",
    "zeros in place of coded data",
    "a part that its decoder cannot read",
    "it ends before its frames do",
    "a checksum that does not fit its data",
)
"""What may be wrong, in words; the last three of a TIFF or a video."""
NO_DAMAGE = -1
_INCOMPLETE, _ODD_MARKER, _ZEROS, UNREADABLE_PART, ENDS_EARLY = 4, 5, 6, 7, 8
WRONG_CHECKSUM = 9

_WARNINGS = (
    "premature end",
    "extraneous bytes",
    "bad (huffman|arithmetic) code",
    "found marker .* instead of rst",
    "inconsistent progression",
)
"""What libjpeg (jerror.h) says of the first ones."""

_HARMLESS = (
    "unknown adobe color transform",
    "unknown jfif revision",
    "invalid sos parameters for sequential",
    "bad icc marker",
)
"""Its other warnings, which say nothing of the pixels."""

_LEFT_OVER_AT_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_MOST_PADDING = 8
"""Bytes that encoders in hardware write to fill their last word, and that a decoder
reads ahead."""

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_NEAR, _PART = 2**18, 2**17
"""Bytes that are searched for a marker by its expression, and then at once by arrays,
as they stay in the cache: of a photograph of 12 megapixels the expression takes a
twentieth of the time of its decoding."""

_SOS, _DHT, _EOI = 0xDA, 0xC4, 0xD9
_SEQUENTIAL, _PROGRESSIVE = frozenset({0xC0, 0xC1, 0xC9}), frozenset({0xC2, 0xCA})
_FRAMES = _SEQUENTIAL | _PROGRESSIVE
_SEGMENTS = frozenset({_SOS, _DHT, 0xCC, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
"""What may follow a scan: tables, numbers of lines, applications' data, comments."""

_ALL_BANDS = (1 << 64) - 1
_ZERO_RUN = bytes(64)
"""Where zeros are the code of a coefficient, as many fill a block with it twice."""


def is_warning(said: str) -> bool:
    """True if these words of libjpeg come with a picture; it refuses with others."""
    return any(
        re.search(words, said, re.IGNORECASE) for words in (*_WARNINGS, *_HARMLESS)
    )


def damage_of_warning(warning: str, data: bytes, header: JpegHeader) -> int:
    """Returns the damage that the first warning of libjpeg stands for.

    Args:
        warning: its words
        data: the whole file
        header: of the file

    Returns:
        an index in :data:`DAMAGES`, or ``NO_DAMAGE``
    """
    for damage, words in enumerate(_WARNINGS):
        if re.search(words, warning, re.IGNORECASE):
            return NO_DAMAGE if _is_padding(warning, data, header) else damage
    return NO_DAMAGE


def _is_padding(warning: str, data: bytes, header: JpegHeader) -> bool:
    """True if what is left over at the end only fills up the file."""
    left_over = _LEFT_OVER_AT_END.search(warning)
    if not left_over:
        return False
    length, end = int(left_over[1]), end_of_image(data, header)
    if length <= _MOST_PADDING:
        return True
    last = data[max(0, end - length - 2 * _MOST_PADDING) : end]
    run = len(last) - len(last.rstrip(last[-1:]))
    # Where the run begins much earlier, a part of it was taken for code
    return length <= run <= length + _MOST_PADDING


def damage_of_scans(data: bytes) -> int:
    """Returns the damage that shows in how a JPEG is built.

    All that is between the scans must be segments that may be there, all bits of
    all coefficients must have come by the end, and a scan whose zeros are no code
    for "nothing more" holds no long run of them.

    Args:
        data: the whole file

    Returns:
        an index in :data:`DAMAGES`, or ``NO_DAMAGE``
    """
    zero_codes: dict[int, int] = {}
    missing: dict[int, int] = {}
    is_progressive = in_scan = holds_no_zeros = False
    position = 2
    while (place := _next_marker(data, position)) is not None:
        if holds_no_zeros and _has_zeros(data, position, place):
            return _ZEROS
        marker, start = data[place + 1], place + 2
        if marker == _EOI:
            return _INCOMPLETE if any(missing.values()) else NO_DAMAGE
        if in_scan and marker not in _SEGMENTS:
            return _ODD_MARKER
        position = start + int.from_bytes(data[start : start + 2], "big")
        body = data[start + 2 : position]
        holds_no_zeros = False
        if marker in _FRAMES:
            is_progressive = marker in _PROGRESSIVE
            missing = dict.fromkeys(body[6::3], _ALL_BANDS)
        elif marker == _DHT:
            zero_codes |= _zero_codes(body)
        elif marker == _SOS and len(body) >= 6:
            in_scan = True
            first, last, bits = body[-3:] if is_progressive else (0, 63, 0)
            bands = (1 << (last + 1)) - (1 << first) if not bits & 15 else 0
            for component in body[1:-3:2]:
                missing[component] = missing.get(component, 0) & ~bands
            # Not of the scans of means alone, nor of those that only add bits
            if last and not bits >> 4:
                codes = [zero_codes.get(tables & 15, 0) for tables in body[2:-3:2]]
                holds_no_zeros = any(code & 15 for code in codes)
    return _ODD_MARKER


def _next_marker(data: bytes, position: int) -> int | None:
    """Returns where the next marker begins; None without one."""
    if near := _MARKER.search(data, position, position + _NEAR):
        return near.start()
    every = np.frombuffer(data, np.uint8)
    # The last of these bytes may be the first of a marker
    for start in range(position + _NEAR - 1, len(data) - 1, _PART):
        part = every[start : start + _PART + 1]
        is_first = part[:-1] == 0xFF
        is_first &= part[1:] != 0
        if is_first.any() and (found := _MARKER.search(data, start, start + len(part))):
            return found.start()
    return None


def _has_zeros(data: bytes, start: int, end: int) -> bool:
    """True if there are many zeros before the end of a scan, which they may pad."""
    # Of eight bytes at a time every fourth lies in a run, which is quick to see
    words = np.frombuffer(data, np.uint64, (end - start) // 8, start)
    if words[::4].all():
        return False
    zeros = data.find(_ZERO_RUN, start, end)
    return zeros != -1 and bool(data[zeros:end].strip(b"\0"))


def _zero_codes(tables: bytes) -> dict[int, int]:
    """Returns what the code of zeros alone stands for in each AC table.

    It is the first one (T.81, C.2): run and size in four bits each; a size of 0
    says that nothing more comes.
    """
    codes, position = {}, 0
    while position + 17 < len(tables):
        kind = tables[position]
        if kind >> 4:
            codes[kind & 15] = tables[position + 17]
        position += 17 + sum(tables[position + 1 : position + 17])
    return codes
