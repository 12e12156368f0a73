"""What reads the pictures of a scan once more, in this process or in another."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..common.made_once import made_once
from ..copy_detection import PAGE_SIDE
from ..reading.decode import decode_image
from ..reading.files import ReadContent, ReadFailure, read_file

_KEPT = 24
"""Pictures of up to 8 MB that are kept in memory."""

Picture = NDArray[np.uint8] | None
ReadPicture = Callable[[int, int], Picture]
"""Item and longest side in pixels -> uint8[h, w, 3], upright; None if it cannot."""

Portable: TypeAlias = tuple[bytes, bytes | None] | None
"""From what any process on this machine reads a picture: the path of its file, and the
content of one that a scan has made, which has none; None if it cannot be read now."""


def no_picture(_item: int, _side: int) -> Picture:
    """Reads nothing."""
    return None


class PictureReader:
    """Reads the picture of an item; keeps the last ones.

    Args:
        paths: one an item
        max_megapixels: as for the scan
        read_content: what reads the file of a path
        made: returns the content of pictures that are made, counted after the paths
            and from 0 for it; None if one cannot be made now

    Attributes:
        max_megapixels: as given
        is_portable: any process on this machine can read the pictures
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        max_megapixels: float,
        read_content: ReadContent = read_file,
        made: Callable[[int], bytes | None] | None = None,
    ) -> None:
        self._paths = paths
        self._read_content = read_content
        self._made = made
        self.max_megapixels = max_megapixels
        self.is_portable = read_content is read_file
        # No method, which would hold this object: pictures go when it goes
        self._read = made_once(_KEPT)(
            partial(
                read_picture, max_megapixels=max_megapixels, read_content=read_content
            )
        )

    def with_made(self, made: Callable[[int], bytes | None]) -> PictureReader:
        """Returns what reads made pictures too."""
        return PictureReader(self._paths, self.max_megapixels, self._read_content, made)

    def __call__(self, item: int, side: int) -> Picture:
        if self._made is None or item < len(self._paths):
            return self._read(self._paths[item], side)
        content = self._made(item - len(self._paths))
        return None if content is None else decoded_picture(content, side)

    def portable(self, item: int) -> Portable:
        """Returns from what any process on this machine reads a picture."""
        if self._made is None or item < len(self._paths):
            # A process has a working folder of its own; pathlib knows no bytes
            return os.path.abspath(self._paths[item]), None  # noqa: PTH100
        content = self._made(item - len(self._paths))
        return None if content is None else (b"", content)


def read_picture(
    path: bytes,
    side: int,
    max_megapixels: float,
    read_content: ReadContent = read_file,
) -> Picture:
    """Reads the picture of a file.

    Args:
        path: of the file
        side: longest side in pixels
        max_megapixels: as for the scan
        read_content: what reads the file of a path

    Returns:
        uint8[h, w, 3], upright; None if it cannot
    """
    content = read_content(path)
    if isinstance(content, ReadFailure):
        return None
    return decoded_picture(content.data, side, max_megapixels)


def read_portable(given: Portable, side: int, max_megapixels: float) -> Picture:
    """Reads a picture as any process on this machine can.

    Args:
        given: see :meth:`PictureReader.portable`
        side: longest side in pixels
        max_megapixels: of files, as for the scan
    """
    if given is None:
        return None
    path, content = given
    if content is None:
        return read_picture(path, side, max_megapixels)
    return decoded_picture(content, side)


def decoded_picture(
    content: bytes, side: int, max_megapixels: float = np.inf
) -> Picture:
    """Returns the picture of a file's content, see :func:`read_picture`."""
    image = decode_image(
        content,
        side=side,
        max_megapixels=max_megapixels,
        digests=False,
        # A closer look at less than this finds fewer copies
        as_page=side == PAGE_SIDE,
    )
    return None if isinstance(image, ReadFailure) else image.fitted(side)
