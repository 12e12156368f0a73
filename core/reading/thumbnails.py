"""Small pictures of large files, kept so that a page of them comes quickly."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import cv2

from .decode import DEFAULT_MAX_MEGAPIXELS, decode_image
from .files import ReadFailure, file_identity, read_file

SIDE = 160
"""Longer side, in pixels."""

_QUALITY = 80


def thumbnail(path: str, folder: Path) -> Path | None:
    """Returns a small JPEG of a picture, made if it is not there yet.

    Args:
        path: of the image
        folder: where thumbnails are kept; may be deleted at any time

    Returns:
        None if the picture cannot be read, or the thumbnail not be written
    """
    identity = file_identity(os.fsencode(path))
    if isinstance(identity, ReadFailure):
        return None
    small = folder / f"{hashlib.sha256(identity[0]).hexdigest()[:32]}.winnow.jpg"
    if small.exists():
        return small
    content = read_file(os.fsencode(path))
    if isinstance(content, ReadFailure):
        return None
    data = small_jpeg(content.data)
    if data is None:
        return None
    # A name of its own: two events of the panel may ask for one at the same time
    part = small.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(small)
    except OSError:
        # A full disk, say: the App then shows the picture itself
        return None
    return small


def small_jpeg(data: bytes) -> bytes | None:
    """Returns a small JPEG of a picture file's bytes; None if it cannot be read."""
    image = decode_image(data, side=SIDE, max_megapixels=DEFAULT_MAX_MEGAPIXELS)
    if isinstance(image, ReadFailure):
        return None
    bgr = cv2.cvtColor(image.fitted(SIDE), cv2.COLOR_RGB2BGR)
    _, small = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return small.tobytes()
