"""The pixels of a JPEG, and whether it is damaged inside.

OpenCV prints what its decoder warns of where no one knows of which file. simplejpeg
(libjpeg-turbo, the same decoder) raises it, so that it belongs to its file.
"""

from __future__ import annotations

import contextlib

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from .jpeg import JpegHeader
from .jpeg_damage import NO_DAMAGE, damage_of_scans, damage_of_warning, is_warning

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
        :data:`core.reading.jpeg_damage.DAMAGES`, ``NO_DAMAGE`` for a whole picture
    """
    # It makes no RGB of CMYK, but tells whether that is damaged
    form = "RGB" if header.components in (1, 3) else "CMYK"
    # The smallest scale that gives these sides is 1 / reduction
    width, height = -(-header.width // reduction), -(-header.height // reduction)
    sides = {"min_width": width, "min_height": height}
    damage, pixels = NO_DAMAGE, None
    try:
        pixels = simplejpeg.decode_jpeg(data, form, **sides)
    except ValueError as error:
        said = str(error)
        damage = damage_of_warning(said, data, header)
        # It may refuse nevertheless: then Pillow reads it, or says why not. If it
        # refused before, it would now return memory that was never written
        if is_warning(said):
            with contextlib.suppress(ValueError):
                pixels = simplejpeg.decode_jpeg(data, form, **sides, strict=False)
    if damage == NO_DAMAGE:
        damage = damage_of_scans(data)
    return (pixels if form == "RGB" else None), damage
