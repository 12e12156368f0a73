"""Pictures in the App's forms and panels."""

from __future__ import annotations

from urllib.parse import quote

from ....core.reading.thumbnails import thumbnail
from ..runs.paths import thumbnails_folder


def thumbnail_url(path: str) -> str | None:
    """Returns where the App serves a small picture of a file.

    None for a file that cannot be read.
    """
    small = thumbnail(path, thumbnails_folder())
    return media_url(str(small)) if small else None


def media_url(path: str) -> str:
    """Returns where the App serves a file, on whatever address it runs."""
    return "/media?filepath=" + quote(path, safe="")
