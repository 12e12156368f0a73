"""Pictures in the App's forms and panels."""

from __future__ import annotations

from urllib.parse import quote

from ...core.thumbnails import thumbnail
from .storage import thumbnails_folder


def thumbnail_url(path: str) -> str | None:
    """Returns where the App serves a small picture of a file.

    The address is relative: the App may run anywhere. None for a file that
    cannot be read.
    """
    small = thumbnail(path, thumbnails_folder())
    return small and f"/media?filepath={quote(str(small), safe='')}"
