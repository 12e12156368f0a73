"""Pictures in the App's forms and panels."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ....core.reading.thumbnails import boxes_thumbnail, crop_thumbnail, thumbnail
from ..runs.paths import thumbnails_folder


def thumbnail_url(path: str) -> str | None:
    """Returns where the App serves a small picture of a file.

    None for a file that cannot be read.
    """
    small = thumbnail(path, thumbnails_folder())
    return media_url(str(small)) if small else None


def object_url(path: str, box: Sequence[float]) -> str | None:
    """Returns where the App serves an object with its box and what is around it.

    Args:
        path: of the image
        box: left, top, width and height as shares of the picture

    Returns:
        None if the file cannot be read
    """
    small = crop_thumbnail(path, box, thumbnails_folder())
    return media_url(str(small)) if small else None


def boxes_url(path: str, boxes: Sequence[tuple[Sequence[float], bool]]) -> str | None:
    """Returns where the App serves a small picture with its boxes, likewise.

    Args:
        path: of the image
        boxes: as of an object, and whether each is in doubt
    """
    small = boxes_thumbnail(path, boxes, thumbnails_folder())
    return media_url(str(small)) if small else None


def media_url(path: str) -> str:
    """Returns where the App serves a file, on whatever address it runs."""
    return "/media?filepath=" + quote(path, safe="")
