"""Small pictures of large files, kept so that a page of them comes quickly."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .decode import DEFAULT_MAX_MEGAPIXELS, WHOLE, DecodedImage, decode_image
from .files import ReadFailure, file_identity, first_bytes, read_file
from .formats import format_of

SIDE = 160
"""Longer side, in pixels."""

CROP_SIDE = 160
BOXES_SIDE = 320
"""Longer side, in pixels, of an object and of a picture with boxes."""

_AROUND, _AROUND_PIXELS = 0.3, 4
"""What is shown around an object, on each side: a share of it, and pixels at least."""

Draw = Callable[[DecodedImage], NDArray[np.uint8]]
Color = tuple[int, int, int]
_PLAIN: Color = (130, 200, 255)
_MARKED: Color = (255, 190, 0)

_QUALITY = 80
_LONGEST_START = 512
"""Bytes that tell the format of a picture."""


def thumbnail(path: str, folder: Path, side: int = SIDE) -> Path | None:
    """Returns a small JPEG of a picture, made if it is not there yet.

    Args:
        path: of the image
        folder: where thumbnails are kept; may be deleted at any time
        side: its longer side, in pixels, if the picture has as many

    Returns:
        None if the picture cannot be read, or the thumbnail not be written
    """
    what = "" if side == SIDE else f"side {side}"
    return _kept(path, what, folder, side, lambda image: image.fitted(side))


def crop_thumbnail(path: str, box: Sequence[float], folder: Path) -> Path | None:
    """Returns a small JPEG of an object, its box drawn, with what is around it.

    Args:
        path: of the image
        box: left, top, width and height as shares of the upright picture, above 0
        folder: see :func:`thumbnail`
    """

    def crop(image: DecodedImage) -> NDArray[np.uint8]:
        picture = image.upright()
        sides = np.array(picture.shape[1::-1])
        low, size = np.array(box[:2]) * sides, np.array(box[2:]) * sides
        margin = np.maximum(_AROUND * size, _AROUND_PIXELS)
        first = np.clip(np.rint(low - margin), 0, sides - 1).astype(int)
        last = np.clip(np.rint(low + size + margin), first + 1, sides).astype(int)
        part = picture[first[1] : last[1], first[0] : last[0]]
        scale = CROP_SIDE / max(part.shape[:2])
        shape = [max(1, round(scale * side)) for side in part.shape[1::-1]]
        small = cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
        place = (low - first) * scale, size * scale, _MARKED
        return _with_boxes(np.asarray(small, np.uint8), [place])

    return _kept(path, f"crop {list(box)}", folder, WHOLE, crop)


def boxes_thumbnail(
    path: str, boxes: Sequence[tuple[Sequence[float], bool]], folder: Path
) -> Path | None:
    """Returns a small JPEG of a picture with boxes drawn.

    Args:
        path: of the image
        boxes: left, top, width and height as shares of the upright picture, and
            whether the box is in doubt
        folder: see :func:`thumbnail`
    """

    def draw(image: DecodedImage) -> NDArray[np.uint8]:
        picture = image.fitted(BOXES_SIDE)
        sides = np.array(picture.shape[1::-1])
        # Those in doubt last, over the others
        shown = sorted(boxes, key=lambda one: one[1])
        return _with_boxes(
            picture,
            [
                (
                    np.array(box[:2]) * sides,
                    np.array(box[2:]) * sides,
                    _MARKED if doubt else _PLAIN,
                )
                for box, doubt in shown
            ],
        )

    what = repr([(list(box), doubt) for box, doubt in boxes])
    return _kept(path, f"boxes {what}", folder, BOXES_SIDE, draw)


def _with_boxes(
    picture: NDArray[np.uint8],
    boxes: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], Color]],
) -> NDArray[np.uint8]:
    """Draws boxes: their corners, sizes and colors, in pixels."""
    drawn: NDArray[np.uint8] = np.ascontiguousarray(picture).copy()
    for low, size, color in boxes:
        ends = [tuple(np.rint(end).astype(int).tolist()) for end in (low, low + size)]
        # Dark around the line: it shows on any ground
        cv2.rectangle(drawn, ends[0], ends[1], (0, 0, 0), 4)
        cv2.rectangle(drawn, ends[0], ends[1], color, 2)
    return drawn


def _kept(
    path: str,
    what: str,
    folder: Path,
    side: int,
    draw: Draw,
) -> Path | None:
    """Returns the JPEG of what is drawn of a picture, kept under the file's identity.

    Args:
        path: of the image
        what: is drawn; empty for the picture
        folder: of the JPEGs
        side: the largest square that is drawn of the picture
        draw: the drawing, in RGB
    """
    identity = file_identity(os.fsencode(path))
    if isinstance(identity, ReadFailure):
        return None
    small = place_of(identity.key + what.encode(), folder)
    if small.exists():
        return small
    # A video may be large, and was drawn when it was scanned
    if format_of(first_bytes(os.fsencode(path), _LONGEST_START)) is None:
        return None
    content = read_file(os.fsencode(path))
    if isinstance(content, ReadFailure):
        return None
    data = _drawn(content.data, side, draw)
    if data is None or not keep(data, small):
        return None
    return small


def place_of(key: bytes, folder: Path) -> Path:
    """Returns the file of what is drawn under a key."""
    return folder / f"{hashlib.sha256(key).hexdigest()[:32]}.winnow.jpg"


def keep(data: bytes, small: Path) -> bool:
    """Writes a JPEG; returns False where that cannot be, as on a full disk."""
    # A name of its own: two events of the panel may ask for one at the same time
    part = small.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        small.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(small)
    except OSError:
        return False
    return True


def small_jpeg(data: bytes) -> bytes | None:
    """Returns a small JPEG of a picture file's bytes; None if it cannot be read."""
    return _drawn(data, SIDE, lambda image: image.fitted(SIDE))


def _drawn(data: bytes, side: int, draw: Draw) -> bytes | None:
    image = decode_image(data, side=side, max_megapixels=DEFAULT_MAX_MEGAPIXELS)
    if isinstance(image, ReadFailure):
        return None
    bgr = cv2.cvtColor(draw(image), cv2.COLOR_RGB2BGR)
    _, small = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return small.tobytes()
