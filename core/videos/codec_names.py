"""The codec that a container names, for files of which no frame can be decoded."""

from __future__ import annotations

import re

from ..reading.files import first_bytes, last_bytes

_LOOKED_AT = 1 << 20
"""Bytes at either end of a file: what it holds is said in one of them."""

_NAMES = (
    # MP4 and MOV: the sample description of the first video track (ISO 14496-12, 8.5.2)
    re.compile(rb"vide.*?stsd.{12}([\x21-\x7e]{3}[\x20-\x7e])", re.DOTALL),
    # AVI: the compression of its BITMAPINFOHEADER
    re.compile(rb"vids.{4,256}?strf.{20}([\x21-\x7e]{3}[\x20-\x7e])", re.DOTALL),
    # Matroska and WebM: CodecID
    re.compile(rb"\x86.V_([A-Z0-9/_]{2,32})"),
)


def codec_of(path: bytes) -> str | None:
    """Returns the name of the codec of a file's first video stream, if it says one."""
    for data in (first_bytes(path, _LOOKED_AT), last_bytes(path, _LOOKED_AT)):
        for pattern in _NAMES:
            if found := pattern.search(data):
                return found[1].decode("ascii").strip()
    return None
