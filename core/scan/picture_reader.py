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

Source: TypeAlias = tuple[bytes, bytes | None]
"""The path of a file, or b"" and the content of a picture that a scan has made."""


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
        has_sources: any process on this machine can read the pictures
    """

    def __init__(
        self,
        paths: Sequence[bytes],
        max_megapixels: float,
        read_content: ReadContent = read_file,
        made: Callable[[int], bytes | None] = lambda _number: None,
    ) -> None:
        self._paths = paths
        self._read_content = read_content
        self._made = made
        self.max_megapixels = max_megapixels
        self.has_sources = read_content is read_file
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
        number = item - len(self._paths)
        if number < 0:
            return self._read(self._paths[item], side)
        content = self._made(number)
        return None if content is None else decoded_picture(content, side)

    def source(self, item: int) -> Source:
        """Returns from what any process on this machine reads a picture."""
        number = item - len(self._paths)
        if number >= 0:
            return b"", self._made(number)
        # A process has a working folder of its own; pathlib knows no bytes
        return os.path.abspath(self._paths[item]), None  # noqa: PTH100


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


def read_source(source: Source, side: int, max_megapixels: float) -> Picture:
    """Reads a picture as any process on this machine can.

    Args:
        source: of the picture
        side: longest side in pixels
        max_megapixels: of files, as for the scan
    """
    path, content = source
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
