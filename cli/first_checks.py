"""What would end a command later is said at once: nothing has been done by then."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

from core.common.writable import check_writable, expanded
from core.errors import InputError
from core.storage.cache import cache_folder

_CACHE_BYTES = 32_000_000
_CACHE_BYTES_AN_IMAGE = 8_000
_DATABASE_BYTES = 100_000_000
_JOURNAL_BYTES = 300_000_000
"""What mongod takes for its journal when it makes a new database."""
_OUT_BYTES = 5_000_000
_OUTPUTS = (
    "report.html report.md report.json findings.csv findings.jsonl objects.jsonl "
    "summary.json compare.jsonl"
)
"""All that the commands write into the folder of the findings."""


def check_home() -> None:
    """Raises :class:`InputError` if there is no home folder.

    FiftyOne would make one called ``~`` in the working folder.
    """
    expanded("~")


def check_machine(out: Path, images: int) -> None:
    """Checks the folders that a command writes into, but FiftyOne's own.

    Args:
        out: where the findings go
        images: how many there are

    Raises:
        InputError: one cannot be written
    """
    check_writable(
        out, "The folder of the findings", "Name another one: OUT=DIR.", _OUT_BYTES
    )
    for name in _OUTPUTS.split():
        place = out / name
        if place.is_dir() or (place.exists() and not os.access(place, os.W_OK)):
            raise InputError(
                f"'{place}' is a folder, or a file that you may not write, and the "
                "findings go there. Name another folder: OUT=DIR."
            )
    check_writable(
        cache_folder(),
        "The cache folder",
        "Set WINNOW_CACHE to a folder with space where you may write.",
        _CACHE_BYTES + images * _CACHE_BYTES_AN_IMAGE,
    )


def check_database_folder(fiftyone: ModuleType) -> None:
    """Checks the folder of FiftyOne's database, if FiftyOne runs one itself.

    Raises:
        InputError: it cannot be written
    """
    if fiftyone.config.database_uri or os.environ.get("FIFTYONE_DATABASE_URI"):
        return
    folder = Path(fiftyone.config.database_dir)
    check_writable(
        folder,
        "The folder of FiftyOne's database",
        "Set FIFTYONE_DATABASE_DIR to a folder with space where you may write.",
        _DATABASE_BYTES + (0 if (folder / "journal").exists() else _JOURNAL_BYTES),
    )
