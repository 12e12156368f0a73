"""A JPEG's pixels, and whether they are what was once coded.

A JPEG has no checksum. Its decoder shows what it can make of damaged data and
warns; OpenCV prints such warnings where no one knows whose they are. simplejpeg
(libjpeg-turbo, the same decoder) raises them instead, so they belong to a file.
"""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from .jpeg import JpegHeader, end_of_image

DAMAGES = (
    "coded data is missing",
    "coded data is left over",
    "a code that does not exist",
    "a restart marker is not where it belongs",
    "its scans do not fit together",
)
"""What may be wrong inside a JPEG that still gives a picture, in words."""
NO_DAMAGE = -1

_WARNINGS = (
    "premature end",
    "extraneous bytes",
    "bad (huffman|arithmetic) code",
    "instead of rst",
    "inconsistent progression",
)
"""What libjpeg (jerror.h) says of each. Its other warnings say nothing of the
pixels: an unknown Adobe marker or JFIF revision, odd parameters of a scan."""

_LEFT_OVER_AT_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_MOST_PADDING = 8
"""Bytes that encoders in hardware write to fill their last word."""

U8 = NDArray[np.uint8]


def decode_jpeg(
    data: bytes, header: JpegHeader, reduction: int
) -> tuple[U8 | None, int]:
    """Decodes a JPEG as stored (not turned upright).

    It frees the GIL, and gives the same pixels as OpenCV and Pillow.

    Args:
        data: the whole file
        header: of the file
        reduction: 1, 2, 4 or 8: how far libjpeg may shrink the picture

    Returns:
        uint8[h, w, 3], or None where this decoder shows nothing; and an index in
        :data:`DAMAGES`, ``NO_DAMAGE`` for a whole picture
    """
    # It makes no RGB of CMYK, but tells whether that is damaged
    form = "RGB" if header.components in (1, 3) else "CMYK"
    # The smallest scale that gives these sides is 1 / reduction
    width, height = -(-header.width // reduction), -(-header.height // reduction)
    damage = NO_DAMAGE
    try:
        pixels = simplejpeg.decode_jpeg(
            data, form, min_width=width, min_height=height
        )
    except ValueError as warning:
        damage = _damage(str(warning), data, header)
        try:
            pixels = simplejpeg.decode_jpeg(
                data, form, min_width=width, min_height=height, strict=False
            )
        except ValueError:
            return None, NO_DAMAGE
    return (pixels if form == "RGB" else None), damage


def _damage(warning: str, data: bytes, header: JpegHeader) -> int:
    """Returns the damage that the first warning of libjpeg stands for."""
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
    return length <= _MOST_PADDING or len(set(data[end - length : end])) == 1
