"""What Winnow keeps between runs: how much it is, and how to be rid of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..common.writable import expanded
from ..errors import CacheError

_KINDS = {
    "embeddings": r"(seen|[0-9a-f]{16}|(pixels|videos|frames)-\d+)/(keys|values)\.bin",
    "small pictures": r"thumbnails/[0-9a-f]{32}\.winnow\.jpg",
    "scans": r"runs/[0-9a-f]{24}-\w+-[0-9a-f]{8}\.npz",
}
"""Of each kind the only names that are taken for ours, in case somebody's own files
are in the folder."""

CLEARED = ("embeddings", "small pictures")
"""Kinds that are made again when they are needed. Without what a scan learned, its
thresholds could no longer be moved."""


@dataclass(frozen=True)
class CacheUse:
    """What one kind takes.

    Attributes:
        kind: of :data:`_KINDS`
        files: how many
        size: of all of them, in bytes
    """

    kind: str
    files: int
    size: int


def cache_folder() -> Path:
    """Returns the folder of embeddings: ``WINNOW_CACHE``, or a user's own.

    Data sets share it; it may be deleted at any time, at the cost of
    embedding again.
    """
    named = os.environ.get("WINNOW_CACHE")
    if named:
        return expanded(named)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expanded(base) / "winnow"


def cache_uses(folder: Path) -> list[CacheUse]:
    """Returns what each kind takes in a cache folder, which may be missing."""
    uses = []
    for kind in _KINDS:
        sizes = [path.stat().st_size for path in _files(folder, kind)]
        uses.append(CacheUse(kind, len(sizes), sum(sizes)))
    return uses


def clear_cache(folder: Path) -> int:
    """Deletes what can be made again, and returns how many bytes that freed.

    Raises:
        CacheError: a file cannot be deleted; what was deleted before stays so
    """
    freed = 0
    for kind in CLEARED:
        for path in _files(folder, kind):
            size = path.stat().st_size
            try:
                path.unlink()
            except OSError as error:
                raise CacheError(
                    f"{path} cannot be deleted: {error.strerror}. {freed:,} bytes "
                    "were freed before. Give yourself write permission there."
                ) from error
            freed += size
    return freed


def _files(folder: Path, kind: str) -> Iterator[Path]:
    for path in sorted(folder.glob("*/*")):
        if not re.fullmatch(_KINDS[kind], path.relative_to(folder).as_posix()):
            continue
        linked = path.is_symlink() or path.parent.is_symlink()
        if path.is_file() and not linked:
            yield path
